import { addRecord, applyEdits } from '../registry/edit/index.ts';
import { recordId } from '../registry/identity.ts';
import type { KindName } from '../registry/kinds/index.ts';
import { originOf } from '../registry/origin.ts';
import { readRegistry } from '../registry/parse/read.ts';
import { titleText } from '../registry/parse/shape.ts';
import type { ProblemRecord } from '../registry/record.ts';
import type { ReadOptions } from '../registry/registry.ts';
import { importProblems } from './import.ts';
import { type KnownRecord, type Match, matchProposals } from './match.ts';
import { inPlaceOf, isReadAsPlanned, mostTries, type NewProposal } from './place.ts';
import { type ImportedRecord, linesHash, recordOf } from './render.ts';
import { titleKey } from './titles.ts';
import type { ImportProposal, ImportResult } from './types.ts';
import { type ImportChange, updateRecord } from './update.ts';
import { beforeMarked } from './record-values.ts';

/** A file that problems are imported from. */
export interface ImportSource {
  /** To be shown. */
  readonly path: string;
  /** From the folder of the registry, with forward slashes; `.` is the registry itself. */
  readonly from: string;
  /** Of `.`: that of the registry. */
  readonly text: string;
}

/** A registry that problems are imported into. */
export interface ImportTarget {
  readonly text: string;
  readonly path: string;
  readonly component: string;
  /** Records of other registries of this component: a problem that one of them has is not added again. Default: none. */
  readonly others?: readonly ProblemRecord[] | undefined;
  /** Whether a file that an origin names is there. */
  readonly exists: (from: string) => boolean;
}

export interface PlanOptions {
  /** Proposals with this confidence or more are taken; the others are left for you to decide. */
  readonly minConfidence: number;
}

/**
 * What becomes of one proposal or record:
 * - `added`: a new record.
 * - `updated`: its record says what the source says now, except for changes that were refused.
 * - `unchanged`: its record is up to date.
 * - `known`: a record that was not imported from here has this title; it is not changed.
 * - `unsure`: not confident enough; the reasons say why.
 * - `left`: it cannot be a record.
 * - `gone`: a record whose source is no longer there. It stays.
 */
export const importActions = ['added', 'updated', 'unchanged', 'known', 'unsure', 'left', 'gone'] as const;

export type ImportAction = (typeof importActions)[number];

export interface ImportItem {
  readonly action: ImportAction;
  /** The path of the source. */
  readonly source: string;
  /** Of the title in the source; null if it is gone. */
  readonly line: number | null;
  readonly title: string;
  readonly kind: string;
  readonly status: string | null;
  readonly severity: string | null;
  readonly confidence: number | null;
  /** Of the record; null if there is none. */
  readonly id: string | null;
  readonly changes: readonly ImportChange[];
  readonly reasons: readonly string[];
}

export interface ImportPlan {
  /** What the registry would be. Equal to what it is if there is nothing to do. */
  readonly text: string;
  readonly items: readonly ImportItem[];
  /** By path of the source: what was read there. */
  readonly results: ReadonlyMap<string, ImportResult>;
}

/**
 * Plans what becomes of a registry when the problems of some files are imported into it. Pure: the same texts give the same
 * plan, and the plan of a text that a plan has made changes nothing.
 */
export function planImport(target: ImportTarget, sources: readonly ImportSource[], options: PlanOptions): ImportPlan {
  // The lines of a source that is the registry itself are those of the text before any change.
  const ordered = sources.toSorted((a, b) => Number(b.from === '.') - Number(a.from === '.'));
  const items: ImportItem[] = [];
  const results = new Map<string, ImportResult>();
  let text = target.text;
  for (const source of ordered) {
    const result = importProblems(source.text, { file: source.path });
    results.set(source.path, result);
    const planned = planSource({ ...target, text }, source, result, options);
    text = planned.text;
    items.push(...planned.items);
    if (source.from === '.') {
      const settled = settle({ ...target, text }, source, options);
      text = settled.text;
      items.push(...settled.added);
    }
  }
  return { text, items: [...items, ...withoutFile(text, target, items)], results };
}

/** Records whose source is not even a file any more. */
function withoutFile(text: string, target: ImportTarget, items: readonly ImportItem[]): readonly ImportItem[] {
  const { records } = readRegistry(text, { path: target.path, component: target.component });
  return records.flatMap((record) => {
    const from = originOf(text, record)?.from;
    if (from === undefined || from === '.' || target.exists(from)) return [];
    return items.some(({ id }) => id === record.id) ? [] : [goneItem({ record }, target.path)];
  });
}

/** The text around records that have taken the place of their lines may be read differently. Each round leaves less of it. */
const mostRounds = 5;

/** Imports from a registry that was imported from until nothing is left to do. */
function settle(
  target: ImportTarget,
  source: ImportSource,
  options: PlanOptions,
): { readonly text: string; readonly added: readonly ImportItem[] } {
  let text = target.text;
  const added: ImportItem[] = [];
  for (let round = 0; round < mostRounds; round += 1) {
    const result = importProblems(text, { file: source.path });
    const again = planSource({ ...target, text }, { ...source, text }, result, options);
    if (again.text === text) break;
    text = again.text;
    // Their lines are not those of the file.
    added.push(...again.items.flatMap((item) => (item.action === 'added' ? [{ ...item, line: null }] : [])));
  }
  return { text, added };
}

function planSource(
  target: ImportTarget,
  source: ImportSource,
  result: ImportResult,
  { minConfidence }: PlanOptions,
): Pick<ImportPlan, 'text' | 'items'> {
  const reading: ReadOptions = { path: target.path, component: target.component };
  const { records } = readRegistry(target.text, reading);
  const known: readonly KnownRecord[] = records.map((record) => ({ record, origin: originOf(target.text, record) }));
  const lines = source.text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const proposals = result.proposals.map((proposal) => beforeMarked(proposal, result.marked, lines));
  const rendered = new Map<ImportProposal, ImportedRecord | undefined>();
  const render = (proposal: ImportProposal, id?: string): ImportedRecord | undefined => {
    if (id !== undefined) return recordOf(proposal, lines, { from: source.from, id });
    if (!rendered.has(proposal)) rendered.set(proposal, recordOf(proposal, lines, { from: source.from }));
    return rendered.get(proposal);
  };
  const descriptionOf = (proposal: ImportProposal): string | undefined => {
    const { description, problemSummary } = render(proposal)?.origin.values ?? {};
    return description ?? problemSummary;
  };
  const { matches, unmatched, gone } = matchProposals(proposals, known, source.from, target.exists, descriptionOf);

  const { others = [] } = target;
  const ids = new Set([...records, ...others].map(({ id }) => id));
  const byTitle = new Map(others.map((record) => [titleKey(record.title), record]));
  const items = new Map<ImportProposal, ImportItem>();
  const fresh: NewProposal[] = [];
  for (const proposal of unmatched) {
    const other = byTitle.get(titleKey(proposal.title));
    if (other !== undefined && proposal.occurrence === 1) {
      items.set(proposal, otherItem(itemOf('known', source, proposal, other.id), other));
      continue;
    }
    const wanted = recordId(target.component, titleText(proposal.title));
    const id = freeId(wanted, ids);
    const imported = proposal.confidence < minConfidence ? undefined : render(proposal, id === wanted ? undefined : id);
    if (proposal.confidence < minConfidence) items.set(proposal, itemOf('unsure', source, proposal, null));
    else if (imported === undefined)
      items.set(proposal, {
        ...itemOf('left', source, proposal, null),
        reasons: ['Its title cannot be that of a record.'],
      });
    else {
      ids.add(id);
      fresh.push({ proposal, imported });
      items.set(proposal, itemOf('added', source, proposal, id));
    }
  }
  const text = withNew(target.text, fresh, source, proposals, reading, (left) =>
    items.set(left, {
      ...itemOf('left', source, left, null),
      reasons: ['It cannot be added without changing another record.'],
    }),
  );
  const blocks = new Map<string, string>();
  for (const match of matches) {
    const { place, id } = match.known.record;
    const block = target.text.slice(place.offset, place.endOffset);
    const { item, after } = planMatch(block, match, source, lines, render, minConfidence, reading);
    if (after !== block) blocks.set(id, after);
    items.set(match.proposal, item);
  }
  return {
    text: withBlocks(text, blocks, reading),
    items: [
      ...proposals.flatMap((proposal) => items.get(proposal) ?? []),
      ...gone.map((one) => goneItem(one, source.path)),
    ],
  };
}

function otherItem(item: ImportItem, { path }: ProblemRecord): ImportItem {
  return { ...item, reasons: [`A record in ${path} has this title.`] };
}

function freeId(wanted: string, taken: ReadonlySet<string>): string {
  let id = wanted;
  for (let number = 2; taken.has(id); number += 1) id = `${wanted}-${number}`;
  return id;
}

/** The text with new records, each in the place of its lines if it says all of them, else where records of its kind go. */
function withNew(
  text: string,
  fresh: readonly NewProposal[],
  source: ImportSource,
  proposals: readonly ImportProposal[],
  reading: ReadOptions,
  onLeft: (proposal: ImportProposal) => void,
): string {
  const before = readRegistry(text, reading);
  const placed = source.from === '.' ? inPlaceOf(text, fresh, proposals, before, reading) : { text, rest: fresh };
  const added = withAll(placed.text, placed.rest);
  const records = placed.rest.map(({ imported }) => imported);
  if (isReadAsPlanned(readRegistry(placed.text, reading), added, records, reading)) return added;
  // One of them cannot be added. If there are many, they are not tried one by one: the time grows with the square.
  let after = placed.text;
  for (const [index, one] of placed.rest.entries()) {
    const next = index < mostTries ? withAll(after, [one]) : after;
    if (next !== after && isReadAsPlanned(readRegistry(after, reading), next, [one.imported], reading)) after = next;
    else onLeft(one.proposal);
  }
  return after;
}

/** The text with records where those of their kinds are. */
function withAll(text: string, fresh: readonly NewProposal[]): string {
  let after = text;
  for (const [kind, records] of Map.groupBy(fresh, ({ proposal }) => kindOf(proposal)))
    after = addRecord(after, records.map(({ imported }) => imported.block).join('\n\n'), kind);
  return after;
}

function kindOf({ kind }: ImportProposal): KindName {
  return kind;
}

/** The text with other blocks for some records. */
function withBlocks(text: string, blocks: ReadonlyMap<string, string>, reading: ReadOptions): string {
  if (blocks.size === 0) return text;
  const edits = readRegistry(text, reading).records.flatMap(({ id, place }) => {
    const block = blocks.get(id);
    return block === undefined ? [] : [{ start: place.offset, end: place.endOffset, text: block }];
  });
  return applyEdits(text, edits);
}

/** @param block Of the record, with its markers. A registry of hundreds of records is not read again for each of them. */
function planMatch(
  block: string,
  { proposal, known, by }: Match,
  source: ImportSource,
  lines: readonly string[],
  render: (proposal: ImportProposal, id?: string) => ImportedRecord | undefined,
  minConfidence: number,
  reading: ReadOptions,
): { readonly item: ImportItem; readonly after: string } {
  const { record, origin } = known;
  const item = itemOf('unchanged', source, proposal, record.id);
  if (by === 'elsewhere' || origin === undefined)
    return { item: { ...item, action: 'known', reasons: knownReasons(known, proposal) }, after: block };
  if (origin.lines === linesHash(proposal, lines) && origin.from === source.from) return { item, after: block };
  const imported = render(proposal, record.places['id'] === undefined ? undefined : record.id);
  const [own] = readRegistry(block, reading).records;
  if (imported === undefined || own === undefined) return { item, after: block };
  const { text: after, changes } = updateRecord(block, own, origin, imported, proposal.kind, reading);
  if (changes.length === 0) return { item, after };
  if (proposal.confidence < minConfidence)
    return { item: { ...item, action: 'unsure', changes, reasons: proposal.reasons }, after: block };
  return { item: { ...item, action: 'updated', changes }, after };
}

/** What to check in a record that was not imported from here. */
function knownReasons({ record, origin }: KnownRecord, proposal: ImportProposal): readonly string[] {
  const where = origin === undefined ? 'A record has this title.' : `It was imported from ${origin.from}.`;
  const isResolved = record.kind === 'resolved' || ('status' in record && record.status === 'resolved');
  if (isResolved === (proposal.kind === 'resolved')) return [where];
  return [
    where,
    isResolved ? 'The record is resolved, and here it is open.' : 'The record is open, and here it is resolved.',
  ];
}

function itemOf(action: ImportAction, { path }: ImportSource, proposal: ImportProposal, id: string | null): ImportItem {
  const { line, title, kind, status, severity, confidence, reasons } = proposal;
  return {
    action,
    source: path,
    line,
    title,
    kind,
    status,
    severity,
    confidence,
    id,
    changes: [],
    reasons: action === 'unsure' ? reasons : [],
  };
}

/** A record whose source is gone. */
function goneItem({ record }: Pick<KnownRecord, 'record'>, source: string): ImportItem {
  const { title, kind, id } = record;
  const status = 'status' in record ? (record.status ?? null) : null;
  const severity = 'severity' in record ? (record.severity ?? null) : null;
  const reasons = ['Its source is no longer there. The record stays.'];
  return {
    action: 'gone',
    source,
    line: null,
    title,
    kind,
    status,
    severity,
    confidence: null,
    id,
    changes: [],
    reasons,
  };
}
