import type { Decision, Finding, Block } from '../contract.ts';
import type { RunRecord, Store } from '../store/store.ts';

/** Where automation stops, whatever it is allowed otherwise. See docs/engineering/safety.md#limits. */
export interface Limits {
  /** A switch for everything: of the config, or a file `paused` beside the state file. */
  readonly paused: string | undefined;
  /** Of one remediator on one instance, within 24 hours. */
  readonly attemptsPerDay: number;
}

const hour = 3_600_000;

/** What earlier runs and suspensions are read from. */
interface Journal {
  readonly store: Pick<Store, 'runs' | 'suspensions'>;
  readonly now: () => Date;
}

/** Why nothing may run unattended on the finding's instance now, a sentence each. */
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
    const reason = `data of ${instance} may be damaged (${damaged.id}): nothing runs on it until a person has looked`;
    stops.push({ cause: 'damage', reason });
  }
  const suspended = await suspensions.get(instance);
  if (suspended !== undefined) {
    const reason = `${instance} is suspended since ${suspended.at}: ${suspended.reason}`;
    stops.push({ cause: 'suspension', reason });
  }

  const failures: string[] = [];
  const attempts = (await runs.attempts({ instance, remediator, since: before(now(), 24 * hour) })).filter(
    ({ outcome }) => outcome !== 'fixed',
  );
  if (attempts.length >= limits.attemptsPerDay)
    failures.push(`${remediator} has failed on ${instance} ${attempts.length} times in 24 hours`);

  const recent = (await runs.attempts({ since: before(now(), hour) })).filter(didNotHelp);
  if (recent.some(({ failure }) => failure?.class === 'rollback-failed'))
    failures.push('undoing a run failed within the last hour');
  else if (recent.length >= 2) failures.push(`${recent.length} runs failed within the last hour`);
  return [...stops, ...failures.map((reason) => ({ cause: 'failures', reason }) as const)];
}

/** One that a person stopped says nothing about the repair. */
function didNotHelp({ outcome, failure }: RunRecord): boolean {
  return outcome !== null && outcome !== 'fixed' && outcome !== 'absent' && failure?.class !== 'interrupted';
}

function before(now: Date, milliseconds: number): string {
  return new Date(now.getTime() - milliseconds).toISOString();
}

/** What a person who approves must say besides: `damage`: I know that data may be damaged. `failures`: I know that it failed. */
export type Acknowledgement = 'damage' | 'failures';

/** What stands against an approval. */
export interface Approval {
  /** Nobody lets it run by approving: first of what lies in the way. */
  readonly forbidden: Block | undefined;
  /** What must be said besides, in order. */
  readonly demanded: readonly Acknowledgement[];
  /** What the approval overrules. */
  readonly overruled: readonly string[];
}

const lasting: readonly Block['cause'][] = ['policy', 'never', 'damage'];

/** The command that says all that is demanded. */
export function approveCommand(run: string, demanded: readonly Acknowledgement[]): string {
  return ['problems approve', run, ...demanded.map((cause) => `--despite-${cause}`)].join(' ');
}

/**
 * What a person decides by approving a plan that was left to one. `never` holds for everybody, and a pause and a
 * suspension until they are lifted; what the policy leaves to a person is decided by the approval itself.
 * Rule: docs/engineering/safety.md#who-may-decide.
 * @param now As the world is now.
 * @param planned As it was when the plan was made: damage that was seen then is not forgotten because another detector
 * looks now, and an operation that is never done stays so.
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
