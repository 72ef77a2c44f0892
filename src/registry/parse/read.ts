import { createDiagnosticCollector, quote, type DiagnosticCollector, sortDiagnostics } from '../diagnostics.ts';
import { recordId, withUniqueIds } from '../identity.ts';
import { type KindDeclaration, lookupKind } from '../kinds/declaration.ts';
import { kinds } from '../kinds/index.ts';
import { type Value, valueOf } from '../names.ts';
import { createLineIndex, type LineIndex, type Span } from '../position.ts';
import { createRecordBuilder, type RecordBuilder, type ProblemRecord, type RecordContext } from '../record.ts';
import type { ReadOptions, Registry, UnknownBlock } from '../registry.ts';
import { dayOf } from '../values/dates.ts';
import { readHeaderValue } from '../values/values.ts';
import { type Block, canonical, pairMarkers } from './blocks.ts';
import { missingNames, readLabels, reportUnknownName } from './labels.ts';
import type { MarkerScan } from './marker.ts';
import { findMarkers } from './markers.ts';
import { brokenMarkers, type NearMiss } from './near-misses.ts';
import type { OutlineNode } from './outline.ts';
import { type MarkdownBudget, markdownBudget, outlineOf } from './read-outline.ts';
import { findMergeConflicts } from './merge-conflicts.ts';
import { readSections, textFrom } from './sections.ts';
import { type Shape, splitSections, titleText } from './shape.ts';

/** Reads the `**Label:** value` lines under the title. */
function readHeader(shape: Shape, kind: KindDeclaration, draft: RecordBuilder, context: RecordContext): void {
  const { text, report } = context;
  const { header } = lookupKind(kind);
  const seen = new Map<string, Value>();
  const isKnown = (name: string): boolean => header.find(name) !== undefined;
  for (const { label, value } of readLabels(text, shape.header, { isKnown, place: 'header' })) {
    if (label === undefined) {
      if (kind.freeForm !== true) report.add('text-stray', value);
      draft.keep('text', value.text);
      continue;
    }
    const name = text.slice(label.start, label.end);
    const known = header.find(name);
    if (known === undefined) {
      reportUnknownName('label-unknown', label, name, header, `a header label of ${kind.name} records`, report);
      draft.keep(name, value.text);
    } else if (seen.has(known.property)) {
      report.add('label-repeated', label, { message: `Duplicate label ${quote(name)}; the first value is used.` });
      draft.keep(name, value.text);
    } else {
      seen.set(known.property, value);
      // A wrong value has a place too, so that an edit can replace it.
      draft.place(known.property, value);
      const read = readHeaderValue(value, known.entry.value, report, (remark) =>
        draft.keep(`${known.label} / remark`, remark),
      );
      if (read !== undefined) draft.values[known.property] = read;
      else if (known.property === 'status' && value.text !== '') draft.unreadable.push(known.property);
    }
  }
  reportMissing(shape, kind, seen, context);
  checkOrder(draft, seen, context);
}

function reportMissing(
  shape: Shape,
  kind: KindDeclaration,
  seen: ReadonlyMap<string, Value>,
  { report }: RecordContext,
): void {
  const missing = lookupKind(kind).header.all.filter(
    ({ property, entry }) => entry.required === true && (seen.get(property)?.text ?? '') === '',
  );
  if (missing.length === 0 || shape.title === undefined) return;
  report.add('label-missing', shape.title, {
    message: missingNames('header label', missing),
    hint: `Add ${missing.map(({ label }) => `**${label}:**`).join(', ')} under the title.`,
  });
}

/** A problem cannot have last occurred before it was discovered. ISO days sort as text. */
function checkOrder(draft: RecordBuilder, seen: ReadonlyMap<string, Value>, { report }: RecordContext): void {
  const { discovered, lastOccurrence } = draft.values;
  const value = seen.get('lastOccurrence');
  if (typeof discovered !== 'string' || typeof lastOccurrence !== 'string' || value === undefined) return;
  if (dayOf(lastOccurrence) < dayOf(discovered)) {
    report.add('date-order', value, {
      message: `It last occurred on ${dayOf(lastOccurrence)}, before it was discovered on ${dayOf(discovered)}.`,
    });
  }
}

/** Reads one block as its kind declares it. Undefined if it has no title, because then it does not name a problem. */
function readRecord(block: Block, nodes: readonly OutlineNode[], context: RecordContext): ProblemRecord | undefined {
  const kind: KindDeclaration | undefined = kinds.find((candidate) => candidate.marker === block.marker);
  if (kind === undefined) return undefined;
  const { text, path, component, index, report } = context;
  const shape = splitSections(text, block, nodes, kind, report);
  if (shape.title === undefined) return undefined;

  const title = titleText(text.slice(shape.title.start, shape.title.end));
  const draft = createRecordBuilder(index, { kind: kind.name, id: recordId(component, title), title, component, path });
  draft.place('title', shape.title);
  if (shape.isBlank) draft.unreadable.push('title');
  for (const node of shape.stray) draft.keep('text', valueOf(text, node).text);
  readHeader(shape, kind, draft, context);
  readSections(shape, kind, draft, context);
  for (const part of shape.rest) {
    const name = text.slice(part.title.start, part.title.end);
    draft.keep(name === '' ? 'text' : name, textFrom(text, part.nodes));
  }
  const record = Object.assign(draft.values, {
    place: index.place(block),
    places: draft.places,
    extra: draft.extra,
    ...(draft.unreadable.length === 0 ? {} : { unreadable: draft.unreadable }),
  });
  return isRecord(record) ? record : undefined;
}

/**
 * The types of `RecordOf` are computed from the same declarations that `readHeader` and `readSections` follow at run
 * time. The compiler cannot check that; test/registry/schema.test.ts does.
 */
function isRecord(record: object): record is ProblemRecord {
  return 'kind' in record && kinds.some((kind) => kind.name === record.kind);
}

/**
 * Reads a registry: its records with their places, and a diagnostic for everything that is wrong in it. Never throws,
 * whatever the text, and takes time linear in its size. A file without markers is ordinary prose: no records, no diagnostics.
 */
export function readRegistry(text: string, options: ReadOptions = {}): Registry {
  return readMarked(text, findMarkers(text), options);
}

/** Like `readRegistry`, for a caller that has already found the markers. */
export function readMarked(text: string, scan: MarkerScan, options: ReadOptions = {}): Registry {
  const { path = 'PROBLEMS.md', component = 'root', outline = 'auto' } = options;
  const index = createLineIndex(text);
  const report = createDiagnosticCollector(path, index);
  if (scan.type === 'too-complex') return refused(scan, { path, component }, report);

  const blocks = pairMarkers(scan.markers, report);
  for (const broken of brokenMarkers(text)) reportBroken(broken, report);
  const context = { text, path, component, outline, budget: markdownBudget(), index, report };
  const conflicts = findMergeConflicts(text).filter(
    (conflict) =>
      scan.markers.some((marker) => overlaps(conflict, marker)) || blocks.some((block) => overlaps(conflict, block)),
  );
  for (const { line } of conflicts) report.add('merge-conflict', line);
  const records: ProblemRecord[] = [];
  const unknown: UnknownBlock[] = [];
  for (const block of blocks) {
    if (kinds.some((kind) => kind.marker === block.marker)) {
      const record = conflicts.some((conflict) => overlaps(conflict, block))
        ? readConflicted(block, context)
        : readBlock(block, context);
      if (record !== undefined) records.push(record);
    } else {
      unknown.push({
        marker: block.marker,
        text: text.slice(block.inside.start, block.inside.end),
        place: index.place(block),
      });
    }
  }
  const named = withUniqueIds(records, report);
  return { path, component, records: named, unknown, diagnostics: sortDiagnostics(report.diagnostics) };
}

function reportBroken(broken: Span & NearMiss, report: DiagnosticCollector): void {
  const edge = broken.edge === 'end' ? 'END' : 'START';
  report.add('marker-unknown', broken, {
    message: 'This is not a comment on one line, so it is not a marker and has no effect.',
    hint: `Did you mean ${canonical(broken.name, edge)}?`,
  });
}

function overlaps(one: Span, other: Span): boolean {
  return one.start < other.end && other.start < one.end;
}

/** Reads what can be read of a block in a merge conflict. The conflict is reported; what follows from it is not. */
function readConflicted(block: Block, context: ReadingContext): ProblemRecord | undefined {
  const report = createDiagnosticCollector(context.path, context.index);
  const record = readBlock(block, { ...context, report });
  return record === undefined ? undefined : { ...record, unreadable: ['merge-conflict'] };
}

interface ReadingContext {
  readonly text: string;
  readonly path: string;
  readonly component: string;
  readonly outline: 'auto' | 'markdown';
  readonly budget: MarkdownBudget;
  readonly index: LineIndex;
  readonly report: DiagnosticCollector;
}

function readBlock(block: Block, context: ReadingContext): ProblemRecord | undefined {
  const result = outlineOf(context.text, block.inside, context.outline, context.budget);
  if (result.type === 'outline') return readRecord(block, result.nodes, context);
  context.report.add('too-complex', block, { message: `This block is too complex to read: ${result.reason}.` });
  return undefined;
}

function refused(
  scan: MarkerScan & { readonly type: 'too-complex' },
  registry: { readonly path: string; readonly component: string },
  report: DiagnosticCollector,
): Registry {
  report.add('too-complex', scan, {
    message: `Too complex to tell markers from examples here: ${scan.reason}.`,
  });
  return { ...registry, records: [], unknown: [], diagnostics: report.diagnostics };
}
