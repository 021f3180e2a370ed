import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Failure } from './failure';

/** Authy's own have 32 letters and digits; what is shorter than 20 can be guessed. */
const SHAPE = /^[\x21-\x7e]{20,200}$/;

/**
 * The Authy API key in a file, or on standard input for `-`. Never an argument: the command line of a process is seen by
 * everybody on its machine, and kept by shells.
 */
export async function readAuthyApiKey(file: string): Promise<string> {
  const key = (await readText(file)).replace(/\r?\n$/, '');
  if (!SHAPE.test(key)) {
    throw new Failure(
      'This is no Authy API key: one line of 20 to 200 printable characters without spaces is expected.',
    );
  }
  return key;
}

async function readText(file: string): Promise<string> {
  if (file === '-') return text(process.stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    // The code and not the message, which repeats the argument: that may be the key itself.
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(`The file of --authy-api-key cannot be read (${code}). Give a file, or - for standard input.`);
  }
}
