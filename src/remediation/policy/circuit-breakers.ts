import type { Decision, Finding, Block } from '../contract.ts';
import type { RunRecord, Store } from '../store/store.ts';

/** Limits that stop automation whatever else allows it. See docs/engineering/safety.md#limits. */
export interface Limits {
  /** Pauses everything: `pause` in the config, or a file `paused` next to the state file. */
  readonly paused: string | undefined;
  /** Failed runs of one remediator on one instance within 24 hours. */
  readonly attemptsPerDay: number;
}

const hour = 3_600_000;

/** Where earlier runs and suspensions are read from. */
interface Journal {
  readonly store: Pick<Store, 'runs' | 'suspensions'>;
  readonly now: () => Date;
}

/** Why nothing may run unattended on the finding's instance now, one sentence each. */
export async function blocksFor(
  { store, now }: Journal,
  finding: Finding,
  detected: readonly Finding[],
  limits: Limits,
): Promise<readonly Block[]> {
  const { instance, remediator } = finding;
  const { runs, suspensions } = store;
  const stops: Block[] = [];
  if (limits.paused !== undefined)
    stops.push({ cause: 'pause', reason: `all remediation is paused: ${limits.paused}` });

  const damaged = detected.find((other) => other.instance === instance && other.corruption === true);
  if (damaged !== undefined) {
    const reason = `data of ${instance} may be damaged (${damaged.id}): no automatic repair until you have checked it`;
    stops.push({ cause: 'damage', reason });
  }
  const suspended = await suspensions.get(instance);
  if (suspended !== undefined) {
    const reason = `${instance} has been suspended since ${suspended.at}: ${suspended.reason}`;
    // What this finding itself has caused is its own damage, which an approval can acknowledge.
    const isOwn = finding.corruption === true && suspended.reason === finding.summary;
    stops.push({ cause: isOwn ? 'damage' : 'suspension', reason });
  }

  const failures: string[] = [];
  const attempts = (await runs.attempts({ instance, remediator, since: before(now(), 24 * hour) })).filter(didNotHelp);
  if (attempts.length >= limits.attemptsPerDay)
    failures.push(`${remediator} has failed on ${instance} ${attempts.length} times in 24 hours`);

  const recent = (await runs.attempts({ since: before(now(), hour) })).filter(didNotHelp);
  if (recent.some(({ failure }) => failure?.class === 'rollback-failed'))
    failures.push('a rollback failed within the last hour');
  else if (recent.length >= 2) failures.push(`${recent.length} runs failed within the last hour`);
  return [...stops, ...failures.map((reason) => ({ cause: 'failures', reason }) as const)];
}

/** Classes of failure that say nothing about the repair: its operator stopped it, or it never began. */
const notTried: readonly (string | undefined)[] = ['interrupted', 'conflict', 'unsafe'];

/** Whether a run was tried to its end and did not fix its problem. A run that has not ended may still do so. */
function didNotHelp({ outcome, failure }: RunRecord): boolean {
  return outcome !== null && outcome !== 'fixed' && outcome !== 'absent' && !notTried.includes(failure?.class);
}

function before(now: Date, milliseconds: number): string {
  return new Date(now.getTime() - milliseconds).toISOString();
}

/** What an approval must acknowledge. `damage`: data may be damaged. `failures`: earlier runs did not help. */
export type Acknowledgement = 'damage' | 'failures';

/** What blocks an approval, and what it must acknowledge. */
export interface Approval {
  /** The first block that no approval can overrule. */
  readonly forbidden: Block | undefined;
  /** What the approval must acknowledge, in order. */
  readonly demanded: readonly Acknowledgement[];
  /** What the approval overrules. */
  readonly overruled: readonly string[];
}

const lasting: readonly Block['cause'][] = ['policy', 'never', 'damage'];

/** The command with every acknowledgement that the approval needs. */
export function approveCommand(run: string, demanded: readonly Acknowledgement[]): string {
  return ['problems approve', run, ...demanded.map((cause) => `--despite-${cause}`)].join(' ');
}

/**
 * What approving a plan overrules. No approval overrules `never`, nor a pause or a suspension until it is lifted. The
 * approval itself decides what the policy leaves to people.
 * Rule: docs/engineering/safety.md#who-may-decide.
 * @param now The decision as of now.
 * @param planned The decision when the plan was made: damage found then still counts if another detector runs now, and
 * an operation that never runs automatically stays so.
 */
export function approvalOf(now: Decision, planned: Decision): Approval {
  const current = now.holds ?? [];
  const known = new Set(current.map(({ reason }) => reason));
  const holds = [
    ...current,
    ...(planned.holds ?? []).filter(({ cause, reason }) => lasting.includes(cause) && !known.has(reason)),
  ];
  const overruled = holds.filter(({ cause }) => cause === 'policy' || cause === 'damage' || cause === 'failures');
  return {
    forbidden: (['never', 'pause', 'suspension'] as const)
      .map((cause) => holds.find((hold) => hold.cause === cause))
      .find((hold) => hold !== undefined),
    demanded: (['damage', 'failures'] as const).filter((cause) => holds.some((hold) => hold.cause === cause)),
    overruled: overruled.map(({ reason }) => reason),
  };
}
