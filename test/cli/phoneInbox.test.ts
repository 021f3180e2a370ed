import { describe, expect, jest, test } from '@jest/globals';
import type { Owner } from '../../cli/phoneInbox';
import { watchInbox } from '../../cli/phoneInbox';
import type { Choice } from '../../cli/phoneScreen';
import type { Device, DeviceApproval, Inbox } from '../../sdk/device';
import { CountersignError } from '../../sdk/device';
import { until } from '../support/until';
import { incoming } from './incoming';

const refusal = (code: string, status: number) => new CountersignError({ code, status, title: `Refused: ${code}.` });

/**
 * A server with an inbox that the test changes, and a phone whose owner says what the test says. The watch ends with the
 * first approval that the owner says nothing to.
 */
function setup(choices: Record<string, Choice | Promise<Choice>>) {
  const leaving = new AbortController();
  const printed: string[] = [];
  let waiting: DeviceApproval[] = [];
  let version = 0;
  let changed: (() => void)[] = [];
  const failures: Error[] = [];

  const inbox = async ({ cursor, signal }: Parameters<Device['inbox']>[0] & object = {}): Promise<Inbox> => {
    const failure = failures.shift();
    if (failure) throw failure;
    while (cursor === `c-${version}`) {
      await new Promise<void>((resolve, reject) => {
        changed.push(resolve);
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
        if (signal?.aborted) reject(signal.reason as Error);
      });
    }
    return { approvals: waiting, cursor: `c-${version}` };
  };
  const answer = jest.fn<Device['answer']>(async ({ id }, decision) => {
    receive(waiting.filter((approval) => approval.id !== id));
    return { ...incoming(id), status: decision };
  });
  function receive(approvals: DeviceApproval[]) {
    waiting = approvals;
    version += 1;
    for (const wake of changed) wake();
    changed = [];
  }

  const owner: Owner = {
    print: (text) => void printed.push(text),
    choose: (signal) => {
      const asked = /\((\w+)\)/.exec(printed.at(-1) ?? '')?.[1] ?? '';
      const choice = choices[asked];
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        if (choice === undefined) leaving.abort(new Error('the owner left'));
        else void Promise.resolve(choice).then(resolve);
      });
    },
  };
  const show = jest.fn<Device['show']>(async (id) => ({ ...incoming(id), status: 'approved' }));
  const watch = () => watchInbox({ inbox, answer, show } as unknown as Device, owner, leaving.signal);
  return { watch, receive, answer, show, printed, failures, leaving };
}

const never = new Promise<never>(() => {});

/** Two of three, so far. */
const shared = (id: string, approved: number, answeredByMe: DeviceApproval['answeredByMe'] = null): DeviceApproval => ({
  ...incoming(id),
  answeredByMe,
  progress: { required: 2, people: 3, approved, denied: 0, missing: 2 - approved },
});

describe('the phone', () => {
  test('tells its owner how what they have answered goes on with the others, and how it ends', async () => {
    const phone = setup({ pay: 'approve' });
    const mine = shared('pay', 1, 'approved');
    phone.answer.mockImplementationOnce(async () => {
      phone.receive([mine]);
      return mine;
    });
    phone.receive([shared('pay', 0)]);
    const watching = phone.watch().catch((error: Error) => error.message);
    const printed = (text: string) => until(async () => phone.printed.some((line) => line.includes(text)));
    await printed('You approved it. It is pending: 1 of 2 approvals; 3 people are asked.');
    phone.receive([{ ...mine, progress: { ...mine.progress, denied: 1 } }]);
    await printed('1 of 2 approvals, 1 against; 3 people are asked (pay)');
    phone.receive([]);
    await printed('It is approved (pay)');
    phone.receive([incoming('end')]);
    expect(await watching).toBe('the owner left');
    expect(phone.show).toHaveBeenCalledTimes(1);
  });

  test('sends what its owner says, one approval after the other, each once', async () => {
    const phone = setup({ yes: 'approve', no: 'deny', stranger: 'not_me', later: 'skip' });
    phone.receive(['yes', 'later', 'no', 'stranger', 'end'].map((id) => incoming(id)));
    await expect(phone.watch()).rejects.toThrow('the owner left');
    expect(phone.answer.mock.calls.map(([{ id }, decision, reason]) => [id, decision, reason])).toEqual([
      ['yes', 'approved', undefined],
      ['no', 'denied', undefined],
      ['stranger', 'denied', 'not_me'],
    ]);
  });

  test('does not ask about what is decided or answered', async () => {
    const phone = setup({});
    phone.receive([
      { ...incoming('done'), status: 'approved' },
      { ...incoming('mine'), answeredByMe: 'approved' },
      incoming('end'),
    ]);
    await expect(phone.watch()).rejects.toThrow('the owner left');
    expect(phone.printed).toHaveLength(1);
  });

  test('takes the question back when the approval is no longer open', async () => {
    const phone = setup({ gone: never });
    phone.receive([incoming('gone')]);
    const watched = phone.watch();
    while (phone.printed.length === 0) await Promise.resolve();
    phone.receive([incoming('end')]);
    await expect(watched).rejects.toThrow('the owner left');
    expect(phone.printed[1]).toContain('No longer open');
    expect(phone.answer).not.toHaveBeenCalled();
  });

  test('says why an answer was refused, and goes on', async () => {
    const phone = setup({ late: 'approve' });
    phone.answer.mockRejectedValueOnce(refusal('approval_expired', 410));
    phone.receive([incoming('late'), incoming('end')]);
    await expect(phone.watch()).rejects.toThrow('the owner left');
    expect(phone.printed[1]).toContain('Refused: approval_expired');
  });

  test('ends when the device was removed', async () => {
    const phone = setup({ one: 'approve' });
    phone.answer.mockRejectedValueOnce(refusal('device_removed', 403));
    phone.receive([incoming('one')]);
    await expect(phone.watch()).rejects.toMatchObject({ code: 'device_removed' });

    const other = setup({});
    other.failures.push(refusal('device_unauthorized', 401));
    await expect(other.watch()).rejects.toMatchObject({ code: 'device_unauthorized' });
  });

  test('looks for a server that is away again and again, and says so once', async () => {
    jest.useFakeTimers();
    try {
      const phone = setup({});
      phone.failures.push(...Array.from({ length: 5 }, () => refusal('unreachable', 0)));
      phone.receive([incoming('end')]);
      const watched = phone.watch();
      watched.catch(() => {});
      while (phone.failures.length > 0) await jest.advanceTimersByTimeAsync(2_000);
      await jest.advanceTimersByTimeAsync(2_000);
      await expect(watched).rejects.toThrow('the owner left');
      expect(phone.printed.map((text) => text.trim().split('\n')[0])).toEqual([
        'Refused: unreachable.',
        'The server is back.',
        'Demo Shop asks: do you agree to this?',
      ]);
    } finally {
      jest.useRealTimers();
    }
  });
});
