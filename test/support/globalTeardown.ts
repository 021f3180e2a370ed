import { stopTestServers } from './servers';

/** Runs once after the tests of project `real`. */
export default async function globalTeardown(): Promise<void> {
  await stopTestServers();
}
