import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { killCommands, ROOT, run } from './stackProcess';

const SCRIPT = path.join(ROOT, 'test', 'stack', 'provideTemporal.ts');
/** Builds for as long as nobody writes to its gate. */
const FAKE_GO = `#!/bin/sh
echo run >> "$GO_RUNS"
read line < "$GO_GATE"
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho fake\\n' > "$2"
`;

let folder: string;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-binary-'));
});
afterEach(() => {
  killCommands();
  fs.rmSync(folder, { recursive: true });
});

function addProgram(name: string, text: string): string {
  const file = path.join(folder, 'bin', name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text, { mode: 0o755 });
  return file;
}

/** In a process of its own, where the archive cannot be downloaded. */
function provide(env: Record<string, string> = {}) {
  const closed = 'http://127.0.0.1:1';
  return run(process.execPath, ['--import', 'tsx', SCRIPT], {
    PATH: `${path.join(folder, 'bin')}:/usr/bin:/bin`,
    COUNTERSIGN_CACHE: path.join(folder, 'cache'),
    GO_RUNS: path.join(folder, 'go-runs'),
    HTTPS_PROXY: closed,
    https_proxy: closed,
    ...env,
  });
}

test('two processes that need the server at once have it built once', async () => {
  addProgram('go', FAKE_GO);
  const gate = path.join(folder, 'gate');
  await run('mkfifo', [gate], {}).ended;
  const first = provide({ GO_GATE: gate });
  await first.line(/^Building the Temporal server .* with Go .* …/);
  const second = provide({ GO_GATE: gate });
  await second.line(/^Waiting for another process .* setting up the Temporal server/);
  await fs.promises.writeFile(gate, 'open\n');

  expect(await Promise.all([first.ended, second.ended])).toMatchObject([{ code: 0 }, { code: 0 }]);
  const built = path.join(folder, 'cache', 'temporal-cli-1.8.2', 'temporal');
  expect(first.output()).toContain(`provided ${built}`);
  expect(second.output()).toContain(`provided ${built}`);
  expect(fs.readFileSync(path.join(folder, 'go-runs'), 'utf8')).toBe('run\n');
});

test('a build that fails leaves nothing that looks like a server, and says where its log is', async () => {
  addProgram('go', '#!/bin/sh\necho broken; exit 3\n');
  const failing = provide();
  expect(await failing.ended).toMatchObject({ code: 1 });
  expect(failing.output()).toContain('could not be built (go ended with code 3)');
  const cache = path.join(folder, 'cache', 'temporal-cli-1.8.2');
  expect(fs.existsSync(path.join(cache, 'temporal'))).toBe(false);
  expect(fs.readFileSync(path.join(cache, 'build.log'), 'utf8')).toBe('broken\n');
});

test('without a download and without Go, it says what can be done', async () => {
  const nothing = provide({ PATH: path.join(folder, 'bin') });
  expect(await nothing.ended).toMatchObject({ code: 1 });
  expect(nothing.output()).toContain('TEMPORAL_ADDRESS');
});

test('what the person has is used: TEMPORAL_CLI_PATH first, then the PATH', async () => {
  const onPath = addProgram('temporal', '#!/bin/sh\n');
  const given = addProgram('my-temporal', '#!/bin/sh\n');
  const first = provide({ TEMPORAL_CLI_PATH: given });
  const second = provide();
  await Promise.all([first.ended, second.ended]);
  expect(first.output()).toBe(`provided ${given}`);
  expect(second.output()).toBe(`provided ${onPath}`);
});
