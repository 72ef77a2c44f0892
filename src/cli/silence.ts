import type { DetectResult, Remediation, RunRecord } from '../app/remediation.ts';
import type { DetectOptions } from '../app/detect.ts';
import type { ProblemRecord } from '../registry/record.ts';

/** What was asked for and what came of it: where nobody looked, silence says nothing. */
export interface Looked {
  readonly request: DetectOptions;
  readonly detected: DetectResult;
}

/** Whether what a record is about would have been found, wherever it were, as far as anybody can look. */
export function wasFullyChecked(record: ProblemRecord, looked: Looked, remediation: Remediation): boolean {
  return remediation.instances === undefined && isLookedFor(record, looked, remediation, namesFor(record, remediation));
}

/**
 * The fix that has held: the last run about a record that nothing was found of, once the hold period is over. Each instance
 * that its runs were about must have been looked at by whatever finds such trouble, and the last one must run: of one that is
 * away or stopped nothing is found either.
 */
export async function fixHeldLongEnough(
  record: ProblemRecord,
  looked: Looked,
  remediation: Remediation,
  now: Date,
): Promise<RunRecord | undefined> {
  const { session, config } = remediation;
  const runs = (await session.store.runs.list({ limit: 1_000 })).filter(
    ({ plan }) => plan.finding.problem === record.id,
  );
  const [last] = runs;
  if (last?.outcome !== 'fixed' || last.endedAt === null) return undefined;
  if (now.getTime() - Date.parse(last.endedAt) < config.holdDays * 86_400_000) return undefined;
  const names = new Set([...namesFor(record, remediation), ...runs.map(({ plan }) => plan.remediator)]);
  const instances = new Set(runs.map(({ plan }) => plan.finding.instance));
  if (!isLookedFor(record, looked, remediation, names, instances)) return undefined;
  for (const name of instances) {
    const instance = await session.reader.instance(name);
    if (instance === undefined && name !== last.plan.finding.instance) continue;
    if (instance?.container.state.running !== true) return undefined;
  }
  return last;
}

/** The remediators that find what a record is about. */
function namesFor(record: ProblemRecord, { session }: Remediation): ReadonlySet<string> {
  return new Set(session.remediators.filter((one) => one.matches(record)).map(({ name }) => name));
}

/** Whether all of these remediators were asked about all of these instances. Default: about all that there are. */
function isLookedFor(
  { id }: ProblemRecord,
  { request, detected }: Looked,
  { session, instances: asked }: Remediation,
  names: ReadonlySet<string>,
  instances?: ReadonlySet<string>,
): boolean {
  const { ids, remediators = session.remediators.map(({ name }) => name) } = request;
  if (ids !== undefined && !ids.includes(id)) return false;
  if (![...names].every((name) => remediators.includes(name))) return false;
  if (asked !== undefined && ![...(instances ?? [])].every((name) => asked.includes(name))) return false;
  return !detected.notLookedAt.some(
    ({ remediator, instance, lasting }) =>
      lasting !== true &&
      names.has(remediator) &&
      (instance === null || instances === undefined || instances.has(instance)),
  );
}
