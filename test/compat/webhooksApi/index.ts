import assert from 'node:assert/strict';
import { createDashboard } from '../../authy/dashboardClient';
import type { Dashboard } from '../../authy/dashboardClient';
import type { RawReply } from '../../support/http';
import { startReceiver } from '../../support/receiver';
import type { Received } from '../../support/receiver';
import { until } from '../../support/until';
import { answer, codeIn, wrong } from '../application';
import type { Application } from '../application';
import { casesOf } from '../cases';
import type { Case } from '../cases';
import type { Refusal } from '../documented';
import { assertError, assertHas } from '../expectations';
import type { World } from '../world';
import { newPhone } from '../phones';
import { verifyDelivery } from './verifyDelivery';
import type { Endpoint } from './verifyDelivery';

const PATH = '/dashboard/json/application/webhooks';
const URL = 'https://example.com/hook?a=1';

/** An application of its own, and the sample that works for it. */
async function start({ addApplication, program }: World) {
  const application = await addApplication();
  const sample = createDashboard(application, application.dashboard, program.url);
  return { application, sample, webhooks: async () => (await sample('GET', PATH)).body.webhooks as object[] };
}

const create = (sample: Dashboard, events: string[], url: string = URL): Promise<RawReply> =>
  sample('POST', PATH, { url, name: 'my hook', events });

function assertRefused({ status, body }: RawReply, expected: Refusal): void {
  assertError(body, expected);
  assert.equal(status, expected.status);
}

const contentOf = ({ body, headers }: Received) => ({ body, contentType: headers['content-type'] ?? '' });

/** What one endpoint is told of what an application does. */
async function listen(world: World, events: string[], act: (application: Application) => Promise<unknown>) {
  const { application, sample } = await start(world);
  const receiver = await startReceiver();
  try {
    const { webhook } = (await create(sample, events, receiver.url)).body;
    const endpoint: Endpoint = { url: receiver.url, signingKey: webhook.signing_key as string };
    await act(application);
    const read = () => receiver.received.flatMap((each) => verifyDelivery(contentOf(each), endpoint) ?? []);
    // Delivery is at least once.
    const names = () => [...new Set(read().map(({ event }) => event))].sort();
    await until(() => Promise.resolve(names().length >= events.length), { what: events.join(', ') });
    assert.deepEqual(names(), events.toSorted());
    return { told: read(), received: receiver.received, endpoint };
  } finally {
    await receiver.close();
  }
}

/** The official sample of the webhooks API: it signs calls, and verifies deliveries. */
export const WEBHOOKS_API: readonly Case[] = casesOf('webhooks API sample', {
  create: {
    'an endpoint for two events': async (world) => {
      const { sample } = await start(world);
      const { status, body } = await create(sample, ['user_added', 'token_verified']);
      assert.equal(status, 200);
      assertHas(body, { message: 'Webhook created', success: true });
      assertHas(body.webhook, { url: URL, name: 'my hook', events: ['user_added', 'token_verified'] });
      assert.match(body.webhook.id, /^WH_/);
      assert.match(body.webhook.signing_key, /^WSK_/);
    },

    'an event that is none: 60098': async (world) => {
      const { sample } = await start(world);
      assertRefused(await create(sample, ['user_vanished']), {
        status: 400,
        number: 60098,
        fields: { events: 'is invalid' },
      });
    },

    'what is signed otherwise: 60087': async (world) => {
      const { sample } = await start(world);
      const parameters = { url: URL, name: 'my hook', events: ['user_added'] };
      const refused = await sample('POST', PATH, parameters, { signature: 'x' });
      assertRefused(refused, { status: 401, number: 60087 });
    },

    'an app API key that is none: 60073': async (world) => {
      const { dashboard } = await world.addApplication();
      const sample = createDashboard(world, { ...dashboard, appApiKey: 'wrong' }, world.program.url);
      assertRefused(await create(sample, ['user_added']), { status: 400, number: 60073 });
    },

    'an access key that is none: 60072': async (world) => {
      const { dashboard } = await world.addApplication();
      const sample = createDashboard(world, { ...dashboard, accessKey: 'wrong' }, world.program.url);
      assertRefused(await create(sample, ['user_added']), { status: 404, number: 60072 });
    },
  },

  list: {
    'the endpoints that there are': async (world) => {
      const { sample, webhooks } = await start(world);
      assert.deepEqual(await webhooks(), []);
      const { webhook } = (await create(sample, ['user_added'])).body;
      assert.deepEqual(await webhooks(), [webhook]);
    },
  },

  delete: {
    'an endpoint by its path, and one by its id in the body': async (world) => {
      const { sample, webhooks } = await start(world);
      const [first, second] = [await create(sample, ['user_added']), await create(sample, ['user_removed'])];
      const byPath = await sample('DELETE', `${PATH}/${first.body.webhook.id}`);
      assertHas(byPath.body, { message: 'Webhook deleted', success: true });
      await sample('DELETE', PATH, { webhook_id: second.body.webhook.id });
      assert.deepEqual(await webhooks(), []);
    },

    'an unknown one: 60100': async (world) => {
      const { sample } = await start(world);
      assertRefused(await sample('DELETE', `${PATH}/WH_1-2`), { status: 400, number: 60100 });
    },
  },

  delivery: {
    'of a user who is added, and removed': async (world) => {
      const { told } = await listen(world, ['user_added', 'user_removed'], async ({ authyClient }) => {
        const { countryCode, number: phone } = newPhone();
        const { user } = await authyClient().registerUser({ countryCode, phone, email: 'jane@example.com' });
        await authyClient().deleteUser({ authyId: user.id });
      });
      for (const { objects } of told) assert.match(String(objects['user']?.['s_authy_id']), /^\d+$/);
    },

    'of a code: sent, wrong and right': async (world) => {
      const events = ['totp_token_sent', 'token_invalid', 'token_verified'];
      await listen(world, events, async ({ addPerson, authyClient, textTo }) => {
        const { authyId, phone } = await addPerson();
        const client = authyClient();
        await client.requestSms({ authyId });
        const token = codeIn(await textTo(phone));
        await client.verifyToken({ authyId, token: wrong(token) }).catch(() => undefined);
        await client.verifyToken({ authyId, token });
      });
    },

    'of a device and its answer': async (world) => {
      const events = ['device_registration_completed', 'one_touch_request_responded'];
      const { told } = await listen(world, events, async ({ addPerson, authyClient }) => {
        const person = await addPerson({ devices: 1 });
        const reply = await authyClient().createApprovalRequest({ authyId: person.authyId, message: 'a' });
        await answer(person, reply.approval_request.uuid as string, 'approved');
      });
      const { objects } = told.find(({ event }) => event === 'one_touch_request_responded')!;
      assertHas(objects['onetouch_request'], { s_status: 'approved' });
    },

    'of the verification of a phone': async (world) => {
      const events = [
        'phone_verification_started',
        'phone_verification_code_is_invalid',
        'phone_verification_code_is_valid',
      ];
      await listen(world, events, async ({ authyClient, textTo }) => {
        const phone = newPhone();
        const about = { countryCode: '1', phone: phone.number };
        await authyClient().startPhoneVerification({ ...about, via: 'sms' });
        const token = codeIn(await textTo(phone));
        await authyClient()
          .verifyPhone({ ...about, token: wrong(token) })
          .catch(() => undefined);
        await authyClient().verifyPhone({ ...about, token });
      });
    },

    'with another key, for another endpoint, or changed: not verified': async (world) => {
      const { received, endpoint } = await listen(world, ['user_added'], ({ addPerson }) => addPerson());
      const content = contentOf(received[0]!);
      assert.equal(verifyDelivery(content, endpoint)?.length, 1);
      assert.equal(verifyDelivery(content, { ...endpoint, signingKey: 'WSK_another' }), undefined);
      assert.equal(verifyDelivery(content, { ...endpoint, url: `${endpoint.url}/` }), undefined);
      const [header, , signature] = (JSON.parse(content.body) as { body: string }).body.split('.');
      const payload = Buffer.from(JSON.stringify({ url: endpoint.url, params: { events: [] } })).toString('base64url');
      const changed = JSON.stringify({ body: [header, payload, signature].join('.') });
      assert.equal(verifyDelivery({ ...content, body: changed }, endpoint), undefined);
    },
  },
});
