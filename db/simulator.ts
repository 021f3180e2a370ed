import type { PushSubject } from '../domain/approval';
import type { CodeChannel } from '../domain/code';
import type { Keyring } from '../platform/keys/keyring';
import type { Queryable } from './transaction';

/** What a simulated phone or mailbox received: a push is about an approval or asks for digits, everything else has a text. */
export type SimulatedMessage = { id: string; tenantId: string } & (
  | { kind: 'push'; deviceId: string; approvalId: string | null; about: PushSubject; to: null; text: null }
  | { kind: CodeChannel; deviceId: null; approvalId: null; about: null; to: string; text: string }
);

interface Row {
  id: string;
  kind: SimulatedMessage['kind'];
  device_id: string | null;
  approval_id: string | null;
  about: PushSubject | null;
  recipient: Buffer | null;
  text: Buffer | null;
  at: Date;
}

/** The phones and mailboxes of the development stack. Numbers, addresses and texts are sealed like everything personal. */
export function createSimulatorRows(keyring: Keyring) {
  const seal = (text: string | null, id: string) => (text === null ? null : keyring.encrypt('simulator', text, id));
  const open = (sealed: Buffer | null, id: string) =>
    sealed && keyring.decrypt('simulator', sealed, id).toString('utf8');

  return {
    /** Delivers a message to a simulated phone; the same id again is dropped, as a provider would. */
    async insert(db: Queryable, message: SimulatedMessage): Promise<void> {
      const { id, tenantId, kind, deviceId, approvalId, about, to, text } = message;
      await db.query(
        `insert into simulator_messages (id, tenant_id, kind, device_id, approval_id, about, recipient, text)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (id) do nothing`,
        [id, tenantId, kind, deviceId, approvalId, about, seal(to, id), seal(text, id)],
      );
    },

    /** The newest hundred messages of a tenant. */
    async list(db: Queryable, tenantId: string): Promise<(SimulatedMessage & { at: Date })[]> {
      const { rows } = await db.query<Row>(
        `select * from simulator_messages where tenant_id = $1 order by at desc limit 100`,
        [tenantId],
      );
      return rows.map(
        (row) =>
          ({
            id: row.id,
            tenantId,
            kind: row.kind,
            deviceId: row.device_id,
            approvalId: row.approval_id,
            about: row.about,
            to: open(row.recipient, row.id),
            text: open(row.text, row.id),
            at: row.at,
          }) as SimulatedMessage & { at: Date }, // simulator_messages_push_or_text
      );
    },
  };
}
export type SimulatorRows = ReturnType<typeof createSimulatorRows>;
