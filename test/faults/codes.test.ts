import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createCodeDeliveryActivities } from '../../activities/codeDelivery';
import { discreetCarriers } from '../../channels/carriers';
import { CarrierError } from '../../channels/discreet';
import { createHealth } from '../../channels/health';
import type { SmsMessage } from '../../channels/sms/sms';
import type { Code } from '../../db/codes';
import { inTransaction } from '../../db/transaction';
import { issue } from '../services/guesses';
import { createTestDatabase } from '../support/database';
import type { TestDatabase } from '../support/database';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { createBench } from '../support/services';
import type { Bench } from '../support/services';
import { addPhoneUser, digitsSentTo, textsTo } from '../support/texts';
import { until } from '../support/until';
import { planOwnTemporal } from './ownTemporal';
import type { OwnTemporal } from './ownTemporal';

jest.setTimeout(90_000);

const codeEvents = async ({ pool }: Pick<TestProgram, 'pool'>, userId: string) =>
  (
    await pool.query<{ type: string; reason: string | null }>(
      `select type, data->>'reason' as reason from events where user_id = $1 and type ~ '^code' order by number`,
      [userId],
    )
  ).rows;

describe('a carrier that', () => {
  /** Every call of the carrier; each takes the next behaviour, and at the end all goes well. */
  async function withCarrier(
    behaviours: ((message: SmsMessage) => Promise<void>)[],
    live: (program: TestProgram, calls: SmsMessage[]) => Promise<void>,
  ): Promise<void> {
    const calls: SmsMessage[] = [];
    const smsSender = {
      async send(message: SmsMessage) {
        calls.push(message);
        await behaviours.shift()?.(message);
      },
    };
    const program = await startTestProgram({ smsSender });
    try {
      await live(program, calls);
    } finally {
      await program.close();
    }
  }
  const fails = () => Promise.reject(new Error('503, and +41791234567 with it'));
  const hangs = () => new Promise<void>(() => {});

  test.each([
    ['fails first', [fails, fails]],
    ['hangs first', [hangs]],
  ])('%s gets the same message again, and it is told once that it was sent', async (_name, behaviours) => {
    await withCarrier([...behaviours], async (program, calls) => {
      const user = await addPhoneUser(program);
      await program.call('POST', `/v1/users/${user.id}/codes`, { channel: 'sms' });
      await until(async () => (await codeEvents(program, user.id)).length > 0, { withinMs: 30_000 });
      expect(await codeEvents(program, user.id)).toEqual([{ type: 'code_sent', reason: null }]);
      expect(calls).toHaveLength(behaviours.length + 1);
      expect(new Set(calls.map((call) => JSON.stringify(call))).size).toBe(1);
      const { rows } = await program.pool.query('select delivery_state from codes where user_id = $1', [user.id]);
      expect(rows).toEqual([{ delivery_state: 'sent' }]);
      expect(program.logs.join('\n')).not.toMatch(/\+41791234567/);
    });
  });
});

describe('while Temporal is away', () => {
  let temporal: OwnTemporal;
  let program: TestProgram;
  beforeAll(async () => {
    temporal = await planOwnTemporal();
    program = await startTestProgram({ temporalAddress: temporal.address });
  });
  afterAll(async () => {
    await program?.close();
    await temporal?.close();
  });

  test('a code goes out once it is back; one that has expired by then does not, and that is told', async () => {
    const [person, late] = [await addPhoneUser(program), await addPhoneUser(program)];
    for (const { id } of [person, late]) {
      expect((await program.call('POST', `/v1/users/${id}/codes`, { channel: 'sms' })).status).toBe(201);
    }
    await program.pool.query('update codes set expires_at = clock_timestamp() where user_id = $1', [late.id]);
    await temporal.start();
    const digits = await until(
      async () => (await textsTo(program, person.phone)).length > 0 && digitsSentTo(program, person.phone),
      { withinMs: 60_000 },
    );
    expect((await program.call('POST', `/v1/users/${person.id}/codes/check`, { code: digits })).status).toBe(200);
    await until(async () => (await codeEvents(program, late.id)).length > 0, { withinMs: 30_000 });
    expect(await codeEvents(program, late.id)).toEqual([{ type: 'code_failed', reason: 'expired' }]);
    expect(await textsTo(program, late.phone)).toEqual([]);
  });
});

describe('what the workflow does', () => {
  let database: TestDatabase;
  let bench: Bench;
  let phones = 0;
  beforeAll(async () => {
    database = await createTestDatabase();
    bench = await createBench(database.url);
  });
  afterAll(async () => {
    await bench?.close();
    await database?.drop();
  });

  async function setup(send = async (_: SmsMessage): Promise<void> => {}) {
    const phone = `+4179${String(2_000_000 + ++phones)}`;
    const { id: userId } = await bench.services.users.create(bench.tenant.id, { phone }, async () => {});
    const code = await issue(bench, userId);
    const sender = { send: jest.fn(send) };
    const activities = createCodeDeliveryActivities({
      pool: bench.pool,
      ...bench.services.rows,
      digitsOf: bench.services.codes.digitsOf,
      carriers: discreetCarriers({ sms: sender }),
      health: createHealth(),
    });
    const inputOf = ({ tenantId, id: codeId, generation }: Code) => ({ tenantId, codeId, generation });
    return { phone, userId, code, input: inputOf(code), inputOf, sender, ...activities };
  }

  test('when the carrier never takes it: that is written once, and says nothing of the person', async () => {
    const { input, userId, phone, ...does } = await setup(({ to, text }) =>
      Promise.reject(new Error(`${to}: ${text}`)),
    );
    expect(await does.tryToSendCode(input)).toBe('waiting');
    expect(await does.tryToSendCode(input)).toBe('waiting');
    expect(does.sender.send).toHaveBeenCalledTimes(1); // who failed a moment ago is not tried quickly
    const failure = await does.sendCode(input).catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: 'The message was not taken: unknown' });
    expect(JSON.stringify(failure)).not.toContain(phone.slice(1));
    expect([await does.recordCodeFailure(input), await does.recordCodeFailure(input)]).toEqual(['failed', 'failed']);
    expect(await codeEvents(bench, userId)).toEqual([{ type: 'code_failed', reason: 'not_taken' }]);
    expect(await does.sendCode(input)).toBe('failed');
  });

  test('when the carrier refuses it for good: that is told at once, and held against no other message', async () => {
    const refusing = [new CarrierError('status 550', true)];
    const { input, inputOf, userId, sender, tryToSendCode, sendCode } = await setup(() =>
      refusing.length > 0 ? Promise.reject(refusing.shift()!) : Promise.resolve(),
    );
    expect([await tryToSendCode(input), await sendCode(input)]).toEqual(['failed', 'failed']);
    expect(sender.send).toHaveBeenCalledTimes(1);
    expect(await codeEvents(bench, userId)).toEqual([{ type: 'code_failed', reason: 'refused' }]);
    expect(await tryToSendCode(inputOf(await issue(bench, userId)))).toBe('sent');
  });

  test('sends once, however often it is repeated', async () => {
    const { input, userId, sender, tryToSendCode, sendCode } = await setup();
    expect([await tryToSendCode(input), await sendCode(input), await tryToSendCode(input)]).toEqual([
      'sent',
      'sent',
      'sent',
    ]);
    expect(sender.send).toHaveBeenCalledTimes(1);
    expect(await codeEvents(bench, userId)).toEqual([{ type: 'code_sent', reason: null }]);
  });

  test('tells once that it was sent, also when a slow try and its repetition end together', async () => {
    const { input, userId, sender, sendCode } = await setup();
    const heard = await Promise.all(Array.from({ length: 5 }, () => sendCode(input)));
    expect(new Set(heard)).toEqual(new Set(['sent']));
    expect(new Set(sender.send.mock.calls.map(([{ idempotencyKey }]) => idempotencyKey)).size).toBe(1);
    expect(await codeEvents(bench, userId)).toEqual([{ type: 'code_sent', reason: null }]);
  });

  test('nothing for a generation that was replaced', async () => {
    const { input, inputOf, userId, sender, tryToSendCode, sendCode, recordCodeFailure } = await setup();
    const later = await issue(bench, userId);
    expect([await tryToSendCode(input), await sendCode(input), await recordCodeFailure(input)]).toEqual([
      'not_needed',
      'not_needed',
      'not_needed',
    ]);
    expect(sender.send).not.toHaveBeenCalled();
    expect(await sendCode(inputOf(later))).toBe('sent');
    expect(sender.send.mock.calls[0]![0].idempotencyKey).toBe(`code:${later.id}:2`);
  });

  test('nothing for a code that was accepted, or whose user was removed', async () => {
    const accepted = await setup();
    const guess = {
      tenantId: bench.tenant.id,
      userId: accepted.userId,
      purpose: 'login' as const,
      code: bench.services.codes.digitsOf(accepted.code),
    };
    await inTransaction(bench.pool, (tx) => bench.services.codes.judge(tx, guess));
    const removed = await setup();
    await bench.services.users.remove(bench.tenant.id, removed.userId);
    for (const { tryToSendCode, sendCode, input, sender } of [accepted, removed]) {
      expect([await tryToSendCode(input), await sendCode(input)]).toEqual(['not_needed', 'not_needed']);
      expect(sender.send).not.toHaveBeenCalled();
    }
  });

  test('nothing for one that has expired, and says so once', async () => {
    const { input, userId, sender, tryToSendCode, sendCode } = await setup();
    await bench.pool.query('update codes set expires_at = clock_timestamp() where user_id = $1', [userId]);
    expect([await tryToSendCode(input), await sendCode(input)]).toEqual(['failed', 'failed']);
    expect(sender.send).not.toHaveBeenCalled();
    expect(await codeEvents(bench, userId)).toEqual([{ type: 'code_failed', reason: 'expired' }]);
  });

  test.each([[{}], [{ tenantId: 'x', codeId: 'y', generation: 1 }], [{ generation: '1' }]])(
    'nothing for what an operator made up: %j',
    async (input) => {
      const { tryToSendCode } = await setup();
      expect(await tryToSendCode(input as never)).toBe('not_needed');
    },
  );
});
