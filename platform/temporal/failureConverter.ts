import { DefaultFailureConverter } from '@temporalio/common';

/** Loaded by path, also inside the workflow sandbox: moves messages and stack traces into a payload, which is encrypted. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
