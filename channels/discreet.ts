/**
 * A message that a carrier did not take. It says why in one word that may be logged; the carrier's own error, which can
 * hold the number or the text, is left behind.
 */
export class CarrierError extends Error {
  /** @param isFinal the same message will never be taken: trying again is in vain */
  constructor(
    readonly reason: string,
    readonly isFinal = false,
  ) {
    super(`The message was not taken: ${reason}`);
    this.name = 'CarrierError';
  }
}

/** The same way out, of whose errors nothing is told but one word; an error of this kind is discreet already. */
export const discreetly =
  <M>(send: (message: M) => Promise<void>, Told: new (reason: string) => Error) =>
  async (message: M): Promise<void> => {
    try {
      await send(message);
    } catch (error) {
      throw error instanceof Told ? error : new Told(reasonOf(error));
    }
  };

/** What may be told of somebody else's error: a status, a code, or that it is unknown. */
export function reasonOf(error: unknown): string {
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  if (typeof statusCode === 'number') return `status ${statusCode}`;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? code : 'unknown';
}
