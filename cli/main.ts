import { Command } from 'commander';
import { explain } from './failure';
import * as phone from './phone';
import * as verifyEvidence from './verifyEvidence';

const program = new Command('countersign').description('Countersign on the command line').showHelpAfterError();
for (const command of [phone, verifyEvidence]) command.register(program);

program.parseAsync().catch((error: unknown) => {
  console.error(explain(error));
  process.exitCode = 1;
});
