import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { until } from '../../support/until';
import { answer } from '../application';
import type { Application } from '../application';
import { casesOf } from '../cases';
import { NOBODY, REFUSALS } from '../documented';
import { assertHas } from '../expectations';
import { assertRefused, replyOf } from './answers';

const url = 'https://example.com/logo.png';

/** A person with a device who was asked something. */
async function asked({ addPerson, nodeAuthy }: Application, payload: object = {}, ...more: unknown[]) {
  const person = await addPerson({ devices: 1 });
  const { approval_request: request, success } = await replyOf((done) =>
    nodeAuthy().send_approval_request(
      person.authyId,
      { message: 'Log in?', ...payload },
      more[0] ?? null,
      more[1] ?? null,
      done,
    ),
  );
  assert.equal(success, true);
  const uuid = request.uuid as string;
  const read = async () => (await replyOf((done) => nodeAuthy().check_approval_status(uuid, done))).approval_request;
  return { person, uuid, read };
}

export const oneTouch = casesOf('authy', {
  send_approval_request: {
    'a message alone, which the device shows': async (world) => {
      const { person, uuid, read } = await asked(world);
      const { shown } = await person.devices[0]!.show(uuid);
      assert.ok(shown.includes('Log in?'));
      assertHas(await read(), { seconds_to_expire: 86_400 });
    },

    'details, hidden ones, logos and a lifetime': async (world) => {
      const { person, uuid, read } = await asked(
        world,
        { details: { 'Account Number': 'DE89/3704 & 0044', amount: '10 €' }, seconds_to_expire: 120 },
        { ip: '198.51.100.4' },
        [
          { res: 'default', url },
          { res: 'low', url },
        ],
      );
      const { shown } = await person.devices[0]!.show(uuid);
      assert.ok(shown.includes('Account Number') && shown.includes('DE89/3704 & 0044') && shown.includes('10 €'));
      assert.ok(!shown.includes('198.51.100.4') && !shown.includes(url));
      assertHas(await read(), { seconds_to_expire: 120 });
    },

    'an unknown user: 60026': ({ nodeAuthy }) =>
      assertRefused(
        (done) => nodeAuthy().send_approval_request(NOBODY, { message: 'a' }, null, null, done),
        REFUSALS.unknownUser,
      ),

    'a user without a device: 60051': async ({ addPerson, nodeAuthy }) => {
      const { authyId } = await addPerson();
      await assertRefused(
        (done) => nodeAuthy().send_approval_request(authyId, { message: 'a' }, null, null, done),
        REFUSALS.noDevice,
      );
    },

    'no message, too long a one, or logos without a default one: 60004': async ({ addPerson, nodeAuthy }) => {
      const { authyId } = await addPerson({ devices: 1 });
      for (const [payload, logos] of [
        [{}, null],
        [{ message: 'a'.repeat(201) }, null],
        [{ message: 'a' }, [{ res: 'low', url }]],
        [{ message: 'a', seconds_to_expire: 'soon' }, null],
      ]) {
        await assertRefused(
          (done) => nodeAuthy().send_approval_request(authyId, payload, null, logos, done),
          REFUSALS.badParameter,
        );
      }
    },
  },

  check_approval_status: {
    'one that waits': async (world) => {
      const { read, uuid, person } = await asked(world);
      assertHas(await read(), { status: 'pending', uuid, _authy_id: person.authyId, processed_at: null });
    },

    'one that is approved': async (world) => {
      const { read, uuid, person } = await asked(world);
      await answer(person, uuid, 'approved');
      assertHas(await read(), { status: 'approved' });
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
    },

    'an unknown one: 60049': async ({ nodeAuthy }) => {
      for (const uuid of [randomUUID(), 'nonsense']) {
        await assertRefused((done) => nodeAuthy().check_approval_status(uuid, done), {
          ...REFUSALS.unknownRequest,
          message: `Approval request not found: ${uuid}`,
        });
      }
    },
  },
});
