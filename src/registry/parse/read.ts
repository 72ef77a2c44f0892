import { createDiagnosticCollector, quote, type DiagnosticCollector, sortDiagnostics } from '../diagnostics.ts';
import { recordId, withUniqueIds } from '../identity.ts';
import { type KindDeclaration, lookupKind } from '../kinds/declaration.ts';
import { kinds } from '../kinds/index.ts';
import { type Value, valueOf } from '../names.ts';
import { createLineIndex, type LineIndex } from '../position.ts';
import { createRecordBuilder, type RecordBuilder, type ProblemRecord, type RecordContext } from '../record.ts';
import type { ReadOptions, Registry, UnknownBlock } from '../registry.ts';
import { dayOf, readHeaderValue } from '../values/values.ts';
import { type Block, pairMarkers } from './blocks.ts';
import { missingNames, readLabels, reportUnknownName } from './labels.ts';
import type { MarkerScan } from './marker.ts';
import { findMarkers } from './markers.ts';
import type { OutlineNode } from './outline.ts';
import { type MarkdownBudget, markdownBudget, outlineOf } from './read-outline.ts';
import { readSections, type Shape, splitSections, textFrom } from './sections.ts';

/** Reads the `**Label:** value` lines under the title. */
function readHeader(shape: Shape, kind: KindDeclaration, draft: RecordBuilder, context: RecordContext): void {
  const { text, report } = context;
  const { header } = lookupKind(kind);
  const seen = new Map<string, Value>();
  for (const { label, value } of readLabels(text, shape.header)) {
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
      const read = readHeaderValue(value, known.entry.value, report);
      if (read !== undefined) draft.values[known.property] = read;
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
  const shape = splitSections(text, block, nodes, kind.freeForm === true, report);
  if (shape.title === undefined) return undefined;

  const title = text.slice(shape.title.start, shape.title.end);
  const draft = createRecordBuilder(index, { kind: kind.name, id: recordId(component, title), title, component, path });
  draft.place('title', shape.title);
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

  const context = { text, path, component, outline, budget: markdownBudget(), index, report };
  const records: ProblemRecord[] = [];
  const unknown: UnknownBlock[] = [];
  for (const block of pairMarkers(scan.markers, report)) {
    if (kinds.some((kind) => kind.marker === block.marker)) {
      const record = readBlock(block, context);
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
