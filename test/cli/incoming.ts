import type { DeviceApproval, Shown } from '../../sdk/device';

/** An approval as it comes to a phone. */
export function incoming(id: string, changes: Partial<Shown> = {}): DeviceApproval {
  const shown: Shown = {
    v: 1,
    type: 'countersign.approval',
    tenant: 'Demo Shop',
    mode: 'transaction',
    title: 'Pay?',
    details: [],
    createdAt: '2026-11-24T10:00:00.000Z',
    expiresAt: '2026-11-24T10:05:00.000Z',
    ...changes,
  };
  const { mode, createdAt, expiresAt } = shown;
  return {
    id,
    shown: JSON.stringify(shown),
    nonce: 'n',
    status: 'pending',
    mode,
    createdAt,
    expiresAt,
    answeredByMe: null,
    progress: { required: 1, people: 1, approved: 0, denied: 0, missing: 1 },
  };
}
