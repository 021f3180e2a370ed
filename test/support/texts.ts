import { randomInt } from 'node:crypto';
import type { TestProgram } from './program';
import { until } from './until';

interface SimulatedText {
  id: string;
  kind: string;
  to: string;
  text: string;
}

/** A user who can be reached by text message and call. */
export async function addPhoneUser({ call }: Pick<TestProgram, 'call'>): Promise<{ id: string; phone: string }> {
  const { body } = await call('POST', '/v1/users', { phone: `+4179${randomInt(1_000_000, 9_999_999)}` });
  return body;
}

/** What the simulated carrier delivered to a number, newest first. */
export const textsTo = async ({ call }: Pick<TestProgram, 'call'>, phone: string): Promise<SimulatedText[]> =>
  ((await call('GET', '/v1/simulator/messages')).body.messages as SimulatedText[]).filter(({ to }) => to === phone);

/** The digits of the newest message to a number, once there are so many messages. */
export async function digitsSentTo(program: Pick<TestProgram, 'call'>, phone: string, messages = 1): Promise<string> {
  const [newest] = await until(
    async () => {
      const texts = await textsTo(program, phone);
      return texts.length >= messages && texts;
    },
    { what: `message ${messages} to ${phone}` },
  );
  return /code is (\d+)\./.exec(newest!.text)![1]!;
}
