import type { Carriers } from '../channels/carriers';
import { CarrierError } from '../channels/discreet';
import type { Health } from '../channels/health';
import type { CodeChannel } from '../domain/code';
import { within } from './within';

/** What every activity that sends messages needs. */
export interface SendingDeps {
  carriers: Carriers;
  health: Health;
  onMessage?: (channel: CodeChannel, result: 'sent' | 'failed') => void;
}

/** A carrier that hangs is left alone before the activity's own time-out, which would not free its slot. */
export const PATIENT_MS = 8_000;

/**
 * Gives a message to the carrier of a channel and remembers how that went, for quick tries and for metrics.
 * @throws when the carrier did not take it in time
 */
export const createCarry =
  ({ health, onMessage }: Pick<SendingDeps, 'health' | 'onMessage'>) =>
  async <M>(
    channel: CodeChannel,
    carrier: { send(message: M): Promise<void> },
    message: M,
    withinMs: number,
  ): Promise<void> => {
    try {
      await within(withinMs, carrier.send(message));
      health.succeeded(channel);
      onMessage?.(channel, 'sent');
    } catch (error) {
      // Who refuses one message for good has answered.
      if (error instanceof CarrierError && error.isFinal) health.succeeded(channel);
      else health.failed(channel);
      onMessage?.(channel, 'failed');
      throw error;
    }
  };
