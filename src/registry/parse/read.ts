import { kinds } from '../kinds/index.ts';
import { outlineOf } from '../outline/index.ts';
import { createLineIndex, type LineIndex } from '../position.ts';
import { readRecord } from '../record-reading.ts';
import type { ProblemRecord } from '../record.ts';
import type { ReadOptions, Registry, UnknownBlock } from '../registry.ts';
import { createReport, quote, type Report, sortDiagnostics } from '../report.ts';
import { type Block, pairMarkers } from './blocks.ts';
import type { MarkerScan } from './marker.ts';
import { findMarkers } from './markers.ts';

/**
 * Reads a registry: its records with their places, and everything that is wrong in it as diagnostics. Never throws on
 * any text, in time linear in its size; a file without markers is ordinary prose and gives nothing.
 */
export function readRegistry(text: string, options: ReadOptions = {}): Registry {
  return readMarked(text, findMarkers(text), options);
}

/** The same where the markers of the text have been looked for. */
export function readMarked(text: string, scan: MarkerScan, options: ReadOptions = {}): Registry {
  const { path = 'PROBLEMS.md', component = 'root', outline = 'auto' } = options;
  const index = createLineIndex(text);
  const report = createReport(path, index);
  if (scan.type === 'too-complex') return refused(scan, { path, component }, report);

  const context = { text, path, component, outline, index, report };
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
  readonly index: LineIndex;
  readonly report: Report;
}

function readBlock(block: Block, context: ReadingContext): ProblemRecord | undefined {
  const result = outlineOf(context.text, block.inside, context.outline);
  if (result.type === 'outline') return readRecord(block, result.nodes, context);
  context.report.add('too-complex', block, { message: `This block is not read: ${result.reason}.` });
  return undefined;
}

function refused(
  scan: MarkerScan & { readonly type: 'too-complex' },
  registry: { readonly path: string; readonly component: string },
  report: Report,
): Registry {
  report.add('too-complex', scan, { message: `The markers of this file cannot be told from text: ${scan.reason}.` });
  return { ...registry, records: [], unknown: [], diagnostics: report.diagnostics };
}

/**
 * Where a title or an ID stands twice both records are kept, the later one with `-2`, `-3` … behind its id, so that
 * neither hides the other.
 */
function withUniqueIds(records: readonly ProblemRecord[], report: Report): ProblemRecord[] {
  const seen = new Map<string, ProblemRecord>();
  return records.map((record) => {
    const first = seen.get(record.id);
    if (first === undefined) {
      seen.set(record.id, record);
      return record;
    }
    const sameTitle = record.places['id'] === undefined && first.places['id'] === undefined;
    const place = record.places['id'] ?? record.places['title'] ?? record.place;
    report.add(
      sameTitle ? 'title-repeated' : 'id-repeated',
      { start: place.offset, end: place.endOffset },
      {
        message: `${sameTitle ? `The title ${quote(record.title)}` : `The id ${quote(record.id)}`} already stands in line ${first.place.line}.`,
      },
    );
    let number = 2;
    while (seen.has(`${record.id}-${number}`)) number++;
    const renamed = { ...record, id: `${record.id}-${number}` };
    seen.set(renamed.id, renamed);
    return renamed;
  });
}
