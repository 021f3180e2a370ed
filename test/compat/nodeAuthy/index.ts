import type { Authy } from 'authy';
import { casesOf } from '../cases';
import type { Case } from '../cases';
import { NOBODY, REFUSALS } from '../documented';
import { newPhone } from '../phones';
import { assertRefused } from './answers';
import type { Done } from './answers';
import { codes } from './codes';
import { oneTouch } from './oneTouch';
import { phones } from './phones';
import { users } from './users';

const { number } = newPhone();

/** What each method could be called with. */
const CALLS: Record<string, (authy: Authy, done: Done) => void> = {
  register_user: (authy, done) => authy.register_user('jane@example.com', number, done),
  delete_user: (authy, done) => authy.delete_user(NOBODY, done),
  user_status: (authy, done) => authy.user_status(NOBODY, done),
  verify: (authy, done) => authy.verify(NOBODY, '1234567', done),
  request_sms: (authy, done) => authy.request_sms(NOBODY, done),
  request_call: (authy, done) => authy.request_call(NOBODY, done),
  'phones.verification_start': (authy, done) => authy.phones().verification_start(number, '1', 'sms', done),
  'phones.verification_check': (authy, done) => authy.phones().verification_check(number, '1', '1234', done),
  'phones.verification_status': (authy, done) => authy.phones().verification_status(number, '1', done),
  'phones.info': (authy, done) => authy.phones().info(number, '1', done),
  send_approval_request: (authy, done) => authy.send_approval_request(NOBODY, { message: 'a' }, null, null, done),
  check_approval_status: (authy, done) => authy.check_approval_status('a', done),
};

const wrongKeys = Object.entries(CALLS).flatMap(([method, call]) =>
  casesOf('authy', {
    [method]: {
      'a wrong key: 60001': ({ nodeAuthy }) =>
        assertRefused((done) => call(nodeAuthy('wrong'), done), REFUSALS.wrongKey),
    },
  }),
);

/** All that npm `authy` offers. */
export const NODE_AUTHY: readonly Case[] = [...users, ...codes, ...phones, ...oneTouch, ...wrongKeys];
