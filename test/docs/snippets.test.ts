import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import ts from 'typescript';
import { signWebhook } from '../../channels/webhooks/sign';
import { ROOT, snippets, snippetWith } from './markdown';

/** What the compiler says to files that are only in memory, in the root of the repository, under its own settings. */
function complaints(sources: ReadonlyMap<string, string>): string[] {
  const { config } = ts.readConfigFile(path.join(ROOT, 'tsconfig.json'), ts.sys.readFile) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, ROOT);
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => sources.has(file) || fileExists(file);
  host.readFile = (file) => sources.get(file) ?? readFile(file);
  host.getSourceFile = (file, version, ...rest) =>
    sources.has(file) ? ts.createSourceFile(file, sources.get(file)!, version) : getSourceFile(file, version, ...rest);
  const program = ts.createProgram([...sources.keys()], { ...options, noEmit: true }, host);
  return [...sources.keys()].flatMap((file) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(file))
      .map(({ messageText }) => `${path.basename(file)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`),
  );
}

test('every TypeScript snippet compiles against the code as it is', () => {
  const all = snippets(['ts']);
  expect(all.length).toBeGreaterThan(4);
  const sources = new Map(
    all.map(({ file, code }, index) => [
      // A snippet without import or export would be a script, and share its names with the others.
      path.join(ROOT, `${path.basename(file, '.md')}-${index}.ts`),
      /^(import|export) /m.test(code) ? code : `${code}\nexport {};\n`,
    ]),
  );
  sources.set(path.join(ROOT, 'wrong.ts'), "import { createDevice } from './sdk/device';\ncreateDevice(7);\n");
  const said = complaints(sources);
  expect(said.filter((line) => !line.startsWith('wrong.ts'))).toEqual([]);
  expect(said).toHaveLength(1); // the check can fail
}, 60_000);

const python = spawnSync('python3', ['--version']).status === 0;

(python ? describe : describe.skip).each([
  ['docs/how-to/verify-a-callback.md', 'verify_callback', 'not signed by this key'],
  ['docs/webhooks.md', 'verify_webhook', 'not signed with this secret'],
])('the Python of %s', (page, name, notSigned) => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const body = JSON.stringify({ type: 'approval.approved', id: 'cb_1', data: { title: 'Zoë €' } });
  const headers = signWebhook({ id: 'cb_1', timestampSeconds: 1_795_516_265, body, secret });

  function verify(given: { secret?: string; body?: string; now?: number }) {
    const code = snippetWith(page, 'python', `def ${name}`);
    const input = { secret, headers, body, now: 1_795_516_270, ...given };
    const driver = `${code}
import sys
given = json.load(sys.stdin)
content = ${name}(given["secret"], given["headers"], given["body"].encode(), given["now"])
print(json.dumps(content["data"]["title"]))
`;
    const { status, stdout, stderr } = spawnSync('python3', ['-c', driver], { input: JSON.stringify(input) });
    const last = stderr.toString().trim().split('\n').at(-1) ?? '';
    return status === 0 ? (JSON.parse(stdout.toString()) as unknown) : last;
  }

  test('takes what our signer has signed, and nothing else', () => {
    expect(verify({})).toBe('Zoë €');
    expect(verify({ body: body.replace('approved', 'denied') })).toBe(`ValueError: ${notSigned}`);
    expect(verify({ secret: `whsec_${Buffer.alloc(32, 8).toString('base64')}` })).toContain(notSigned);
    expect(verify({ now: 1_795_516_265 + 301 })).toBe('ValueError: too old, or from the future');
  });
});
