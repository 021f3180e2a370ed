import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { enums } from 'authy-client';
import { until } from '../../support/until';
import { answer } from '../application';
import type { Application } from '../application';
import { casesOf } from '../cases';
import { NOBODY, REFUSALS } from '../documented';
import { assertHas } from '../expectations';
import { assertRefused } from './refused';

const url = 'https://example.com/logo.png';
const { DEFAULT, LOW, MEDIUM, HIGH } = enums['resolution']!;

/** A person with a device who was asked something. */
async function asked({ addPerson, authyClient }: Application) {
  const client = authyClient();
  const person = await addPerson({ devices: 1 });
  const { approval_request: request } = await client.createApprovalRequest({
    authyId: person.authyId,
    message: 'Log in?',
  });
  const uuid = request.uuid as string;
  return { client, person, uuid, read: async () => (await client.getApprovalRequest({ id: uuid })).approval_request };
}

export const oneTouch = casesOf('authy-client', {
  createApprovalRequest: {
    'a message alone, which the device shows': async (world) => {
      const { person, uuid } = await asked(world);
      const { approvals } = await person.devices[0]!.inbox();
      assert.deepEqual(
        approvals.map(({ id }) => id),
        [uuid],
      );
      assert.ok(approvals[0]!.shown.includes('Log in?'));
    },

    'details, hidden ones, logos and a lifetime': async ({ addPerson, authyClient }) => {
      const { authyId, devices } = await addPerson({ devices: 1 });
      const { approval_request: request } = await authyClient().createApprovalRequest(
        {
          authyId,
          details: { visible: { amount: '10 € + tip' }, hidden: { ip: '198.51.100.4' } },
          logos: [DEFAULT, LOW, MEDIUM, HIGH].map((res) => ({ res, url })),
          message: 'Pay 10 € to "Café & Co"?',
        },
        { ttl: 120 },
      );
      const { shown } = await devices[0]!.show(request.uuid as string);
      assert.ok(shown.includes('10 € + tip') && !shown.includes('198.51.100.4') && !shown.includes(url));
      const read = await authyClient().getApprovalRequest({ id: request.uuid });
      assertHas(read.approval_request, { seconds_to_expire: 120 });
    },

    'a lifetime of 0: the longest there is': async ({ addPerson, authyClient }) => {
      const { authyId } = await addPerson({ devices: 1 });
      const { approval_request: request } = await authyClient().createApprovalRequest(
        { authyId, message: 'a' },
        { ttl: 0 },
      );
      const read = await authyClient().getApprovalRequest({ id: request.uuid });
      assertHas(read.approval_request, { seconds_to_expire: 86_400 });
    },

    'the same again within five seconds: the same request': async ({ addPerson, authyClient }) => {
      const { authyId } = await addPerson({ devices: 1 });
      const ask = () => authyClient().createApprovalRequest({ authyId, message: 'Log in?' });
      assert.equal((await ask()).approval_request.uuid, (await ask()).approval_request.uuid);
    },

    'an unknown user: 60026': ({ authyClient }) =>
      assertRefused(authyClient().createApprovalRequest({ authyId: NOBODY, message: 'a' }), REFUSALS.unknownUser),

    'a user without a device: 60051': async ({ addPerson, authyClient }) => {
      const { authyId } = await addPerson();
      await assertRefused(authyClient().createApprovalRequest({ authyId, message: 'a' }), REFUSALS.noDevice);
    },

    'logos without a default one, or a lifetime before now: 60004': async ({ addPerson, authyClient }) => {
      const { authyId } = await addPerson({ devices: 1 });
      const ask = (more: object, options = {}) =>
        authyClient().createApprovalRequest({ authyId, message: 'a', ...more }, options);
      await assertRefused(ask({ logos: [{ res: LOW, url }] }), REFUSALS.badParameter);
      await assertRefused(ask({}, { ttl: -1 }), REFUSALS.badParameter);
    },
  },

  getApprovalRequest: {
    'one that waits, once the phone is told': async (world) => {
      const { read, uuid, person } = await asked(world);
      const request = await until(async () => (await read()).notified && read(), { what: 'the push' });
      assertHas(request, {
        _app_name: world.tenant.name,
        _authy_id: person.authyId,
        _user_email: person.email,
        processed_at: null,
        status: 'pending',
        seconds_to_expire: 86_400,
        uuid,
      });
      for (const id of [request._id, request.app_id, request.user_id]) assert.match(id, /^[\da-f]{24}$/);
    },

    'one that is approved': async (world) => {
      const { read, uuid, person } = await asked(world);
      await answer(person, uuid, 'approved');
      const { status, processed_at: processedAt } = await read();
      assert.equal(status, 'approved');
      assert.match(processedAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    },

    'one that is denied': async (world) => {
      const { read, uuid, person } = await asked(world);
      await answer(person, uuid, 'denied');
      assertHas(await read(), { status: 'denied' });
    },

    'one that nobody answered in time': async (world) => {
      const { read, uuid } = await asked(world);
      await world.program.pool.query('update approvals set expires_at = clock_timestamp() where id = $1', [uuid]);
      await until(async () => (await read()).status === 'expired', { what: 'its end' });
      assertHas(await read(), { processed_at: null });
    },

    'of a user without an address': async ({ addPerson, authyClient }) => {
      const { authyId } = await addPerson({ devices: 1, hasEmail: false });
      const { approval_request: request } = await authyClient().createApprovalRequest({ authyId, message: 'a' });
      const read = await authyClient().getApprovalRequest({ id: request.uuid });
      assert.match(read.approval_request._user_email, /@.+\..+/);
    },

    'an unknown one: 60049': async ({ authyClient }) => {
      for (const id of [randomUUID(), 'nonsense']) {
        const message = `Approval request not found: ${id}`;
        await assertRefused(authyClient().getApprovalRequest({ id }), { ...REFUSALS.unknownRequest, message });
      }
    },
  },
});
