import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import ts from 'typescript';
import { snippetWith } from '../docs/markdown';
import { startTestProgram } from '../support/program';
import type { TestProgram } from '../support/program';

let program: TestProgram;
let folder: string;

beforeAll(async () => {
  program = await startTestProgram();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-docs-'));
}, 60_000);
afterAll(async () => {
  await program?.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

test('the phone of the documentation, without SDK, registers, reads and approves', async () => {
  const { body: user } = await program.call('POST', '/v1/users', { externalId: 'by-hand' });
  const { body: token } = await program.call('POST', `/v1/users/${user.id}/registration-tokens`);
  const code = snippetWith('docs/how-to/build-a-phone.md', 'ts', 'process.argv');
  const file = path.join(folder, 'phone.cjs');
  fs.writeFileSync(file, ts.transpile(code, { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2023 }));

  const phone = spawn(process.execPath, [file, program.url, token.registrationToken], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said: string[] = [];
  let approvalId: string | undefined;
  for await (const line of createInterface({ input: phone.stdout })) {
    said.push(line.replace(/^device .*/, 'device'));
    if (!line.startsWith('device')) continue;
    const created = await program.call('POST', '/v1/approvals', { userId: user.id, title: 'Log in?' });
    approvalId = created.body.id;
  }
  expect(said).toEqual(['device', 'approve Log in?', 'it is approved']);
  expect((await program.call('GET', `/v1/approvals/${approvalId}`)).body).toMatchObject({ status: 'approved' });
}, 60_000);
