import type { User } from '../../db/users';
import { readAuthyId } from '../../domain/authyId';
import type { Users } from '../../services/users';
import { AuthyRefusal } from './refusals';

/** A message as feedback names it: the verification that it belongs to, spelled as such ids are. */
export const messageId = (verificationId: string): string => `SM${verificationId.replaceAll('-', '')}`;

/** The verification whose message this is; undefined where there can be none such. */
export function readMessageId(text: string | undefined): string | undefined {
  const parts = /^SM([\da-f]{8})([\da-f]{4})([\da-f]{4})([\da-f]{4})([\da-f]{12})$/.exec(text ?? '');
  return parts?.slice(1).join('-');
}

/** The user with this Authy id. @throws AuthyRefusal 60026 */
export async function findUser(
  users: Pick<Users, 'findByAuthyId'>,
  tenantId: string,
  id: string | undefined,
): Promise<User> {
  const authyId = readAuthyId(id);
  const user = authyId === undefined ? undefined : await users.findByAuthyId(tenantId, authyId);
  if (!user) throw new AuthyRefusal(60026);
  return user;
}
