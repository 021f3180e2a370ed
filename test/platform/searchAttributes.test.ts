import { expect, jest, test } from '@jest/globals';
import { ensureSearchAttributes } from '../../platform/temporal/searchAttributes';

const KEYWORD = 2;
const TEXT = 1;
const ALL = { CountersignTenant: KEYWORD, CountersignKind: KEYWORD, CountersignOutcome: KEYWORD };
const refusal = (code: number) => Object.assign(new Error('refused'), { code });

function setup(customAttributes: Record<string, number> | Error, added?: Error) {
  const listSearchAttributes = jest.fn(async (_request: unknown) => {
    if (customAttributes instanceof Error) throw customAttributes;
    return { customAttributes };
  });
  const addSearchAttributes = jest.fn(async (_request: unknown) => {
    if (added) throw added;
  });
  const operatorService = { listSearchAttributes, addSearchAttributes };
  const connection = { operatorService } as unknown as Parameters<typeof ensureSearchAttributes>[0];
  return { ensure: () => ensureSearchAttributes(connection, 'ns'), addSearchAttributes };
}

test('where all are there, nothing is added', async () => {
  const { ensure, addSearchAttributes } = setup({ ...ALL, Other: TEXT });
  await expect(ensure()).resolves.toEqual({ added: [] });
  expect(addSearchAttributes).not.toHaveBeenCalled();
});

test('only what is missing is added', async () => {
  const { ensure, addSearchAttributes } = setup({ CountersignTenant: KEYWORD });
  await expect(ensure()).resolves.toEqual({ added: ['CountersignKind', 'CountersignOutcome'] });
  expect(addSearchAttributes).toHaveBeenCalledWith({
    namespace: 'ns',
    searchAttributes: { CountersignKind: KEYWORD, CountersignOutcome: KEYWORD },
  });
});

test('another process that was faster is fine', async () => {
  await expect(setup({}, refusal(6)).ensure()).resolves.toEqual({ added: [] });
});

test.each([7, 12, 16])('where the server refuses (%d), it tells what to run', async (code) => {
  const hint = expect.stringMatching(/operator search-attribute create --namespace ns .*CountersignTenant.*tcld/);
  await expect(setup(refusal(code)).ensure()).resolves.toEqual({ added: [], reason: hint });
  await expect(setup({}, refusal(code)).ensure()).resolves.toEqual({ added: [], reason: hint });
});

test('an attribute of another type is told, not overwritten', async () => {
  const { ensure, addSearchAttributes } = setup({ CountersignTenant: TEXT });
  await expect(ensure()).resolves.toEqual({ added: [], reason: expect.stringContaining('CountersignTenant') });
  expect(addSearchAttributes).not.toHaveBeenCalled();
});

test('any other trouble is passed on', async () => {
  await expect(setup(refusal(14)).ensure()).rejects.toMatchObject({ code: 14 });
});
