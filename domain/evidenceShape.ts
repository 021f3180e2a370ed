import { DECISIONS, MODES, REASONS, STATUSES } from './approval';
import type { EvidenceAnswer, EvidenceDevice, EvidenceEvent, EvidencePayload, EvidenceWithdrawal } from './evidence';
import { EVIDENCE_VERSION } from './evidence';
import { EVENT_TYPES } from './event';

type Test = (value: unknown) => boolean;

/** A test for each field: a new field does not compile until it has one. Unknown fields are ignored. */
function object<T>(fields: { [K in keyof Required<T>]: Test }): Test {
  const tests = Object.entries<Test>(fields);
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    tests.every(([name, test]) => test((value as Record<string, unknown>)[name]));
}

const text: Test = (value) => typeof value === 'string';
const count: Test = (value) => Number.isSafeInteger(value) && Number(value) > 0;
const instant: Test = (value) => typeof value === 'string' && /Z$/.test(value) && !Number.isNaN(Date.parse(value));
const digest: Test = (value) => typeof value === 'string' && /^[\w-]{43}$/.test(value);
const anyObject: Test = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const oneOf =
  (allowed: readonly unknown[]): Test =>
  (value) =>
    allowed.includes(value);
const orNull =
  (test: Test): Test =>
  (value) =>
    value === null || test(value);
const optional =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);
const list =
  (test: Test): Test =>
  (value) =>
    Array.isArray(value) && value.every(test);

const evidence = object<EvidencePayload>({
  v: oneOf([EVIDENCE_VERSION]),
  issuer: text,
  sealedAt: instant,
  approval: object<EvidencePayload['approval']>({
    id: text,
    tenantId: text,
    mode: oneOf(MODES),
    status: oneOf(STATUSES),
    reason: orNull(oneOf(REASONS)),
    nonce: text,
    createdAt: instant,
    expiresAt: instant,
    decidedAt: orNull(instant),
  }),
  rule: object<EvidencePayload['rule']>({
    required: count,
    approvers: list(text),
    veto: optional(oneOf([true, false])),
    requestedBy: optional(orNull(text)),
    withdrawn: optional(
      list(
        object<EvidenceWithdrawal>({ userId: text, at: instant, afterAnswers: (value) => value === 0 || count(value) }),
      ),
    ),
  }),
  shown: text,
  shownDigest: digest,
  hiddenDetailsDigest: optional(digest),
  answers: list(
    object<EvidenceAnswer>({
      jws: text,
      deviceId: text,
      userId: text,
      receivedAt: instant,
      countedAs: orNull(oneOf(DECISIONS)),
    }),
  ),
  devices: list(
    object<EvidenceDevice>({
      id: text,
      userId: text,
      publicJwk: object<EvidenceDevice['publicJwk']>({
        kty: oneOf(['EC']),
        crv: oneOf(['P-256']),
        x: digest,
        y: digest,
      }),
      thumbprint: digest,
      name: text,
      platform: text,
      registeredAt: instant,
      removedAt: orNull(instant),
      registrationProof: text,
    }),
  ),
  events: list(object<EvidenceEvent>({ number: count, type: oneOf(EVENT_TYPES), at: instant, data: anyObject })),
});

/** True for the payload of evidence in the version that this program knows. */
export function isEvidence(value: unknown): value is EvidencePayload {
  return evidence(value);
}
