import type { Approval } from '../../db/approvals';
import { isDatabaseAway } from '../../db/violations';
import { DomainError } from '../../domain/errors';
import { verifyEvidence } from '../../sdk/server';
import { signFor } from '../support/services';
import type { Bench } from '../support/services';
import { findSeveralViolations } from './checkSeveral';
import type { Violations } from './checkSeveral';

type Person = Awaited<ReturnType<Bench['addUser']>>;

/** Approvals under way together. */
const TOGETHER = 2;
export interface SeveralResult {
  what: string;
  statuses: Record<string, number>;
  heard: Record<string, number>;
  removedPeople: number;
  removedDevices: number;
  withdrawnVotes: number;
  evidenceChecked: number;
  violations: Violations & { evidence: number; accidents: number; toldOtherwise: number };
  seconds: number;
}

/**
 * 2-of-3 and 3-of-5, a third of them with a veto: everybody answers at the same moment from two phones that contradict
 * each other or agree, while people and phones are removed. Then the rows are asked, by queries that do not know the
 * product's rule, and the evidence of some of them is verified.
 */
export async function raceSeveral(
  bench: Bench,
  approvals: number,
  say: (line: string) => void,
): Promise<SeveralResult> {
  const started = performance.now();
  const heard: Record<string, number> = {};
  let [removedPeople, removedDevices, accidents, toldOtherwise, next] = [0, 0, 0, 0, 0];

  const note = (work: Promise<{ status: string }>): Promise<string> =>
    work.then(
      ({ status }) => status,
      (error: unknown) => {
        if (isDatabaseAway(error)) return 'temporarily_unavailable';
        return error instanceof DomainError ? error.code : `accident: ${String(error)}`;
      },
    );

  /** Everything in the same moment; answers whose user or phone was removed. */
  async function race(approval: Approval, people: readonly Person[], i: number): Promise<number[]> {
    const signed = await Promise.all(
      people.flatMap(({ phones }, person) =>
        phones.map((phone, n) => signFor(approval, phone, (i + person * (n + 1)) % 3 === 0 ? 'denied' : 'approved')),
      ),
    );
    const work = signed.map((jws) => () => note(bench.services.decisions.recordAnswer(approval.id, jws)));
    const gone: number[] = [];
    /** Somewhere among the answers: who is first must differ from round to round. */
    const among = (who: number, remove: (person: Person) => Promise<void>) => {
      gone.push(who);
      work.splice((i * 7) % work.length, 0, () => note(remove(people[who]!).then(() => ({ status: 'removed' }))));
    };
    if (i % 4 < 2) {
      removedPeople += 1;
      among(i % people.length, ({ id }) => bench.services.users.remove(bench.tenant.id, id));
    }
    if (i % 3 === 0) {
      removedDevices += 1;
      among((i + 1) % people.length, ({ id, phones }) =>
        bench.services.users.removeDevice(bench.tenant.id, id, phones[0]!.id),
      );
    }
    const said = await Promise.all(work.map((each) => each()));
    for (const word of said) heard[word] = (heard[word] ?? 0) + 1;
    accidents += said.filter((word) => word.startsWith('accident')).length;
    const { status } = await bench.services.approvals.find(approval.tenantId, approval.id);
    const outcomes = said.filter((word) => word === 'approved' || word === 'denied');
    toldOtherwise += outcomes.filter((word) => word !== status).length;
    return gone;
  }

  const asked: string[] = [];
  const lane = async () => {
    const committees = await Promise.all(
      [3, 5].map((size) => Promise.all(Array.from({ length: size }, () => bench.addUser(2)))),
    );
    for (let i = next++; i < approvals; i = next++) {
      const people = committees[i % 2]!;
      const whom = people.map(({ id }) => id);
      const approval = await bench.ask(whom, { required: i % 2 === 0 ? 2 : 3, veto: i % 3 === 1 });
      asked.push(approval.id);
      for (const gone of await race(approval, people, i)) people[gone] = await bench.addUser(2);
      if (asked.length % 100 === 0) say(`${asked.length} approvals`);
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, lane));
  const seconds = Math.round((performance.now() - started) / 100) / 10;

  const { keys } = await bench.services.evidence.publicKeys();
  let [evidence, evidenceChecked] = [0, 0];
  for (const id of asked.filter((_, n) => n % 5 === 0)) {
    const sealed = await bench.services.evidence.seal(await bench.services.approvals.find(bench.tenant.id, id));
    const { valid } = await verifyEvidence(sealed, { keys: keys });
    evidenceChecked += 1;
    if (!valid) evidence += 1;
  }
  const statuses = await bench.pool.query<{ status: string; count: number }>(
    `select status, count(*)::int as count from approvals group by status order by status`,
  );
  const withdrawn = await bench.pool.query<{ count: number }>(
    `select count(*)::int as count from approvers where withdrawn_at is not null and decision is not null`,
  );
  return {
    what: `${asked.length} approvals, 2-of-3 and 3-of-5, two phones each, with removals of people and phones`,
    statuses: Object.fromEntries(statuses.rows.map(({ status, count }) => [status, count])),
    heard,
    removedPeople,
    removedDevices,
    withdrawnVotes: withdrawn.rows[0]!.count,
    evidenceChecked,
    violations: { ...(await findSeveralViolations(bench.pool)), evidence, accidents, toldOtherwise },
    seconds,
  };
}
