import type { Command } from 'commander';
import { migrate } from '../db/migrate';
import { Failure } from './failure';

/** Adds the command that brings the schema up to date. */
export function register(program: Command): void {
  program
    .command('migrate')
    .description('bring the schema of DATABASE_URL up to date; safe to repeat')
    .action(async () => {
      const databaseUrl = process.env['DATABASE_URL'];
      if (!databaseUrl) throw new Failure('DATABASE_URL is missing.');
      await migrate(databaseUrl);
      console.log('The schema is up to date.');
    });
}
