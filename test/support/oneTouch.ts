import { expect } from '@jest/globals';
import { createApprovalRows } from '../../db/approvals';
import { createKeyring } from '../../platform/keys/keyring';
import { startAuthy } from './authy';
import type { AuthyRequest } from './authy';
import type { RawReply } from './http';
import { addUser } from './phone';
import { callerOf } from './program';

/** A program with an Authy client that asks one person, who has a phone. */
export async function startOneTouch(options: Parameters<typeof startAuthy>[0] = {}) {
  const app = await startAuthy(options);
  const rows = createApprovalRows(createKeyring(app.config.masterKeys));

  /** A person of a tenant, and the integer that clients know it by. */
  async function addPerson({ devices = 1, apiKey = app.tenant.apiKey } = {}) {
    const call = callerOf(app.url, apiKey);
    const user = await addUser({ url: app.url, call }, { devices });
    return { user, authyId: (await call('GET', `/v1/users/${user.id}`)).body.authyId as number };
  }
  // The same person is asked by every test.
  const limit = (most: number) => app.pool.query('update tenants set most_unapproved = $1', [most]);
  await limit(10_000);
  const person = await addPerson();

  const pathOf = (authyId: number | string = person.authyId) => `/onetouch/json/users/${authyId}/approval_requests`;
  const create = (request: AuthyRequest, authyId?: number | string) => app.authy('POST', pathOf(authyId), request);

  return {
    ...app,
    ...person,
    addPerson,
    pathOf,
    /** How many questions one person may have that are not approved. */
    limit,
    /** Asks the person, or another. */
    create,
    /** The same, well; answers the uuid. */
    async ask(request: AuthyRequest, authyId?: number): Promise<string> {
      const reply = await create(request, authyId);
      expect(reply).toMatchObject({ status: 200, body: { success: true } });
      return uuidOf(reply);
    },
    read: (uuid: string) => app.authy('GET', `/onetouch/json/approval_requests/${uuid}`),
    /** As /v1 knows it. */
    readNative: async (uuid: string) => (await app.call('GET', `/v1/approvals/${uuid}`)).body,
    /** What is kept of it for its callback. */
    readKept: async (uuid: string) => (await rows.find(app.pool, app.tenant.id, uuid))!.oneTouch,
    /** What the phone shows. */
    inbox: async (of = person.user) => (await of.phone.inbox()).approvals,
  };
}
export type OneTouchApp = Awaited<ReturnType<typeof startOneTouch>>;

export const uuidOf = (reply: RawReply): string => reply.body.approval_request.uuid as string;

let count = 0;
/** A message that was not sent before: an equal one would be a repeat. */
export const message = (): string => `Log in? ${++count}`;
