import { z } from 'zod';
import { MOST_AUTHY_ID } from '../domain/authyId';

/** No parameters, no query or no body: unknown fields are refused. */
export const nothing = z.strictObject({});

/** A reply without a body. */
export const noReply = z.void();

// C0 and C1 controls but for tab and line feed, and the marks that turn the direction of text: they forge displays.
// eslint-disable-next-line no-control-regex -- these are what is looked for
const FORGING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\p{Bidi_Control}]/u;

/** An id of ours. Spelled in one way from here on: topics and workflow ids are compared as text. */
export const id = z.uuid().toLowerCase();

/** Text that is shown to people: well-formed, without control characters or marks of direction. Length in UTF-16 units. */
export const shownText = (least: number, most: number) =>
  z
    .string()
    .min(least)
    .max(most)
    .refine((text) => text.isWellFormed(), 'holds half a character (a lone surrogate)')
    .refine((text) => !FORGING.test(text), 'holds a control character');

/** An id of the Authy API, of which clients write digits or a number. */
export const authyId = z.coerce.number().int().positive().max(MOST_AUTHY_ID);

/** An identifier of the tenant's own. */
export const externalId = shownText(1, 128);

export const instant = z.iso.datetime({ offset: true });

/** How long to wait for a change, in seconds: a long poll. */
export const waitSeconds = z.coerce.number().int().min(0).max(30).optional();

/** Any JSON value. Registered in place: `meta` makes a copy, and the recursion inside would still mean the original. */
export const anyJson = z.json().register(z.globalRegistry, { id: 'Json' });

export const pageSize = z.coerce.number().int().min(1).max(100).default(20);

export const cursor = z
  .string()
  .regex(/^[\w-]{1,200}$/)
  .optional()
  .describe('`nextCursor` of the page before');

export const jws = z
  .string()
  .max(4_096)
  .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/, 'not a compact JWS');

/** The public half of a P-256 key (RFC 7517). */
export const publicJwk = z
  .strictObject({
    kty: z.literal('EC'),
    crv: z.literal('P-256'),
    x: z.string().regex(/^[\w-]{43}$/),
    y: z.string().regex(/^[\w-]{43}$/),
  })
  .meta({ id: 'PublicJwk' });
export type PublicJwk = z.output<typeof publicJwk>;

/** With it one device registers. */
export const RegistrationToken = z.strictObject({ registrationToken: z.string(), expiresAt: instant });
