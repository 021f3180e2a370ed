import { expect, test } from '@jest/globals';
import fs from 'node:fs';
import path from 'node:path';
import packageJson from '../../package.json';
import { renderApproval, PROMPT } from '../../cli/phoneScreen';
import { signWebhook } from '../../channels/webhooks/sign';
import { createMetrics } from '../../platform/telemetry/metrics';
import { startDemoShop } from '../../stack/demoShop';
import { freePorts } from '../../stack/ports';
import { anchors, pages, ROOT, snippets } from './markdown';
import type { Page } from './markdown';

const PAGES = pages();
const read = (file: string) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const README = read('README.md');

/** What a pattern finds in the documentation, each with the page that it stands on. */
const found = (pattern: RegExp): string[] => [
  ...new Set(PAGES.flatMap(({ file, text }) => [...text.matchAll(pattern)].map(([, hit]) => `${file}: ${hit}`))),
];
const withoutPage = (hits: readonly string[]) => new Set(hits.map((hit) => hit.split(': ')[1]!));

function brokenLinks({ file, text }: Page): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [to = '', anchor] = target.split('#');
      const linked = to === '' ? file : path.posix.join(path.posix.dirname(file), to);
      if (!fs.existsSync(path.join(ROOT, linked))) return true;
      return anchor !== undefined && !anchors(read(linked)).has(anchor);
    })
    .map((target) => `${file}: ${target}`);
}

test('every relative link leads to a page, and to a heading of it', () => {
  expect(PAGES.flatMap(brokenLinks)).toEqual([]);
  expect(brokenLinks({ file: 'README.md', text: '[a](docs/none.md) [b](README.md#none)' })).toHaveLength(2);
});

test('every page below docs/ is linked from another one', () => {
  const linked = PAGES.flatMap(({ file, text }) =>
    [...text.matchAll(/\]\(([^)\s#]+)/g)].map(([, to = '']) => path.posix.join(path.posix.dirname(file), to)),
  );
  // Notes that go with figures stand for themselves.
  const ours = PAGES.map(({ file }) => file).filter((file) => /^docs\/(?!evidence\/)/.test(file));
  expect(ours.length).toBeGreaterThan(10);
  expect(ours.filter((file) => !linked.includes(file))).toEqual([]);
});

test('every npm script that is named exists', () => {
  const named = [...found(/npm run (?:-s )?([\w:-]+)/g), ...found(/npm (start|test)\b/g)];
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((hit) => !(hit.split(': ')[1]! in packageJson.scripts))).toEqual([]);
});

test('every COUNTERSIGN_* variable that is named is read by something, and every one is named', () => {
  const variables = (file: string) => [...read(file).matchAll(/'(COUNTERSIGN_[A-Z_]+)'/g)].map(([, name]) => name!);
  const ofProgram = variables('platform/config.ts');
  const ofStack = [...variables('stack/programEnvironment.ts'), ...variables('stack/home.ts')];
  const ofTests = variables('test/support/testEnvironment.ts');
  const known = new Set([...ofProgram, ...ofStack, ...ofTests]);
  const named = found(/\b(COUNTERSIGN_[A-Z_]+)\b/g);
  expect(named.filter((hit) => !known.has(hit.split(': ')[1]!))).toEqual([]);

  const told = withoutPage(named);
  expect([...ofProgram, ...ofStack].filter((name) => !told.has(name))).toEqual([]);
  expect([...new Set(ofProgram)].filter((name) => !README.includes(`\`${name}\``))).toEqual([]);
});

test('every metric that is named is counted', async () => {
  const { body } = await createMetrics().page();
  const counted = new Set([...body.matchAll(/^# HELP (\w+)/gm)].map(([, name]) => name!));
  const named = found(/\b(countersign_[a-z_]+)/g);
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((hit) => !counted.has(hit.split(': ')[1]!.replace(/_(count|sum|bucket)$/, '')))).toEqual([]);
});

test('the README shows the first approval as the phone shows it', () => {
  const createdAt = '2026-11-24T10:00:00.000Z';
  const expiresAt = '2026-11-24T10:05:00.000Z';
  const shown = JSON.stringify({
    v: 1,
    type: 'countersign.approval',
    tenant: 'demo',
    mode: 'transaction',
    title: 'Pay 49.90 EUR to Example Shop?',
    details: [
      { label: 'Amount', value: '49.90 EUR' },
      { label: 'To', value: 'Example Shop' },
    ],
    createdAt,
    expiresAt,
  });
  const approval = { id: '8a1f…', shown, nonce: '', mode: 'transaction', createdAt, expiresAt } as const;
  const progress = { required: 1, people: 1, approved: 0, denied: 0, missing: 1 };
  const screen = renderApproval(
    { ...approval, status: 'pending', answeredByMe: null, progress },
    Date.parse(createdAt),
  );
  const lines = [...screen.trim().split('\n'), `${PROMPT}a`];
  expect(README).toContain(lines.map((line) => `   ${line}`).join('\n'));
});

test('the README shows the callback as the demo shop shows it', async () => {
  const [port = 0] = await freePorts(1);
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const lines: string[] = [];
  const shop = await startDemoShop({ port, signingKey: secret, show: (line) => void lines.push(line) });
  try {
    const body = JSON.stringify({ data: { id: '8a1f…', status: 'approved' } });
    const headers = signWebhook({ id: 'cb_1', timestampSeconds: Date.now() / 1_000, body, secret });
    await fetch(shop.callbackUrl, { method: 'POST', body, headers: { ...headers } });
  } finally {
    await shop.close();
  }
  expect(lines).toHaveLength(1);
  expect(README).toContain(`   ${lines[0]}\n`);
});

test('shell commands that run our programs name files that are there', () => {
  const sources = snippets(['sh'])
    .flatMap(({ code }) => [...code.matchAll(/node dist\/([\w/]+)\.js/g)])
    .map(([, file]) => `${file}.ts`);
  expect(sources.length).toBeGreaterThan(3);
  expect(sources.filter((file) => !fs.existsSync(path.join(ROOT, file)))).toEqual([]);
});
