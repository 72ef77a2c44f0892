import { suggest } from '../../util/suggest.ts';
import { kinds } from '../kinds/index.ts';
import type { Span } from '../position.ts';
import type { DiagnosticCollector } from '../diagnostics.ts';
import type { Marker } from './marker.ts';

/** A START and an END marker of one kind and the text between them. `start` and `end` include the markers. */
export interface Block extends Span {
  readonly marker: string;
  readonly inside: Span;
}

const markerNames: ReadonlySet<string> = new Set(kinds.map((kind) => kind.marker));

/**
 * Pairs the markers of a file. A mistake affects only the blocks it touches: of two nested blocks the inner one is read,
 * a block whose END names another kind is read as the kind of its START, and crossed blocks are not read.
 */
export function pairMarkers(markers: readonly Marker[], report: DiagnosticCollector): Block[] {
  const blocks: Block[] = [];
  const open: Marker[] = [];
  const crossed = new Set<string>();
  const inner: { readonly start: Marker; readonly within: Marker }[] = [];
  const placed = markers.filter((marker) => isPlaced(marker, report));
  const openCount = new Map<string, number>();
  const following = nextOfSameName(placed);

  for (const [position, marker] of placed.entries()) {
    if (marker.edge === 'start') {
      reportName(marker, report);
      open.push(marker);
      openCount.set(marker.name, (openCount.get(marker.name) ?? 0) + 1);
      continue;
    }
    const top = open.at(-1);
    if (top?.name === marker.name) {
      close(open, 1, openCount);
      blocks.push(between(top, marker));
      const outer = open.at(-1);
      if (outer !== undefined) inner.push({ start: top, within: outer });
      continue;
    }
    const next = placed[position + 1];
    const isStarted = (openCount.get(marker.name) ?? 0) > 0;
    const isStray = !isStarted && next?.edge === 'end' && next.name === top?.name;
    if (top === undefined || isStray) {
      if (!crossed.delete(marker.name)) {
        report.add('marker-unopened', marker, {
          message: `This END marker of ${marker.name} has no START marker before it.`,
        });
      }
    } else if (!isStarted) {
      report.add('marker-crossed', marker, {
        message: `This END marker names ${marker.name}, but the open block is ${top.name}.`,
        fix: {
          description: `Name ${top.name} in this END marker`,
          safe: false,
          edits: [{ start: marker.start, end: marker.end, text: canonical(top.name, 'END') }],
        },
      });
      close(open, 1, openCount);
      blocks.push(between(top, marker));
    } else {
      const partner = open.findLastIndex((candidate) => candidate.name === marker.name);
      const [first, ...rest] = close(open, open.length - partner, openCount);
      const isCrossed = rest.every((start) => isAhead(following.get(start), marker));
      if (isCrossed) {
        report.add('marker-crossed', marker, {
          message: `This END marker of ${marker.name} is inside a ${top.name} block that started later; crossed blocks are not read.`,
        });
        for (const start of rest) crossed.add(start.name);
      } else {
        for (const start of rest) reportUnclosed(start, report);
        if (first !== undefined) blocks.push(between(first, marker));
      }
    }
  }

  const unclosed = new Set(open);
  for (const start of open) reportUnclosed(start, report);
  const dropped = new Set<number>();
  for (const { start, within } of inner) {
    if (unclosed.has(within)) continue;
    report.add('marker-nested', start, {
      message: `This ${start.name} block is inside a ${within.name} block; the outer block is not read.`,
    });
    dropped.add(within.start);
  }
  return blocks.filter((block) => !dropped.has(block.start)).toSorted((a, b) => a.start - b.start);
}

function isPlaced(marker: Marker, report: DiagnosticCollector): boolean {
  if (marker.edge === 'slip') {
    reportSlip(marker, report);
    return false;
  }
  if (marker.misplaced) report.add('marker-misplaced', marker);
  else if (!marker.canonical) {
    const text = canonical(marker.name, marker.edge === 'start' ? 'START' : 'END');
    report.add('marker-spelling', marker, {
      hint: `Write it as ${text}.`,
      fix: {
        description: `Write the marker as ${text}`,
        safe: true,
        edits: [{ start: marker.start, end: marker.end, text }],
      },
    });
  }
  return !marker.misplaced;
}

/** An error like a marker of an unknown kind: the text that it should enclose is not read. */
function reportSlip(marker: Marker, report: DiagnosticCollector): void {
  const { name, meant } = marker;
  const [text, other] =
    meant === undefined
      ? [canonical(name, 'START'), ` or ${canonical(name, 'END')}`]
      : [canonical(name, meant === 'start' ? 'START' : 'END'), ''];
  report.add('marker-unknown', marker, {
    message: 'This comment is almost a marker, but not quite, so it has no effect.',
    hint: `Did you mean ${text}${other}?`,
    ...(meant === undefined
      ? {}
      : {
          fix: {
            description: `Write the marker as ${text}`,
            safe: false,
            edits: [{ start: marker.start, end: marker.end, text }],
          },
        }),
  });
}

function reportName(marker: Marker, report: DiagnosticCollector): void {
  if (markerNames.has(marker.name)) return;
  const meant = suggest(marker.name, markerNames);
  report.add('marker-unknown', marker, {
    message: `Unknown kind of record ${marker.name}; the block is kept as text.`,
    hint: meant === undefined ? `The kinds are ${[...markerNames].join(', ')}.` : `Did you mean ${meant}?`,
  });
}

function reportUnclosed(start: Marker, report: DiagnosticCollector): void {
  report.add('marker-unclosed', start, {
    message: `This ${start.name} block is never closed, so its record is not read.`,
    hint: `Add ${canonical(start.name, 'END')} after the record.`,
  });
}

/** Removes the last `count` open blocks, and returns them. */
function close(open: Marker[], count: number, openCount: Map<string, number>): Marker[] {
  const closed = open.splice(open.length - count);
  for (const { name } of closed) openCount.set(name, (openCount.get(name) ?? 0) - 1);
  return closed;
}

/** The next marker of the same name, for all markers at once: so even a file of faulty markers is read in linear time. */
function nextOfSameName(markers: readonly Marker[]): ReadonlyMap<Marker, Marker> {
  const following = new Map<Marker, Marker>();
  const last = new Map<string, Marker>();
  for (const marker of markers) {
    const before = last.get(marker.name);
    if (before !== undefined) following.set(before, marker);
    last.set(marker.name, marker);
  }
  return following;
}

function isAhead(next: Marker | undefined, here: Marker): boolean {
  return next?.edge === 'end' && next.start > here.start;
}

function between(start: Marker, end: Marker): Block {
  return { marker: start.name, start: start.start, end: end.end, inside: { start: start.end, end: end.start } };
}

/** The canonical spelling of a marker. */
export function canonical(name: string, edge: 'START' | 'END'): string {
  return `<!-- EMBED:${name}:${edge} -->`;
}
