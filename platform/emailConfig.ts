import { isLoopbackHost, toUrl } from './environment';
import type { EnvironmentReader } from './environment';

/** By which mail server e-mails go out, and in whose name. */
export interface EmailConfig {
  server: {
    host: string;
    port: number;
    /** From the first byte on. */
    isTls: boolean;
    /** Sends nothing unless the server goes over to TLS (STARTTLS). */
    needsTls: boolean;
    login?: { user: string; password: string };
  };
  from: { name: string; address: string };
}

const URL_NAME = 'COUNTERSIGN_SMTP_URL';
const FROM_NAME = 'COUNTERSIGN_EMAIL_FROM';
const FROM = /^(?:([^<>"]*)<([^<>]*)>|([^<>]*))$/;
const ADDRESS = /^[^\s@<>"(),:;]{1,64}@[^\s@<>"(),:;]{1,255}$/;

/** Undefined where neither is set: then there are no e-mails. */
export function readEmailConfig(vars: EnvironmentReader): EmailConfig | undefined {
  const server = readServer(vars);
  const from = readFrom(vars);
  const [hasUrl, hasFrom] = [URL_NAME, FROM_NAME].map((name) => vars.read(name) !== undefined);
  if (hasUrl !== hasFrom) vars.complain(`${URL_NAME} and ${FROM_NAME}`, 'have to be given together');
  return server && from && { server, from };
}

function readServer(vars: EnvironmentReader): EmailConfig['server'] | undefined {
  const text = vars.read(URL_NAME);
  if (text === undefined) return undefined;
  const url = toUrl(text, ['smtp:', 'smtps:']);
  const tls = url?.searchParams.get('tls') ?? 'required';
  const isPlain = url && url.hostname !== '' && /^\/?$/.test(url.pathname) && url.hash === '';
  const login = url && readLogin(url);
  if (!isPlain || login === 'broken' || !['required', 'optional'].includes(tls) || /[?&](?!tls=)/.test(url.search)) {
    vars.complain(URL_NAME, 'is not smtp(s)://user:password@host:port, with ?tls=optional at most');
    return undefined;
  }
  const isTls = url.protocol === 'smtps:';
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isTls ? 465 : 587) : Number(url.port),
    isTls,
    needsTls: !isTls && tls === 'required' && !isLoopbackHost(url.hostname),
    ...(login && { login }),
  };
}

/** Undefined where there is none. */
function readLogin({ username, password }: URL): { user: string; password: string } | undefined | 'broken' {
  if (username === '' && password === '') return undefined;
  if (username === '' || password === '') return 'broken';
  try {
    return { user: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    return 'broken'; // a percent sign that was not escaped
  }
}

function readFrom(vars: EnvironmentReader): EmailConfig['from'] | undefined {
  const text = vars.read(FROM_NAME);
  if (text === undefined) return undefined;
  const [, name = '', named, alone] = FROM.exec(text) ?? [];
  const address = named ?? alone ?? '';
  if (ADDRESS.test(address)) return { name: name.trim(), address };
  vars.complain(FROM_NAME, 'is neither codes@example.com nor Example <codes@example.com>');
  return undefined;
}
