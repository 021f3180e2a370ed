import assert from 'node:assert/strict';
import { URI } from 'otpauth';
import type { TOTP } from 'otpauth';
import { readTotp } from '../../../sdk/totp';
import { codeIn, wrong } from '../application';
import type { Application } from '../application';
import { casesOf, saying } from '../cases';
import type { Methods } from '../cases';
import { IGNORED, MESSAGES, NOBODY, REFUSALS } from '../documented';
import { assertHas } from '../expectations';
import { assertRefused } from './refused';

const WAYS = {
  requestSms: { sent: 'SMS token was sent', ignored: IGNORED.sms },
  requestCall: { sent: 'Call started...', ignored: IGNORED.call },
} as const;

/** A person without a device who was sent a code. */
async function sent({ addPerson, authyClient, textTo }: Application) {
  const { authyId, phone } = await addPerson();
  const client = authyClient();
  await client.requestSms({ authyId });
  return { client, authyId, token: codeIn(await textTo(phone)) };
}

/** The two ways that digits go to a phone differ in their words alone. */
const sending = (way: keyof typeof WAYS): Methods[string] => ({
  'a user without a device': async ({ addPerson, authyClient, textTo }) => {
    const { authyId, phone } = await addPerson();
    const { success, ...reply } = await authyClient()[way]({ authyId });
    assert.deepEqual(reply, { message: WAYS[way].sent, cellphone: `+1-XXX-XXX-XX${phone.number.slice(-2)}` });
    assert.equal(success, true);
    assert.match(codeIn(await textTo(phone)), /^\d{7}$/);
  },

  'a user with a device: nothing is sent': async ({ addPerson, authyClient }) => {
    const { authyId } = await addPerson({ devices: 1 });
    assertHas(await authyClient()[way]({ authyId }), { ignored: true, device: 'android', message: WAYS[way].ignored });
  },

  'the same by force: it is sent': async ({ addPerson, authyClient, textTo }) => {
    const { authyId, phone } = await addPerson({ devices: 1 });
    const reply = await authyClient()[way]({ authyId }, { force: true });
    assert.ok(!('ignored' in reply) && !('device' in reply));
    const verified = await authyClient().verifyToken({ authyId, token: codeIn(await textTo(phone)) });
    assert.equal(verified.token, 'is valid');
  },

  'an unknown user: 60026': ({ authyClient }) =>
    assertRefused(authyClient()[way]({ authyId: NOBODY }), REFUSALS.unknownUser),

  'a user without a phone number: 60058': async ({ addPerson, authyClient }) => {
    const { authyId } = await addPerson({ hasPhone: false });
    await assertRefused(authyClient()[way]({ authyId }), REFUSALS.noPhone);
  },

  'again at once: 60003': async ({ addPerson, authyClient }) => {
    const { authyId } = await addPerson();
    await authyClient()[way]({ authyId });
    await assertRefused(authyClient()[way]({ authyId }), REFUSALS.tooMany);
  },

  'a sixth in an hour: 60003': async ({ addApplication }) => {
    const { addPerson, authyClient } = await addApplication({ sendLimits: { pauseSeconds: 0 } });
    const { authyId } = await addPerson();
    for (let n = 0; n < 5; n++) await authyClient()[way]({ authyId });
    await assertRefused(authyClient()[way]({ authyId }), REFUSALS.tooMany);
  },

  'to a country that gets none: 60003': async ({ addApplication }) => {
    const { addPerson, authyClient } = await addApplication({ sendLimits: { countries: { US: 0 } } });
    const { authyId } = await addPerson();
    await assertRefused(authyClient()[way]({ authyId }), REFUSALS.tooMany);
  },
});

export const codes = casesOf('authy-client', {
  requestSms: {
    ...sending('requestSms'),

    'with an action and its message, which the text says': async ({ addPerson, authyClient, textTo }) => {
      const { authyId, phone } = await addPerson();
      // The message stands beside the user here, and beside the action in a call.
      await authyClient().requestSms({ authyId }, { action: 'pay', message: 'To pay 10 € to Café & Co' });
      const text = await textTo(phone);
      assert.ok(text.startsWith('To pay 10 € to Café & Co\n'), text);
      // This client cannot name the action again: the code is good for who can.
      await assertRefused(authyClient().verifyToken({ authyId, token: codeIn(text) }), REFUSALS.wrongToken);
    },

    'an action message that cannot be shown: 60004': async ({ addPerson, authyClient }) => {
      const { authyId } = await addPerson();
      await assertRefused(authyClient().requestSms({ authyId }, { message: 'a\u0007b' }), REFUSALS.badParameter);
    },
  },

  requestCall: {
    ...sending('requestCall'),

    'with the longest action and message that the client lets through': async ({ addPerson, authyClient, textTo }) => {
      const { authyId, phone } = await addPerson();
      const message = 'To pay ten euros '.repeat(15);
      await authyClient().requestCall({ authyId }, { action: 'a'.repeat(255), message });
      assert.ok((await textTo(phone)).includes(message.trim()));
    },
  },

  verifyToken: {
    'a code that was sent': saying(MESSAGES.token, async (world) => {
      const { client, ...guess } = await sent(world);
      const reply = await client.verifyToken(guess);
      assertHas(reply, { message: MESSAGES.token, token: 'is valid', success: 'true' });
      assertHas(reply.device, { os_type: 'sms' });
    }),

    'a code of an authenticator app, by force': async ({ addPerson, authyClient, call }) => {
      const { id, authyId } = await addPerson();
      const { body } = await call('POST', `/v1/users/${id}/totp`);
      const token = (URI.parse(body.uri as string) as TOTP).generate();
      assertHas((await authyClient().verifyToken({ authyId, token }, { force: true })).device, { os_type: 'totp' });
    },

    "what the person's device shows, where no message is sent": async ({ addPerson, authyClient }) => {
      const { authyId, devices } = await addPerson({ devices: 1 });
      assertHas(await authyClient().requestSms({ authyId }), { ignored: true });
      const { code: token } = readTotp(await devices[0]!.totp());
      assertHas((await authyClient().verifyToken({ authyId, token })).device, { os_type: 'android' });
      await assertRefused(authyClient().verifyToken({ authyId, token }), REFUSALS.usedToken);
    },

    'a wrong code: 60020': async (world) => {
      const { client, authyId, token } = await sent(world);
      await assertRefused(client.verifyToken({ authyId, token: wrong(token) }), REFUSALS.wrongToken);
    },

    'a code without one sent, of a user who never confirmed: 60020': async ({ addPerson, authyClient }) => {
      const { authyId } = await addPerson();
      await assertRefused(authyClient().verifyToken({ authyId, token: '123456' }), REFUSALS.wrongToken);
    },

    'the same where the switch lets them in, until they are confirmed': async ({ addApplication }) => {
      const application = await addApplication({ switches: { unforcedVerify: true } });
      const { client, authyId, token } = await sent(application);
      assertHas(await client.verifyToken({ authyId, token: wrong(token) }), { token: 'is valid' });
      const forced = client.verifyToken({ authyId, token: wrong(token) }, { force: true });
      await assertRefused(forced, REFUSALS.wrongToken);
      await client.verifyToken({ authyId, token });
      await assertRefused(client.verifyToken({ authyId, token: wrong(token) }), REFUSALS.wrongToken);
    },

    'a code for the second time: 60019': async (world) => {
      const { client, ...guess } = await sent(world);
      await client.verifyToken(guess);
      await assertRefused(client.verifyToken(guess), REFUSALS.usedToken);
    },

    'an unknown user: 60026': ({ authyClient }) =>
      assertRefused(authyClient().verifyToken({ authyId: NOBODY, token: '1234567' }), REFUSALS.unknownUser),

    'a sixth guess in a minute, though it is right: 60003': async (world) => {
      const { client, authyId, token } = await sent(world);
      for (let n = 0; n < 5; n++) {
        await assertRefused(client.verifyToken({ authyId, token: wrong(token) }), REFUSALS.wrongToken);
      }
      await assertRefused(client.verifyToken({ authyId, token }), REFUSALS.tooMany);
    },
  },
});
