import { pages } from './markdown';

export interface CatalogueEntry {
  type: string;
  /** What an event of this type always tells. */
  data: string[];
  /** What it tells where there is something to tell: in brackets. */
  sometimes: string[];
}

const namesIn = (text: string) => [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name!);

/** The table of events in docs/webhooks.md; a sentence before it tells what always stands beside `verificationId`. */
export function catalogue(): CatalogueEntry[] {
  const { text } = pages().find(({ file }) => file === 'docs/webhooks.md')!;
  const beside = namesIn(/Beside `verificationId` always stand ([^.]+)\./.exec(text)![1]!);
  const withCompany = (names: string[]) =>
    names.flatMap((name) => (name === 'verificationId' ? [name, ...beside] : [name]));
  return [...text.matchAll(/^\| `(\w+)` +\| [^|]+ \| ([^|]*)\|$/gm)].map(([, type = '', members = '']) => ({
    type,
    data: withCompany(namesIn(members.replace(/\(.*\)/, ''))),
    sometimes: withCompany(namesIn(/\((.*)\)/.exec(members)?.[1] ?? '')),
  }));
}
