import assert from 'node:assert/strict';
import { codeIn, wrong } from '../application';
import type { Application } from '../application';
import { casesOf, saying } from '../cases';
import { MESSAGES, REFUSALS } from '../documented';
import type { Refusal } from '../documented';
import { assertHas } from '../expectations';
import { newPhone, PHONES } from '../phones';
import { assertRefused, replyOf } from './answers';

/** A verification that was started, and its code. */
async function started({ nodeAuthy, textTo }: Application) {
  const phone = newPhone();
  const reply = await replyOf((done) => nodeAuthy().phones().verification_start(phone.number, '1', done));
  return { ...phone, reply, code: codeIn(await textTo(phone)) };
}

/** That a start with these parameters is refused. */
const refusedStart =
  (params: unknown, refusal: Refusal, about?: { countryCode?: string; phone?: string }) =>
  ({ nodeAuthy }: Application): Promise<void> => {
    const { countryCode, phone } = { countryCode: '1', phone: newPhone().number, ...about };
    return assertRefused((done) => nodeAuthy().phones().verification_start(phone, countryCode, params, done), refusal);
  };

export const phones = casesOf('authy', {
  'phones.verification_start': {
    'by text message, where nothing is said': async (world) => {
      const { reply, shown, code } = await started(world);
      assertHas(reply, { message: `Text message sent to ${shown}.`, is_cellphone: true, success: true });
      assert.match(reply.uuid, /^[\da-f-]{36}$/);
      assert.match(code, /^\d{4}$/);
    },

    'by a call': async ({ nodeAuthy, textTo }) => {
      const phone = newPhone();
      const { message } = await replyOf((done) =>
        nodeAuthy().phones().verification_start(phone.number, '1', 'call', done),
      );
      assert.equal(message, `Call to ${phone.shown} initiated.`);
      assert.match(codeIn(await textTo(phone)), /^\d{4}$/);
    },

    'in a language, with as many digits as are wanted': async ({ nodeAuthy, textTo }) => {
      const phone = newPhone();
      const params = { via: 'sms', locale: 'es', code_length: '8' };
      const { message } = await replyOf((done) =>
        nodeAuthy().phones().verification_start(phone.number, '1', params, done),
      );
      assert.equal(message, `Mensaje de texto enviado a ${phone.shown}.`);
      assert.match(codeIn(await textTo(phone)), /^\d{8}$/);
    },

    'with a code of the back end': async ({ nodeAuthy }) => {
      const { number } = newPhone();
      const calls = nodeAuthy().phones();
      const reply = await replyOf((done) => calls.verification_start(number, '1', { custom_code: 'X7kQ9' }, done));
      assert.match(reply.sms_id, /^SM[\da-f]{32}$/);
      await replyOf((done) => calls.verification_check(number, '1', 'X7kQ9', done));
    },

    'with a code of a back end that may not: 60091': async ({ addApplication }) => {
      const application = await addApplication({ switches: { customCode: false } });
      await refusedStart({ custom_code: '12345' }, REFUSALS.customMessage)(application);
    },

    'with a message of the back end: 60091': refusedStart({ custom_message: 'Hello' }, REFUSALS.customMessage),
    'by another way: 60004': refusedStart('fax', REFUSALS.badParameter),
    'with too few digits: 60004': refusedStart({ code_length: 3 }, REFUSALS.badParameter),
    'a country that is no number: 60004': refusedStart(
      'sms',
      { ...REFUSALS.badParameter, message: "Invalid parameter: country_code - 'xxx' is not a valid Integer" },
      { countryCode: 'xxx' },
    ),
    'what is no number: 60033': refusedStart('sms', REFUSALS.invalidPhone, { phone: '12' }),
    'a number that costs: 60033': refusedStart('call', REFUSALS.invalidPhone, PHONES.premium),
    'a text message to a landline: 60082': refusedStart('sms', REFUSALS.landline, PHONES.landline),

    'without a country: 60004': ({ nodeAuthy }) =>
      assertRefused((done) => nodeAuthy().phones().verification_start('4155552671', undefined, 'sms', done), {
        ...REFUSALS.badParameter,
        message: 'Invalid parameter: country_code - Parameter is required',
      }),

    'again at once: 60003': async (world) => {
      const { number: phone } = await started(world);
      await refusedStart('sms', REFUSALS.tooMany, { phone })(world);
    },
  },

  'phones.verification_check': {
    'the code that was sent, which is spent then': saying(MESSAGES.phoneVerified, async (world) => {
      const { number, code, shown } = await started(world);
      const calls = world.nodeAuthy().phones();
      const { message } = await replyOf((done) => calls.verification_check(number, '1', code, done));
      assert.equal(message, MESSAGES.phoneVerified);
      await assertRefused((done) => calls.verification_check(number, '1', code, done), {
        ...REFUSALS.nothingPending,
        message: `No pending verifications for ${shown} found.`,
      });
    }),

    'a wrong code: 60022': async (world) => {
      const { number, code } = await started(world);
      const calls = world.nodeAuthy().phones();
      await assertRefused((done) => calls.verification_check(number, '1', wrong(code), done), REFUSALS.wrongPhoneCode);
    },

    'nothing pending: 60023': ({ nodeAuthy }) =>
      assertRefused(
        (done) => nodeAuthy().phones().verification_check(newPhone().number, '1', '1234', done),
        REFUSALS.nothingPending,
      ),

    'without a code: 60004': ({ nodeAuthy }) =>
      assertRefused(
        (done) => nodeAuthy().phones().verification_check(newPhone().number, '1', undefined, done),
        REFUSALS.badParameter,
      ),

    'a sixth guess, though it is right: 60003': async (world) => {
      const { number, code } = await started(world);
      const calls = world.nodeAuthy().phones();
      for (let n = 0; n < 5; n++) {
        await assertRefused(
          (done) => calls.verification_check(number, '1', wrong(code), done),
          REFUSALS.wrongPhoneCode,
        );
      }
      await assertRefused((done) => calls.verification_check(number, '1', code, done), REFUSALS.tooMany);
    },
  },

  'phones.verification_status': {
    'one that waits, and is verified': async (world) => {
      const { number, code } = await started(world);
      const calls = world.nodeAuthy().phones();
      const read = () => replyOf((done) => calls.verification_status(number, '1', done));
      assertHas(await read(), { message: 'Phone Verification status.', status: 'pending', success: true });
      await replyOf((done) => calls.verification_check(number, '1', code, done));
      assertHas(await read(), { status: 'verified' });
    },

    'one whose time is over': async (world) => {
      const { number, reply } = await started(world);
      const late = 'update phone_verifications set expires_at = clock_timestamp() where id = $1';
      await world.program.pool.query(late, [reply.uuid]);
      const read = await replyOf((done) => world.nodeAuthy().phones().verification_status(number, '1', done));
      assertHas(read, { status: 'expired', seconds_to_expire: 0 });
    },

    'none there was: 60023': ({ nodeAuthy }) =>
      assertRefused(
        (done) => nodeAuthy().phones().verification_status(newPhone().number, '1', done),
        REFUSALS.nothingPending,
      ),

    'of no number: 60042': ({ nodeAuthy }) =>
      assertRefused(
        (done) => nodeAuthy().phones().verification_status(undefined, undefined, done),
        REFUSALS.noPhoneNamed,
      ),
  },

  'phones.info': {
    'a mobile phone, a landline, and one of the internet': saying(MESSAGES.phoneInformation, async ({ nodeAuthy }) => {
      const types = { cellphone: PHONES.mobile, landline: PHONES.landline, voip: PHONES.voip };
      for (const [type, { countryCode, phone }] of Object.entries(types)) {
        const { message, ...reply } = await replyOf((done) => nodeAuthy().phones().info(phone, countryCode, done));
        assert.match(message, /^Phone number information as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
        assertHas(reply, { type, provider: '', ported: false, success: true });
      }
    }),

    'what is no number: 60033': ({ nodeAuthy }) =>
      assertRefused((done) => nodeAuthy().phones().info('12', '1', done), REFUSALS.invalidPhone),

    'without a number: 60004': ({ nodeAuthy }) =>
      assertRefused((done) => nodeAuthy().phones().info(undefined, '1', done), REFUSALS.badParameter),
  },
});
