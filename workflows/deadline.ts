import { CancellationScope, sleep } from '@temporalio/workflow';

export interface Deadline {
  isOver(): boolean;
  cancel(): void;
}

/** A timer that goes on while signals come in: a new one for each of them would be two more events. */
export function startDeadline(ms: number, summary: string): Deadline {
  let over = false;
  const scope = new CancellationScope();
  scope
    .run(() => sleep(ms, { summary }))
    .then(
      () => (over = true),
      () => {}, // cancelled: nobody waits for it any more
    );
  return { isOver: () => over, cancel: () => scope.cancel() };
}
