import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { UnsealError, createKeyring } from '../../platform/keys/keyring';

const k1 = { id: 'k1', key: Buffer.alloc(32, 1) };
const k2 = { id: 'k2', key: Buffer.alloc(32, 2) };
const before = createKeyring([k1]);
const during = createKeyring([k2, k1]);
const after = createKeyring([k2]);

describe('a sealed value', () => {
  test('comes back whole, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), fc.string(), (bytes, purpose, context) => {
        const sealed = before.encrypt(purpose, Buffer.from(bytes), context);
        expect(before.decrypt(purpose, sealed, context)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test('does not show what it holds, and never looks the same twice', () => {
    const sealed = before.encrypt('phone', '+15555550100', 'user-1');
    expect(sealed.includes('5555550100')).toBe(false);
    expect(before.encrypt('phone', '+15555550100', 'user-1').equals(sealed)).toBe(false);
  });

  test.each([
    ['purpose', 'email', 'user-1'],
    ['context', 'phone', 'user-2'],
  ])('does not open for another %s', (_what, purpose, context) => {
    const sealed = before.encrypt('phone', '+15555550100', 'user-1');
    expect(() => before.decrypt(purpose, sealed, context)).toThrow(UnsealError);
  });

  test('does not open after the flip of any of its bits', () => {
    const sealed = during.encrypt('phone', '+1', 'user-1');
    const opened: string[] = [];
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      try {
        during.decrypt('phone', flipped, 'user-1');
        opened.push(`bit ${bit}`);
      } catch (error) {
        expect(error).toBeInstanceOf(UnsealError);
      }
    }
    expect(opened).toEqual([]);
  });

  test('does not open when cut short or made longer', () => {
    const sealed = before.encrypt('phone', '+1', 'user-1');
    for (let length = 0; length < sealed.length; length++) {
      expect(() => before.decrypt('phone', sealed.subarray(0, length), 'user-1')).toThrow(UnsealError);
    }
    expect(() => before.decrypt('phone', Buffer.concat([sealed, sealed]), 'user-1')).toThrow(UnsealError);
  });

  test('opens from a view into a larger buffer', () => {
    const sealed = before.encrypt('phone', '+1', 'user-1');
    const view = new Uint8Array(Buffer.concat([Buffer.alloc(7), sealed, Buffer.alloc(9)])).subarray(
      7,
      7 + sealed.length,
    );
    expect(before.decrypt('phone', view, 'user-1').toString()).toBe('+1');
  });

  test('opens during and not after the rotation away from its key', () => {
    const sealed = before.encrypt('phone', '+1', 'user-1');
    expect(before.keyIdOf(sealed)).toBe('k1');
    expect(during.decrypt('phone', sealed, 'user-1').toString()).toBe('+1');
    expect(() => after.decrypt('phone', sealed, 'user-1')).toThrow(UnsealError);
    const again = during.encrypt('phone', '+1', 'user-1');
    expect(during.keyIdOf(again)).toBe('k2');
    expect(after.decrypt('phone', again, 'user-1').toString()).toBe('+1');
  });
});

describe('a mac', () => {
  test('matches its parts under every key of the ring', () => {
    const mac = before.mac('nonce', 'a', 'b');
    expect(before.macMatches('nonce', mac, 'a', 'b')).toBe(true);
    expect(during.macMatches('nonce', mac, 'a', 'b')).toBe(true);
    expect(after.macMatches('nonce', mac, 'a', 'b')).toBe(false);
    expect(during.mac('nonce', 'a', 'b')).toEqual(after.mac('nonce', 'a', 'b'));
    expect(during.macs('nonce', 'a', 'b')).toEqual([after.mac('nonce', 'a', 'b'), mac]);
  });

  test.each([
    ['another purpose', 'other', ['a', 'b']],
    ['another part', 'nonce', ['a', 'c']],
    ['parts that only look the same when joined', 'nonce', ['ab', '']],
    ['a part less', 'nonce', ['a']],
    ['a part more', 'nonce', ['a', 'b', '']],
  ])('does not match %s', (_what, purpose, parts) => {
    expect(before.macMatches(purpose, before.mac('nonce', 'a', 'b'), ...parts)).toBe(false);
  });

  test('of the wrong length does not match, and does not throw', () => {
    expect(before.macMatches('nonce', Buffer.alloc(0), 'a')).toBe(false);
    expect(before.macMatches('nonce', before.mac('nonce', 'a').subarray(1), 'a')).toBe(false);
  });
});

describe('a blind index', () => {
  test('is found during a rotation, whichever key it was made under', () => {
    const [current, previous] = during.blindIndexes('phone', '+1');
    expect(current).toEqual(after.blindIndex('phone', '+1'));
    expect(previous).toEqual(before.blindIndex('phone', '+1'));
    expect(during.blindIndex('phone', '+1')).toEqual(current);
  });

  test('is another one for another value, another purpose, and is no mac', () => {
    const index = before.blindIndex('phone', '+1');
    expect(before.blindIndex('phone', '+2')).not.toEqual(index);
    expect(before.blindIndex('email', '+1')).not.toEqual(index);
    expect(before.mac('phone', '+1')).not.toEqual(index);
  });
});

test('a keyring without a key is refused', () => {
  expect(() => createKeyring([])).toThrow();
});
