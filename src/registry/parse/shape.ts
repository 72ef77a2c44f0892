import type { DiagnosticCollector } from '../diagnostics.ts';
import {
  type KindDeclaration,
  lookupKind,
  type Lookup,
  type Named,
  type SectionDeclaration,
} from '../kinds/declaration.ts';
import { trim, withoutComment } from '../names.ts';
import type { Span } from '../position.ts';
import { addPlaceholder, reportPlaceholder } from '../values/values.ts';
import { blankTitle } from '../kinds/blank.ts';
import { inlineText, plainCharacters } from './inline-text.ts';
import { type HeadingNode, headingText, type OutlineNode, paragraphLines } from './outline.ts';

/** The parts of a block, before its kind gives them meaning. Comments are left out. */
export interface Shape {
  readonly title: Span | undefined;
  /** Whether the title is still that of a blank record. */
  readonly isBlank: boolean;
  /** Everything before the title. */
  readonly stray: readonly OutlineNode[];
  /** Everything between the title and the first section. */
  readonly header: readonly OutlineNode[];
  readonly sections: readonly ShapeSection[];
  /** Everything under further titles, which is not part of the record. */
  readonly rest: readonly ShapeSection[];
}

export interface ShapeSection {
  readonly title: Span;
  /** The section of the kind, if it is one. */
  readonly known?: Named<SectionDeclaration> | undefined;
  readonly nodes: readonly OutlineNode[];
}

/** The text of a title or of a section's heading, without Markdown and without an anchor such as `{#port-clash}`. */
export function titleText(source: string): string {
  if (!/[\\`*_~<>&[\]!{\r\n]/.test(source)) return source;
  return inlineText(source.replace(/\s*\{#[\w-]+\}\s*$/, ''))
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** A section by its heading, with or without a number before it: `2. Evidence`. */
function findSection<Entry>(sections: Lookup<Entry>, heading: string): Named<Entry> | undefined {
  const name = titleText(heading);
  const found = sections.find(name);
  return found !== undefined || !/^\d/.test(name)
    ? found
    : sections.find(name.replace(/^\d{1,2}(?:\.\d{1,2})*[.):]?\s+/, ''));
}

/**
 * The first `###` is the title, `####` opens a section. If no `###` can be the title, the first heading that names no
 * section is. A section that the kind knows is read at any level. Another level than these is reported once. A second
 * `###` is reported and ends the record; in a free-form kind it opens a section instead. HTML counts as text unless it
 * consists of comments.
 */
export function splitSections(
  text: string,
  block: Span,
  nodes: readonly OutlineNode[],
  kind: KindDeclaration,
  report: DiagnosticCollector,
): Shape {
  const freeForm = kind.freeForm === true;
  const lookup = lookupKind(kind);
  let title: Span | undefined;
  let isFormReported = freeForm;
  const stray: OutlineNode[] = [];
  const header: OutlineNode[] = [];
  const sections: OpenSection[] = [];
  const rest: OpenSection[] = [];
  let current = stray;
  const all = withGluedHeadings(text, nodes, isSection);
  const titleNode = all.find((node) => mayBeTitle(node) && node.depth === 3) ?? all.find(mayBeTitle);
  for (const node of all) {
    if (node.type === 'other' && node.name === 'html' && isComment(text.slice(node.start, node.end))) continue;
    if (node.type !== 'heading') {
      if (current !== header || node.type !== 'other' || node.name !== 'rule') current.push(node);
      continue;
    }
    const name = titleOf(text, node);
    const known = node === titleNode ? undefined : findSection(lookup.sections, text.slice(name.start, name.end));
    if (title === undefined) {
      if (node !== titleNode) stray.push(node);
      else {
        title = name;
        current = header;
        if (node.depth !== 3) reportForm(node, 'A title is a ### heading.');
      }
    } else if (known !== undefined && rest.length === 0 && node.depth <= Math.max(4, sections[0]?.depth ?? 5)) {
      if (node.depth !== 4) reportForm(node, 'Sections are #### headings.');
      else if (node.glued !== undefined) reportForm(node, 'A heading has a blank after its hashes.');
      current = open(sections, name, node.depth, known);
    } else if (current === header && isHeaderBlock(node)) {
      header.push({ type: 'paragraph', ...name });
    } else if (node.depth === 3 && !freeForm) {
      report.add('title-extra', node);
      current = open(rest, name, node.depth);
    } else if (node.depth <= 4 && rest.length === 0) {
      current = open(sections, name, node.depth);
    } else current.push(node);
  }
  if (title === undefined || titleText(text.slice(title.start, title.end)) === '') {
    report.add('title-missing', title ?? firstLine(text, block));
    title = undefined;
  } else if (reportPlaceholder(text.slice(title.start, title.end), title, report)) title = undefined;
  const isBlank = title !== undefined && plainCharacters(text.slice(title.start, title.end)) === blankTitle;
  if (title !== undefined) {
    if (isBlank) addPlaceholder(blankTitle, title, report);
    for (const node of stray) report.add('text-stray', node, { message: 'This text is before the ### title.' });
  }
  return { title, isBlank, stray, header, sections, rest };

  function mayBeTitle(node: (typeof all)[number]): node is AnyHeading {
    if (node.type !== 'heading') return false;
    const { start, end } = titleOf(text, node);
    return node.depth === 3 && freeForm ? true : !isSection(text.slice(start, end));
  }

  function isSection(name: string): boolean {
    return findSection(lookup.sections, name) !== undefined;
  }

  /** A setext heading that front matter makes of header lines: `Status: active` above `---`. */
  function isHeaderBlock(node: HeadingNode): boolean {
    if (text.charAt(node.start) === '#') return false;
    const [first] = paragraphLines(text, node);
    const label = /^([^:：]{1,60})[:：]/.exec(text.slice(first?.start, first?.end))?.[1];
    return label !== undefined && lookup.header.find(label) !== undefined;
  }

  function reportForm(node: HeadingNode, message: string): void {
    if (!isFormReported) report.add('heading-form', node, { message });
    isFormReported = true;
  }
}

interface OpenSection extends ShapeSection {
  readonly nodes: OutlineNode[];
  readonly depth: number;
}

function open(list: OpenSection[], title: Span, depth: number, known?: Named<SectionDeclaration>): OutlineNode[] {
  const nodes: OutlineNode[] = [];
  list.push({ title, nodes, depth, known });
  return nodes;
}

/** A heading, or a line that lacks the blank to be one. */
type AnyHeading = HeadingNode & { readonly glued?: Span };

function titleOf(text: string, node: AnyHeading): Span {
  return withoutComment(text, node.glued ?? headingText(text, node));
}

/** The nodes, with a heading for each line such as `####Evidence`, which is text to CommonMark, if it names a section. */
function withGluedHeadings(
  text: string,
  nodes: readonly OutlineNode[],
  isSection: (name: string) => boolean,
): readonly (AnyHeading | Exclude<OutlineNode, HeadingNode>)[] {
  if (!nodes.some((node) => mayBeGlued(text, node))) return nodes;
  return nodes.flatMap((node) => {
    if (!mayBeGlued(text, node)) return [node];
    const parts: (AnyHeading | Exclude<OutlineNode, HeadingNode>)[] = [];
    let from: number | undefined = undefined;
    let to = node.start;
    for (const line of paragraphLines(text, node)) {
      const hashes =
        /^#{1,6}(?=[^\s#])/.exec(text.slice(line.start, Math.min(line.end, line.start + 80)))?.[0].length ?? 0;
      const glued = { start: line.start + hashes, end: line.end };
      if (hashes > 0 && isSection(text.slice(glued.start, glued.end))) {
        if (from !== undefined) parts.push({ type: 'paragraph', start: from, end: to });
        parts.push({ type: 'heading', depth: hashes, ...line, glued });
        from = undefined;
      } else from ??= line.start;
      to = line.end;
    }
    if (from !== undefined) parts.push({ type: 'paragraph', start: from, end: to });
    return parts;
  });
}

function mayBeGlued(text: string, { type, start, end }: OutlineNode): boolean {
  if (type !== 'paragraph') return false;
  const hash = text.indexOf('#', start);
  return hash !== -1 && hash < end && /(?:^|\n)[ \t]*#{1,6}[^\s#]/.test(text.slice(start, end));
}

/** Whether HTML consists of comments only, which readers of the page do not see. */
function isComment(html: string): boolean {
  for (let at = 0; ;) {
    at = trim(html, { start: at, end: html.length }).start;
    if (at === html.length) return true;
    const close = html.startsWith('<!--', at) ? html.indexOf('-->', at + 2) : -1;
    if (close === -1) return false;
    at = close + 3;
  }
}

function firstLine(text: string, { start, end }: Span): Span {
  const feed = text.indexOf('\n', start);
  return { start, end: feed === -1 || feed > end ? end : feed };
}
