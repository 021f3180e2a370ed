import { createTenantRows } from '../../db/tenants';
import type { SendLimits } from '../../domain/sendLimits';
import type { CallbackMethod } from '../../domain/oneTouch';
import type { Switches } from '../../domain/switches';
import { createKeyring } from '../../platform/keys/keyring';
import { createTenants } from '../../services/tenants';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';
import { startReceiver } from '../support/receiver';
import type { Receiver } from '../support/receiver';
import { createApplication } from './application';
import type { Application } from './application';

/** What an application may have otherwise. */
export interface Settings {
  switches?: Partial<Switches>;
  sendLimits?: Partial<SendLimits>;
  callbackMethod?: CallbackMethod;
}

/** The running program and an application that the clients work for. Cases share it, and may run at once. */
export interface World extends Application {
  program: TestProgram;
  /** Takes the callbacks of all applications. */
  receiver: Receiver;
  /** An application of its own, set otherwise. */
  addApplication(settings?: Settings): Promise<Application>;
  /** The same, but clients call this address, which stands before the program. */
  through(url: string): World;
  close(): Promise<void>;
}

/** Starts the program on the servers that are there already. */
export async function startWorld(): Promise<World> {
  const program = await startTestProgram({ env: { COUNTERSIGN_LOG_LEVEL: 'fatal' } });
  const receiver = await startReceiver();
  const rows = createTenantRows(createKeyring(program.config.masterKeys));
  const tenants = createTenants(program.pool, rows);
  let applications = 0;

  async function addTenant({ switches = {}, sendLimits = {}, callbackMethod: method = 'POST' }: Settings) {
    const name = `Shop ${++applications}`;
    const tenant = await program.addTenant(name);
    await tenants.setSwitches(tenant.id, switches);
    await rows.setSendLimits(program.pool, tenant.id, sendLimits);
    await tenants.setAuthyCallback(tenant.id, { url: receiver.url, method });
    return { ...tenant, name, dashboard: await tenants.ensureDashboardKeys(tenant.id) };
  }

  const own = await addTenant({});
  const worldAt = (url: string): World => ({
    ...createApplication(program, own, url),
    program,
    receiver,
    addApplication: async (settings = {}) => createApplication(program, await addTenant(settings), url),
    through: worldAt,
    async close() {
      await program.close();
      await receiver.close();
    },
  });
  return worldAt(program.url);
}
