import { expect, test } from '@jest/globals';
import { asksForEncryption, MessageSplitter, rewriteText, StatementReader } from './postgresMessages';

const text = (value: string) => Buffer.from(`${value}\0`);

function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}
const query = (sql: string) => message('Q', text(sql));
const parse = (name: string, sql: string) => message('P', text(name), text(sql), Buffer.alloc(2));
const int16 = (value: number) => Buffer.from([value >> 8, value & 255]);
const int32 = (value: number) => Buffer.concat([int16(value >> 16), int16(value)]);
const bind = (name: string, ...values: (string | null)[]) =>
  message(
    'B',
    text(''),
    text(name),
    int16(1),
    int16(0), // one format for all: text
    int16(values.length),
    ...values.map((value) => (value === null ? int32(-1) : Buffer.concat([int32(value.length), Buffer.from(value)]))),
    int16(0),
  );
const opening = (code: number) =>
  message('', Buffer.from([code >> 24, (code >> 16) & 255, (code >> 8) & 255, code & 255]));

/** What a reader says of these messages, given to it in pieces of `size` bytes. */
function statementsOf(bytes: Buffer, size = bytes.length) {
  const splitter = new MessageSplitter(false);
  const reader = new StatementReader();
  const statements = [];
  for (let at = 0; at < bytes.length; at += size) {
    for (const one of splitter.push(bytes.subarray(at, at + size))) {
      const statement = reader.read(one);
      if (statement) statements.push(statement);
    }
  }
  return statements;
}

test.each([1, 2, 3, 5, 8, 1_000])('messages are found wherever a chunk of %i bytes ends', (size) => {
  const bytes = Buffer.concat([query('select 1'), parse('', 'select $1'), bind(''), message('S'), query('select 2')]);
  expect(statementsOf(bytes, size).map(({ name }) => name)).toEqual(['select 1', 'select $1', 'select 2']);
});

test('the first message of a client has no letter', () => {
  const splitter = new MessageSplitter(true);
  const messages = splitter.push(Buffer.concat([opening(196_608), query('select 1')]));
  expect(messages.map(({ type }) => type)).toEqual(['', 'Q']);
});

test('after a question about encryption the client opens the connection again', () => {
  const splitter = new MessageSplitter(true);
  const [request] = splitter.push(opening(80_877_103));
  expect(asksForEncryption(request!)).toBe(true);
  splitter.expectOpening();
  const [start] = splitter.push(opening(196_608));
  expect(start).toMatchObject({ type: '' });
  expect(asksForEncryption(start!)).toBe(false);
});

test('a statement knows what its transaction did before, with the values', () => {
  const bytes = Buffer.concat([
    query('BEGIN'),
    parse('', 'insert into approvals values ($1, $2)'),
    bind('', 'one', null),
    query('insert into events values (2)'),
    query('COMMIT'),
    query('select 1'),
  ]);
  const [begin, approval, event, commit, after] = statementsOf(bytes);
  expect(begin!.transaction).toEqual([]);
  expect(approval).toMatchObject({ values: ['one', null], transaction: [] });
  expect(event!.transaction).toEqual([{ name: 'insert into approvals values ($1, $2)', values: ['one', null] }]);
  expect(commit!.transaction.map(({ name }) => name)).toEqual([approval!.name, event!.name]);
  expect(after!.transaction).toEqual([]);
});

test.each(['rollback', 'abort', 'end'])('%s ends the transaction', (end) => {
  expect(statementsOf(Buffer.concat(['begin', 'a', end, 'b'].map(query))).pop()!.transaction).toEqual([]);
});

test('going back to a savepoint does not end the transaction', () => {
  const statements = statementsOf(Buffer.concat(['begin', 'a', 'rollback to savepoint s', 'b'].map(query)));
  expect(statements.pop()!.transaction.map(({ name }) => name)).toEqual(['a', 'rollback to savepoint s']);
});

test('a statement that was prepared once runs at each binding', () => {
  const bytes = Buffer.concat([parse('one', 'select $1'), bind('one'), bind('one')]);
  expect(statementsOf(bytes).map(({ name }) => name)).toEqual(['select $1', 'select $1']);
});

test('a name does not depend on how the statement is laid out', () => {
  const [statement] = statementsOf(query('  SELECT status -- the state\n    from   approvals\n  for UPDATE '));
  expect(statement!.name).toBe('select status from approvals for update');
});

test.each([
  ['Q', query('select 1 for update'), query('select 1')],
  ['P', parse('name', 'select 1 for update'), parse('name', 'select 1')],
  ['B', bind('for update'), bind('for update')],
])('the text of a %s message is replaced, the rest of it stays', (_type, before, after) => {
  const [read] = new MessageSplitter(false).push(before);
  expect(rewriteText(read!, (sql) => sql.replace(' for update', '')).bytes).toEqual(after);
});
