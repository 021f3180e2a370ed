import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { errors } from 'authy-client';
import { parsePairs } from '../../../api/authy/values';
import type { Received } from '../../support/receiver';
import { until } from '../../support/until';
import { answer } from '../application';
import type { Application } from '../application';
import { casesOf } from '../cases';
import { assertHas, failureOf } from '../expectations';
import type { World } from '../world';

const QUESTION = {
  details: {
    visible: { amount: '10 € + tip', note: 'a=b;c,d (e)!', to: 'Café & Co' },
    hidden: { ip_address: '198.51.100.4', tags: ['a', 'b'] },
  },
  logos: [
    { res: 'default', url: 'https://example.com/l.png?x=1' },
    { res: 'low', url: 'https://example.com/s.png' },
  ],
  message: 'Pay 10 € to "Café & Co"?',
};

/** The callback about a request, as a back end receives it. */
async function callbackAfter({ receiver }: World, application: Application, decision: 'approved' | 'denied') {
  const person = await application.addPerson({ devices: 1 });
  const { approval_request: request } = await application
    .authyClient()
    .createApprovalRequest({ authyId: person.authyId, ...QUESTION });
  const uuid = request.uuid as string;
  await answer(person, uuid, decision);
  const received = await until(
    () => Promise.resolve(receiver.received.find(({ body, path }) => (body + path).includes(uuid))),
    { what: 'the callback' },
  );
  return { received, uuid, person };
}

/** As express hands it to the client's verifier. */
const toRequest = ({ body, headers, method, path: url }: Received) => ({
  body: JSON.parse(body),
  headers,
  method,
  protocol: 'http',
  url,
});

const assertNotVerified = async (call: Promise<unknown>): Promise<void> =>
  assert.ok((await failureOf(call)) instanceof errors.ValidationFailedError);

export const callbacks = casesOf('authy-client', {
  verifyCallback: {
    'what was approved': async (world) => {
      const { received, uuid, person } = await callbackAfter(world, world, 'approved');
      const { body } = await world.authyClient().verifyCallback(toRequest(received));
      assertHas(body, {
        authy_id: person.authyId,
        callback_action: 'approval_request_status',
        status: 'approved',
        uuid,
        device_uuid: person.devices[0]!.identity!.deviceId,
      });
      assertHas(body.approval_request.transaction, {
        details: QUESTION.details.visible,
        hidden_details: QUESTION.details.hidden,
        message: QUESTION.message,
        status: 'approved',
        uuid,
      });
      assert.deepEqual(body.approval_request.logos, QUESTION.logos);
    },

    'what was denied': async (world) => {
      const { received } = await callbackAfter(world, world, 'denied');
      const { body } = await world.authyClient().verifyCallback(toRequest(received));
      assertHas(body, { status: 'denied' });
    },

    'one that somebody changed is not verified': async (world) => {
      const { received } = await callbackAfter(world, world, 'denied');
      const request = toRequest(received);
      const changed: object[] = [
        { ...request, body: { ...request.body, status: 'approved' } },
        { ...request, url: '/elsewhere' },
        { ...request, headers: { ...request.headers, 'x-authy-signature-nonce': '1' } },
      ];
      for (const each of changed) await assertNotVerified(world.authyClient().verifyCallback(each));
    },

    'one that another key signed is not verified': async (world) => {
      const { received } = await callbackAfter(world, world, 'approved');
      const another = world.authyClient({ key: 'another-key' });
      await assertNotVerified(another.verifyCallback(toRequest(received)));
    },

    'by GET: its query is what was signed': async (world) => {
      const application = await world.addApplication({ callbackMethod: 'GET' });
      const { received, uuid } = await callbackAfter(world, application, 'approved');
      const query = received.path.split('?')[1] ?? '';
      // This client believes every GET, so the signature is checked as others do: over the bytes of the query.
      const nonce = String(received.headers['x-authy-signature-nonce']);
      const signature = createHmac('sha256', application.tenant.authyApiKey)
        .update(`${nonce}|GET|${world.receiver.url}|${query}`)
        .digest('base64');
      assert.equal(received.headers['x-authy-signature'], signature);
      const request = { ...received, body: parsePairs(query), protocol: 'http', url: received.path };
      const { body } = await application.authyClient().verifyCallback(request);
      assertHas(body, { status: 'approved', uuid });
    },
  },
});
