import { DomainError } from '../../domain/errors';
import type { Bench } from '../support/services';

/** The refusal's code, or what something is then. Anything else is an accident, and fails the test. */
export const said = (work: Promise<{ status: string }>): Promise<string> =>
  work.then(
    ({ status }) => status,
    (error: unknown) => {
      if (error instanceof DomainError) return error.code;
      throw error;
    },
  );

/** Two at once, each of them a little ahead in turn: who is first must differ from round to round. */
export async function atOnce<A, B>(
  { pool }: Pick<Bench, 'pool'>,
  round: number,
  a: () => Promise<A>,
  b: () => Promise<B>,
): Promise<[A, B]> {
  const ahead = async () => {
    for (let turns = 0; turns < (round % 7) * 2; turns++) await pool.query('select 1');
  };
  if (round % 2 === 0) {
    const first = a();
    await ahead();
    return Promise.all([first, b()]);
  }
  const first = b();
  await ahead();
  return Promise.all([a(), first]).then(([x, y]) => [x, y]);
}
