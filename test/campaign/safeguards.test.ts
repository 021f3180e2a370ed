import { expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { createApprovalRows } from '../../db/approvals';
import { createDeliveryRows } from '../../db/deliveries';
import type { Tx } from '../../db/transaction';
import { createKeyring } from '../../platform/keys/keyring';
import { SAFEGUARDS, takeOut } from './safeguards';
import type { SafeguardName } from './safeguards';

const keyring = createKeyring([{ id: 'k1', key: randomBytes(32) }]);
const rows = { ...createApprovalRows(keyring), deliveries: createDeliveryRows(keyring) };

/** The text that the product sends for this. */
async function statementOf(send: (db: Tx) => Promise<unknown>): Promise<string> {
  const sent: string[] = [];
  const query = async (text: string) => (sent.push(text), { rows: [], rowCount: 0 });
  await send({ query } as unknown as Tx);
  return sent.join(';');
}

test.each<[SafeguardName, (db: Tx) => Promise<unknown>, RegExp]>([
  ['reconcile', (db) => rows.takeOverdue(db, 1), /where false\s+order by workflow_due_at limit/],
  ['row-lock', (db) => rows.lock(db, 'tenant', 'id'), /where a\.tenant_id = \$1 and a\.id = \$2 $/],
  ['webhook-reconcile', (db) => rows.deliveries.listOverdueTargets(db, 1), /\) overdue\s+where false order by random/],
])('%s is found in what the product sends, and taken out', async (name, send, expected) => {
  const statement = await statementOf(send);
  let rewrite: ((text: string) => string) | undefined;
  const met = takeOut(name, { rewrite: (change) => void (rewrite = change) });
  expect(rewrite!(statement)).toMatch(expected);
  expect(rewrite!('select 1')).toBe('select 1');
  expect(met()).toBe(1);
});

test('every safeguard has points at which a campaign without it fails', () => {
  for (const { points } of Object.values(SAFEGUARDS)) expect(points.length).toBeGreaterThan(1);
});
