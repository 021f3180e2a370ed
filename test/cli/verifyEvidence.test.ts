import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Command } from 'commander';
import { register } from '../../cli/verifyEvidence';
import { createExample } from '../sdk/evidenceExample';

let folder: string;
let printed: string[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'evidence-'));
  printed = [];
  jest.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
});
afterEach(async () => {
  jest.restoreAllMocks();
  process.exitCode = 0;
  await rm(folder, { recursive: true });
});

/** The exit code of the command on files with this content. */
async function verify(evidence: string | Uint8Array, keys: string): Promise<number> {
  const [file, keysFile] = [path.join(folder, 'evidence'), path.join(folder, 'jwks.json')];
  await writeFile(file, evidence);
  await writeFile(keysFile, keys);
  const program = new Command();
  register(program);
  await program.parseAsync(['node', 'cli', 'verify-evidence', file, '--keys', keysFile]);
  return Number(process.exitCode ?? 0);
}

async function setup() {
  const { evidence, jwks, seal } = await createExample();
  return { jws: await seal(evidence), keys: JSON.stringify(jwks), approvalId: evidence.approval.id };
}

describe('accepts', () => {
  test.each<[string, (jws: string) => string]>([
    ['the compact JWS', (jws) => jws],
    ['the compact JWS on a line', (jws) => `${jws}\n`],
    ['the reply of the API', (jws) => JSON.stringify({ evidence: jws })],
  ])('%s', async (_, write) => {
    const { jws, keys, approvalId } = await setup();
    expect(await verify(write(jws), keys)).toBe(0);
    expect(printed.slice(0, -1).every((line) => /^ok {6}[a-z_]+ +\S.*\.$/.test(line))).toBe(true);
    expect(printed.at(-1)).toBe(`The evidence is good: approval ${approvalId} is approved.`);
  });
});

describe('refuses', () => {
  test('a changed byte', async () => {
    const { jws, keys } = await setup();
    const bytes = Buffer.from(jws);
    bytes[500] = (bytes[500] ?? 0) ^ 1;
    expect(await verify(bytes, keys)).toBe(1);
    expect(printed.at(-1)).toBe('The evidence is REFUSED.');
    expect(printed[0]).toMatch(/^FAILED {2}seal /);
  });

  test('the keys of another installation', async () => {
    const { jws } = await setup();
    expect(await verify(jws, (await setup()).keys)).toBe(1);
  });

  test.each([
    ['{"evidence":1}', undefined],
    ['{', undefined],
    [Buffer.from([0xff]), undefined],
    ['a.b.c', '{"keys":1}'],
    ['a.b.c', '[]'],
    ['a.b.c', 'null'],
    ['a.b.c', 'not json'],
  ])('what is no evidence or no key set: %j, %j', async (evidence, keys) => {
    await expect(verify(evidence, keys ?? (await setup()).keys)).rejects.toMatchObject({ name: 'Failure' });
  });

  test('files that are not there', async () => {
    const program = new Command();
    register(program);
    const absent = path.join(folder, 'absent');
    await expect(
      program.parseAsync(['node', 'cli', 'verify-evidence', absent, '--keys', absent]),
    ).rejects.toMatchObject({
      name: 'Failure',
    });
  });
});
