import { afterAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import ts from 'typescript';
import { signCallback } from '../../channels/authy/callback';
import { SWITCHES } from '../../domain/switches';
import { lineSentence, LINE_REFUSAL_CODES } from '../../domain/userImport';
import { pages, ROOT, snippetWith } from './markdown';

const PAGE = 'docs/how-to/move-from-authy.md';
const { text } = pages().find(({ file }) => file === PAGE)!;

const folder = mkdtempSync(path.join(os.tmpdir(), 'countersign-verifiers-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a verifier is given. */
interface Case {
  key: string;
  method: string;
  url: string;
  signature: string;
  nonce: string;
  sent: string;
}

const { key, vectors } = JSON.parse(
  readFileSync(path.join(ROOT, 'test', 'channels', 'authy', 'vectors.json'), 'utf8'),
) as { key: string; vectors: { body: Record<string, unknown> }[] };
const url = 'https://bank.example.com/authy/callback';

/** About these the verifiers of old libraries disagree. */
const HARD = {
  status: 'approved',
  details: {
    Zeta: 1,
    alpha: 'Ü € 🙂',
    Account: 1,
    'Account Number': `!'()*~/+=&;,?%"\n<`,
    10: 'a',
    9: 'b',
    a_b: 1,
    aB: 2,
  },
  mixed: [true, null, 'None', [], {}, { b: 1, a: { d: false, c: [] } }, ['x', ['y']]],
  empty: { a: {}, b: [], c: { d: {} } },
  big: 9_007_199_254_740_991,
};

function signed(parameters: Record<string, unknown>, method: 'GET' | 'POST', nowMs = Date.now()): Case {
  const { headers, query, body } = signCallback({ method, url, key, parameters, nowMs });
  const [signature, nonce] = [headers['X-Authy-Signature']!, headers['X-Authy-Signature-Nonce']!];
  return { key, method, url, signature, nonce, sent: query ?? body! };
}

/** Made when they are needed: signatures are of this moment. */
function cases(): { good: Case[]; bad: Case[] } {
  const bodies = [...vectors.map(({ body }) => body), HARD];
  const good = bodies.flatMap((body) => (['POST', 'GET'] as const).map((method) => signed(body, method)));
  const ofPost = good[0]!;
  const changed = (one: Case): Case => ({ ...one, sent: one.sent.replaceAll(/approved|denied/g, 'expired') });
  const bad = [
    ...good.map(changed),
    { ...ofPost, key: `${key}x` },
    { ...ofPost, url: `${url}/` },
    { ...ofPost, method: 'PUT' },
    { ...ofPost, signature: '' },
    { ...ofPost, signature: ofPost.signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')) },
    { ...ofPost, nonce: `${Number(ofPost.nonce) + 1}` },
    { ...ofPost, nonce: 'none' },
    signed(vectors[0]!.body, 'POST', Date.now() - 400_000),
    signed(vectors[0]!.body, 'GET', Date.now() + 400_000),
  ];
  return { good, bad };
}

function run(command: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, input });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}:\n${stdout.toString()}${stderr.toString()}`);
  return stdout.toString();
}

const write = (name: string, content: string) => {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), content);
};

/** A snippet, and what reads cases from standard input and writes the verdicts, both as JSON. */
const LANGUAGES: Record<string, { tools: string[]; judge: (all: readonly Case[]) => boolean[] }> = {
  ts: {
    tools: [],
    judge(all) {
      const { outputText } = ts.transpileModule(snippetWith(PAGE, 'ts', 'isAuthyCallback'), {
        compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
      });
      const driver = `const all = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
        console.log(JSON.stringify(all.map(({ key, ...callback }) => isAuthyCallback(key, callback))));`;
      write('ts/verifier.cjs', `${outputText}\n${driver}`);
      return JSON.parse(run(process.execPath, ['ts/verifier.cjs'], JSON.stringify(all))) as boolean[];
    },
  },
  python: {
    tools: ['python3'],
    judge(all) {
      const driver = `
import sys
print(json.dumps([is_authy_callback(c["key"], c["method"], c["url"], c["signature"], c["nonce"], c["sent"].encode())
                  for c in json.load(sys.stdin)]))`;
      write('python/verifier.py', `${snippetWith(PAGE, 'python', 'is_authy_callback')}${driver}`);
      return JSON.parse(run('python3', ['python/verifier.py'], JSON.stringify(all))) as boolean[];
    },
  },
  go: {
    tools: ['go'],
    judge(all) {
      write('go/verifier.go', snippetWith(PAGE, 'go', 'IsAuthyCallback').replace('package callback', 'package main'));
      write(
        'go/main.go',
        `package main

import (
	"encoding/json"
	"os"
)

func main() {
	var all []struct{ Key, Method, Url, Signature, Nonce, Sent string }
	if err := json.NewDecoder(os.Stdin).Decode(&all); err != nil {
		panic(err)
	}
	verdicts := []bool{}
	for _, c := range all {
		verdicts = append(verdicts, IsAuthyCallback(c.Key, c.Method, c.Url, c.Signature, c.Nonce, []byte(c.Sent)))
	}
	json.NewEncoder(os.Stdout).Encode(verdicts)
}
`,
      );
      return JSON.parse(run('go', ['run', 'go/main.go', 'go/verifier.go'], JSON.stringify(all))) as boolean[];
    },
  },
  java: {
    tools: ['javac', 'java'],
    judge(all) {
      // Unicode is escaped: the sources need no encoding.
      const text = (value: string) =>
        JSON.stringify(value).replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`); // prettier-ignore
      const toJava = (value: unknown): string => {
        if (value === null) return 'null';
        if (Array.isArray(value)) return `Arrays.<Object>asList(new Object[] {${value.map(toJava).join()}})`;
        if (typeof value === 'string') return text(value);
        if (typeof value === 'number') return `${value}L`;
        if (typeof value === 'boolean') return String(value);
        return `map(${Object.entries(value as object).flatMap(([name, member]) => [text(name), toJava(member)]).join()})`; // prettier-ignore
      };
      const calls = all.map(({ method, sent, ...one }) => {
        const given = [one.key, method, one.url, one.signature, one.nonce, sent].map(text);
        return `AuthyCallback.isAuthentic(${[...given, method === 'GET' ? 'null' : toJava(JSON.parse(sent))].join()})`;
      });
      write('java/AuthyCallback.java', snippetWith(PAGE, 'java', 'AuthyCallback'));
      write(
        'java/Driver.java',
        `import java.util.*;
class Driver {
  static Map<String, Object> map(Object... members) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < members.length; i += 2) map.put((String) members[i], members[i + 1]);
    return map;
  }
  public static void main(String[] args) throws Exception {
    List<Boolean> verdicts = new ArrayList<>();
    ${calls.map((call) => `verdicts.add(${call});`).join('\n    ')}
    System.out.println(verdicts);
  }
}
`,
      );
      run('javac', ['-d', 'java/out', 'java/AuthyCallback.java', 'java/Driver.java']);
      return JSON.parse(run('java', ['-cp', 'java/out', 'Driver'])) as boolean[];
    },
  },
  ruby: {
    tools: ['ruby'],
    judge(all) {
      const driver = `
puts JSON.generate(JSON.parse($stdin.read).map do |c|
  AuthyCallback.authentic?(*c.values_at("key", "method", "url", "signature", "nonce", "sent"))
end)`;
      write('ruby/verifier.rb', `${snippetWith(PAGE, 'ruby', 'AuthyCallback')}${driver}`);
      return JSON.parse(run('ruby', ['-Ku', 'ruby/verifier.rb'], JSON.stringify(all))) as boolean[];
    },
  },
  php: {
    tools: ['php'],
    judge(all) {
      const driver = `
echo json_encode(array_map(
    fn (array $c) => isAuthyCallback($c['key'], $c['method'], $c['url'], $c['signature'], $c['nonce'], $c['sent']),
    json_decode(stream_get_contents(STDIN), true)
));`;
      write('php/verifier.php', `${snippetWith(PAGE, 'php', 'isAuthyCallback')}${driver}`);
      return JSON.parse(run('php', ['php/verifier.php'], JSON.stringify(all))) as boolean[];
    },
  },
};

const isThere = (tool: string) => spawnSync(tool, ['--help']).error === undefined;

describe.each(Object.entries(LANGUAGES))('the verifier in %s', (language, { tools, judge }) => {
  const missing = tools.filter((tool) => !isThere(tool));
  if (missing.length > 0) {
    // eslint-disable-next-line jest/no-disabled-tests -- it says why
    test.skip(`takes nothing but what our sender has signed (not run: ${missing.join(' and ')} is not installed)`, () => {});
    return;
  }

  test('takes what our sender has signed, and nothing else', () => {
    const { good, bad } = cases();
    expect(judge([...good, ...bad])).toEqual([...good.map(() => true), ...bad.map(() => false)]);
  }, 120_000);
});

test('the page names every switch and how it is, and every code of a refused line', () => {
  const told = [...text.matchAll(/^\| `([a-z-]+)` +\| (on|off) +\|/gm)].map(([, name, usual]) => [
    name,
    usual === 'on',
  ]);
  const spelled = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  expect(told).toEqual(Object.entries(SWITCHES).map(([name, usual]) => [spelled(name), usual]));
  expect(LINE_REFUSAL_CODES.filter((code) => !text.includes(`\`${code}\``))).toEqual([]);
  expect(LINE_REFUSAL_CODES.map(lineSentence)).not.toContain(undefined);
});
