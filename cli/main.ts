import { Command } from 'commander';
import { ConfigError, EXIT_CONFIG } from '../platform/config';
import { explain } from './failure';
import * as importAuthy from './importAuthy';
import * as keys from './keys';
import * as migrate from './migrate';
import * as phone from './phone';
import * as tenant from './tenant';
import * as verifyEvidence from './verifyEvidence';

const program = new Command('countersign').description('Countersign on the command line').showHelpAfterError();
for (const command of [migrate, tenant, keys, importAuthy, phone, verifyEvidence]) command.register(program);

program.parseAsync().catch((error: unknown) => {
  console.error(explain(error));
  process.exitCode = error instanceof ConfigError ? EXIT_CONFIG : 1;
});
