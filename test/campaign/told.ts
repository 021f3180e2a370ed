export type Decision = 'approved' | 'denied';
export type Outcome = Decision | 'expired' | 'cancelled';
export type Status = 'pending' | Outcome;

/** Something that a client of the product was told. Nothing else of what happens inside is known to the checker. */
export type Told =
  /** An approval was acknowledged under this idempotency key. */
  | { what: 'created'; key: string; approvalId: string; status: Status; expiresAtMs: number; callback: boolean }
  /** A device was told that its answer counts. */
  | { what: 'answered'; approvalId: string; deviceId: string; decision: Decision; status: Status }
  | { what: 'cancelled'; approvalId: string; status: Status }
  /** An approval was read, by the back end or by a device. */
  | { what: 'seen'; approvalId: string; status: Status }
  /** A callback with a valid signature arrived. */
  | { what: 'callback'; approvalId: string; webhookId: string; outcome: Outcome }
  /** A request was refused for good; `subject` is the approval, or the key of one that was not created. */
  | { what: 'refused'; call: 'create' | 'cancel'; subject: string; code: string }
  | { what: 'refused'; call: 'answer'; subject: string; code: string; deviceId: string; decision: Decision }
  /** A request had no answer until its client gave up. */
  | { what: 'unanswered'; call: 'create' | 'answer' | 'cancel'; subject: string };

/** What all clients of one run were told, in the order in which they were. */
export class ToldLog {
  readonly facts: Told[] = [];

  tell(fact: Told): void {
    this.facts.push(fact);
  }
}
