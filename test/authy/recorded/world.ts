import { createDevice, createWebCryptoKey } from '../../../sdk/device';
import type { Device } from '../../../sdk/device';
import { startAuthy } from '../../support/authy';
import type { RawReply } from '../../support/http';
import { until } from '../../support/until';
import type { Before, Recorded, RecordedClient } from './recorded';
import { sendBytes } from './wire';

/** A running program whose text messages and calls are kept here. */
export async function startRecorded() {
  const texts: { to: string; text: string }[] = [];
  const sender = { send: (message: { to: string; text: string }) => Promise.resolve(void texts.push(message)) };
  const bench = await startAuthy({ workflows: true, smsSender: sender, voiceSender: sender });
  let clients = 0;

  /** One person, known to one client, and what its requests are filled with. */
  function meet({ headers }: RecordedClient) {
    const count = String(++clients).padStart(2, '0');
    const known: Record<string, string> = {
      ...{ key: bench.tenant.authyApiKey, host: new URL(bench.url).host },
      ...{ phone: `41555520${count}`, number: `41555530${count}` },
    };
    let device: Device | undefined;
    const fill = (template: string) =>
      template.replace(/<(\w+)>/g, (_, name: string) => {
        if (known[name] === undefined) throw new Error(`no reply has said the ${name}`);
        return known[name];
      });

    /** The newest code: a message that only installs something has none. */
    async function takeCode(name: 'phone' | 'number'): Promise<void> {
      const codeIn = ({ to, text }: (typeof texts)[number]) =>
        to === `+1${known[name]}` ? / (?:is|es|ist) (\d{4,10})\./.exec(text)?.[1] : undefined;
      known['code'] = await until(() => Promise.resolve(texts.map(codeIn).findLast((code) => code !== undefined)), {
        what: `a code for the ${name}`,
      });
    }

    async function becomeDevice(): Promise<void> {
      const form = { authy_id: known['id']! };
      const { body } = await bench.authy('POST', '/protected/json/sdk/registrations', { form });
      device = createDevice({ baseUrl: bench.url, key: await createWebCryptoKey() });
      await device.register(body.registration_token as string, { name: 'Phone', platform: 'android' });
    }

    const steps: Record<Before, () => Promise<unknown>> = {
      'code on the phone': () => takeCode('phone'),
      'code on the number': () => takeCode('number'),
      device: becomeDevice,
      approved: async () => device!.answer(await device!.show(known['uuid']!), 'approved'),
      denied: async () => device!.answer(await device!.show(known['uuid']!), 'denied'),
    };

    /** Sends a request as it was recorded. */
    return async function send({ before, call, headers: own = [], body }: Recorded): Promise<RawReply> {
      // What the requests before have used up is over.
      await bench.pool.query('delete from recent_acts');
      if (before) await steps[before]();
      const content = body === undefined ? undefined : Buffer.from(fill(body), 'utf8');
      const length = content === undefined ? [] : [`Content-Length: ${content.length}`];
      const lines = [`${call} HTTP/1.1`, 'Host: <host>', ...headers, ...own, ...length, '', ''];
      const head = Buffer.from(fill(lines.join('\r\n')), 'latin1');
      const reply = await sendBytes(bench.url, Buffer.concat([head, content ?? Buffer.alloc(0)]));
      const { user, approval_request: asked, status } = reply.body;
      if (user?.id) known['id'] = String(user.id);
      if (asked?.uuid) known['uuid'] = asked.uuid;
      if (status?.detailed_devices?.[0]) known['device'] = String(status.detailed_devices[0].device_id);
      return reply;
    };
  }

  return { close: () => bench.close(), meet };
}
