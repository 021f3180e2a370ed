import { startTestServers } from './servers';

/** Runs once before the tests of project `real`: a PostgreSQL and a Temporal server for all of them. */
export default async function globalSetup(): Promise<void> {
  await startTestServers();
}
