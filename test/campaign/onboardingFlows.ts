import { Secret, TOTP } from 'otpauth';
import { codeOf, pause, untilAnswered } from './api';
import type { Step } from './onboardingBackend';
import type { Phone } from './phone';
import { THINKING_MS } from './world';
import type { Flow, Newcomer, World } from './world';

const LIFETIME_SECONDS = 20;
const SHORT_LIFETIME_SECONDS = 10;
const REMINDED_AFTER_SECONDS = 3;
const UNKNOWN_YET_MS = 90_000;
const LOOK_AGAIN_MS = 200;
/** A code may be replaced by a repeated call at any time; a person then types the next one. */
const MOST_GUESSES = 4;

/** How newcomers enable two-factor authentication, or do not. Each flow ends when its onboarding has, or it is hopeless. */
export const ONBOARDING_FLOWS = {
  /** The app is installed by the link, of the reply or the text message, and asks whether it is right. */
  onboardByLink: flow({
    method: 'push',
    async act(of) {
      const link = of.random() < 0.5 ? of.step.link : await of.linkOfText();
      const phone = await of.installBy(link);
      if (phone) await of.confirm(phone);
    },
  }),
  /** The app is there already; the back end asks for the method afterwards. */
  onboardWithDevice: flow({
    hasDevice: true,
    async act(of) {
      await of.choose('push');
      await of.confirm(of.phone!);
    },
  }),
  onboardBySms: flow({
    method: 'sms',
    act: (of) =>
      of.enter(
        () => of.codeOfText(),
        () => of.choose('sms'),
      ),
  }),
  onboardByTotp: flow({
    async act(of) {
      let step = await of.choose('totp');
      const again = async () => void (step = await of.choose('totp'));
      await of.enter(async () => step?.totp && showCode(step.totp.secret), again);
    },
  }),
  /** A second attempt while the first one waits for its device; the back end then cancels that as well. */
  onboardAgain: flow({
    method: 'push',
    async act(of) {
      const [another] = await Promise.all([of.startAgain(), of.installBy(of.step.link)]);
      await pause(of.random() * THINKING_MS);
      if (another) await of.cancel(another);
    },
  }),
  /** The back end cancels while the person confirms. */
  onboardCancelled: flow({
    method: 'push',
    async act(of) {
      const phone = await of.installBy(of.step.link);
      await Promise.all([of.cancel(of.step), phone && of.confirm(phone)]);
    },
  }),
  /** The user is removed while the app is installed. */
  onboardRemoved: flow({
    method: 'push',
    act: (of) => Promise.all([of.removeUser(), of.installBy(of.step.link)]),
  }),
  /** Nobody does anything but to remind. */
  onboardSilent: flow({ method: 'push', lifetimeSeconds: SHORT_LIFETIME_SECONDS, act: async () => undefined }),
} as const satisfies Record<string, Flow>;

interface Shape {
  method?: 'push' | 'sms';
  hasDevice?: boolean;
  lifetimeSeconds?: number;
  act: (of: Acts) => Promise<unknown>;
}

/** Begins with a newcomer, waits a moment, acts, and waits for the end. */
function flow({ method, hasDevice = false, lifetimeSeconds = LIFETIME_SECONDS, act }: Shape): Flow {
  return async (world) => {
    const { backend, newcomers, random, giveUpMs } = world;
    const begunMs = Date.now();
    const unknownYetMs = () => giveUpMs(begunMs) + UNKNOWN_YET_MS;
    const newcomer = newcomers.take();
    if (!newcomer) return pause(THINKING_MS);
    const phone = hasDevice ? await addPhone(world, newcomer, unknownYetMs) : undefined;
    if (hasDevice && !phone) return;
    const request = {
      ...(method && { method }),
      expiresInSeconds: lifetimeSeconds,
      remindAfterSeconds: REMINDED_AFTER_SECONDS,
    };
    const start = () => backend.onboardings.start(newcomer.userId, request, unknownYetMs);
    const step = await start();
    if (!step) return;
    await pause(random() * THINKING_MS);
    const untilMs = () => giveUpMs(Date.parse(step.expiresAt));
    await act(createActs(world, { newcomer, step, phone, startAgain: start, untilMs }));
    await backend.onboardings.waitUntilClosed(step.id, untilMs);
  };
}

/** A registered phone without an onboarding. */
async function addPhone(world: World, { userId }: Newcomer, untilMs: () => number): Promise<Phone | undefined> {
  const token = await world.backend.onboardings.createToken(userId, untilMs);
  if (token === undefined) return undefined;
  const phone = world.backend.newPhone();
  const reply = await untilAnswered(() => phone.register(token), untilMs);
  return reply?.status === 201 ? phone : undefined;
}

interface Given {
  newcomer: Newcomer;
  step: Step;
  phone: Phone | undefined;
  startAgain(): Promise<Step | undefined>;
  untilMs(): number;
}

interface Acts extends Pick<Given, 'step' | 'phone' | 'startAgain'> {
  random(): number;
  choose(method: string): Promise<Step | undefined>;
  linkOfText(): Promise<string | null>;
  codeOfText(): Promise<string | null>;
  /** Opens the link and registers a new phone. */
  installBy(link: string | null): Promise<Phone | undefined>;
  /** Approves, denies, or leaves it. */
  confirm(phone: Phone): Promise<void>;
  /** Types a wrong code first, then the right one; where that is none any more, another is asked for. */
  enter(read: () => Promise<string | null | undefined>, again: () => Promise<unknown>): Promise<void>;
  cancel(step: Step): Promise<void>;
  removeUser(): Promise<void>;
}

function createActs({ backend, log, random }: World, { newcomer, step, phone, startAgain, untilMs }: Given): Acts {
  const { onboardings } = backend;
  const { id: onboardingId } = step;
  const isOver = () => Date.now() > Math.min(untilMs(), Date.parse(step.expiresAt));

  /** Waits for a text message in which this is found. */
  async function textWith(pattern: RegExp): Promise<string | null> {
    while (!isOver()) {
      for (const { text } of await onboardings.texts(onboardingId, newcomer.number, untilMs)) {
        const found = pattern.exec(text)?.[1];
        if (found !== undefined) return found;
      }
      await pause(LOOK_AGAIN_MS);
    }
    return null;
  }

  return {
    step,
    phone,
    startAgain,
    random,
    choose: (method) => onboardings.choose(onboardingId, method, untilMs),
    linkOfText: () => textWith(/(\S+#il_\S+)/),
    codeOfText: () => textWith(/code is (\d+)\./),
    cancel: ({ id }) => onboardings.cancel(id, untilMs),
    removeUser: () => onboardings.removeUser(newcomer.userId, untilMs),

    async installBy(link) {
      const token = link === null ? undefined : await onboardings.openLink(onboardingId, link, untilMs);
      if (token === undefined) return undefined;
      const installed = backend.newPhone();
      const reply = await untilAnswered(() => installed.register(token), untilMs);
      if (!reply) {
        log.tell({ about: 'onboarding', what: 'unanswered', call: 'registration', subject: onboardingId });
        return undefined;
      }
      const code = codeOf(reply);
      if (code) {
        log.tell({ about: 'onboarding', what: 'refused', call: 'registration', subject: onboardingId, code });
        return undefined;
      }
      log.tell({ about: 'onboarding', what: 'registered', onboardingId, deviceId: installed.deviceId });
      return installed;
    },

    async confirm(by) {
      while (!isOver()) {
        const reply = await untilAnswered(() => by.inbox(), untilMs);
        const [shown] = reply?.status === 200 ? reply.body.approvals : [];
        if (!shown) {
          if (reply?.status !== 200) return;
          await pause(LOOK_AGAIN_MS);
          continue;
        }
        await pause(random() * THINKING_MS);
        const chance = random();
        if (chance < 0.15) return;
        const decision = chance < 0.75 ? 'approved' : 'denied';
        const answered = await untilAnswered(() => by.answer(shown, decision), untilMs);
        if (!answered)
          return log.tell({ about: 'onboarding', what: 'unanswered', call: 'answer', subject: onboardingId });
        const code = codeOf(answered);
        if (code)
          return log.tell({ about: 'onboarding', what: 'refused', call: 'answer', subject: onboardingId, code });
        const { status } = answered.body;
        return log.tell({
          about: 'onboarding',
          what: 'answered',
          onboardingId,
          deviceId: by.deviceId,
          decision,
          status,
        });
      }
    },

    async enter(read, again) {
      const first = await read();
      if (!first) return;
      await onboardings.enter(onboardingId, anotherThan(first), false, untilMs);
      for (let guess = 1; guess <= MOST_GUESSES && !isOver(); guess++) {
        await pause(random() * THINKING_MS);
        const code = await read();
        if (!code) return;
        const refusal = await onboardings.enter(onboardingId, code, true, untilMs);
        if (refusal === undefined || refusal.startsWith('onboarding_')) return;
        if (guess === MOST_GUESSES)
          log.tell({ about: 'onboarding', what: 'refused', call: 'code', subject: onboardingId, code: refusal });
        else await again();
      }
    },
  };
}

const anotherThan = (code: string) => String((Number(code) + 1) % 10 ** code.length).padStart(code.length, '0');

const showCode = (secret: string) => new TOTP({ secret: Secret.fromBase32(secret) }).generate();
