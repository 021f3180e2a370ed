import type { Pool } from 'pg';
import type { ApprovalRequest } from '../contracts/approvals';
import type { Approval } from '../db/approvals';
import type { OneTouchFacts, OneTouchRows } from '../db/oneTouch';
import type { Tenant, TenantRows } from '../db/tenants';
import type { OneTouch } from '../domain/oneTouch';
import { lifetimeOf } from '../domain/oneTouch';
import type { Keyring } from '../platform/keys/keyring';
import type { Approvals } from './approvals';
import { keepNothing } from './idempotency';

/** What a back end that speaks to the Authy API asks one person. */
export interface OneTouchQuestion
  extends Pick<ApprovalRequest, 'title' | 'hiddenDetails'>, Pick<OneTouch, 'details' | 'logos'> {
  userId: string;
  /** The same details as people are shown them. */
  shownDetails: ApprovalRequest['details'];
  /** Undefined: what the Authy API takes then; 0: the longest there is. */
  secondsToExpire: number | undefined;
}

export interface OneTouchDeps {
  pool: Pool;
  rows: Pick<OneTouchRows, 'readFacts'>;
  tenants: Pick<TenantRows, 'readAuthyCallback'>;
  approvals: Pick<Approvals, 'create' | 'find'>;
  keyring: Pick<Keyring, 'mac'>;
}

/** Approvals that are asked for in the Authy dialect: ordinary ones, with the callback that their tenant has set. */
export function createOneTouch({ pool, rows, tenants, approvals, keyring }: OneTouchDeps) {
  return {
    /**
     * Asks one person. An equal question that is still open and not older than five seconds is answered with the same
     * approval, unless the tenant has switched that off.
     * @throws as `approvals.create` does
     */
    async ask(tenant: Tenant, question: OneTouchQuestion): Promise<Approval> {
      const { userId, title, details, shownDetails, hiddenDetails, logos, secondsToExpire } = question;
      const { url, method } = await tenants.readAuthyCallback(pool, tenant.id);
      const said = JSON.stringify([tenant.id, question]);
      return approvals.create(
        tenant,
        {
          userId,
          // The limit of open logins would lock out who leaves five questions of a day unanswered.
          mode: 'transaction',
          title,
          details: shownDetails,
          ...(hiddenDetails !== undefined && { hiddenDetails }),
          expiresInSeconds: lifetimeOf(secondsToExpire),
          ...(url !== null && { callbackUrl: url }),
          push: 'us',
          veto: false,
          mostUnapproved: tenant.mostUnapproved,
          oneTouch: { details, logos, callbackMethod: method, tellsExpiry: tenant.switches.callbackOnExpiry },
          ...(tenant.switches.repeatWindow && {
            repeatKey: keyring.mac('one-touch-repeat', said).toString('base64url'),
          }),
        },
        keepNothing,
      );
    },

    /** An approval and whom it asks, in whatever dialect it was asked for. @throws approval_not_found */
    async find(tenantId: string, id: string): Promise<{ approval: Approval; facts: OneTouchFacts }> {
      const approval = await approvals.find(tenantId, id);
      return { approval, facts: await rows.readFacts(pool, approval) };
    },
  };
}
export type OneTouches = ReturnType<typeof createOneTouch>;
