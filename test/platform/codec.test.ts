import { expect, test } from '@jest/globals';
import { defaultDataConverter } from '@temporalio/common';
import type { LoadedDataConverter } from '@temporalio/common';
import {
  decodeOptionalFailureToOptionalError,
  encodeErrorToFailure,
} from '@temporalio/common/lib/internal-non-workflow';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import { UnsealError, createKeyring } from '../../platform/keys/keyring';
import { createPayloadCodec, dataConverter } from '../../platform/temporal/codec';
import { failureConverter } from '../../platform/temporal/failureConverter';

const k1 = { id: 'k1', key: Buffer.alloc(32, 1) };
const k2 = { id: 'k2', key: Buffer.alloc(32, 2) };
const codec = createPayloadCodec(createKeyring([k1]));
const PLAIN = 'pay 30 to Alice';

/** All bytes of a thing, wherever they hide in it. */
const bytesOf = (value: unknown) =>
  JSON.stringify(value, (_key, part: unknown) =>
    part instanceof Uint8Array || (part as { type?: string } | null)?.type === 'Buffer'
      ? Buffer.from((part as { data?: number[] }).data ?? (part as Uint8Array)).toString('latin1')
      : part,
  );

test.each([{ PLAIN }, PLAIN, null, undefined, new Uint8Array([0, 1, 255])])('%j survives the codec', async (value) => {
  const encoded = await codec.encode([defaultPayloadConverter.toPayload(value)]);
  const [decoded] = await codec.decode(encoded);
  expect(defaultPayloadConverter.fromPayload(decoded!)).toEqual(value);
});

test('what travels holds nothing of the plaintext, not even how it was encoded', async () => {
  const payload = defaultPayloadConverter.toPayload({ PLAIN });
  const encoded = await codec.encode([payload]);
  expect(bytesOf(payload)).toContain(PLAIN);
  expect(bytesOf(encoded)).not.toContain(PLAIN);
  expect(bytesOf(encoded)).not.toContain('json/plain');
  expect(Object.keys(encoded[0]!.metadata!)).toEqual(['encoding', 'encryption-key-id']);
  expect(bytesOf(encoded)).toContain('binary/encrypted');
  expect(bytesOf(encoded)).toContain('k1');
});

test('after a rotation the old payloads can still be read', async () => {
  const encoded = await codec.encode([defaultPayloadConverter.toPayload(PLAIN)]);
  const rotated = createPayloadCodec(createKeyring([k2, k1]));
  expect(defaultPayloadConverter.fromPayload((await rotated.decode(encoded))[0]!)).toBe(PLAIN);
});

test('a changed payload, or one of a stranger, is refused', async () => {
  const [payload] = await codec.encode([defaultPayloadConverter.toPayload(PLAIN)]);
  const data = Buffer.from(payload!.data!);
  data[data.length - 1]! ^= 1;
  await expect(codec.decode([{ ...payload!, data }])).rejects.toThrow(UnsealError);
  await expect(codec.decode([{ metadata: payload!.metadata! }])).rejects.toThrow(UnsealError);
  const stranger = createPayloadCodec(createKeyring([{ id: 'k1', key: Buffer.alloc(32, 9) }]));
  await expect(stranger.decode([payload!])).rejects.toThrow(UnsealError);
});

test('a payload in clear, typed by hand into the Temporal UI, passes', async () => {
  const payload = defaultPayloadConverter.toPayload(PLAIN);
  await expect(codec.decode([payload])).resolves.toEqual([payload]);
});

test('the message, the stack and the details of a failure are encrypted', async () => {
  const converter: LoadedDataConverter = { ...defaultDataConverter, failureConverter, payloadCodecs: [codec] };
  const failure = ApplicationFailure.nonRetryable(PLAIN, 'refused', { PLAIN });
  const encoded = await encodeErrorToFailure(converter, failure);
  expect(bytesOf(encoded)).not.toContain(PLAIN);
  expect(encoded.stackTrace).not.toContain('codec.test');
  const decoded = await decodeOptionalFailureToOptionalError(converter, encoded);
  expect(decoded).toMatchObject({ message: PLAIN, type: 'refused', details: [{ PLAIN }] });
});

test('clients and workers find the failure converter by its path', () => {
  const { failureConverterPath, payloadCodecs } = dataConverter(createKeyring([k1]));
  expect(payloadCodecs).toHaveLength(1);
  expect(jestRequire(failureConverterPath!)).toBe(failureConverter);
});

function jestRequire(path: string): unknown {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return (require(path) as { failureConverter: unknown }).failureConverter;
}
