import fc from 'fast-check';
import type { Node, Parent } from 'mdast';
import remarkGfm from 'remark-gfm';
import remarkParse from 'remark-parse';
import { unified } from 'unified';
import { describe, expect, it } from 'vitest';
import { isOpen, type Marker, markerComments } from '../../../src/registry/parse/marker.ts';
import { scanMarkerLines } from '../../../src/registry/parse/marker-lines.ts';
import { findMarkers, plainMarkers } from '../../../src/registry/parse/markers.ts';
import { anyMarkdown, fixture, fixtures, markedMarkdown, mutatedRegistries, readable } from './markdown-texts.ts';
import { runsOf } from '../../soak.ts';

const processor = unified().use(remarkParse).use(remarkGfm);

/** What remark makes of the whole of a text, with all its constructs: HTML that is, or begins with, a marker. */
function reference(text: string): Marker[] {
  // Remark drops a byte-order mark from its offsets.
  const shift = text.startsWith('\ufeff') ? 1 : 0;
  const comments = markerComments(text);
  const found: Marker[] = [];
  visit(processor.parse(text), undefined);
  return found;

  function visit(node: Node | Parent, parent: Parent | undefined): void {
    if (node.type === 'html') {
      const from = (node.position?.start.offset ?? 0) + shift;
      const html = text.slice(from, (node.position?.end.offset ?? 0) + shift);
      const start = from + (/^[ \t]*/.exec(html)?.[0].length ?? 0);
      const end = from + html.replace(/[ \t\r\n]+$/, '').length;
      const within = comments.filter((comment) => comment.start >= start && comment.end <= end);
      if (within[0]?.start !== start) return;
      if (isOpen(text, within[0])) {
        found.push({ ...within[0], misplaced: true });
        return;
      }
      const misplaced = parent?.type !== 'root' || within[0].end !== end;
      found.push(...within.map((comment) => ({ ...comment, misplaced })));
    }
    if ('children' in node) for (const child of node.children) visit(child, node);
  }
}

function expectReference(text: string): void {
  expect({ text, scan: findMarkers(text) }).toEqual({ text, scan: { type: 'markers', markers: reference(text) } });
}

function isSure(text: string): boolean {
  return scanMarkerLines(text, markerComments(text)).doubts.length === 0;
}

describe('findMarkers', () => {
  it('finds the markers that remark sees in every fixture', { timeout: 60_000 }, () => {
    for (const { text } of readable) expectReference(text);
  });

  it('finds the markers that remark sees in any Markdown', () => {
    fc.assert(fc.property(markedMarkdown, expectReference));
  });

  it('finds the markers that remark sees in mutated registries', () => {
    fc.assert(fc.property(mutatedRegistries, expectReference), { numRuns: runsOf(25) });
  });

  it('finds the same markers by the short way through plain files and by the long way', () => {
    const texts = fc.oneof(markedMarkdown, mutatedRegistries);
    const short = (text: string) => plainMarkers(text, markerComments(text));
    expect(fc.sample(texts, 300).filter((text) => short(text) !== undefined).length).toBeGreaterThan(20);
    expect(short(fixture('resources/postgres/PROBLEMS.md'))).toHaveLength(20);
    fc.assert(
      fc.property(texts, (text) => {
        const { markers, doubts } = scanMarkerLines(text, markerComments(text));
        if (doubts.length === 0) expect({ text, markers: short(text) ?? markers }).toEqual({ text, markers });
      }),
    );
  });

  it('needs no remark for markers that have ordinary Markdown around and between them', () => {
    const marker = '<!-- EMBED:ACTIVEPROBLEM:START -->';
    const sure = fc.sample(anyMarkdown, 200).filter((text) => isSure(`${marker}\n\n${text}\n\n${marker}\n`));
    expect(sure.length).toBeGreaterThan(150);
  });

  it('needs no remark for fixtures whose markers are at the top level of the document', () => {
    const doubtful = fixtures.filter(({ text }) => !isSure(text));
    expect(doubtful.length).toBeLessThan(fixtures.length / 5);
    expect(doubtful.every(({ path }) => path.startsWith('fixtures/diagnostics/'))).toBe(true);
  });

  it('never throws, whatever bytes a file contains', () => {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    const bytes = fc.uint8Array({ maxLength: 400 }).map((all) => decoder.decode(all));
    fc.assert(
      fc.property(fc.array(fc.oneof(bytes, markedMarkdown), { maxLength: 3 }), (parts) => {
        const text = parts.join('\n');
        expect(findMarkers(text + text).type).toMatch(/^(markers|too-complex)$/);
      }),
    );
  });
});
