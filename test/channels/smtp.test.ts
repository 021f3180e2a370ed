import { afterEach, expect, test } from '@jest/globals';
import type { SMTPServerOptions } from 'smtp-server';
import { CarrierError } from '../../channels/discreet';
import { createSmtpSender } from '../../channels/email/smtp';
import type { EmailConfig } from '../../platform/emailConfig';
import { reply, startMailServer } from '../support/mailServer';
import type { MailServer } from '../support/mailServer';

const EMAIL = {
  idempotencyKey: 'code:1:1',
  tenantId: 't',
  messageId: 'EM0123456789abcdef0123456789abcdef',
  to: 'jane@example.com',
  subject: 'Über Shop: your code',
  text: 'Über Shop: your code is 1234567.',
  html: '<p>Über Shop: your code is <strong>1234567</strong>.</p>',
};
const FROM = { name: 'Codes', address: 'codes@shop.example' };

let mail: MailServer | undefined;
afterEach(() => mail?.close());

async function setup(options: SMTPServerOptions = {}, more: Partial<EmailConfig['server']> = {}, timeoutMs = 5_000) {
  mail = await startMailServer(options);
  const server = { host: '127.0.0.1', port: mail.port, isTls: false, needsTls: false, ...more };
  const sender = createSmtpSender({ server, from: FROM }, timeoutMs);
  /** Undefined where it was taken. */
  const send = (email = EMAIL): Promise<unknown> =>
    sender.send(email).then(
      () => undefined,
      (error: unknown) => error,
    );
  return { mail, send };
}

test('an e-mail arrives with both its texts, and the same id however often it is sent', async () => {
  const { mail, send } = await setup();
  expect([await send(), await send()]).toEqual([undefined, undefined]);
  expect(mail.emails).toHaveLength(2);
  for (const { from, to, source } of mail.emails) {
    expect([from, to]).toEqual(['codes@shop.example', ['jane@example.com']]);
    expect(source).toMatch(/^From: Codes <codes@shop\.example>\r$/m);
    expect(source).toMatch(/^To: jane@example\.com\r$/m);
    expect(source).toMatch(/^Message-ID: <EM0123456789abcdef0123456789abcdef@shop\.example>\r$/im);
    expect(source).toMatch(/^Subject: =\?UTF-8\?/m);
    expect(source).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(source).toMatch(/text\/plain[^]*your code is 1234567[^]*text\/html[^]*<strong>1234567<\/strong>/);
  }
});

test('a login is used', async () => {
  const logins: unknown[] = [];
  const { mail, send } = await setup(
    {
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth({ username, password }, _session, done) {
        logins.push([username, password]);
        if (password === 'hunter2') done(null, { user: username });
        else done(reply(535));
      },
    },
    { login: { user: 'jane', password: 'hunter2' } },
  );
  expect(await send()).toBeUndefined();
  expect([logins, mail.emails.length]).toEqual([[['jane', 'hunter2']], 1]);
});

test.each([
  ['sender', 550, true, { onMailFrom: (_address, _session, done) => done(reply(550)) }],
  ['recipient', 550, true, { onRcptTo: (_address, _session, done) => done(reply(550)) }],
  ['content', 554, true, { onData: (stream, _session, done) => stream.resume().on('end', () => done(reply(554))) }],
  ['recipient for now', 450, false, { onRcptTo: (_address, _session, done) => done(reply(450)) }],
  [
    'content for now',
    451,
    false,
    { onData: (stream, _session, done) => stream.resume().on('end', () => done(reply(451))) },
  ],
  ['connection', 554, false, { onConnect: (_session, done) => done(reply(554)) }],
] satisfies [string, number, boolean, SMTPServerOptions][])(
  'a refused %s is told by its status, %i; that is final: %j',
  async (_what, status, isFinal, options) => {
    const told = await (await setup(options)).send();
    expect(told).toBeInstanceOf(CarrierError);
    expect(told).toMatchObject({ reason: `status ${status}`, isFinal });
    expect(JSON.stringify(told) + String((told as Error).stack)).not.toMatch(/hunter2|jane|1234567/);
  },
);

test('a refused login is not final: somebody may be mending it', async () => {
  const { send } = await setup(
    { disabledCommands: ['STARTTLS'], allowInsecureAuth: true, onAuth: (_auth, _session, done) => done(reply(535)) },
    { login: { user: 'jane', password: 'wrong' } },
  );
  expect(await send()).toMatchObject({ reason: 'status 535', isFinal: false });
});

test('a server that nobody runs, and one that hangs, may come back', async () => {
  const { mail, send } = await setup({}, {}, 300);
  await mail.close();
  expect(await send()).toMatchObject({ isFinal: false });
  const hanging = await setup({ onConnect: () => {} }, {}, 300);
  expect(await hanging.send()).toMatchObject({ isFinal: false });
});

test.each([
  ['offers none', {}],
  ['has a certificate that nobody trusts', { disabledCommands: ['AUTH'] }],
] satisfies [string, SMTPServerOptions][])(
  'where TLS is needed, a server that %s gets nothing, nor is anything final',
  async (_what, options) => {
    const { mail, send } = await setup(options, { needsTls: true });
    expect(await send()).toMatchObject({ isFinal: false });
    expect(mail.emails).toEqual([]);
  },
);

test('an address is one address, whatever it holds', async () => {
  const { mail, send } = await setup();
  await send({ ...EMAIL, to: 'a,b@example.com' });
  expect(mail.emails.map(({ to }) => to)).toEqual([['"a,b"@example.com']]);
  expect(await send({ ...EMAIL, to: 'a@example.com>\r\nRCPT TO:<b@example.com' })).toBeInstanceOf(CarrierError);
  expect(mail.emails).toHaveLength(1);
});
