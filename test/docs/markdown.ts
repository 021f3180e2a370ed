import fs from 'node:fs';
import path from 'node:path';

export const ROOT = path.join(__dirname, '..', '..');

export interface Page {
  /** Relative to the root, with slashes. */
  file: string;
  text: string;
}

export interface Snippet {
  file: string;
  language: string;
  code: string;
}

/** Every page of documentation: in the root, and below docs/. */
export function pages(): Page[] {
  const below = fs.readdirSync(path.join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  return [...fs.readdirSync(ROOT), ...below.map((file) => `docs/${file.split(path.sep).join('/')}`)]
    .filter((file) => file.endsWith('.md'))
    .map((file) => ({ file, text: fs.readFileSync(path.join(ROOT, file), 'utf8') }));
}

/** The fenced blocks of these languages, in the order in which they stand. */
export function snippets(languages: readonly string[], from: readonly Page[] = pages()): Snippet[] {
  return from.flatMap(({ file, text }) =>
    [...text.matchAll(/^ *```(\w+)\n([\s\S]*?)^ *```$/gm)]
      .map(([, language = '', code = '']) => ({ file, language, code }))
      .filter(({ language }) => languages.includes(language)),
  );
}

/** The one block of a page that holds this text. */
export function snippetWith(file: string, language: string, text: string): string {
  const found = snippets([language]).filter((snippet) => snippet.file === file && snippet.code.includes(text));
  if (found.length !== 1) throw new Error(`${file} has ${found.length} blocks of ${language} with ${text}`);
  return found[0]!.code;
}

/** Where the headings of a page can be linked to, as GitHub names them. */
export function anchors(text: string): Set<string> {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '');
  return new Set(
    [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
