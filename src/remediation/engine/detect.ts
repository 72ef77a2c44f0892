import { compareBy } from '../../util/compare.ts';
import type { Finding, Remediator, Skipped } from '../contract.ts';
import { type CheckedInstance, runChecks } from './check-round.ts';
import { notFound } from './not-found.ts';
import { type KnownProblem, recordFor } from './record-for.ts';
import type { EngineContext } from './session.ts';

export interface DetectRequest {
  /** Names of remediators. Default: all. */
  readonly remediators?: readonly string[];
  /** Ids of problems or of findings. Default: all. */
  readonly ids?: readonly string[];
  readonly problems?: readonly KnownProblem[];
  /** How long one check of one instance may take, in milliseconds. Default 300,000. */
  readonly checkDeadlineMs?: number;
}

export interface DetectResult {
  /** Sorted by instance, remediator and id. */
  readonly findings: readonly Finding[];
  readonly notLookedAt: readonly Skipped[];
  /** What was checked just now, whether or not something was found there. Sorted by instance. */
  readonly lookedAt: readonly CheckedInstance[];
  /** Names of running containers that seem to be PostgreSQL servers, but are no instances. Sorted. */
  readonly unmanaged: readonly string[];
}

/**
 * Runs the checks, links their findings to the registry's records, and keeps those that were asked for.
 * @throws ProblemsError `not-found`: a requested id that neither a record nor a finding has.
 */
export async function detectAll(session: EngineContext, request: DetectRequest): Promise<DetectResult> {
  const round = await runChecks(session, chosen(session.remediators, request), request.checkDeadlineMs);
  const findings = round.findings.map((found) => linkToRecord(session, found, request.problems ?? []));
  await requireIds(session, request, findings, round.notLookedAt);
  const { lookedAt, unmanaged } = round;
  await session.seenInstances.see(
    lookedAt.map(({ instance }) => instance),
    session.at(),
  );
  const result = { ...inRequest(session, request, findings, round.notLookedAt), lookedAt, unmanaged };
  for (const finding of result.findings) session.emit({ type: 'finding', finding });
  for (const skipped of result.notLookedAt) session.emit({ type: 'skipped', skipped });
  const [found, skipped] = [result.findings.length, result.notLookedAt.length];
  session.emit({ type: 'round', state: 'ended', findings: found, skipped });
  return result;
}

/**
 * Refuses ids that nothing has, unless a skipped check might have found one. The id of a finding that is gone is not
 * refused: its remediator and its instance are known, and it was fixed.
 */
async function requireIds(
  session: EngineContext,
  { ids = [], problems = [] }: DetectRequest,
  findings: readonly Finding[],
  blind: readonly Skipped[],
): Promise<void> {
  const known = [...problems.map(({ record }) => record.id), ...findings.map(({ id }) => id)];
  const unknown = ids.filter(
    (id) => !known.includes(id) && !blind.some((one) => mayHide(one, [id], session, { problems })),
  );
  if (unknown.length === 0) return;
  const instances = (await session.reader.instances()).map(({ name }) => name);
  for (const id of unknown) {
    const [remediator = '', instance = ''] = id.split('/');
    if (session.remediators.some(({ name }) => name === remediator) && instances.includes(instance)) continue;
    throw notFound(`No problem or finding has the id ${id}.`, id, known, '`problems detect` lists the findings.');
  }
}

/** The requested findings, sorted, and the skipped checks that might have found more of them. */
function inRequest(
  session: EngineContext,
  request: DetectRequest,
  findings: readonly Finding[],
  blind: readonly Skipped[],
): Pick<DetectResult, 'findings' | 'notLookedAt'> {
  const wanted = request.ids;
  return {
    findings: findings
      .filter(
        ({ id, problem }) =>
          wanted === undefined || wanted.includes(id) || (problem !== null && wanted.includes(problem)),
      )
      .toSorted(compareBy(sortKey)),
    notLookedAt: wanted === undefined ? blind : blind.filter((one) => mayHide(one, wanted, session, request)),
  };
}

/** Whether a skipped check might have found one of the wanted ids, of a known problem or in the form of a finding's. */
function mayHide(
  { remediator, instance }: Skipped,
  wanted: readonly string[],
  { remediatorFor }: EngineContext,
  { problems = [] }: DetectRequest,
): boolean {
  return wanted.some((id) => {
    const known = problems.find(({ record }) => record.id === id);
    if (known !== undefined) return remediatorFor(known.record) === remediator;
    return id.startsWith(instance === null ? `${remediator}/` : `${remediator}/${instance}/`);
  });
}

function chosen(remediators: readonly Remediator[], { remediators: names }: DetectRequest): readonly Remediator[] {
  return names === undefined ? remediators : remediators.filter(({ name }) => names.includes(name));
}

function linkToRecord(session: EngineContext, found: Finding, problems: readonly KnownProblem[]): Finding {
  const problem = recordFor(found.remediator, found, problems, session);
  return problem === undefined ? found : { ...found, problem: problem.record.id };
}

function sortKey({ instance, remediator, id }: Finding): string {
  return [instance, remediator, id].join('\0');
}
