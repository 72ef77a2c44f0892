import type { Finding } from '../contract.ts';
import type { DetectResult } from '../engine/detect.ts';
import type { Session } from '../engine/session.ts';
import type { RunRecord } from '../store/store.ts';

/** Where automation stops, whatever it is allowed otherwise. PGOPS §8.2. */
export interface Limits {
  /** A switch for everything: of the config, or a file `paused` beside the state file. */
  readonly paused: string | undefined;
  /** Of one remediator on one instance, within 24 hours. */
  readonly attemptsPerDay: number;
}

const hour = 3_600_000;

/** Why nothing may run unattended on the finding's instance now, a sentence each. */
export async function stopsFor(
  session: Session,
  finding: Finding,
  detected: DetectResult,
  limits: Limits,
): Promise<readonly string[]> {
  const { instance, remediator } = finding;
  const { runs, suspensions } = session.store;
  const stops: string[] = [];
  if (limits.paused !== undefined) stops.push(`all remediation is paused: ${limits.paused}`);

  const damaged = detected.findings.find((other) => other.instance === instance && other.corruption === true);
  if (damaged !== undefined)
    stops.push(`data of ${instance} may be damaged (${damaged.id}): nothing runs on it until a person has looked`);
  const suspended = await suspensions.get(instance);
  if (suspended !== undefined) stops.push(`${instance} is suspended since ${suspended.at}: ${suspended.reason}`);

  const attempts = (await runs.attempts({ instance, remediator, since: before(session, 24 * hour) })).filter(
    ({ outcome }) => outcome !== 'fixed',
  );
  if (attempts.length >= limits.attemptsPerDay)
    stops.push(`${remediator} has failed on ${instance} ${attempts.length} times in 24 hours`);

  const recent = (await runs.attempts({ since: before(session, hour) })).filter(didNotHelp);
  if (recent.some(({ failure }) => failure?.class === 'rollback-failed'))
    stops.push('undoing a run failed within the last hour');
  else if (recent.length >= 2) stops.push(`${recent.length} runs failed within the last hour`);
  return stops;
}

/** One that a person stopped says nothing about the repair. */
function didNotHelp({ outcome, failure }: RunRecord): boolean {
  return outcome !== null && outcome !== 'fixed' && outcome !== 'absent' && failure?.class !== 'interrupted';
}

function before(session: Session, milliseconds: number): string {
  return new Date(session.now().getTime() - milliseconds).toISOString();
}
