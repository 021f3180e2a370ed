import type { Approval } from './backend';
import { codeOf, pause, untilAnswered } from './api';
import type { Phone, Shown } from './phone';
import type { Decision } from './told';
import { THINKING_MS } from './world';
import type { Flow, Person, World } from './world';

const LIFETIME_SECONDS = 40;
const SHORT_LIFETIME_SECONDS = 10;
const UNKNOWN_YET_MS = 90_000;

/** The ways in which an approval by one person goes. Each ends when the outcome, and its callback, was told or is hopeless. */
export const APPROVAL_FLOWS = {
  /** The phone finds it in its inbox. */
  inbox: flow({ act: (of) => of.answer(of.phones[0], of.decision(), of.fromInbox) }),
  /** The phone was told the id, as by a push. */
  direct: flow({ act: (of) => of.answer(of.phones[0], of.decision(), of.shownTo) }),
  /** Nobody takes a callback; the back end waits. */
  polled: flow({ callback: false, act: (of) => of.answer(of.phones[1], of.decision(), of.shownTo) }),
  /** Three copies of the request at once, and the same answer twice at once. */
  repeated: flow({
    copies: 3,
    act: async (of) => {
      const decision = of.decision();
      await Promise.all([1, 2].map(() => of.answer(of.phones[0], decision, of.shownTo)));
    },
  }),
  /** Two phones of one person say different things at once. */
  contradicted: flow({
    act: (of) =>
      Promise.all([of.answer(of.phones[0], 'approved', of.shownTo), of.answer(of.phones[1], 'denied', of.shownTo)]),
  }),
  cancelled: flow({ act: (of) => of.cancel() }),
  /** The back end withdraws while the phone answers. */
  withdrawn: flow({ act: (of) => Promise.all([of.cancel(), of.answer(of.phones[0], of.decision(), of.shownTo)]) }),
  /** Nobody answers. */
  silent: flow({ lifetimeSeconds: SHORT_LIFETIME_SECONDS, act: async () => undefined }),
} as const satisfies Record<string, Flow>;

interface Shape {
  lifetimeSeconds?: number;
  callback?: boolean;
  copies?: number;
  /** Several people are asked, of whom so many have to approve. */
  several?: { people: number; required: number };
  act: (of: Acts) => Promise<unknown>;
}

/** Asks, waits a moment, acts, and waits for the outcome. */
export function flow({ lifetimeSeconds = LIFETIME_SECONDS, callback = true, copies = 1, several, act }: Shape): Flow {
  return async (world, person) => {
    const { backend, receiver, random } = world;
    const begunMs = Date.now();
    const asked = several ? neighbours(world.people, person, several.people) : [person];
    const approval = await backend.create(
      {
        ...(several
          ? { approvers: asked.map(({ userId }) => userId), required: several.required }
          : { userId: person.userId }),
        mode: random() < 0.3 ? 'login' : 'transaction',
        expiresInSeconds: lifetimeSeconds,
        ...(callback && { callbackUrl: receiver.url }),
      },
      () => world.giveUpMs(begunMs) + UNKNOWN_YET_MS,
      copies,
    );
    if (!approval) return;
    const expiresAtMs = Date.parse(approval.expiresAt);
    const untilMs = () => world.giveUpMs(expiresAtMs);
    await pause(random() * THINKING_MS);
    await act(createActs(world, asked, approval, untilMs));
    if (!callback) return backend.waitUntilFinal(approval.id, untilMs);
    await arrivedOrHopeless(receiver.arrived(approval.id), untilMs);
    if (random() < 0.3) await backend.waitUntilFinal(approval.id, untilMs);
  };
}

type Look = (phone: Phone) => Promise<Shown | undefined>;

interface Acts {
  /** Of the one who is asked, or the first. */
  phones: Person['phones'];
  asked: readonly Person[];
  random(): number;
  decision(): Decision;
  fromInbox: Look;
  shownTo: Look;
  answer(phone: Phone, decision: Decision, look: Look): Promise<void>;
  cancel(): Promise<void>;
}

function createActs(world: World, asked: readonly Person[], approval: Approval, untilMs: () => number): Acts {
  const { backend, log, random } = world;
  return {
    phones: asked[0]!.phones,
    asked,
    random,
    decision: () => (random() < 0.6 ? 'approved' : 'denied'),

    async fromInbox(phone) {
      while (Date.now() < untilMs()) {
        const reply = await untilAnswered(() => phone.inbox(), untilMs);
        const found = reply?.status === 200 ? reply.body.approvals.find(({ id }) => id === approval.id) : undefined;
        // It leaves the inbox when it ends, which may have been while the service was away.
        if (found || Date.now() > Date.parse(approval.expiresAt)) return found;
        await pause(100);
      }
      return undefined;
    },

    async shownTo(phone) {
      const reply = await untilAnswered(() => phone.show(approval.id), untilMs);
      if (reply?.status !== 200) return undefined;
      log.tell({ what: 'seen', approvalId: approval.id, status: reply.body.status });
      return reply.body;
    },

    async answer(phone, decision, look) {
      const shown = await look(phone);
      if (!shown) return;
      const reply = await untilAnswered(() => phone.answer(shown, decision), untilMs);
      if (!reply) return log.tell({ what: 'unanswered', call: 'answer', subject: approval.id });
      const { deviceId } = phone;
      const code = codeOf(reply);
      if (code) return log.tell({ what: 'refused', call: 'answer', subject: approval.id, code, deviceId, decision });
      const { status } = reply.body;
      log.tell({ what: 'answered', approvalId: approval.id, deviceId, decision, status });
    },

    cancel: () => backend.cancel(approval.id, untilMs),
  };
}

async function arrivedOrHopeless(arrived: Promise<void>, untilMs: () => number): Promise<void> {
  const come = arrived.then(() => true);
  while (Date.now() < untilMs()) {
    if (await Promise.race([come, pause(250)])) return;
  }
}

/** This person and those who come next. */
function neighbours(people: readonly Person[], person: Person, count: number): Person[] {
  const at = people.indexOf(person);
  return Array.from({ length: count }, (_, index) => people[(at + index) % people.length]!);
}
