import type { Onboarding } from '../db/onboardings';
import type { User } from '../db/users';
import type { CodeChannel } from '../domain/code';
import type { Keyring } from '../platform/keys/keyring';
import { createDerivedSecrets } from './derivedSecrets';

export interface InstallLinkDeps {
  keyring: Pick<Keyring, 'mac' | 'macMatches'>;
  publicUrl: () => string;
  /** Those with a provider. */
  channels: ReadonlySet<CodeChannel>;
}

/** Install links. Their secret is derived from the onboarding's id, and travels in the fragment, which browsers do not send. */
export function createInstallLinks({ keyring, publicUrl, channels }: InstallLinkDeps) {
  const secrets = createDerivedSecrets(keyring, 'il', 'install-link');
  return {
    /** Whether a text message can bring the link: the tenant wants it, and there are a phone and a carrier. */
    canBeSent: ({ ownApp }: Pick<Onboarding, 'ownApp'>, user: Pick<User, 'phone'> | undefined): boolean =>
      !ownApp && channels.has('sms') && user !== undefined && user.phone !== null,

    /** Where a person without a device gets one. The same for the whole life of an onboarding. */
    linkOf: ({ id }: Pick<Onboarding, 'id'>): string => `${publicUrl()}/install#${secrets.of(id)}`,

    /** The id of the onboarding that a secret was derived from, or undefined for anything else. */
    idOf: secrets.idOf,
  };
}
export type InstallLinks = ReturnType<typeof createInstallLinks>;
