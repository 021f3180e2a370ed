import { flow } from './approvalFlows';
import type { Decision } from './told';
import type { Flow } from './world';

const TWO_OF_THREE = { people: 3, required: 2 };

/** Approvals by several people. */
export const SEVERAL_FLOWS = {
  /** Three people answer at once: one approves, one denies, and the third decides. */
  severalAtOnce: flow({
    several: TWO_OF_THREE,
    async act(of) {
      const said: Decision[] = ['approved', 'denied', of.decision()];
      const first = Math.floor(of.random() * 3);
      const answers = of.asked.map(({ phones }, index) => of.answer(phones[0], said[(first + index) % 3]!, of.shownTo));
      await Promise.all(answers);
    },
  }),
  /** One denies, and then the others approve on the way by their inboxes. */
  severalInTurn: flow({
    several: TWO_OF_THREE,
    async act(of) {
      const said: Decision[] = ['denied', 'approved', 'approved'];
      for (const [index, { phones }] of of.asked.entries()) await of.answer(phones[1], said[index]!, of.fromInbox);
    },
  }),
} as const satisfies Record<string, Flow>;
