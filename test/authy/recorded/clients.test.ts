import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { go } from './clients/go';
import { java } from './clients/java';
import { php } from './clients/php';
import { python } from './clients/python';
import { ruby } from './clients/ruby';
import { rust } from './clients/rust';
import { samples } from './clients/samples';
import { vpn } from './clients/vpn';
import { startRecorded } from './world';

/** The requests that released clients of the Authy API send, byte for byte, and what each of them looks for in the replies. */
let world: Awaited<ReturnType<typeof startRecorded>>;
beforeAll(async () => {
  world = await startRecorded();
}, 60_000);
afterAll(() => world?.close());

describe.each([python, ruby, php, java, go, rust, vpn, samples])('$name', (client) => {
  let send: ReturnType<typeof world.meet>;
  beforeAll(() => void (send = world.meet(client)));

  // Each goes on where the one before has ended, as a back end does.
  test.each(client.calls)('$does', async (recorded) => {
    const { status = 200, insists } = recorded;
    const reply = await send(recorded);
    const { body, text, headers } = reply;
    expect([reply.status, text]).toEqual([status, text]);
    expect(headers['content-type']).toBe('application/json;charset=utf-8');
    expect(text).toMatch(/^[\x20-\x7e]+$/);
    expect(text).toBe(JSON.stringify(body).replace(/[\u0080-\uffff]/g, escaped));
    if (reply.status === 200) {
      expect(String(body.success)).toBe('true');
    } else {
      expect(body).toMatchObject({ message: expect.any(String), success: false, ...body.errors });
      expect(Object.values(body.errors as object).map((value) => typeof value)).not.toContain('object');
      expect(body.error_code).toMatch(/^6\d{4}$/);
    }
    client.insists?.(reply, recorded.call);
    insists?.(reply);
  });
});

const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
