import { toBuffer } from 'qrcode';
import { z } from 'zod';
import type { Keyring } from '../platform/keys/keyring';
import { UnsealError } from '../platform/keys/keyring';
import type { Totp } from './totp';

const LIFETIME_MS = 10 * 60_000;

/** What the address of a picture says, sealed: nobody else can make one, nor read whose it is. */
const Picture = z.object({
  tenantId: z.string(),
  userId: z.string(),
  secretId: z.string(),
  label: z.string(),
  size: z.number(),
  untilMs: z.number(),
});

export interface TotpPictureDeps {
  keyring: Pick<Keyring, 'encrypt' | 'decrypt'>;
  totp: Pick<Totp, 'createUnseen' | 'uriOf'>;
}

/** QR codes of secrets that are shown to people by their address alone, for ten minutes and until the first code. */
export function createTotpPictures({ keyring, totp }: TotpPictureDeps) {
  function open(token: string): z.infer<typeof Picture> | undefined {
    try {
      const text = keyring.decrypt(PURPOSE, Buffer.from(token, 'base64url'), PURPOSE).toString('utf8');
      const picture = Picture.parse(JSON.parse(text));
      return picture.untilMs > Date.now() ? picture : undefined;
    } catch (error) {
      if (error instanceof UnsealError) return undefined;
      throw error;
    }
  }

  return {
    /**
     * A new secret for an authenticator app, which lists it under this label; its picture is drawn for this token.
     * @param size in pixels
     * @throws user_not_found, method_enabled
     */
    async create(
      tenantId: string,
      userId: string,
      { label: wanted, size }: { label?: string | undefined; size: number },
    ): Promise<{ token: string; label: string; issuer: string }> {
      const { id: secretId, account, issuer } = await totp.createUnseen(tenantId, userId);
      const label = wanted ?? account;
      const untilMs = Date.now() + LIFETIME_MS;
      const picture: z.infer<typeof Picture> = { tenantId, userId, secretId, label, size, untilMs };
      const token = keyring.encrypt(PURPOSE, JSON.stringify(picture), PURPOSE).toString('base64url');
      return { token, label, issuer };
    },

    /** PNG; undefined when the token is none of ours, its time is over, or its secret is confirmed or replaced. */
    async draw(token: string): Promise<Buffer | undefined> {
      const picture = open(token);
      const uri = picture && (await totp.uriOf(picture));
      return uri === undefined ? undefined : toBuffer(uri, { type: 'png', width: picture!.size });
    },
  };
}

const PURPOSE = 'totp-picture';
