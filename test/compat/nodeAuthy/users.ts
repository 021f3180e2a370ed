import assert from 'node:assert/strict';
import { casesOf, saying } from '../cases';
import { MESSAGES, NOBODY, REFUSALS } from '../documented';
import { assertHas } from '../expectations';
import { newPhone } from '../phones';
import { assertRefused, replyOf } from './answers';

const EMAIL = 'jane@example.com';

export const users = casesOf('authy', {
  register_user: {
    'a phone, of the country that is left out: its install link is sent': saying(
      MESSAGES.created,
      async ({ nodeAuthy, textTo }) => {
        const phone = newPhone();
        const { message, user } = await replyOf((done) => nodeAuthy().register_user(EMAIL, phone.number, done));
        assert.equal(message, MESSAGES.created);
        assert.ok(Number.isInteger(user.id) && user.id < 2 ** 31);
        assert.match(await textTo(phone), /https?:\S+$/);
      },
    ),

    'a phone of a country, spelled as people do: the same id': async ({ nodeAuthy }) => {
      const { number, countryCode } = newPhone();
      const spelled = `${number.slice(0, 3)}.${number.slice(3, 6)}.${number.slice(6)}`;
      const first = await replyOf((done) => nodeAuthy().register_user(EMAIL, number, countryCode, done));
      const second = await replyOf((done) => nodeAuthy().register_user(EMAIL, spelled, countryCode, done));
      assert.equal(second.user.id, first.user.id);
    },

    'without an install link': async ({ nodeAuthy, call }) => {
      const phones = [newPhone(), newPhone()] as const;
      await replyOf((done) => nodeAuthy().register_user(EMAIL, phones[0].number, '1', false, done));
      await replyOf((done) => nodeAuthy().register_user(EMAIL, phones[1].number, false, done));
      const { users: known } = (await call('GET', '/v1/users?limit=100')).body;
      for (const { e164 } of phones) {
        const { id } = (known as { id: string; phone: string }[]).find(({ phone }) => phone === e164)!;
        assert.deepEqual((await call('GET', `/v1/users/${id}/onboardings`)).body.onboardings, []);
      }
    },

    'a number or an address that is none: 60027': async ({ nodeAuthy }) => {
      await assertRefused((done) => nodeAuthy().register_user(EMAIL, '12', '1', done), {
        ...REFUSALS.invalidUser,
        fields: { cellphone: 'is invalid' },
      });
      await assertRefused((done) => nodeAuthy().register_user('nobody', newPhone().number, '1', done), {
        ...REFUSALS.invalidUser,
        fields: { email: 'is invalid' },
      });
    },

    'a country that is none: 60027': ({ nodeAuthy }) =>
      assertRefused((done) => nodeAuthy().register_user(EMAIL, newPhone().number, '999', done), {
        ...REFUSALS.invalidUser,
        fields: { country_code: 'is not supported' },
      }),

    'without an address: 60030': ({ nodeAuthy }) =>
      assertRefused((done) => nodeAuthy().register_user(undefined, newPhone().number, '1', done), {
        ...REFUSALS.missingUser,
        fields: { email: "can't be blank" },
      }),
  },

  user_status: {
    'a user without a device': saying(MESSAGES.status, async ({ addPerson, nodeAuthy }) => {
      const { authyId } = await addPerson();
      const { message, status } = await replyOf((done) => nodeAuthy().user_status(authyId, done));
      assert.equal(message, MESSAGES.status);
      assertHas(status, { authy_id: authyId, confirmed: false, registered: false, devices: [], country_code: 1 });
    }),

    'a user with devices': async ({ addPerson, addDevice, nodeAuthy }) => {
      const { authyId } = await addPerson({ devices: 2 });
      await addDevice(authyId, 'ios');
      const { status } = await replyOf((done) => nodeAuthy().user_status(authyId, done));
      assertHas(status, { registered: true, devices: ['android', 'iphone'] });
      assert.equal(status.detailed_devices.length, 3);
    },

    'an unknown user: 60026': ({ nodeAuthy }) =>
      assertRefused((done) => nodeAuthy().user_status(NOBODY, done), REFUSALS.unknownUser),
  },

  delete_user: {
    'a user, who is unknown from then on': saying(MESSAGES.removed, async ({ addPerson, nodeAuthy }) => {
      const { authyId } = await addPerson({ devices: 1 });
      const reply = await replyOf((done) => nodeAuthy().delete_user(authyId, done));
      assert.equal(reply.message, MESSAGES.removed);
      await assertRefused((done) => nodeAuthy().user_status(authyId, done), REFUSALS.unknownUser);
    }),

    'an unknown user, or no id at all: 60026': async ({ nodeAuthy }) => {
      for (const id of [NOBODY, 'a/b?c', '4294967297']) {
        await assertRefused((done) => nodeAuthy().delete_user(id, done), REFUSALS.unknownUser);
      }
    },
  },
});
