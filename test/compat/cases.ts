import type { World } from './world';

export type ClientName = 'authy-client' | 'authy' | 'webhooks API sample';

type Run = (world: World) => Promise<void>;

/** One thing that a client does, and what has to come of it. */
export interface Case {
  client: ClientName;
  method: string;
  name: string;
  /** The documented message, or the fixed part of it, that the reply has to have. */
  says?: string;
  run: Run;
}

/** Cases of a client by its methods: `{ deleteUser: { 'a user': … } }`. */
export type Methods = Record<string, Record<string, Run | Saying>>;

interface Saying {
  says: string;
  run: Run;
}

/** A case that fails when this documented message is any other. */
export const saying = (says: string, run: Run): Saying => ({ says, run });

/** One list of a table of cases. */
export const casesOf = (client: ClientName, methods: Methods): Case[] =>
  Object.entries(methods).flatMap(([method, cases]) =>
    Object.entries(cases).map(([name, run]) => ({
      client,
      method,
      name,
      ...(typeof run === 'function' ? { run } : run),
    })),
  );
