import type { Approval } from '../../db/approvals';
import type { OneTouchFacts } from '../../db/oneTouch';
import { toOneTouchStatus } from '../../domain/oneTouch';
import { hexId } from '../../services/authyIds';
import type { OneTouches } from '../../services/oneTouch';
import { isId } from '../../services/text';
import type { Users } from '../../services/users';
import { findUser } from './ids';
import type { AuthyMounting } from './mount';
import { readQuestion } from './question';
import { AuthyRefusal, inWordsOf } from './refusals';

/** Push authentications: asking, and reading what became of it. */
export function oneTouchRoutes(
  { call }: AuthyMounting,
  { oneTouch, users }: { oneTouch: OneTouches; users: Users },
): void {
  call(
    'post',
    '/onetouch/:format/users/:authyId/approval_requests',
    async ({ tenant, parameters, params }) => {
      const { id: userId } = await findUser(users, tenant.id, params['authyId']);
      const { id: uuid } = await oneTouch.ask(tenant, { userId, ...readQuestion(parameters) });
      return { approval_request: { uuid }, message: 'Approval request was created.' };
    },
    // There are clients that look for the uuid before they look whether it was a success.
    { inErrors: { approval_request: { uuid: null } } },
  );

  call('get', '/onetouch/:format/approval_requests/:uuid', async ({ tenant, params: { uuid = '' } }) => {
    const notFound = new AuthyRefusal(60049, { message: `Approval request not found: ${uuid.slice(0, 100)}` });
    if (!isId(uuid)) throw notFound;
    const { approval, facts } = await oneTouch.find(tenant.id, uuid).catch(inWordsOf({ approval_not_found: notFound }));
    return { approval_request: toApprovalRequest(approval, facts, tenant.name) };
  });
}

/** The Authy API tells times without fractions. */
const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

function toApprovalRequest(approval: Approval, { appId, user }: OneTouchFacts, appName: string) {
  const { id, tenantId, createdAtMs, expiresAtMs, decidedAtMs, pushState } = approval;
  const status = toOneTouchStatus(approval.status);
  const isAnswered = status === 'approved' || status === 'denied';
  return {
    _app_name: appName,
    _app_serial_id: appId,
    _authy_id: user.authyId,
    _id: hexId('approval', id),
    _user_email: toAddress(user),
    app_id: hexId('app', tenantId),
    created_at: iso(createdAtMs),
    notified: pushState === 'sent',
    processed_at: isAnswered && decidedAtMs !== null ? iso(decidedAtMs) : null,
    seconds_to_expire: Math.round((expiresAtMs - createdAtMs) / 1_000),
    status,
    updated_at: iso(decidedAtMs ?? createdAtMs),
    user_id: hexId('user', user.id),
    uuid: id,
  };
}

/** Clients refuse the whole reply without an address that looks complete. */
const toAddress = ({ authyId, email }: OneTouchFacts['user']): string =>
  email !== null && /^[^\s@]+@[^\s@]+\.[^\s@.]{2,}$/.test(email) ? email : `user-${authyId}@users.invalid.example.com`;
