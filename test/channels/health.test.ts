import { expect, test } from '@jest/globals';
import { createHealth } from '../../channels/health';

function setup(capacity = 10) {
  let now = 1_000;
  const health = createHealth({ coolDownMs: 100, capacity, nowMs: () => now });
  return { health, pass: (ms: number) => (now += ms) };
}

test('who was never tried is trusted', () => {
  expect(createHealth().answeredWell('anybody')).toBe(true);
});

test('a failure is held against them for the time of the cool-down', () => {
  const { health, pass } = setup();
  health.failed('a');
  pass(99);
  expect(health.answeredWell('a')).toBe(false);
  expect(health.answeredWell('b')).toBe(true);
  pass(1);
  expect(health.answeredWell('a')).toBe(true);
});

test('a further failure begins the cool-down anew', () => {
  const { health, pass } = setup();
  health.failed('a');
  pass(99);
  health.failed('a');
  pass(99);
  expect(health.answeredWell('a')).toBe(false);
});

test('a success ends it', () => {
  const { health } = setup();
  health.failed('a');
  health.succeeded('a');
  expect(health.answeredWell('a')).toBe(true);
});

test('only so many failures are remembered, the oldest are forgotten first', () => {
  const { health } = setup(2);
  for (const key of ['a', 'b', 'a', 'c']) health.failed(key);
  expect(['a', 'b', 'c'].filter((key) => !health.answeredWell(key))).toEqual(['a', 'c']);
});
