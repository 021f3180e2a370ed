import path from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { ApprovalDecision, DenialReason } from '../domain/approval';
import { REASONS } from '../domain/approval';
import type { Device, DeviceOptions, DeviceTotp } from '../sdk/device';
import {
  CountersignError,
  createDevice,
  createWebCryptoKey,
  exportPrivateJwk,
  importPrivateJwk,
  openInstallLink,
} from '../sdk/device';
import { createCountersign } from '../sdk/server';
import { readTotp } from '../sdk/totp';
import { Failure, explain } from './failure';
import type { StackFile } from './home';
import { countersignHome, readStack } from './home';
import { ownerAtTerminal, ownerWhoAlways, watchInbox } from './phoneInbox';
import { renderAnswered, renderApproval, renderLine, renderTotp } from './phoneScreen';
import type { PhoneState } from './phoneState';
import { readPhone, removePhone, writePhone } from './phoneState';
import { printable } from './printable';

interface PhoneOptions {
  state?: string;
  url?: string;
}

interface RegisterOptions extends PhoneOptions {
  token?: string;
  name: string;
  again?: boolean;
}

const EXAMPLES = `
Without a command it shows what comes in and asks what you say to it.

  npm run phone                          the phone of the demo user; registers itself the first time
  npm run phone -- --auto approve        a phone that says yes to everything
  npm run phone -- list                  what waits
  npm run phone -- deny <id> --reason not_me
  npm run phone -- code                  digits to type where the phone is not asked, also without a network
  npm run phone -- --state anna.json register '<install link>'
  npm run phone -- --state anna.json register --token <registration token> --url http://127.0.0.1:4700
  npm run phone -- --state anna.json     what comes in for anna

The key lies in phone.json beside stack.json (.countersign/, or COUNTERSIGN_HOME).`;

const NO_STACK = `No stack is running. Start it with: npm start
(or register with an install link of another server: npm run phone -- register '<install link>')`;

/** The terminal phone: a device of the demo user, or of whoever hands it an install link or a registration token. */
export function register(program: Command): void {
  const phone = program
    .command('phone')
    .description('a phone in this terminal: shows approvals and answers them')
    .option('--state <file>', 'the file of this phone, where you want several')
    .option('--url <url>', 'where the API is; otherwise stack.json says it')
    .addOption(new Option('--auto <decision>', 'answer everything so, without asking').choices(['approve', 'deny']))
    .addHelpText('after', EXAMPLES)
    .action(async (options: PhoneOptions & { auto?: 'approve' | 'deny' }) => showIncoming(options, options.auto));

  phone
    .command('register')
    .description('make this phone a device: by an install link, by a registration token, or of the demo user')
    .argument('[link]', 'install link, as the text message has it; it says where the server is')
    .option('--token <token>', 'registration token of POST /v1/users/<id>/registration-tokens')
    .option('--name <name>', 'what this phone is called', 'Terminal phone')
    .option('--again', 'forget the key that is there')
    .action(async (link: string | undefined, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<RegisterOptions>();
      const device = await registerPhone(options, link);
      console.log(`Registered as device ${printable(device.identity?.deviceId ?? '')}.`);
      const ofState = options.state === undefined ? '' : ` -- --state ${options.state}`;
      console.log(`To see what comes in: npm run phone${ofState}`);
    });

  phone
    .command('list')
    .description('what waits for an answer')
    .action(async (_: unknown, command: Command) => {
      const { approvals } = await (await openPhone(command.optsWithGlobals())).inbox();
      for (const approval of approvals) console.log(renderLine(approval, Date.now()));
      if (approvals.length === 0) console.log('Nothing waits.');
    });

  phone
    .command('show')
    .description('one approval')
    .argument('<id>')
    .action(async (id: string, _: unknown, command: Command) => {
      const approval = await (await openPhone(command.optsWithGlobals())).show(id);
      console.log(`${renderApproval(approval, Date.now())}\n  ${printable(approval.status)}`);
    });

  phone
    .command('approve')
    .description('say yes')
    .argument('<id>')
    .action(async (id: string, _: unknown, command: Command) => answer(command.optsWithGlobals(), id, 'approved'));

  phone
    .command('deny')
    .description('say no')
    .argument('<id>')
    .addOption(new Option('--reason <reason>', 'why').choices(REASONS))
    .action(async (id: string, { reason }: { reason?: DenialReason }, command: Command) =>
      answer(command.optsWithGlobals(), id, 'denied', reason),
    );

  phone
    .command('code')
    .description('digits to type where you log in; the first time it needs the server, later not')
    .action(async (_: unknown, command: Command) => {
      const totp = await findTotp(command.optsWithGlobals());
      console.log(renderTotp(readTotp(totp)));
    });

  phone
    .command('unregister')
    .description('remove this device from the server and forget its key')
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<PhoneOptions>();
      await (await openPhone(options)).unregister();
      await removePhone(stateFile(options));
      console.log('This phone is no longer a device.');
    });
}

async function showIncoming(options: PhoneOptions, auto: 'approve' | 'deny' | undefined): Promise<void> {
  const registered = await readPhone(stateFile(options));
  const device = registered ? await openPhone(options) : await registerPhone({ ...options, name: 'Terminal phone' });
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  process.once('SIGINT', leave);
  process.once('SIGTERM', leave);
  const terminal = auto === undefined ? ownerAtTerminal(leave) : undefined;
  console.log(`This is device ${printable(device.identity?.deviceId ?? '')}. Waiting for approvals; Ctrl-C ends.`);
  try {
    await watchInbox(device, terminal ?? ownerWhoAlways(auto ?? 'deny'), leaving.signal);
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
  } finally {
    terminal?.close();
    process.off('SIGINT', leave);
    process.off('SIGTERM', leave);
  }
}

async function answer(
  options: PhoneOptions,
  id: string,
  decision: ApprovalDecision,
  reason?: DenialReason,
): Promise<void> {
  const device = await openPhone(options);
  const approval = await device.show(id);
  console.log(renderApproval(approval, Date.now()));
  console.log(renderAnswered(decision, await device.answer(approval, decision, reason)));
}

/** What to make digits from: of the server, which sets the clock right, or as it is kept while that is away. */
async function findTotp(options: PhoneOptions): Promise<DeviceTotp> {
  const phone = await requirePhone(options);
  try {
    // Where there is an answer already, nobody wants to wait for a server that is away.
    const device = await deviceOf(phone, options, phone.totp && { retries: 0 });
    const totp = await device.totp();
    await writePhone(stateFile(options), { ...phone, totp });
    return totp;
  } catch (error) {
    if (!phone.totp || !(error instanceof CountersignError) || error.code !== 'unreachable') throw error;
    return phone.totp;
  }
}

async function requirePhone(options: PhoneOptions): Promise<PhoneState> {
  const phone = await readPhone(stateFile(options));
  if (!phone) throw new Failure('This phone is not registered yet. Register it: npm run phone -- register');
  return phone;
}

/** The phone of the state file. */
const openPhone = async (options: PhoneOptions): Promise<Device> => deviceOf(await requirePhone(options), options);

async function deviceOf(
  phone: PhoneState,
  options: PhoneOptions,
  calling: Pick<DeviceOptions, 'retries'> = {},
): Promise<Device> {
  const stack = await readStack(countersignHome(process.env));
  // The stack may have another port than last time.
  const current = stack?.tenantId === phone.identity.tenantId ? stack.apiUrl : phone.url;
  return createDevice({
    ...calling,
    baseUrl: options.url ?? current,
    key: await importPrivateJwk(phone.privateJwk),
    identity: phone.identity,
  });
}

async function registerPhone(options: RegisterOptions, link?: string): Promise<Device> {
  const file = stateFile(options);
  if (!options.again && (await readPhone(file))) {
    throw new Failure('This phone is a device already. Use --again to forget it, or --state <file> for another one.');
  }
  const { url, token } = await invitation(options, link);
  const key = await createWebCryptoKey({ extractable: true });
  const device = createDevice({ baseUrl: url, key });
  const identity = await device.register(token, { name: options.name, platform: 'terminal' });
  await writePhone(file, { url, identity, privateJwk: await exportPrivateJwk(key) });
  await wantSimulatedPushes(device, identity.deviceId);
  return device;
}

/** Where to register, and with which token. */
async function invitation(options: RegisterOptions, link?: string): Promise<{ url: string; token: string }> {
  if (link !== undefined) {
    if (options.token !== undefined || options.url !== undefined) {
      throw new Failure('An install link has the server and the token in it: leave out --url and --token.');
    }
    const { baseUrl, registrationToken } = await openInstallLink(link);
    return { url: baseUrl, token: registrationToken };
  }
  const stack = await readStack(countersignHome(process.env));
  const url = options.url ?? stack?.apiUrl;
  if (url === undefined) throw new Failure(NO_STACK);
  return { url, token: options.token ?? (await demoToken(stack, url)) };
}

async function demoToken(stack: StackFile | undefined, url: string): Promise<string> {
  if (!stack) throw new Failure(NO_STACK);
  const backend = createCountersign({ baseUrl: url, apiKey: stack.apiKey });
  return (await backend.users.createRegistrationToken(stack.userId)).registrationToken;
}

/** A terminal has no push service; the stack's simulated one shows that a push was sent. The inbox does the work. */
async function wantSimulatedPushes(device: Device, deviceId: string): Promise<void> {
  try {
    await device.setPushTarget({ kind: 'simulated', token: deviceId });
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    console.error(`No pushes for this phone: ${explain(error)}`);
  }
}

function stateFile({ state }: PhoneOptions): string {
  return state === undefined ? path.join(countersignHome(process.env), 'phone.json') : path.resolve(state);
}
