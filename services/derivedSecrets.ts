import type { Keyring } from '../platform/keys/keyring';

/**
 * Secrets that are derived from the id of a row, so that no database holds them: `<prefix>_<id>_<mac>`. Those of one
 * purpose are good for nothing else.
 */
export function createDerivedSecrets(keyring: Pick<Keyring, 'mac' | 'macMatches'>, prefix: string, purpose: string) {
  const shape = new RegExp(`^${prefix}_([\\da-f]{8}(?:-[\\da-f]{4}){3}-[\\da-f]{12})_([\\w-]{43})$`);
  return {
    /** The secret of a row; always the same. */
    of: (id: string): string => `${prefix}_${id}_${keyring.mac(purpose, id).toString('base64url')}`,

    /** The id of the row that a secret was derived from, under whatever master key; undefined for anything else. */
    idOf: (secret: string): string | undefined => {
      const [, id, mac] = shape.exec(secret) ?? [];
      if (!id || !keyring.macMatches(purpose, Buffer.from(mac!, 'base64url'), id)) return undefined;
      return id;
    },
  };
}
