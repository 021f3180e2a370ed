import { casesOf } from '../cases';
import type { Case } from '../cases';
import { NOBODY, REFUSALS } from '../documented';
import { newPhone } from '../phones';
import { app } from './app';
import { callbacks } from './callbacks';
import { codes } from './codes';
import { oneTouch } from './oneTouch';
import { phones } from './phones';
import { assertRefused } from './refused';
import { users } from './users';

const { countryCode, number: phone } = newPhone();

/** What each method that calls the API could be called with. */
const CALLS = {
  createApprovalRequest: { authyId: NOBODY, message: 'a' },
  deleteUser: { authyId: NOBODY },
  getApplicationDetails: {},
  getApplicationStatistics: {},
  getApprovalRequest: { id: 'a' },
  getPhoneInformation: { countryCode, phone },
  getUserStatus: { authyId: NOBODY },
  registerActivity: { authyId: NOBODY, type: 'banned' },
  registerUser: { countryCode, phone, email: 'jane@example.com' },
  requestCall: { authyId: NOBODY },
  requestSms: { authyId: NOBODY },
  startPhoneVerification: { countryCode, phone, via: 'sms' },
  verifyPhone: { countryCode, phone, token: '1234' },
  verifyToken: { authyId: NOBODY, token: '1234567' },
} as const;

const wrongKeys = Object.entries(CALLS).flatMap(([method, input]) =>
  casesOf('authy-client', {
    [method]: {
      'a wrong key: 60001': ({ authyClient }) =>
        assertRefused(authyClient({ key: 'wrong' })[method as keyof typeof CALLS](input), REFUSALS.wrongKey),
    },
  }),
);

/** All that npm `authy-client` offers. */
export const AUTHY_CLIENT: readonly Case[] = [
  ...users,
  ...codes,
  ...phones,
  ...oneTouch,
  ...callbacks,
  ...app,
  ...wrongKeys,
];
