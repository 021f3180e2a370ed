import { ConfigError } from '../platform/config';
import { CountersignError } from '../sdk/device';
import { printable } from './printable';

/** A command that cannot do what it was asked; the sentence says what to do next. */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** What a person at a terminal should read about a failure; an accident of ours keeps its stack. */
export function explain(error: unknown): string {
  if (error instanceof Failure || error instanceof ConfigError) return error.message;
  if (error instanceof CountersignError) return explainRefusal(error);
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function explainRefusal({ code, field, requestId, message: said }: CountersignError): string {
  const message = printable(said);
  if (code === 'device_unauthorized' && field !== undefined) {
    return `${message}\nThe server goes by other addresses (COUNTERSIGN_PUBLIC_URLS): give one of them with --url`;
  }
  switch (code) {
    case 'unreachable':
      return `${message}\nIs it running? Start it with: npm start`;
    case 'device_unauthorized':
    case 'device_removed':
      return 'The server does not know this phone any more. Register it again: npm run phone -- register --again';
    case 'not_an_install_link':
      return `${message}\nIt looks like https://…/install#il_…; copy all of it, and put it in quotes.`;
    case 'install_link_invalid':
      return `${message}\nAsk whoever sent it for a new one.`;
    case 'unauthorized':
      return `${message}\nThe stack was probably made anew. Start it again with: npm start`;
    default:
      return requestId === undefined ? message : printable(`${message} (${code}, request ${requestId})`);
  }
}
