import { expect, test } from '@jest/globals';
import { requireAnswerTo } from '../../domain/answer';
import type { AnswerClaims } from '../../domain/answer';
import { DomainError } from '../../domain/errors';

const subject = { id: 'a1', tenantId: 't1', mode: 'login', shownDigest: 'digest', nonce: 'nonce' } as const;
const claims: AnswerClaims = {
  v: 1,
  mode: 'login',
  tenantId: 't1',
  approvalId: 'a1',
  decision: 'denied',
  reason: 'not_me',
  shownDigest: 'digest',
  nonce: 'nonce',
  deviceId: 'd1',
  at: '1999-12-31T00:00:00Z', // the phone's clock may be wrong
};

test('an answer to what was asked is taken', () => {
  expect(() => requireAnswerTo(subject, 'd1', claims)).not.toThrow();
});

test.each([
  ['approvalId', { approvalId: 'a2' }, 'answer_mismatch'],
  ['tenantId', { tenantId: 't2' }, 'answer_mismatch'],
  ['deviceId', { deviceId: 'd2' }, 'answer_mismatch'],
  ['mode', { mode: 'transaction' }, 'answer_mismatch'],
  ['shownDigest', { shownDigest: 'other' }, 'answer_mismatch'],
  ['reason', { decision: 'approved' }, 'answer_mismatch'],
  ['nonce', { nonce: 'other' }, 'answer_stale'],
] as const)('an answer with another %s is refused, and the field is named', (field, change, code) => {
  let refusal: unknown;
  try {
    requireAnswerTo(subject, 'd1', { ...claims, ...change });
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(DomainError);
  expect(refusal).toMatchObject({ code, detail: { field } });
});
