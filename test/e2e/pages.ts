import fs from 'node:fs';
import path from 'node:path';
import { ROOT, snippetWith } from '../docs/markdown';

/** Loads the code of how-tos as it stands on their pages, which import the SDK as from the root of the repository. */
export function createPageLoader() {
  const folder = fs.mkdtempSync(path.join(ROOT, 'test', 'e2e', 'snippets-')); // beside the code: jest transforms what it imports
  return {
    /** The page's block that holds this text, as a module. */
    load<Module>(page: string, text: string): Module {
      const code = snippetWith(`docs/how-to/${page}.md`, 'ts', text).replace("'./sdk/server'", "'../../../sdk/server'");
      const file = path.join(folder, `${page}.ts`);
      fs.writeFileSync(file, code);
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- written a moment ago
      return require(file) as Module;
    },
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}
