import assert from 'node:assert/strict';
import { casesOf, saying } from '../cases';
import { MESSAGES } from '../documented';
import { assertHas } from '../expectations';

export const app = casesOf('authy-client', {
  getApplicationDetails: {
    'the application of the key': saying(MESSAGES.application, async ({ authyClient, tenant }) => {
      const { app: details, message } = await authyClient().getApplicationDetails({ ip: '203.0.113.7' });
      assert.equal(message, MESSAGES.application);
      assert.ok(Number.isInteger(details.app_id));
      assertHas(details, {
        name: tenant.name,
        plan: 'pay_as_you_go',
        sms_enabled: true,
        phone_calls_enabled: true,
        onetouch_enabled: true,
      });
    }),
  },

  getApplicationStatistics: {
    'its months, of which this one has a new user': saying(MESSAGES.statistics, async ({ addApplication }) => {
      const { addPerson, authyClient } = await addApplication();
      await addPerson();
      const reply = await authyClient().getApplicationStatistics({ ip: '203.0.113.7' });
      assertHas(reply, { message: MESSAGES.statistics, count: 1, total_users: 1 });
      assertHas(reply.stats[0], { users_count: 1, sms_count: 0, year: new Date().getUTCFullYear() });
    }),
  },
});
