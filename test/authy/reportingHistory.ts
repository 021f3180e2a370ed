import { randomUUID } from 'node:crypto';
import { startAuthy } from '../support/authy';
import { putEvents } from '../support/events';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const START = Date.parse('2026-03-01T12:00:00Z');

/** The names of what `startReporting` puts there, newest first. `totp_token_sent` is told of text messages only. */
export const ALL = [
  'totp_token_sent',
  'one_touch_request_responded',
  'one_touch_request_responded',
  'user_added',
  'token_verified',
  'totp_token_sent_via_call',
  'totp_token_sent',
  'device_registration_completed',
  'user_added',
];

/** A program whose tenant has two users, and a few days of March 2026 behind it. */
export async function startReporting() {
  const { program, authy } = await startAuthy();
  const device = randomUUID();
  const approvals = [randomUUID(), randomUUID()];
  const addUser = async (phone: string): Promise<{ id: string; authyId: number }> =>
    (await program.call('POST', '/v1/users', { phone })).body;
  const anna = await addUser('+4915112345678');
  const bert = await addUser('+14155550123');
  // Their history, instead of what has just been recorded.
  await program.pool.query('delete from events where tenant_id = $1', [program.tenant.id]);
  await program.pool.query(
    `insert into approvals (id, tenant_id, mode, required, status, shown, shown_digest, nonce, push_by, created_at,
                            expires_at, decided_at)
     select id, $2, 'login', 1, 'approved', '', '', '', 'none', $3::timestamptz, $3::timestamptz + interval '2 minutes', $3
       from unnest($1::uuid[]) id`,
    [approvals, program.tenant.id, new Date(START)],
  );
  await program.pool.query(
    `insert into approvers (approval_id, user_id, tenant_id, position)
     select id, $2, $3, 1 from unnest($1::uuid[]) id`,
    [approvals, bert.id, program.tenant.id],
  );
  await program.pool.query(
    `insert into devices (id, tenant_id, user_id, name, platform, public_jwk, thumbprint, registration_proof)
     values ($1, $2, $3, 'Phone', 'android', '{}', 'thumbprint', '')`,
    [device, program.tenant.id, bert.id],
  );
  await program.pool.query(
    `insert into answers (approval_id, user_id, tenant_id, device_id, decision, jws, received_at, position)
     values ($1, $2, $3, $4, 'approved', '', $5, 1)`,
    [approvals[0], bert.id, program.tenant.id, device, new Date(START)],
  );
  const at = (days: number, minutes = 0) => new Date(START + days * DAY + minutes * MINUTE);
  await putEvents(program.pool, program.tenant.id, [
    { type: 'user_created', at: at(0), userId: anna.id },
    { type: 'device_registered', at: at(0, 1), userId: anna.id, deviceId: device },
    { type: 'device_registration_complete', at: at(0, 1), userId: anna.id },
    { type: 'code_sent', at: at(1), userId: anna.id, data: { channel: 'sms' } },
    { type: 'code_sent', at: at(1, 1), userId: anna.id, data: { channel: 'voice' } },
    { type: 'code_accepted', at: at(1, 2), userId: anna.id, data: { channel: 'voice' } },
    { type: 'user_created', at: at(3), userId: bert.id },
    { type: 'approval_created', at: at(3, 1), userId: bert.id, approvalId: approvals[0]! },
    { type: 'approval_approved', at: at(3, 2), approvalId: approvals[0]! },
    // A confirmation, of which the Authy API knows nothing.
    { type: 'approval_approved', at: at(3, 3), approvalId: approvals[1]!, onboardingId: randomUUID() },
    { type: 'approval_denied', at: at(4), approvalId: approvals[1]! },
    { type: 'code_sent', at: at(4, 1), userId: bert.id, data: { channel: 'sms' } },
  ]);

  return {
    program,
    anna,
    bert,
    approvals,
    /** A call of the reporting API, with the tenant's key or another one. */
    report: (path: string, query: Record<string, string> = {}, key?: string) =>
      authy('GET', `/protected/json/reporting/${path}`, { query, ...(key !== undefined && { key }) }),
  };
}
