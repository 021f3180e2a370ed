import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decide, DECISIONS, isPastDeadline, requireOpen } from '../../domain/approval';
import type { ApprovalDecision, VotedApproval } from '../../domain/approval';
import { DomainError } from '../../domain/errors';

const DEADLINE = 1_000;

const asked = (people: number, required: number, votes: (ApprovalDecision | null)[] = []): VotedApproval => ({
  status: 'pending',
  required,
  expiresAtMs: DEADLINE,
  approvers: Array.from({ length: people }, (_, i) => ({ userId: `u${i}`, decision: votes[i] ?? null })),
});

const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof DomainError) return error.code;
    throw error;
  }
  return 'accepted';
};

describe('one person', () => {
  test.each(DECISIONS)('decides by %s', (decision) => {
    expect(decide(asked(1, 1), 'u0', decision, 0)).toBe(decision);
  });

  test('is in time until the deadline and late from its millisecond on', () => {
    expect(decide(asked(1, 1), 'u0', 'approved', DEADLINE - 1)).toBe('approved');
    expect(codeOf(() => decide(asked(1, 1), 'u0', 'approved', DEADLINE))).toBe('approval_expired');
  });

  test.each([
    ['approved', 'approval_already_decided'],
    ['denied', 'approval_already_decided'],
    ['expired', 'approval_expired'],
    ['cancelled', 'approval_cancelled'],
  ] as const)('is refused once it is %s, with the code %s', (status, code) => {
    expect(codeOf(() => decide({ ...asked(1, 1), status }, 'u0', 'approved', 0))).toBe(code);
    expect(codeOf(() => requireOpen({ ...asked(1, 1), status }, 0))).toBe(code);
  });
});

describe('several people', () => {
  test('approve when as many as are required have said yes', () => {
    expect(decide(asked(3, 2), 'u0', 'approved', 0)).toBe('pending');
    expect(decide(asked(3, 2, ['approved']), 'u1', 'approved', 0)).toBe('approved');
  });

  test('deny as soon as too few are left', () => {
    expect(decide(asked(3, 2), 'u0', 'denied', 0)).toBe('pending');
    expect(decide(asked(3, 2, ['denied']), 'u2', 'denied', 0)).toBe('denied');
  });

  test('vote once each', () => {
    expect(codeOf(() => decide(asked(3, 2, ['approved']), 'u0', 'denied', 0))).toBe('already_answered');
    expect(codeOf(() => decide(asked(3, 2, ['approved']), 'u0', 'approved', 0))).toBe('already_answered');
  });

  test('end with one decision, the right one, in whatever order they answer', () => {
    const votes = fc.array(fc.constantFrom(...DECISIONS), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(votes, fc.nat(), (cast, seed) => {
        const required = (seed % cast.length) + 1;
        let approval = asked(cast.length, required);
        for (const [i, decision] of cast.entries()) {
          if (approval.status !== 'pending') break;
          const status = decide(approval, `u${i}`, decision, 0);
          const approvers = approval.approvers.map((vote) => (vote.userId === `u${i}` ? { ...vote, decision } : vote));
          approval = { ...approval, status, approvers };
        }
        const yes = cast.filter((decision) => decision === 'approved').length;
        expect(approval.status).toBe(yes >= required ? 'approved' : 'denied');
      }),
    );
  });
});

test('only what is pending can be past its deadline', () => {
  expect(isPastDeadline(asked(1, 1), DEADLINE)).toBe(true);
  expect(isPastDeadline(asked(1, 1), DEADLINE - 1)).toBe(false);
  expect(isPastDeadline({ ...asked(1, 1), status: 'approved' }, DEADLINE)).toBe(false);
});
