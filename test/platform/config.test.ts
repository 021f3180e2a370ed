import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { ConfigError, loadConfig } from '../../platform/config';
import type { Environment } from '../../platform/environment';

const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const enough = {
  DATABASE_URL: 'postgresql://app:hunter2@db.example:5432/app',
  COUNTERSIGN_MASTER_KEYS: `k1:${key(1)}`,
};

function problemsOf(env: Environment): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
}

/** The names of the variables that were complained about. */
const complainedAbout = (env: Environment) => problemsOf(env).map((problem) => problem.split(' ')[0]);

const folder = mkdtempSync(join(tmpdir(), 'config-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

test('a database and a master key are enough to start in development', () => {
  expect(loadConfig(enough)).toEqual({
    databaseUrl: enough.DATABASE_URL,
    host: '127.0.0.1',
    port: 4700,
    roles: new Set(['api', 'approvals', 'webhooks']),
    masterKeys: [{ id: 'k1', key: Buffer.alloc(32, 1) }],
    publicUrls: ['http://127.0.0.1:4700', 'http://localhost:4700'],
    simulator: false,
    logLevel: 'info',
    shutdownNoticeSeconds: 5,
    shutdownGraceSeconds: 15,
    taskQueuePrefix: 'countersign',
    temporal: { namespace: 'default', connection: { address: '127.0.0.1:7233' } },
  });
});

test('every setting is taken', () => {
  const bundle = file('bundle.js', '');
  expect(
    loadConfig({
      ...enough,
      PORT: '0',
      COUNTERSIGN_HOST: 'localhost',
      COUNTERSIGN_ROLES: ' webhooks, api,',
      COUNTERSIGN_MASTER_KEYS: `k2:${key(2)}, k1:${key(1)}`,
      COUNTERSIGN_PUBLIC_URLS: 'https://Auth.Example.com/base/, http://localhost:1',
      COUNTERSIGN_SIMULATOR: '1',
      COUNTERSIGN_CODEC_ORIGIN: 'http://127.0.0.1:8233',
      COUNTERSIGN_INTEGRATION_API_KEY: 'i'.repeat(32),
      COUNTERSIGN_LOG_LEVEL: 'silent',
      COUNTERSIGN_SHUTDOWN_NOTICE_SECONDS: '0',
      COUNTERSIGN_SHUTDOWN_GRACE_SECONDS: '2',
      COUNTERSIGN_TASK_QUEUE_PREFIX: 'test-7',
      COUNTERSIGN_BUILD_ID: 'v1.2.3',
      COUNTERSIGN_WORKFLOW_BUNDLE: bundle,
      TEMPORAL_ADDRESS: 'temporal.example:7233',
      TEMPORAL_NAMESPACE: 'approvals',
    }),
  ).toMatchObject({
    port: 0,
    host: 'localhost',
    roles: new Set(['api', 'webhooks']),
    masterKeys: [{ id: 'k2' }, { id: 'k1' }],
    publicUrls: ['https://auth.example.com/base', 'http://localhost:1'],
    simulator: true,
    codecOrigin: 'http://127.0.0.1:8233',
    logLevel: 'silent',
    shutdownNoticeSeconds: 0,
    shutdownGraceSeconds: 2,
    taskQueuePrefix: 'test-7',
    buildId: 'v1.2.3',
    workflowBundlePath: bundle,
    temporal: { namespace: 'approvals', connection: { address: 'temporal.example:7233' } },
  });
});

test('all problems are named together, without a single value', () => {
  const env = {
    DATABASE_URL: 'mysql://app:VALUE@db/app',
    PORT: '99999VALUE',
    COUNTERSIGN_HOST: '0.0.0.0',
    COUNTERSIGN_ROLES: 'api,VALUE',
    COUNTERSIGN_MASTER_KEYS: 'VALUE',
    COUNTERSIGN_SIMULATOR: '1',
    COUNTERSIGN_CODEC_ORIGIN: 'http://VALUE/path',
    COUNTERSIGN_INTEGRATION_API_KEY: 'VALUE',
    COUNTERSIGN_LOG_LEVEL: 'VALUE',
    COUNTERSIGN_SHUTDOWN_NOTICE_SECONDS: '0.5VALUE',
    COUNTERSIGN_SHUTDOWN_GRACE_SECONDS: '-1VALUE',
    COUNTERSIGN_TASK_QUEUE_PREFIX: 'VALUE VALUE',
    COUNTERSIGN_BUILD_ID: 'VALUE VALUE',
    COUNTERSIGN_WORKFLOW_BUNDLE: '/nowhere/VALUE',
    COUNTERSIGN_SMTP_URL: 'smtp://VALUE@mail',
    COUNTERSIGN_EMAIL_FROM: 'VALUE',
    COUNTERSIGN_MASTER_KEY: 'VALUE',
    TEMPORAL_CONFIG_FILE: '/nowhere/VALUE',
    TEMPORAL_PROFILE: 'VALUE',
  };
  expect(new Set(complainedAbout(env))).toEqual(
    new Set([
      'DATABASE_URL',
      'PORT',
      'COUNTERSIGN_ROLES',
      'COUNTERSIGN_MASTER_KEYS',
      'COUNTERSIGN_PUBLIC_URLS',
      'COUNTERSIGN_SIMULATOR',
      'COUNTERSIGN_CODEC_ORIGIN',
      'COUNTERSIGN_INTEGRATION_API_KEY',
      'COUNTERSIGN_LOG_LEVEL',
      'COUNTERSIGN_SHUTDOWN_NOTICE_SECONDS',
      'COUNTERSIGN_SHUTDOWN_GRACE_SECONDS',
      'COUNTERSIGN_TASK_QUEUE_PREFIX',
      'COUNTERSIGN_BUILD_ID',
      'COUNTERSIGN_WORKFLOW_BUNDLE',
      'COUNTERSIGN_SMTP_URL',
      'COUNTERSIGN_EMAIL_FROM',
      'COUNTERSIGN_MASTER_KEY',
      'TEMPORAL_CONFIG_FILE',
      'TEMPORAL_*',
    ]),
  );
  expect(new ConfigError(problemsOf(env)).message).not.toMatch(/VALUE/);
});

test('nothing at all is a complaint about what cannot be guessed', () => {
  expect(complainedAbout({})).toEqual(['DATABASE_URL', 'COUNTERSIGN_MASTER_KEYS']);
});

test('an empty value counts as not given', () => {
  expect(loadConfig({ ...enough, PORT: '', COUNTERSIGN_LOG_LEVEL: ' ', TEMPORAL_ADDRESS: '' })).toEqual(
    loadConfig(enough),
  );
});

test.each([
  ['COUNTERSIGN_MASTER_KEYS', 'k1:AAAA'],
  ['COUNTERSIGN_MASTER_KEYS', `:${key(1)}`],
  ['COUNTERSIGN_MASTER_KEYS', `k1:${key(1)},k1:${key(2)}`],
  ['COUNTERSIGN_MASTER_KEYS', `k1:${key(1)},k2:${key(1)}`],
  ['COUNTERSIGN_MASTER_KEYS', ','],
  ['COUNTERSIGN_ROLES', ','],
  ['COUNTERSIGN_PUBLIC_URLS', 'ftp://example.com'],
  ['COUNTERSIGN_PUBLIC_URLS', 'https://user:secret@example.com'],
  ['COUNTERSIGN_PUBLIC_URLS', 'https://example.com?x=1'],
  ['COUNTERSIGN_PUBLIC_URLS', 'example.com'],
  ['COUNTERSIGN_CODEC_ORIGIN', 'http://127.0.0.1:8233/'],
  ['COUNTERSIGN_CODEC_ORIGIN', '*'],
  ['COUNTERSIGN_INTEGRATION_API_KEY', 'i'.repeat(31)],
  ['COUNTERSIGN_SIMULATOR', 'yes'],
  ['PORT', '65536'],
  ['PORT', '0x10'],
  ['DATABASE_URL', 'localhost'],
])('%s=%s is refused', (name, value) => {
  expect(complainedAbout({ ...enough, [name]: value })).toEqual([name]);
});

test('a server that others reach has to be told its address', () => {
  const open = { ...enough, COUNTERSIGN_HOST: '0.0.0.0' };
  expect(complainedAbout(open)).toEqual(['COUNTERSIGN_PUBLIC_URLS']);
  expect(problemsOf({ ...open, COUNTERSIGN_PUBLIC_URLS: 'https://auth.example.com' })).toEqual([]);
});

test.each(['COUNTERSIGN_SIMULATOR=1', 'COUNTERSIGN_CODEC_ORIGIN=http://127.0.0.1:8233'])(
  '%s is refused where others reach the server',
  (setting) => {
    const [name = '', value] = setting.split('=');
    const open = { COUNTERSIGN_HOST: '10.0.0.1', COUNTERSIGN_PUBLIC_URLS: 'https://auth.example.com' };
    expect(problemsOf({ ...enough, [name]: value })).toEqual([]);
    expect(complainedAbout({ ...enough, ...open, [name]: value })).toEqual([name]);
  },
);

describe('e-mail', () => {
  const emailOf = (url: string, from = 'codes@example.com') =>
    loadConfig({ ...enough, COUNTERSIGN_SMTP_URL: url, COUNTERSIGN_EMAIL_FROM: from }).email!;

  test.each([
    ['smtp://mail.example', { host: 'mail.example', port: 587, isTls: false, needsTls: true }],
    ['smtps://mail.example', { host: 'mail.example', port: 465, isTls: true, needsTls: false }],
    ['smtp://127.0.0.1:25/', { host: '127.0.0.1', port: 25, isTls: false, needsTls: false }],
    ['smtp://[::1]:25', { host: '::1', port: 25, isTls: false, needsTls: false }],
    ['smtp://relay.internal:25?tls=optional', { host: 'relay.internal', port: 25, isTls: false, needsTls: false }],
    [
      'smtp://jane%40example.com:p%3Ass@mail.example:2525',
      {
        ...{ host: 'mail.example', port: 2525, isTls: false, needsTls: true },
        login: { user: 'jane@example.com', password: 'p:ss' },
      },
    ],
  ])('goes out by %s', (url, server) => {
    expect(emailOf(url).server).toEqual(server);
  });

  test.each([
    ['codes@example.com', { name: '', address: 'codes@example.com' }],
    ['Example Bank <codes@example.com>', { name: 'Example Bank', address: 'codes@example.com' }],
  ])('is from %s', (text, from) => {
    expect(emailOf('smtp://mail.example', text).from).toEqual(from);
  });

  test.each([
    'http://mail.example',
    'mail.example:25',
    'smtp://',
    'smtp://jane@mail.example',
    'smtp://jane:%zz@mail.example',
    'smtp://mail.example/path',
    'smtp://mail.example?tls=never',
    'smtp://mail.example?pool=true',
    'smtp://mail.example?tls=optional&pool=true',
  ])('does not go out by %s', (COUNTERSIGN_SMTP_URL) => {
    const env = { ...enough, COUNTERSIGN_SMTP_URL, COUNTERSIGN_EMAIL_FROM: 'codes@example.com' };
    expect(complainedAbout(env)).toEqual(['COUNTERSIGN_SMTP_URL']);
  });

  test.each(['codes', 'a@b, c@d', 'Codes codes@example.com', '"x" <codes@example.com>', 'a <b@c> d'])(
    'is not from %s',
    (COUNTERSIGN_EMAIL_FROM) => {
      const env = { ...enough, COUNTERSIGN_SMTP_URL: 'smtp://mail.example', COUNTERSIGN_EMAIL_FROM };
      expect(complainedAbout(env)).toEqual(['COUNTERSIGN_EMAIL_FROM']);
    },
  );

  test.each([{ COUNTERSIGN_SMTP_URL: 'smtp://mail.example' }, { COUNTERSIGN_EMAIL_FROM: 'codes@example.com' }])(
    'needs both: %j',
    (half) => {
      expect(problemsOf({ ...enough, ...half })).toEqual([
        'COUNTERSIGN_SMTP_URL and COUNTERSIGN_EMAIL_FROM have to be given together',
      ]);
    },
  );
});

describe('Temporal', () => {
  const toml = () =>
    file('temporal.toml', '[profile.cloud]\naddress = "cloud.example:7233"\nnamespace = "ns.acct"\napi_key = "KEY"\n');

  test('an API key turns TLS on', () => {
    const { temporal } = loadConfig({ ...enough, TEMPORAL_ADDRESS: 'cloud.example:7233', TEMPORAL_API_KEY: 'KEY' });
    expect(temporal.connection).toMatchObject({ apiKey: 'KEY', tls: true });
  });

  test('a profile of a file is taken, and single variables go before it', () => {
    const { temporal } = loadConfig({
      ...enough,
      TEMPORAL_CONFIG_FILE: toml(),
      TEMPORAL_PROFILE: 'cloud',
      TEMPORAL_NAMESPACE: 'other.acct',
    });
    expect(temporal).toMatchObject({
      namespace: 'other.acct',
      connection: { address: 'cloud.example:7233', apiKey: 'KEY', tls: true },
    });
  });

  test("the profile in somebody's home directory is left alone", () => {
    mkdirSync(join(folder, 'temporalio'));
    file('temporalio/temporal.toml', '[profile.default]\naddress = "elsewhere:7233"\n');
    const env = { ...enough, XDG_CONFIG_HOME: folder, HOME: folder };
    expect(loadConfig(env).temporal.connection.address).toBe('127.0.0.1:7233');
  });

  test.each([
    [{ TEMPORAL_PROFILE: 'nobody' }, 'TEMPORAL_*'],
    [{ TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere/ca.pem' }, 'TEMPORAL_*'],
    [{ TEMPORAL_TLS_CLIENT_CERT_DATA: 'cert' }, 'TEMPORAL_TLS_CLIENT_CERT_*'],
    [{ TEMPORAL_TLS_DISABLE_HOST_VERIFICATION: 'true' }, 'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION'],
  ])('%j is refused rather than ignored', (settings, name) => {
    expect(complainedAbout({ ...enough, XDG_CONFIG_HOME: folder, ...settings })).toEqual([name]);
  });
});
