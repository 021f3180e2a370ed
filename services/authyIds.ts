import { sha256 } from '../platform/keys/secret';

/** The 24 hex digits under which clients of the Authy API know something of ours: stable, and not the key of its row. */
export const hexId = (kind: 'app' | 'user' | 'approval', id: string): string =>
  sha256(`countersign/authy/${kind}/${id}`).toString('hex', 0, 12);
