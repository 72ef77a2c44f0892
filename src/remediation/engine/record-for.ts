import { compareText } from '../../util/compare.ts';
import { namePrefix } from '../../host/instances.ts';
import { hasPriority } from '../../priority/record-text.ts';
import type { ProblemRecord } from '../../registry/record.ts';
import { mentionsPostgres } from '../../tasks/classify.ts';
import type { Triage } from '../../tasks/types.ts';
import type { Finding } from '../contract.ts';
import type { EngineContext } from './session.ts';

/** A record of a registry, with its triage if its kind has one. */
export interface KnownProblem {
  readonly record: ProblemRecord;
  readonly triage?: Triage;
  /** The config names the record or its class, so the triage comes from the config, not from the registry. */
  readonly byConfig?: true;
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
