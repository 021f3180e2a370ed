import assert from 'node:assert/strict';
import { codeIn, wrong } from '../application';
import type { Application } from '../application';
import { casesOf, saying } from '../cases';
import { MESSAGES, REFUSALS } from '../documented';
import { assertHas } from '../expectations';
import { newPhone, PHONES } from '../phones';
import { assertRefused } from './refused';

/** A verification that was started, and its code. */
async function started({ authyClient, textTo }: Application) {
  const client = authyClient();
  const { shown, ...phone } = newPhone();
  const about = { countryCode: phone.countryCode, phone: phone.number };
  await client.startPhoneVerification({ ...about, via: 'sms' });
  return { client, about, shown, token: codeIn(await textTo({ shown, ...phone })) };
}

export const phones = casesOf('authy-client', {
  startPhoneVerification: {
    'by text message': async ({ authyClient, textTo }) => {
      const phone = newPhone();
      const about = { countryCode: '1', phone: phone.number, via: 'sms' };
      const { uuid, seconds_to_expire: seconds, ...reply } = await authyClient().startPhoneVerification(about);
      assert.match(uuid, /^[\da-f-]{36}$/);
      assert.ok(seconds > 590 && seconds <= 600);
      assertHas(reply, { message: `Text message sent to ${phone.shown}.`, is_cellphone: true, carrier: '' });
      assert.match(codeIn(await textTo(phone)), /^\d{4}$/);
    },

    'by a call, in another language': async ({ authyClient, textTo }) => {
      const phone = newPhone();
      const about = { countryCode: 'US', phone: phone.number, via: 'call' };
      const { message } = await authyClient().startPhoneVerification(about, { locale: 'es', codeLength: 6 });
      assert.equal(message, `Llamada a ${phone.shown} fue iniciada.`);
      assert.match(await textTo(phone), /Tu código es: (\d, ){3}\d/);
    },

    'again within its time: the same code': async ({ addApplication }) => {
      const { authyClient, textTo } = await addApplication({ sendLimits: { pauseSeconds: 0 } });
      const phone = newPhone();
      const about = { countryCode: '1', phone: phone.number, via: 'sms' };
      const first = await authyClient().startPhoneVerification(about);
      const text = await textTo(phone); // two before the first is sent are one message
      const second = await authyClient().startPhoneVerification(about);
      assert.equal(second.uuid, first.uuid);
      assert.equal(codeIn(await textTo(phone, 2)), codeIn(text));
    },

    'again at once: 60003': async (world) => {
      const { client, about } = await started(world);
      await assertRefused(client.startPhoneVerification({ ...about, via: 'call' }), REFUSALS.tooMany);
    },

    'a text message to a landline: 60082': ({ authyClient }) =>
      assertRefused(authyClient().startPhoneVerification({ ...PHONES.landline, via: 'sms' }), REFUSALS.landline),

    'a number that costs: 60033': ({ authyClient }) =>
      assertRefused(authyClient().startPhoneVerification({ ...PHONES.premium, via: 'call' }), REFUSALS.invalidPhone),
  },

  verifyPhone: {
    'the code that was sent, which is spent then': saying(MESSAGES.phoneVerified, async (world) => {
      const { client, about, token, shown } = await started(world);
      assert.equal((await client.verifyPhone({ ...about, token })).message, MESSAGES.phoneVerified);
      const message = `No pending verifications for ${shown} found.`;
      await assertRefused(client.verifyPhone({ ...about, token }), { ...REFUSALS.nothingPending, message });
    }),

    'a wrong code: 60022': async (world) => {
      const { client, about, token } = await started(world);
      await assertRefused(client.verifyPhone({ ...about, token: wrong(token) }), REFUSALS.wrongPhoneCode);
    },

    'nothing pending: 60023': ({ authyClient }) => {
      const { countryCode, number: phone } = newPhone();
      return assertRefused(authyClient().verifyPhone({ countryCode, phone, token: '1234' }), REFUSALS.nothingPending);
    },

    'a sixth guess, though it is right: 60003': async (world) => {
      const { client, about, token } = await started(world);
      for (let n = 0; n < 5; n++) {
        await assertRefused(client.verifyPhone({ ...about, token: wrong(token) }), REFUSALS.wrongPhoneCode);
      }
      await assertRefused(client.verifyPhone({ ...about, token }), REFUSALS.tooMany);
    },
  },

  getPhoneInformation: {
    'a mobile phone': saying(MESSAGES.phoneInformation, async ({ authyClient }) => {
      const { message, ...reply } = await authyClient().getPhoneInformation(PHONES.mobile, { ip: '203.0.113.7' });
      assert.match(message, /^Phone number information as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
      assertHas(reply, { type: 'cellphone', provider: '', ported: false });
    }),

    'a landline, and one of the internet': async ({ authyClient }) => {
      assertHas(await authyClient().getPhoneInformation(PHONES.landline), { type: 'landline' });
      assertHas(await authyClient().getPhoneInformation(PHONES.voip), { type: 'voip' });
    },
  },
});
