import { fileURLToPath } from 'node:url';
import type { Span } from '../position.ts';
import { BYTE_ORDER_MARK, containerMarkers, lineEnd, nextLine } from './lines.ts';
import type * as MarkdownTree from './markdown-tree.ts';
import type { MarkerScan } from './marker.ts';
import type { OutlineResult } from './outline.ts';

/*
 * The limits for what remark reads at once. No record comes near them, and within them the slowest inputs that a search
 * found take a third of a second (test/registry/parse/markdown.test.ts): without the limits remark takes quadratic time.
 */
const MAX_LENGTH = 65_536;

const MAX_LINES = 2_000;

/** List items, quotes and footnotes: in total, and on one line, since remark recurses into those. */
const MAX_CONTAINERS = 2_000;

const MAX_CONTAINERS_OF_LINE = 16;

/** The limit that a part of a text exceeds, undefined if there is none. Reads no more of the text than the limits allow. */
export function exceededLimit(text: string, span: Span): string | undefined {
  if (span.end - span.start > MAX_LENGTH) return `more than ${MAX_LENGTH} characters`;
  let lines = 0;
  let containers = 0;
  for (let at = span.start; at < span.end;) {
    const end = lineEnd(text, at, span.end);
    const opened = containerMarkers(text, at, end, MAX_CONTAINERS_OF_LINE);
    lines += 1;
    containers += opened;
    if (opened > MAX_CONTAINERS_OF_LINE) return `more than ${MAX_CONTAINERS_OF_LINE} levels of nesting`;
    if (lines > MAX_LINES) return `more than ${MAX_LINES} lines`;
    if (containers > MAX_CONTAINERS) return `more than ${MAX_CONTAINERS} list items, quotes and footnotes`;
    at = nextLine(text, end, span.end);
  }
  return undefined;
}

let loaded: typeof MarkdownTree | undefined;

/** Loads remark when the first block needs it, since that takes longer than reading most registries; synchronously, as reading is. */
function loadMarkdownTree(): typeof MarkdownTree {
  if (loaded === undefined) {
    const path = fileURLToPath(new URL('./markdown-tree.ts', import.meta.url));
    const found: unknown = process.getBuiltinModule('node:module').createRequire(import.meta.url)(path);
    if (!isMarkdownTree(found)) throw new TypeError('Cannot load markdown-tree.ts.');
    loaded = found;
  }
  return loaded;
}

function isMarkdownTree(found: unknown): found is typeof MarkdownTree {
  return typeof found === 'object' && found !== null && 'markdownOutline' in found && 'markdownMarkers' in found;
}

type Refusal = OutlineResult & { readonly type: 'too-complex' };

/**
 * The outline of a block as remark sees it, with the tables and footnotes of GFM: the reference. Loads remark at the
 * first call. If the block exceeds a limit, `reason` says which.
 */
export function readMarkdown(text: string, block: Span): OutlineResult {
  return withinLimits(text, block, (source, shift) => ({
    type: 'outline',
    nodes: loadMarkdownTree().markdownOutline(source, shift),
  }));
}

/** The markers as remark sees them in a part of a text that begins and ends between two blocks of the document. Same limits. */
export function readMarkdownMarkers(text: string, part: Span): (MarkerScan & { readonly type: 'markers' }) | Refusal {
  return withinLimits(text, part, (source, shift) => ({
    type: 'markers',
    markers: loadMarkdownTree().markdownMarkers(source, shift),
  }));
}

function withinLimits<Result>(
  text: string,
  span: Span,
  read: (source: string, shift: number) => Result,
): Result | Refusal {
  const reason = exceededLimit(text, span);
  if (reason !== undefined) return { type: 'too-complex', reason };
  const start = span.start === 0 && text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : span.start;
  try {
    // The line end in front keeps remark from dropping U+FEFF where it is not a byte-order mark, which would move all offsets.
    return read(`\n${text.slice(start, span.end)}`, start - 1);
  } catch (error) {
    if (error instanceof RangeError) return { type: 'too-complex', reason: 'too many levels of nesting' };
    throw error;
  }
}
