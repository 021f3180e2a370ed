import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EvidencePayload } from '../../domain/evidence';
import { verifyEvidence } from '../../sdk/evidence';
import type { Phone } from './evidenceExample';
import { answerOf, createExample, createPhone, digest } from './evidenceExample';

let example: Awaited<ReturnType<typeof createExample>>;
let second: Phone;
let stranger: Phone;

beforeAll(async () => {
  example = await createExample();
  second = await createPhone('device-2', 'user-2');
  stranger = await createPhone('device-3', 'user-3');
});

/** The names of the checks that failed. */
async function failures(jws: string, jwks = example.jwks): Promise<string[]> {
  const { valid, checks } = await verifyEvidence(jws, jwks);
  const failed = checks.filter(({ passed }) => !passed).map(({ name }) => name);
  expect(valid).toBe(failed.length === 0);
  return failed;
}

const decided = (evidence: EvidencePayload, status: EvidencePayload['approval']['status']): EvidencePayload => ({
  ...evidence,
  approval: { ...evidence.approval, status, decidedAt: status === 'pending' ? null : evidence.approval.expiresAt },
  events: [
    ...evidence.events.slice(0, 1),
    ...(status === 'pending'
      ? []
      : [{ number: 12, type: `approval_${status}` as const, at: evidence.approval.expiresAt, data: {} }]),
  ],
});

describe('good evidence passes every check', () => {
  test('approved by one person', async () => {
    const { checks, evidence } = await verifyEvidence(await example.seal(example.evidence), example.jwks);
    expect(checks.map(({ name, passed }) => [name, passed])).toEqual(
      [
        'seal',
        'format',
        'shown_digest',
        'answer_signatures',
        'device_registrations',
        'shown_text',
        'answer_contents',
        'answer_people',
        'device_times',
        'outcome',
        'reason',
        'events',
      ].map((name) => [name, true]),
    );
    expect(evidence).toEqual(example.evidence);
  });

  test('denied with a reason', async () => {
    const denied = decided(example.evidence, 'denied');
    const answers = [await answerOf(example.phone, denied, { decision: 'denied', reason: 'not_me' })];
    const evidence = { ...denied, approval: { ...denied.approval, reason: 'not_me' as const }, answers };
    expect(await failures(await example.seal(evidence))).toEqual([]);
  });

  test('approved by two of three, one of whom said no, on a phone that was removed afterwards', async () => {
    const [yes, no, late] = [example.phone, second, stranger];
    const evidence: EvidencePayload = {
      ...example.evidence,
      rule: { required: 2, approvers: ['user-1', 'user-2', 'user-3'] },
      devices: [yes.device, no.device, { ...late.device, removedAt: '2026-11-24T10:00:20.000Z' }],
      answers: [
        await answerOf(yes, example.evidence),
        await answerOf(no, example.evidence, { decision: 'denied', reason: 'other' }),
        await answerOf(late, example.evidence),
      ],
    };
    expect(await failures(await example.seal(evidence))).toEqual([]);
  });

  test.each(['pending', 'expired', 'cancelled'] as const)('%s without an answer', async (status) => {
    expect(await failures(await example.seal({ ...decided(example.evidence, status), answers: [] }))).toEqual([]);
  });

  test('an answer of somebody who was removed decides nothing', async () => {
    const answers = example.evidence.answers.map((answer) => ({ ...answer, countedAs: null }));
    const rule = { ...example.evidence.rule, withdrawn: [gone('user-1', 1)] };
    const evidence = { ...decided(example.evidence, 'cancelled'), answers, rule };
    expect(await failures(await example.seal(evidence))).toEqual([]);
  });

  test('denied by a veto, and denied because too few were left after a removal', async () => {
    const denied = decided(example.evidence, 'denied');
    const no = await answerOf(second, denied, { decision: 'denied' });
    const approvers = ['user-1', 'user-2', 'user-3'];
    const devices = [example.phone.device, second.device];
    const vetoed = { ...denied, devices, rule: { required: 1, approvers, veto: true }, answers: [no] };
    expect(await failures(await example.seal(vetoed))).toEqual([]);
    expect(await failures(await example.seal({ ...vetoed, rule: { ...vetoed.rule, veto: false } }))).toEqual([
      'outcome',
    ]);

    const withdrawn = [gone('user-1', 1)];
    const answers = [{ ...(await answerOf(example.phone, denied)), countedAs: null }, no];
    const left = { ...denied, devices, rule: { required: 2, approvers, withdrawn }, answers };
    expect(await failures(await example.seal(left))).toEqual([]);
    expect(await failures(await example.seal({ ...left, rule: { required: 2, approvers } }))).toEqual(['outcome']);
  });
});

describe('the seal', () => {
  test('refuses a change of any single byte', async () => {
    const good = await example.seal(example.evidence);
    for (let position = 0; position < good.length; position += 1) {
      const bytes = Buffer.from(good);
      bytes[position] = (bytes[position] ?? 0) ^ 1;
      if ((await failures(bytes.toString('latin1'))).length === 0) throw new Error(`byte ${position} does not matter`);
    }
  });

  test('refuses any other byte in any place, and any byte more or less', async () => {
    const good = await example.seal(example.evidence);
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), async (position, byte) => {
        const other = String.fromCharCode(byte);
        fc.pre(other !== good[position]);
        const [before, after] = [good.slice(0, position), good.slice(position + 1)];
        for (const changed of [before + other + after, before + after, before + other + good.slice(position)]) {
          expect(await failures(changed)).not.toEqual([]);
        }
      }),
    );
  });

  test('refuses another value of any field under the old signature', async () => {
    const good = await example.seal(example.evidence);
    const [header, , signature] = good.split('.');
    for (const [path, changed] of changedEverywhere(example.evidence)) {
      const payload = Buffer.from(JSON.stringify(changed)).toString('base64url');
      expect([path, await failures(`${header}.${payload}.${signature}`)]).toEqual([path, ['seal']]);
    }
  });

  test.each([
    [
      'another installation',
      async () => ({ keys: (await createExample()).jwks.keys.map((key) => ({ ...key, kid: 'other' })) }),
    ],
    ['nobody', async () => ({ keys: [] })],
    ['the right name with another key', async () => (await createExample()).jwks],
  ])('refuses the keys of %s', async (_, keys) => {
    expect(await failures(await example.seal(example.evidence), await keys())).toEqual(['seal']);
  });

  test('refuses what the installation signed for another purpose', async () => {
    const header = { alg: 'ES256', typ: 'JWT', kid: 'seal-1' };
    expect(await failures(await example.seal(example.evidence, header))).toEqual(['seal']);
  });

  test.each(['', 'a', 'a.b.c', '..', '{}', 'null'])('refuses %j', async (text) => {
    expect(await failures(text)).toEqual(['seal']);
  });

  test('refuses a version that it does not know, and half of the content', async () => {
    expect(await failures(await example.seal({ ...example.evidence, v: 2 }))).toEqual(['format']);
    for (const field of Object.keys(example.evidence)) {
      expect([field, await failures(await example.seal({ ...example.evidence, [field]: undefined }))]).toEqual([
        field,
        ['format'],
      ]);
    }
  });
});

/** Sealed by the installation all the same: what the checks find when the installation itself is wrong or lies. */
describe('content that does not agree is found under a good seal', () => {
  type Change = (evidence: EvidencePayload) => EvidencePayload | Promise<EvidencePayload>;
  const approval =
    (changes: Partial<EvidencePayload['approval']>): Change =>
    (evidence) => ({ ...evidence, approval: { ...evidence.approval, ...changes } });
  const answer =
    (changes: Partial<EvidencePayload['answers'][number]>): Change =>
    (evidence) => ({ ...evidence, answers: evidence.answers.map((one) => ({ ...one, ...changes })) });
  const device =
    (changes: Partial<EvidencePayload['devices'][number]>): Change =>
    (evidence) => ({ ...evidence, devices: evidence.devices.map((one) => ({ ...one, ...changes })) });
  const signedOtherwise =
    (...about: Parameters<typeof answerOf> extends [unknown, unknown, ...infer Rest] ? Rest : never): Change =>
    async (evidence) => ({ ...evidence, answers: [await answerOf(example.phone, evidence, ...about)] });
  const shownText =
    (changes: object): Change =>
    async (evidence) => {
      const shown = JSON.stringify({ ...(JSON.parse(evidence.shown) as object), ...changes });
      const changed = { ...evidence, shown, shownDigest: await digest(shown) };
      return { ...changed, answers: [await answerOf(example.phone, changed)] };
    };

  test.each<[string, Change, string[]]>([
    [
      'another text',
      (evidence) => ({ ...evidence, shown: evidence.shown.replace('Log in', 'Log 1n') }),
      ['shown_digest'],
    ],
    ['another digest', async (e) => ({ ...e, shownDigest: await digest('x') }), ['shown_digest', 'answer_contents']],
    ['text of another mode', shownText({ mode: 'transaction' }), ['shown_text']],
    ['text of another deadline', shownText({ expiresAt: '2026-11-24T10:06:00.000Z' }), ['shown_text']],
    ['text of another kind', shownText({ type: 'receipt' }), ['shown_text']],
    ['another approval', approval({ id: 'other' }), ['answer_contents']],
    ['another tenant', approval({ tenantId: 'other' }), ['answer_contents']],
    ['another nonce', approval({ nonce: 'other' }), ['answer_contents']],
    ['another mode', approval({ mode: 'transaction' }), ['shown_text', 'answer_contents']],
    ['an answer about another approval', signedOtherwise({ approvalId: 'other' }), ['answer_contents']],
    ['an answer to another text', signedOtherwise({ shownDigest: 'other' }), ['answer_contents']],
    ['an answer in the name of another device', signedOtherwise({ deviceId: 'other' }), ['answer_contents']],
    [
      'a no counted as yes',
      async (e) => answer({ countedAs: 'approved' })(await signedOtherwise({ decision: 'denied' })(e)),
      ['answer_contents'],
    ],
    ['another type of signed text', signedOtherwise({}, 'dpop+jwt'), ['answer_signatures', 'answer_contents']],
    [
      'an answer signed by a stranger',
      async (e) => ({ ...e, answers: [{ ...(await answerOf(stranger, e)), deviceId: 'device-1', userId: 'user-1' }] }),
      ['answer_signatures', 'answer_contents'],
    ],
    [
      'an answer of a person who was not asked',
      async (e) => ({ ...e, devices: [stranger.device], answers: [await answerOf(stranger, e)] }),
      ['answer_people', 'outcome'],
    ],
    ['a device of somebody else', device({ userId: 'user-2' }), ['answer_people']],
    [
      'a missing device',
      (e) => ({ ...e, devices: [] }),
      ['answer_signatures', 'answer_contents', 'answer_people', 'device_times'],
    ],
    ['another thumbprint', async (e) => device({ thumbprint: await digest('x') })(e), ['device_registrations']],
    ['a missing proof', device({ registrationProof: '' }), ['device_registrations']],
    [
      'the proof of another key',
      (e) => device({ registrationProof: second.device.registrationProof })(e),
      ['device_registrations'],
    ],
    [
      'the key of another device',
      (e) => device({ publicJwk: second.device.publicJwk, thumbprint: second.device.thumbprint })(e),
      ['device_registrations', 'answer_signatures', 'answer_contents'],
    ],
    ['a device registered later', device({ registeredAt: '2026-11-24T10:00:21.000Z' }), ['device_times']],
    ['a device removed before', device({ removedAt: '2026-11-24T10:00:19.000Z' }), ['device_times']],
    [
      'two approvals needed',
      (e) => ({ ...e, rule: { ...e.rule, required: 2, approvers: ['user-1', 'user-2'] } }),
      ['outcome'],
    ],
    [
      'an answer that counts, of somebody who was removed',
      (e) => withRule({ withdrawn: [gone('user-1', 1)] })(e),
      ['outcome'],
    ],
    [
      'an answer of somebody who was removed before',
      (e) => withRule({ withdrawn: [gone('user-1', 0)] })(e),
      ['outcome'],
    ],
    ['a removal of somebody else', (e) => withRule({ withdrawn: [gone('user-9', 0)] })(e), ['answer_people']],
    ['an approver who asked for it', (e) => withRule({ requestedBy: 'user-1' })(e), ['answer_people']],
    ['a late answer', answer({ receivedAt: '2026-11-24T10:05:00.000Z' }), ['outcome']],
    ['an early answer', answer({ receivedAt: '2026-11-24T09:59:59.000Z' }), ['outcome']],
    ['the same person twice', (e) => ({ ...e, answers: [...e.answers, ...e.answers] }), ['outcome']],
    ['an approval without answers', (e) => ({ ...e, answers: [] }), ['outcome']],
    ['an answer that does not count', answer({ countedAs: null }), ['outcome']],
    ['denied, but answered yes', (e) => decided(e, 'denied'), ['outcome', 'reason']],
    ['cancelled, but answered yes', (e) => decided(e, 'cancelled'), ['outcome']],
    [
      'expired too early',
      (e) => approval({ decidedAt: '2026-11-24T10:04:59.999Z' })({ ...decided(e, 'expired'), answers: [] }),
      ['outcome'],
    ],
    ['decided at no time', approval({ decidedAt: null }), ['outcome']],
    ['a reason without a denial', approval({ reason: 'not_me' }), ['reason']],
    ['events out of order', (e) => ({ ...e, events: e.events.map((one) => ({ ...one, number: 9 })) }), ['events']],
    ['no creation', (e) => ({ ...e, events: e.events.slice(1) }), ['events']],
    ['no outcome', (e) => ({ ...e, events: e.events.slice(0, 1) }), ['events']],
    [
      'two outcomes',
      (e) => ({ ...e, events: [...e.events, { number: 10, type: 'approval_denied', at: e.sealedAt, data: {} }] }),
      ['events'],
    ],
  ])('%s', async (_, change, expected) => {
    const failed = await failures(await example.seal(await change(example.evidence)));
    expect(failed.sort()).toEqual(expected.sort());
  });
});

const gone = (userId: string, afterAnswers: number) => ({ userId, at: '2026-11-24T10:00:20.000Z', afterAnswers });
const withRule = (rule: Partial<EvidencePayload['rule']>) => (e: EvidencePayload) => ({
  ...e,
  rule: { ...e.rule, ...rule },
});

/** The evidence with one leaf changed, for every leaf. */
function changedEverywhere(value: unknown, path = ''): [path: string, changed: unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value === 'x' ? 'y' : 'x']];
  return Object.entries(value).flatMap(([name, member]) =>
    changedEverywhere(member, `${path}/${name}`).map(([where, changed]): [string, unknown] => {
      const copy = structuredClone(value) as Record<string, unknown>;
      copy[name] = changed;
      return [where, copy];
    }),
  );
}
