import assert from 'node:assert/strict';
import { enums } from 'authy-client';
import { createDevice, createWebCryptoKey, openInstallLink } from '../../../sdk/device';
import { codeIn } from '../application';
import { casesOf, saying } from '../cases';
import { MESSAGES, NOBODY, REFUSALS } from '../documented';
import { assertHas } from '../expectations';
import { newPhone } from '../phones';
import { assertRefused } from './refused';

const EMAIL = 'jane@example.com';

export const users = casesOf('authy-client', {
  registerUser: {
    'a phone that is new': saying(MESSAGES.created, async ({ authyClient }) => {
      const { countryCode, number: phone } = newPhone();
      const reply = await authyClient().registerUser({ countryCode, email: EMAIL, phone });
      assert.equal(reply.message, MESSAGES.created);
      assert.ok(Number.isInteger(reply.user.id) && reply.user.id < 2 ** 31);
    }),

    'the same phone again, spelled otherwise: the same id': async ({ authyClient }) => {
      const { number } = newPhone();
      const spelled = `(${number.slice(0, 3)}) ${number.slice(3, 6)}-${number.slice(6)}`;
      const first = await authyClient().registerUser({ countryCode: '1', email: EMAIL, phone: number });
      const second = await authyClient().registerUser({ countryCode: 'US', email: 'j@example.com', phone: spelled });
      assert.equal(second.user.id, first.user.id);
    },

    'its install link makes the phone a device': async (world) => {
      const client = world.authyClient();
      const phone = newPhone();
      const { user } = await client.registerUser({ countryCode: '1', email: EMAIL, phone: phone.number });
      const [link = ''] = /https?:\S+$/.exec(await world.textTo(phone)) ?? [];
      const { baseUrl, registrationToken } = await openInstallLink(link);
      const device = createDevice({ baseUrl, key: await createWebCryptoKey() });
      await device.register(registrationToken, { name: 'Phone', platform: 'ios' });
      const { status } = await client.getUserStatus({ authyId: user.id });
      assertHas(status, { registered: true, devices: ['iphone'] });
    },

    'an address that is none of ours: 60027': ({ authyClient }) =>
      assertRefused(
        authyClient().registerUser({ countryCode: '1', email: '"jane"@example.com', phone: newPhone().number }),
        { ...REFUSALS.invalidUser, fields: { email: 'is invalid' } },
      ),

    'a callback instead of a promise': ({ authyClient }) =>
      new Promise((resolve, reject) => {
        const { countryCode, number: phone } = newPhone();
        const done = (error: Error | null, reply: { success: unknown }) =>
          error ? reject(error) : resolve(assert.equal(reply.success, true));
        void authyClient().registerUser({ countryCode, email: EMAIL, phone }, done);
      }),

    'a host that ends with a slash': async ({ authyClient, url }) => {
      const { countryCode, number: phone } = newPhone();
      await authyClient({ host: `${url}/` }).registerUser({ countryCode, email: EMAIL, phone });
    },
  },

  getUserStatus: {
    'a user without a device': saying(MESSAGES.status, async ({ addPerson, authyClient }) => {
      const { authyId, phone, email } = await addPerson();
      const reply = await authyClient().getUserStatus({ authyId });
      assert.equal(reply.message, MESSAGES.status);
      assertHas(reply.status, {
        authy_id: authyId,
        confirmed: false,
        registered: false,
        country_code: 1,
        phone_number: `XXX-XXX-${phone.number.slice(-4)}`,
        email,
        devices: [],
        has_hard_token: false,
        account_disabled: false,
      });
    }),

    'a user with a device; the address of who asks is taken': async ({ addPerson, authyClient }) => {
      const { authyId } = await addPerson({ devices: 1 });
      const { status } = await authyClient().getUserStatus({ authyId }, { ip: '203.0.113.7' });
      assertHas(status, { registered: true, devices: ['android'] });
    },

    'a user without a phone number': async ({ addPerson, authyClient }) => {
      const { authyId } = await addPerson({ hasPhone: false });
      const { status } = await authyClient().getUserStatus({ authyId: String(authyId) });
      assertHas(status, { phone_number: 'XXX-XXX-XXXX' });
    },

    'who has entered a code is confirmed': async ({ addPerson, authyClient, textTo }) => {
      const { authyId, phone } = await addPerson();
      await authyClient().requestSms({ authyId });
      await authyClient().verifyToken({ authyId, token: codeIn(await textTo(phone)) });
      assertHas((await authyClient().getUserStatus({ authyId })).status, { confirmed: true });
    },

    'an unknown user: 60026': ({ authyClient }) =>
      assertRefused(authyClient().getUserStatus({ authyId: NOBODY }), REFUSALS.unknownUser),

    "another application's user: 60026": async ({ authyClient, addApplication }) => {
      const { authyId } = await (await addApplication()).addPerson();
      await assertRefused(authyClient().getUserStatus({ authyId }), REFUSALS.unknownUser);
    },
  },

  deleteUser: {
    'a user, who is unknown from then on': saying(MESSAGES.removed, async ({ addPerson, authyClient }) => {
      const { authyId } = await addPerson({ devices: 1 });
      const reply = await authyClient().deleteUser({ authyId }, { ip: '203.0.113.7' });
      assert.equal(reply.message, MESSAGES.removed);
      await assertRefused(authyClient().getUserStatus({ authyId }), REFUSALS.unknownUser);
      await assertRefused(authyClient().deleteUser({ authyId }), REFUSALS.unknownUser);
    }),

    'an unknown user: 60026': ({ authyClient }) =>
      assertRefused(authyClient().deleteUser({ authyId: NOBODY }), REFUSALS.unknownUser),
  },

  registerActivity: {
    'each kind there is': saying(MESSAGES.activity, async ({ addPerson, authyClient, call }) => {
      const { authyId, id } = await addPerson();
      const kinds = Object.values(enums['activity']!);
      for (const type of kinds) {
        const reply = await authyClient().registerActivity(
          { authyId, type, data: { reason: 'asked for' } },
          { ip: '::1' },
        );
        assert.equal(reply.message, MESSAGES.activity);
      }
      const { events } = (await call('GET', '/v1/events?type=activity_reported&limit=100')).body;
      const told = (events as { data: { userId: string } }[]).filter(({ data }) => data.userId === id);
      assert.equal(told.length, kinds.length);
    }),

    'an unknown user: 60026': ({ authyClient }) =>
      assertRefused(authyClient().registerActivity({ authyId: NOBODY, type: 'banned' }), REFUSALS.unknownUser),
  },
});
