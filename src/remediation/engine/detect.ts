import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import { compareBy, compareText } from '../../util/compare.ts';
import { namePrefix } from '../../host/instances.ts';
import { hasPriority } from '../../priority/record-text.ts';
import type { ProblemRecord } from '../../registry/record.ts';
import { mentionsPostgres } from '../../tasks/classify.ts';
import type { Triage } from '../../tasks/types.ts';
import type { Finding, Skipped, Remediator } from '../contract.ts';
import { finding as findingSchema } from '../schemas.ts';
import { notFound } from './not-found.ts';
import type { EngineContext } from './session.ts';
import { failureOf } from './steps.ts';

/**
 * Whether the text of a record names an instance: `orders`, or its container `vrooli-postgres-orders`. `orders-archive`
 * and `pre-orders` do not, since names may contain hyphens.
 */
function mentionsInstance(record: ProblemRecord, instance: string): boolean {
  const name = instance.toLowerCase();
  return name !== '' && wordsOf(record).some((text) => containsName(text.toLowerCase(), name));
}

function containsName(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1)) {
    const before = text.slice(0, at);
    const isBegin = endsFree(before) || (before.endsWith(namePrefix) && endsFree(before.slice(0, -namePrefix.length)));
    if (isBegin && !/^[\p{L}\p{N}_-]/u.test(text.slice(at + name.length, at + name.length + 2))) return true;
  }
  return false;
}

function endsFree(text: string): boolean {
  return !/[\p{L}\p{N}_-]$/u.test(text.slice(-2));
}

/** Keys that describe the registry, not an instance: a registry's component may be `postgres`. */
const aboutTheFile = new Set(['kind', 'id', 'component', 'path', 'place', 'places']);

/** The text that people wrote, without the keys of its kind. */
function wordsOf(record: ProblemRecord): readonly string[] {
  const written = Object.entries(record).flatMap(([key, value]) => (aboutTheFile.has(key) ? [] : textsIn(value)));
  const metrics = record.kind === 'active' ? Object.keys(record.evidence?.metrics ?? {}) : [];
  return [...written, ...metrics];
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** A record of a registry, with its triage if its kind has one. */
export interface KnownProblem {
  readonly record: ProblemRecord;
  readonly triage?: Triage;
  /** The config names the record or its class, so the triage comes from the config, not from the registry. */
  readonly byConfig?: true;
}

export interface DetectRequest {
  /** Names of remediators. Default: all. */
  readonly remediators?: readonly string[];
  /** Ids of problems or of findings. Default: all. */
  readonly ids?: readonly string[];
  readonly problems?: readonly KnownProblem[];
}

export interface DetectResult {
  /** Sorted by instance, remediator and id. */
  readonly findings: readonly Finding[];
  readonly notLookedAt: readonly Skipped[];
}

const notLookedAt = z.array(
  z.object({
    remediator: z.string(),
    instance: z.string().nullable(),
    reason: z.string(),
    lasting: z.literal(true).exactOptional(),
  }),
);

/**
 * Runs the detectors one after the other, redacts their findings and links them to the registry's records.
 * @throws ProblemsError `not-found`: a requested id that neither a record nor a finding has.
 */
export async function detectAll(session: EngineContext, request: DetectRequest): Promise<DetectResult> {
  const findings: Finding[] = [];
  const blind: Skipped[] = [];
  const asked = chosen(session.remediators, request);
  session.emit({ type: 'round', state: 'started', remediators: asked.map(({ name }) => name) });
  for (const remediator of asked) {
    session.emit({ type: 'check', state: 'started', remediator: remediator.name });
    try {
      session.signal.throwIfAborted();
      const detection = await remediator.detect(session.reader);
      for (const found of detection.findings)
        findings.push(linkToRecord(session, remediator, found, request.problems ?? []));
      blind.push(...notLookedAt.parse(session.redact.data(detection.notLookedAt)));
    } catch (error) {
      if (session.signal.aborted) throw session.signal.reason;
      const failure = failureOf(error);
      const isConfig = error instanceof ProblemsError && error.code === 'bad-config';
      if (failure.class === 'transient' || isConfig) throw error;
      blind.push({ remediator: remediator.name, instance: null, reason: session.redact.text(failure.message) });
    }
    session.emit({ type: 'check', state: 'ended', remediator: remediator.name });
  }
  await requireIds(session, request, findings, blind);
  const result = inRequest(session, request, findings, blind);
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
): DetectResult {
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

/** Whether a skipped check might have found one of the wanted ids. An unknown id may belong to any remediator. */
function mayHide(
  { remediator, instance }: Skipped,
  wanted: readonly string[],
  { remediators, remediatorFor }: EngineContext,
  { problems = [] }: DetectRequest,
): boolean {
  return wanted.some((id) => {
    const known = problems.find(({ record }) => record.id === id);
    if (known !== undefined) return remediatorFor(known.record) === remediator;
    const isFinding = remediators.some(({ name }) => id.startsWith(`${name}/`));
    return !isFinding || id.startsWith(instance === null ? `${remediator}/` : `${remediator}/${instance}/`);
  });
}

function chosen(remediators: readonly Remediator[], { remediators: names }: DetectRequest): readonly Remediator[] {
  return names === undefined ? remediators : remediators.filter(({ name }) => names.includes(name));
}

function linkToRecord(
  session: EngineContext,
  remediator: Remediator,
  found: Finding,
  problems: readonly KnownProblem[],
): Finding {
  const problem = recordFor(remediator.name, found, problems, session);
  return findingSchema.parse(
    session.redact.data({ ...found, remediator: remediator.name, problem: problem?.record.id ?? null }),
  );
}

/**
 * Of the remediator's records, the one that names the instance, else the first. Open records come before resolved ones,
 * and records that mention PostgreSQL before records that may be about another component.
 */
export function recordFor(
  remediator: string,
  found: Finding,
  problems: readonly KnownProblem[],
  { remediatorFor }: Pick<EngineContext, 'remediatorFor'>,
): KnownProblem | undefined {
  const fitting = problems
    .filter(({ record }) => isOpen(record) && remediatorFor(record) === remediator)
    .sort((a, b) => rankOf(a) - rankOf(b) || compareText(a.record.id, b.record.id));
  return fitting.find(({ record }) => mentionsInstance(record, found.instance)) ?? fitting[0];
}

function rankOf({ record }: KnownProblem): number {
  const isElsewhere = !hasPriority(record) || !mentionsPostgres(record);
  return (isOver(record) ? 2 : 0) + (isElsewhere ? 1 : 0);
}

function isOver(record: ProblemRecord): boolean {
  return record.kind === 'active' && record.status === 'resolved';
}

/** A resolved problem may come back; it then belongs to the same record. */
function isOpen(record: ProblemRecord): boolean {
  return record.kind === 'intermittent' || (record.kind === 'active' && record.status !== "won't-fix");
}

function sortKey({ instance, remediator, id }: Finding): string {
  return [instance, remediator, id].join('\0');
}
