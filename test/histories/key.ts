/** Stored histories are encrypted with this key, which protects nothing else. */
export const TEST_MASTER_KEY = { id: 'k1', key: Buffer.alloc(32, 7) };
