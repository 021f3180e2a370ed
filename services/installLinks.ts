import type { Onboarding } from '../db/onboardings';
import type { User } from '../db/users';
import type { CodeChannel } from '../domain/code';
import type { Keyring } from '../platform/keys/keyring';

const SECRET = /^il_([\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12})_([\w-]{43})$/;

export interface InstallLinkDeps {
  keyring: Pick<Keyring, 'mac' | 'macMatches'>;
  publicUrl: () => string;
  /** Those with a provider. */
  channels: ReadonlySet<CodeChannel>;
}

/** Install links. Their secret is derived from the onboarding's id, and travels in the fragment, which browsers do not send. */
export function createInstallLinks({ keyring, publicUrl, channels }: InstallLinkDeps) {
  return {
    /** Whether a text message can bring the link: the tenant wants it, and there are a phone and a carrier. */
    canBeSent: ({ ownApp }: Pick<Onboarding, 'ownApp'>, user: Pick<User, 'phone'> | undefined): boolean =>
      !ownApp && channels.has('sms') && user !== undefined && user.phone !== null,

    /** Where a person without a device gets one. The same for the whole life of an onboarding. */
    linkOf({ id }: Pick<Onboarding, 'id'>): string {
      return `${publicUrl()}/install#il_${id}_${keyring.mac('install-link', id).toString('base64url')}`;
    },

    /** The id of the onboarding that a secret was derived from, or undefined for anything else. */
    idOf(secret: string): string | undefined {
      const [, id, mac] = SECRET.exec(secret) ?? [];
      if (!id || !keyring.macMatches('install-link', Buffer.from(mac!, 'base64url'), id)) return undefined;
      return id;
    },
  };
}
export type InstallLinks = ReturnType<typeof createInstallLinks>;
