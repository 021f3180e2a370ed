import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import type { Keyring } from '../keys/keyring';
import { UnsealError } from '../keys/keyring';

const PURPOSE = 'temporal-payload';
// The codec endpoint of the Temporal UI is not told which workflow a payload belongs to, so it cannot be tied to one.
const CONTEXT = '';
const ENCRYPTED = 'binary/encrypted';

const { Payload: PayloadMessage } = temporal.api.common.v1;

const failureConverterPath = require.resolve('./failureConverter');

/** What else whoever bundles workflows passes to `bundleWorkflowCode`. */
export const bundledConverters = {
  failureConverterPath,
  payloadConverterPath: require.resolve('./payloadConverter'),
};

/** Encrypts whole payloads, metadata included; the key id travels in clear so that keys can be rotated. */
export function createPayloadCodec(keyring: Keyring): PayloadCodec {
  return {
    encode: (payloads) => Promise.resolve(payloads.map((payload) => encrypt(keyring, payload))),
    // async, so that a payload that cannot be opened is a rejection.
    // eslint-disable-next-line @typescript-eslint/require-await
    decode: async (payloads) => payloads.map((payload) => decrypt(keyring, payload)),
  };
}

/** The data converter of every client and worker: payloads, and the messages and stack traces of failures, encrypted. */
export function dataConverter(keyring: Keyring): DataConverter {
  return { payloadCodecs: [createPayloadCodec(keyring)], failureConverterPath };
}

function encrypt(keyring: Keyring, payload: Payload): Payload {
  const sealed = keyring.encrypt(PURPOSE, Buffer.from(PayloadMessage.encode(payload).finish()), CONTEXT);
  const metadata = { encoding: Buffer.from(ENCRYPTED), 'encryption-key-id': Buffer.from(keyring.keyIdOf(sealed)) };
  return { metadata, data: sealed };
}

function decrypt(keyring: Keyring, payload: Payload): Payload {
  const encoding = payload.metadata?.['encoding'];
  // A signal that an operator types into the Temporal UI arrives in clear, and is judged like any other.
  if (encoding == null || Buffer.from(encoding).toString() !== ENCRYPTED) return payload;
  if (payload.data == null) throw new UnsealError();
  return PayloadMessage.decode(keyring.decrypt(PURPOSE, payload.data, CONTEXT));
}
