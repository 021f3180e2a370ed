import assert from 'node:assert/strict';
import { readTotp } from '../../../sdk/totp';
import { codeIn, wrong } from '../application';
import type { Application } from '../application';
import { casesOf, saying } from '../cases';
import type { Methods } from '../cases';
import { IGNORED, MESSAGES, NOBODY, REFUSALS } from '../documented';
import { assertHas } from '../expectations';
import { assertRefused, replyOf } from './answers';

const WAYS = {
  request_sms: { sent: 'SMS token was sent', ignored: IGNORED.sms },
  request_call: { sent: 'Call started...', ignored: IGNORED.call },
} as const;

/** A person without a device who was sent a code. */
async function sent({ addPerson, nodeAuthy, textTo }: Application) {
  const { authyId, phone } = await addPerson();
  await replyOf((done) => nodeAuthy().request_sms(authyId, done));
  return { authyId, token: codeIn(await textTo(phone)) };
}

const sending = (way: keyof typeof WAYS): Methods[string] => ({
  'a user without a device': async ({ addPerson, nodeAuthy, textTo }) => {
    const { authyId, phone } = await addPerson();
    const { success, ...reply } = await replyOf((done) => nodeAuthy()[way](authyId, done));
    assert.deepEqual(reply, { message: WAYS[way].sent, cellphone: `+1-XXX-XXX-XX${phone.number.slice(-2)}` });
    assert.equal(success, true);
    assert.match(codeIn(await textTo(phone)), /^\d{7}$/);
  },

  'a user with a device: nothing is sent, but by force': async ({ addPerson, nodeAuthy, textTo }) => {
    const { authyId, phone } = await addPerson({ devices: 1 });
    const ignored = await replyOf((done) => nodeAuthy()[way](authyId, false, done));
    assertHas(ignored, { ignored: true, device: 'android', message: WAYS[way].ignored });
    const forced = await replyOf((done) => nodeAuthy()[way](authyId, true, done));
    assertHas(forced, { ignored: undefined, device: undefined, message: WAYS[way].sent });
    const token = codeIn(await textTo(phone));
    assertHas(await replyOf((done) => nodeAuthy().verify(authyId, token, done)), { token: 'is valid' });
  },

  'an unknown user: 60026': ({ nodeAuthy }) =>
    assertRefused((done) => nodeAuthy()[way](NOBODY, done), REFUSALS.unknownUser),

  'a user without a phone number: 60058': async ({ addPerson, nodeAuthy }) => {
    const { authyId } = await addPerson({ hasPhone: false });
    await assertRefused((done) => nodeAuthy()[way](authyId, done), REFUSALS.noPhone);
  },

  'again at once: 60003': async ({ addPerson, nodeAuthy }) => {
    const { authyId } = await addPerson();
    await replyOf((done) => nodeAuthy()[way](authyId, done));
    await assertRefused((done) => nodeAuthy()[way](authyId, done), REFUSALS.tooMany);
  },

  'by a force that is neither: 60004': async ({ addPerson, nodeAuthy }) => {
    const { authyId } = await addPerson();
    await assertRefused((done) => nodeAuthy()[way](authyId, 'perhaps', done), REFUSALS.badParameter);
  },
});

export const codes = casesOf('authy', {
  request_sms: sending('request_sms'),
  request_call: sending('request_call'),

  verify: {
    'a code that was sent': saying(MESSAGES.token, async (world) => {
      const { authyId, token } = await sent(world);
      const reply = await replyOf((done) => world.nodeAuthy().verify(authyId, token, done));
      assertHas(reply, { message: MESSAGES.token, token: 'is valid', success: 'true' });
    }),

    'a code by force, with what people type between digits': async (world) => {
      const { authyId, token } = await sent(world);
      const typed = `${token.slice(0, 3)} - ${token.slice(3)}`;
      await replyOf((done) => world.nodeAuthy().verify(authyId, typed, true, done));
    },

    "what the person's device shows, by force": async ({ addPerson, nodeAuthy }) => {
      const { authyId, devices } = await addPerson({ devices: 1 });
      const { code } = readTotp(await devices[0]!.totp());
      assertHas(await replyOf((done) => nodeAuthy().verify(authyId, code, true, done)), { token: 'is valid' });
    },

    'a wrong code, without force and with it: 60020': async (world) => {
      const { authyId, token } = await sent(world);
      for (const force of [false, true]) {
        const guess = wrong(token);
        await assertRefused((done) => world.nodeAuthy().verify(authyId, guess, force, done), REFUSALS.wrongToken);
      }
    },

    'too short or too long a code: 60020': async (world) => {
      const { authyId } = await sent(world);
      for (const guess of ['1', '1234567890123456789']) {
        await assertRefused((done) => world.nodeAuthy().verify(authyId, guess, done), REFUSALS.wrongToken);
      }
    },

    'any code of who never confirmed, where the switch lets them in': async ({ addApplication }) => {
      const { addPerson, nodeAuthy } = await addApplication({ switches: { unforcedVerify: true } });
      const { authyId } = await addPerson();
      assertHas(await replyOf((done) => nodeAuthy().verify(authyId, '1234567', done)), { token: 'is valid' });
      await assertRefused((done) => nodeAuthy().verify(authyId, '1234567', true, done), REFUSALS.wrongToken);
    },

    'a code for the second time: 60019': async (world) => {
      const { authyId, token } = await sent(world);
      await replyOf((done) => world.nodeAuthy().verify(authyId, token, done));
      await assertRefused((done) => world.nodeAuthy().verify(authyId, token, done), REFUSALS.usedToken);
    },

    'an unknown user: 60026': ({ nodeAuthy }) =>
      assertRefused((done) => nodeAuthy().verify(NOBODY, '1234567', done), REFUSALS.unknownUser),

    'a sixth guess in a minute, though it is right: 60003': async (world) => {
      const { authyId, token } = await sent(world);
      for (let n = 0; n < 5; n++) {
        await assertRefused((done) => world.nodeAuthy().verify(authyId, wrong(token), done), REFUSALS.wrongToken);
      }
      await assertRefused((done) => world.nodeAuthy().verify(authyId, token, done), REFUSALS.tooMany);
    },
  },
});
