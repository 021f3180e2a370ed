import { randomBytes, randomUUID } from 'node:crypto';
import { CODE_CHANNELS } from '../../domain/code';
import { createNotifications } from '../../db/notifications';
import { createPool } from '../../db/transaction';
import { createKeyring } from '../../platform/keys/keyring';
import { createServices } from '../../services/services';
import type { Services, ServicesDeps } from '../../services/services';
import type { Tenant } from '../../db/tenants';
import { createWebCryptoKey } from '../../sdk/device';
import { signCompactJws } from '../../sdk/sign';
import type { Approval } from '../../db/approvals';
import type { AnswerFaults, Phone } from './signing';
import { registration } from './signing';

export interface Bench {
  services: Services;
  pool: ReturnType<typeof createPool>;
  tenant: Tenant;
  /** Every outcome that was announced. */
  outcomes: string[];
  addUser(devices: number): Promise<{ id: string; phones: Phone[] }>;
  /** Of one person, or of several. */
  ask(whom: string | readonly string[], request?: object): Promise<Approval>;
  close(): Promise<void>;
}

export interface BenchOptions {
  poolSize?: number;
  onStatement?: () => void;
  outgoing?: Partial<ServicesDeps['outgoing']>;
  onWebhookAttempt?: NonNullable<ServicesDeps['onWebhookAttempt']>;
}

const NOTHING_GOES_OUT: ServicesDeps['outgoing'] = {
  post: () => Promise.reject(new Error('nothing goes out here')),
  get: () => Promise.reject(new Error('nothing goes out here')),
};
const nothingKept = async () => {};

/** The services on a database, without HTTP and without Temporal: as close as many callers can get to the rows at once. */
export async function createBench(
  databaseUrl: string,
  { poolSize = 40, onStatement = () => {}, outgoing = {}, onWebhookAttempt }: BenchOptions = {},
): Promise<Bench> {
  const pool = createPool(databaseUrl, { size: poolSize });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => {
      onStatement();
      return query(...args);
    }) as typeof client.query;
  });
  const notifications = createNotifications(databaseUrl);
  const outcomes: string[] = [];
  const services = createServices({
    pool,
    keyring: createKeyring([{ id: 'k1', key: randomBytes(32) }]),
    notifications,
    temporal: () => undefined,
    approvalsQueue: 'nobody',
    issuer: () => 'http://127.0.0.1',
    requireUrl: () => {},
    codeChannels: new Set(CODE_CHANNELS),
    outgoing: { ...NOTHING_GOES_OUT, ...outgoing },
    ...(onWebhookAttempt && { onWebhookAttempt }),
    onOutcome: (outcome) => void outcomes.push(outcome),
  });
  const { tenant } = (await services.tenants.create(`bench ${randomUUID()}`))!;

  return {
    services,
    pool,
    tenant,
    outcomes,
    async addUser(devices) {
      const { id } = await services.users.create(tenant.id, { externalId: randomUUID() }, nothingKept);
      const phones: Phone[] = [];
      for (let i = 0; i < devices; i++) {
        const key = await createWebCryptoKey();
        const { registrationToken } = await services.devices.createToken(tenant.id, id, nothingKept);
        const request = (await registration(registrationToken, { key })) as never;
        phones.push({ id: (await services.devices.register(request)).id, key, device: undefined as never });
      }
      return { id, phones };
    },
    ask: (whom, request = {}) =>
      services.approvals.create(
        tenant,
        {
          ...(typeof whom === 'string' ? { userId: whom } : { approvers: [...whom] }),
          veto: false,
          mode: 'transaction',
          title: 'May they?',
          details: [],
          expiresInSeconds: 300,
          push: 'none',
          callbackUrl: 'https://example.com/callback',
          ...request,
        },
        nothingKept,
      ),
    async close() {
      await notifications.close();
      await pool.end();
    },
  };
}

/** A signed answer to an approval as the rows have it. */
export const signFor = (approval: Approval, phone: Phone, decision: string, { claims = {} }: AnswerFaults = {}) =>
  signCompactJws(
    phone.key,
    { typ: 'countersign-answer+jwt', kid: phone.id },
    {
      v: 1,
      mode: approval.mode,
      tenantId: approval.tenantId,
      approvalId: approval.id,
      decision,
      shownDigest: approval.shownDigest,
      nonce: approval.nonce,
      deviceId: phone.id,
      at: new Date().toISOString(),
      ...claims,
    },
  );
