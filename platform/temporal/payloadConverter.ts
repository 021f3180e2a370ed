import { defaultPayloadConverter } from '@temporalio/common';
import type { Payload, PayloadConverter } from '@temporalio/common';

/**
 * Loaded by path, inside the workflow sandbox only. What nobody can read there becomes `undefined`: it was typed by hand
 * into the Temporal UI (no JSON, or another encoding), and the error would fail the workflow's task again and again.
 */
export const payloadConverter: PayloadConverter = {
  toPayload: (value) => defaultPayloadConverter.toPayload(value),
  fromPayload<T>(payload: Payload): T {
    try {
      return defaultPayloadConverter.fromPayload<T>(payload);
    } catch {
      return undefined as T;
    }
  },
};
