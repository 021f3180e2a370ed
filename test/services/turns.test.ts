import { expect, test } from '@jest/globals';
import { createTurns } from '../../services/turns';

/** A piece of work that ends when it is told to. */
function piece(started: string[], name: string) {
  let end: (error?: Error) => void = () => {};
  const work = () => {
    started.push(name);
    return new Promise<string>((resolve, reject) => (end = (error) => (error ? reject(error) : resolve(name))));
  };
  return { work, end: (error?: Error) => end(error) };
}
const soon = () => new Promise((resolve) => setImmediate(resolve));

test('two at once, then whoever came first; a failure gives its place away too', async () => {
  const turns = createTurns(2);
  const started: string[] = [];
  const pieces = ['a', 'b', 'c', 'd'].map((name) => piece(started, name));
  const results = pieces.map(({ work }) => turns(work));
  await soon();
  expect(started).toEqual(['a', 'b']);
  pieces[1]!.end(new Error('no'));
  await expect(results[1]).rejects.toThrow('no');
  await soon();
  expect(started).toEqual(['a', 'b', 'c']);
  pieces[0]!.end();
  pieces[2]!.end();
  await soon();
  expect(started).toEqual(['a', 'b', 'c', 'd']);
  pieces[3]!.end();
  expect(await Promise.all([results[0], results[2], results[3]])).toEqual(['a', 'c', 'd']);

  const later = ['e', 'f', 'g'].map((name) => piece(started, name));
  const more = later.map(({ work }) => turns(work));
  await soon();
  expect(started.slice(4)).toEqual(['e', 'f']);
  for (const { end } of later.slice(0, 2)) end();
  await soon();
  later[2]!.end();
  expect(await Promise.all(more)).toEqual(['e', 'f', 'g']);
});
