import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  chooseApprovers,
  decide,
  DECISIONS,
  isPastDeadline,
  progressOf,
  requireOpen,
  withdraw,
} from '../../domain/approval';
import type { ApprovalDecision, VotedApproval } from '../../domain/approval';
import { DomainError } from '../../domain/errors';

const DEADLINE = 1_000;

const asked = (people: number, required: number, votes: (ApprovalDecision | null)[] = []): VotedApproval => ({
  status: 'pending',
  required,
  veto: false,
  expiresAtMs: DEADLINE,
  approvers: Array.from({ length: people }, (_, i) => ({
    userId: `u${i}`,
    decision: votes[i] ?? null,
    withdrawnAtMs: null,
  })),
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

describe('a veto', () => {
  test('lets one denial decide, which otherwise would leave enough people', () => {
    expect(decide(asked(3, 1), 'u0', 'denied', 0)).toBe('pending');
    expect(decide({ ...asked(3, 1), veto: true }, 'u0', 'denied', 0)).toBe('denied');
    expect(decide({ ...asked(3, 1), veto: true }, 'u0', 'approved', 0)).toBe('approved');
  });
});

describe('a person who was removed', () => {
  const without = (approval: VotedApproval, ...gone: string[]): VotedApproval => ({
    ...approval,
    status: withdraw(approval, gone, 0),
    approvers: approval.approvers.map((vote) => (gone.includes(vote.userId) ? { ...vote, withdrawnAtMs: 0 } : vote)),
  });

  test('no longer counts, whatever they said', () => {
    const left = without(asked(3, 2, ['approved']), 'u0');
    expect(progressOf(left)).toEqual({ required: 2, people: 2, approved: 0, denied: 0, missing: 2 });
    expect(decide(left, 'u1', 'approved', 0)).toBe('pending');
    expect(decide(left, 'u1', 'denied', 0)).toBe('denied');
    expect(codeOf(() => decide(left, 'u0', 'approved', 0))).toBe('device_removed');
  });

  test('cancels what cannot be reached without them, and only that', () => {
    expect(withdraw(asked(3, 2), ['u0'], 0)).toBe('pending');
    expect(withdraw(asked(3, 2, [null, 'denied']), ['u0'], 0)).toBe('cancelled');
    expect(withdraw(asked(3, 2, ['denied']), ['u0'], 0)).toBe('pending');
    expect(withdraw(asked(1, 1), ['u0'], 0)).toBe('cancelled');
    expect(codeOf(() => withdraw(asked(1, 1), ['u0'], DEADLINE))).toBe('approval_expired');
  });
});

test('votes and removals in any order end as a count of people says', () => {
  const steps = fc.array(
    fc.record({ person: fc.nat({ max: 4 }), does: fc.constantFrom('approved', 'denied', 'removed') }),
    { maxLength: 15 },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5 }), fc.boolean(), (taken, required, veto) => {
      let approval: VotedApproval = { ...asked(5, required), veto };
      for (const { person, does } of taken) {
        const userId = `u${person}`;
        const vote = approval.approvers[person]!;
        const counts = vote.withdrawnAtMs === null && (does === 'removed' || vote.decision === null);
        if (approval.status !== 'pending' || !counts) {
          // Nothing changes an outcome, and nobody has two votes.
          if (does !== 'removed') expect(codeOf(() => decide(approval, userId, does, 0))).not.toBe('accepted');
          continue;
        }
        const status = does === 'removed' ? withdraw(approval, [userId], 0) : decide(approval, userId, does, 0);
        const changed = does === 'removed' ? { ...vote, withdrawnAtMs: 0 } : { ...vote, decision: does };
        approval = {
          ...approval,
          status,
          approvers: approval.approvers.map((other) => (other.userId === userId ? changed : other)),
        };
        // Said once more, and otherwise than the rule says it.
        const left = approval.approvers.filter(({ withdrawnAtMs }) => withdrawnAtMs === null);
        const yes = left.filter(({ decision }) => decision === 'approved').length;
        const no = left.filter(({ decision }) => decision === 'denied').length;
        const hopeless = left.length - no < required || (veto && no > 0);
        const ends = does === 'removed' ? 'cancelled' : 'denied';
        expect(status).toBe(yes >= required ? 'approved' : hopeless ? ends : 'pending');
      }
    }),
    { numRuns: 500 },
  );
});

describe('who is asked', () => {
  test.each([
    [['a', 'b', 'c'], {}, { userIds: ['a', 'b', 'c'], required: 3 }],
    [['a', 'b', 'c'], { required: 2 }, { userIds: ['a', 'b', 'c'], required: 2 }],
    [['a', 'b', 'c'], { requestedBy: 'b' }, { userIds: ['a', 'c'], required: 2 }],
    [['a', 'b', 'c'], { requestedBy: 'x', required: 3 }, { userIds: ['a', 'b', 'c'], required: 3 }],
  ])('of %j with %j: %j', (people, request, chosen) => {
    expect(chooseApprovers(people, request)).toEqual(chosen);
  });

  test.each([
    [['a', 'b', 'c'], { required: 3, requestedBy: 'b' }],
    [['a'], { requestedBy: 'a' }],
    [['a'], { required: 2 }],
  ])('of %j with %j: too few', (people, request) => {
    expect(codeOf(() => chooseApprovers(people, request))).toBe('too_few_approvers');
  });
});

test('only what is pending can be past its deadline', () => {
  expect(isPastDeadline(asked(1, 1), DEADLINE)).toBe(true);
  expect(isPastDeadline(asked(1, 1), DEADLINE - 1)).toBe(false);
  expect(isPastDeadline({ ...asked(1, 1), status: 'approved' }, DEADLINE)).toBe(false);
});
