import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { JSONWebKeySet } from 'jose';
import { verifyEvidence } from '../sdk/evidence';
import { Failure } from './failure';
import { printable } from './printable';

const EXAMPLES = `
  curl -H "Authorization: Bearer $KEY" $API/v1/approvals/$ID/evidence > evidence.json
  curl $API/.well-known/jwks.json > jwks.json
  npm run verify-evidence -- evidence.json --keys jwks.json

Keep the keys of the installation yourself: keys that come with the evidence prove nothing.
Ends with 0 when every check passed, otherwise with 1.`;

/** Verifies the evidence of an approval, offline. */
export function register(program: Command): void {
  program
    .command('verify-evidence')
    .description('check the evidence of an approval: seal, signatures, digests, rule, events')
    .argument('<file>', 'the reply of GET /v1/approvals/<id>/evidence, or the compact JWS in it')
    .requiredOption('--keys <file>', 'the installation’s /.well-known/jwks.json')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, { keys }: { keys: string }) => {
      const report = await verifyEvidence(readEvidence(await readText(file)), readKeys(await readText(keys)));
      for (const { name, passed, sentence } of report.checks) {
        console.log(`${passed ? 'ok    ' : 'FAILED'}  ${name.padEnd(20)}  ${printable(sentence)}`);
      }
      const approval = report.evidence?.approval;
      console.log(
        report.valid && approval
          ? `The evidence is good: approval ${printable(approval.id)} is ${approval.status}.`
          : 'The evidence is REFUSED.',
      );
      if (!report.valid) process.exitCode = 1;
    });
}

/** The compact JWS in a file: bare, or in the JSON of the API's reply. */
export function readEvidence(text: string): string {
  if (!text.startsWith('{')) return text.replace(/\r?\n$/, '');
  const reply = parse(text) as { evidence?: unknown } | undefined;
  if (typeof reply?.evidence === 'string') return reply.evidence;
  throw new Failure('The file is neither a compact JWS nor the reply {"evidence": "…"} of the API.');
}

function readKeys(text: string): JSONWebKeySet {
  const set = parse(text) as Partial<JSONWebKeySet> | null | undefined;
  if (Array.isArray(set?.keys) && set.keys.every((key) => typeof key === 'object' && key !== null)) {
    return set as JSONWebKeySet;
  }
  throw new Failure('The keys are no JWK set. Get them from the installation: curl <API>/.well-known/jwks.json');
}

async function readText(file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(file));
  } catch (error) {
    throw new Failure(`Cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
