import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startAuthy } from '../support/authy';

let bench: Awaited<ReturnType<typeof startAuthy>>;
beforeAll(async () => {
  bench = await startAuthy();
});
afterAll(() => bench.close());

test('an application reads what it is', async () => {
  const { status, body } = await bench.authy('GET', '/protected/json/app/details');
  expect(status).toBe(200);
  expect(body).toEqual({
    app: {
      name: expect.any(String),
      plan: 'pay_as_you_go',
      sms_enabled: true,
      phone_calls_enabled: true,
      app_id: expect.any(Number),
      onetouch_enabled: true,
    },
    message: 'Application information.',
    success: true,
  });
});
