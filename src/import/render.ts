import { ProblemsError } from '../errors.ts';
import { newRecord, type NewValue } from '../registry/edit/index.ts';
import { valueAt } from '../registry/edit/edits.ts';
import { shortHash } from '../registry/identity.ts';
import type { KindDeclaration } from '../registry/kinds/declaration.ts';
import { kinds } from '../registry/kinds/index.ts';
import { propertyName } from '../registry/names.ts';
import { type ImportOrigin, withOrigin } from '../registry/origin.ts';
import type { ProblemRecord } from '../registry/record.ts';
import { titleKey } from './titles.ts';
import type { ImportProposal } from './types.ts';
import { proseOf, valuesOf } from './record-values.ts';

/** A proposal in the format of a registry. */
export interface ImportedRecord {
  /** With its markers and its origin, lines joined by LF, without a line end after it. */
  readonly block: string;
  readonly origin: ImportOrigin;
  /** What the record was made from, named as in `newRecord`; the title is not among them. */
  readonly values: readonly NewValue[];
  /** Whether it says everything that the lines of the proposal say, so that it can take their place. */
  readonly isWhole: boolean;
}

export interface RecordOptions {
  /** As `from` of an origin. */
  readonly from: string;
  /** The record's own ID, if its title does not make a good one. */
  readonly id?: string | undefined;
}

/**
 * Writes a proposal as a record. Undefined if it cannot be one, for example because its title would be read as that of a section.
 * @param source The lines of the text that the proposal was read from.
 */
export function recordOf(
  proposal: ImportProposal,
  source: readonly string[],
  { from, id }: RecordOptions,
): ImportedRecord | undefined {
  const kind: KindDeclaration | undefined = kinds.find(({ name }) => name === proposal.kind);
  if (kind === undefined) return undefined;
  const named: readonly NewValue[] = [['title', proposal.title], ...(id === undefined ? [] : [['ID', id] as const])];
  if (written(kind, named) === undefined) return undefined;
  const { values, prose } = valuesOf(proposal, source);
  const all = [...values, ...proseValues(proposal.kind, prose)];
  const block = written(kind, [...named, ...all]);
  if (block !== undefined) return finished(block, proposal, source, from, all, true);
  // Something would be read as another thing, such as a marker or an open fence. The rest is written without it.
  const rest = values.filter((value) => written(kind, [...named, value]) !== undefined);
  const parts = prose.filter((part) => written(kind, [...named, ...proseValues(proposal.kind, [part])]) !== undefined);
  const kept = [...rest, ...proseValues(proposal.kind, parts)];
  const partial = written(kind, [...named, ...kept]);
  return partial === undefined ? undefined : finished(partial, proposal, source, from, kept, false);
}

function proseValues(kind: ImportProposal['kind'], parts: readonly string[]): readonly NewValue[] {
  if (kind === 'intermittent') return parts.map((part) => [proseOf[kind], part]);
  return parts.length === 0 ? [] : [[proseOf[kind], parts.join('\n\n')]];
}

function finished(
  block: string,
  proposal: ImportProposal,
  source: readonly string[],
  from: string,
  values: readonly NewValue[],
  isWhole: boolean,
): ImportedRecord {
  const origin: ImportOrigin = {
    from,
    title: titleKey(proposal.title),
    occurrence: proposal.occurrence,
    lines: linesHash(proposal, source),
    kept: true,
    values: { kind: shortHash(proposal.kind), ...hashesOf(values) },
  };
  return { block: withOrigin(block, origin), origin, values, isWhole };
}

function written(kind: KindDeclaration, values: readonly NewValue[]): string | undefined {
  try {
    return newRecord(kind, values, { missing: 'omit' }).trimEnd();
  } catch (error) {
    if (error instanceof ProblemsError) return undefined;
    throw error;
  }
}

/**
 * The hash of everything that a proposal is made from: its lines, and what it inherits from a group. Blank lines and the ends of
 * lines do not count.
 */
export function linesHash(
  { line, endLine, kind, status, severity, dates }: ImportProposal,
  source: readonly string[],
): string {
  const lines = source.slice(line - 1, endLine).map((one) => one.trimEnd());
  const inherited = [kind, status, severity, dates.discovered, dates.resolved];
  return shortHash([...inherited, ...lines.filter((one) => one !== '')].join('\n'));
}

/** The property path of a value: `investigationStatus.rootCause` for `Investigation Status.Root Cause`. */
export function pathOf(name: string): string {
  return name.split('.').map(propertyName).join('.');
}

/** By property path: the hash of what the values say. */
function hashesOf(values: readonly NewValue[]): Readonly<Record<string, string>> {
  const texts = new Map<string, string[]>();
  for (const [name, value] of values) texts.set(pathOf(name), [...(texts.get(pathOf(name)) ?? []), value]);
  return Object.fromEntries([...texts].map(([path, said]) => [path, textHash(said.join(' '))]));
}

/** The hash of what a record says at a property path, comparable with that of what was imported. Undefined: nothing. */
export function hashAt(record: ProblemRecord, path: string): string | undefined {
  if (path === 'kind') return shortHash(record.kind);
  const value = valueAt(record, path);
  if (typeof value === 'string') return textHash(value);
  return Array.isArray(value) ? textHash(value.join(' ')) : undefined;
}

/** Blanks and line ends do not count: a formatter may change them. */
export function textHash(text: string): string {
  return shortHash(text.replaceAll(/\s+/g, ' ').trim());
}
