import { randomUUID } from 'node:crypto';
import createNodeAuthy from 'authy';
import type { Authy } from 'authy';
import { Client } from 'authy-client';
import { createDevice, createWebCryptoKey } from '../../sdk/device';
import type { Device } from '../../sdk/device';
import type { DashboardKeys } from '../authy/dashboardClient';
import { callerOf } from '../support/program';
import type { TestProgram, TestTenant } from '../support/program';
import { textsTo } from '../support/texts';
import { until } from '../support/until';
import { newPhone } from './phones';
import type { Phone } from './phones';

/** A person who uses an application. */
export interface Person {
  id: string;
  authyId: number;
  phone: Phone;
  email: string;
  /** The apps, first to last. */
  devices: Device[];
}

/** A tenant, and the clients that its back end could have. */
export type Application = ReturnType<typeof createApplication>;

/** @param url what the clients call; phones and the rest call the program itself */
export function createApplication(
  program: TestProgram,
  { dashboard, ...tenant }: TestTenant & { name: string; dashboard: DashboardKeys },
  url: string,
) {
  const call = callerOf(program.url, tenant.apiKey);

  /** A new app of a person, registered by the token that the Authy API gives. */
  async function addDevice(authyId: number, platform = 'android'): Promise<Device> {
    const reply = await fetch(`${program.url}/protected/json/sdk/registrations`, {
      method: 'POST',
      body: new URLSearchParams({ api_key: tenant.authyApiKey, authy_id: String(authyId) }),
    });
    const { registration_token: token } = (await reply.json()) as { registration_token: string };
    const device = createDevice({ baseUrl: program.url, key: await createWebCryptoKey() });
    await device.register(token, { name: 'Phone', platform });
    await device.setPushTarget({ kind: 'simulated', token: randomUUID() });
    return device;
  }

  return {
    tenant,
    /** Keys of the webhooks API. */
    dashboard,
    url,
    call,
    addDevice,

    /** Client `authy-client`; its second argument says where the API is. */
    authyClient: ({ key = tenant.authyApiKey, host = url } = {}): Client => new Client({ key }, { host }),

    /** Client `authy`; the same. */
    nodeAuthy: (key = tenant.authyApiKey): Authy => createNodeAuthy(key, url),

    /** A person whom the application knows, with so many devices. */
    async addPerson({ devices = 0, hasPhone = true, hasEmail = true } = {}): Promise<Person> {
      const phone = newPhone();
      const email = `${randomUUID()}@example.com`;
      const { body } = await call('POST', '/v1/users', {
        externalId: randomUUID(),
        ...(hasPhone && { phone: phone.e164 }),
        ...(hasEmail && { email }),
      });
      const person: Person = { id: body.id, authyId: body.authyId, phone, email, devices: [] };
      for (let i = 0; i < devices; i++) person.devices.push(await addDevice(person.authyId));
      return person;
    },

    /** The text of message `nth` to a phone, from 1, once the carrier has it. */
    textTo: ({ e164 }: Phone, nth = 1): Promise<string> =>
      until(async () => (await textsTo({ call }, e164)).at(-nth)?.text, { what: `message ${nth} to ${e164}` }),
  };
}

/** The digits in a text message or a call. */
export function codeIn(text: string): string {
  const [digits] = /\b(?:\d, )+\d\b|\b\d{4,10}\b/.exec(text) ?? [];
  if (digits === undefined) throw new Error(`there is no code in "${text}"`);
  return digits.replaceAll(', ', '');
}

/** Digits of the same length that are others. */
export const wrong = (code: string): string => code.replaceAll(/\d/g, (digit) => String((Number(digit) + 1) % 10));

/** What a person does with a question. */
export async function answer({ devices: [device] }: Person, uuid: string, decision: 'approved' | 'denied') {
  await device!.answer(await device!.show(uuid), decision);
}
