import type { User } from '../../db/users';
import { sha256 } from '../../platform/keys/secret';
import type { Users } from '../../services/users';
import { AuthyRefusal } from './refusals';

/** Clients read ids as signed 32-bit integers. */
const MOST = 2 ** 31 - 1;

/** The 24 hex digits under which something of ours is known: stable, and not the key of its row. */
export const hexId = (kind: 'app' | 'user' | 'approval' | 'event' | 'device', id: string): string =>
  sha256(`countersign/authy/${kind}/${id}`).toString('hex', 0, 12);

/** An integer id as it stands in a path or a parameter; undefined where there can be none such. */
export function readId(text: string | undefined): number | undefined {
  const id = text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  return id >= 1 && id <= MOST ? id : undefined;
}

/** The user with this Authy id. @throws AuthyRefusal 60026 */
export async function findUser(
  users: Pick<Users, 'findByAuthyId'>,
  tenantId: string,
  id: string | undefined,
): Promise<User> {
  const authyId = readId(id);
  const user = authyId === undefined ? undefined : await users.findByAuthyId(tenantId, authyId);
  if (!user) throw new AuthyRefusal(60026);
  return user;
}
