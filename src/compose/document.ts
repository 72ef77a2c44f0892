import type * as Yaml from 'yaml';

/**
 * Compose files with the position of every value, so that a change can be a splice that keeps all other bytes. `yaml` gives
 * the positions, and keeps anchors and merge keys apart from what they stand for. Pure.
 */

export interface SourceFile {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
}

export interface ComposeFile {
  readonly file: SourceFile;
  readonly yaml: typeof Yaml;
  readonly document: Yaml.Document.Parsed;
}

/** A node, and whether an alias, a merge key or another reference uses the same text elsewhere. */
export interface Found {
  readonly node: Yaml.Node;
  readonly isShared: boolean;
}

/** One change of a text: `before` at that offset becomes `after`. */
export interface Edit {
  readonly at: number;
  readonly before: string;
  readonly after: string;
}

/** A text that the file states literally: without quotes, escapes and folds. */
export interface Literal {
  readonly text: string;
  /** Offset in the file. */
  readonly start: number;
}

/** Beyond these, which no one reaches by hand, a hostile file would take the parser more than a few seconds. */
const largestFile = 64 * 1024;
const longestLine = 2_000;
const deepest = 100;

/** Reads one file; a text says why it cannot be edited. */
export async function readComposeFile(file: SourceFile): Promise<ComposeFile | string> {
  if (file.text.length > largestFile) return `${file.path} is larger than ${largestFile} characters.`;
  if (file.text.split('\n').some(({ length }) => length > longestLine))
    return `${file.path} has a line of more than ${longestLine} characters.`;
  if (isDeep(file.text)) return `${file.path} is nested too deeply.`;
  const yaml = await import('yaml');
  try {
    const documents = yaml.parseAllDocuments(file.text, { merge: true, uniqueKeys: true, logLevel: 'silent' });
    const [document] = documents;
    if (document === undefined || documents.length !== 1) return `${file.path} is not one YAML document.`;
    const fault = document.errors[0];
    if (fault !== undefined) return `${file.path} is not valid YAML: ${fault.message.split('\n')[0] ?? ''}`;
    return yaml.isMap(document.contents) ? { file, yaml, document } : `${file.path} is not a mapping.`;
  } catch (error) {
    // What exhausts the parser's stack all the same.
    if (error instanceof RangeError) return `${file.path} is nested too deeply.`;
    throw error;
  }
}

/** Brackets are counted wherever they are, also in comments; and so are the dashes and question marks that begin a line. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1;
    if (depth > deepest) return true;
  }
  return /^[ \t]*(?:[-?:][ \t]+){20}/m.test(text);
}

/** The node below these keys, through aliases and merge keys. */
export function find(compose: ComposeFile, keys: readonly string[]): Found | undefined {
  let found: Found | undefined = { node: compose.document.contents ?? new compose.yaml.Scalar(null), isShared: false };
  for (const key of keys) {
    if (found === undefined) return undefined;
    found = child(compose, found, key);
  }
  return found;
}

/** The items of a list, or nothing. */
export function itemsOf(compose: ComposeFile, { node, isShared }: Found): readonly Found[] {
  if (!compose.yaml.isSeq(node)) return [];
  return node.items.flatMap((item) => (compose.yaml.isNode(item) ? follow(compose, { node: item, isShared }) : []));
}

/** The value of every key of this name in the file, wherever it is. */
export function valuesOf(compose: ComposeFile, name: string): readonly Found[] {
  const { yaml, document } = compose;
  const values: Found[] = [];
  yaml.visit(document, {
    Pair(_key, { key, value }) {
      if (yaml.isScalar(key) && String(key.value) === name && yaml.isNode(value))
        values.push(...follow(compose, { node: value, isShared: false }));
    },
  });
  return values;
}

export function child(compose: ComposeFile, found: Found, key: string): Found | undefined {
  return childOf(compose, found, key, new Set());
}

/** `seen`: a mapping that merges itself, or the same one a thousand times, is searched once. */
function childOf(
  compose: ComposeFile,
  { node, isShared }: Found,
  key: string,
  seen: Set<Yaml.Node>,
): Found | undefined {
  const { yaml } = compose;
  if (!yaml.isMap(node) || seen.has(node)) return undefined;
  seen.add(node);
  const own = node.items.find((pair) => yaml.isScalar(pair.key) && String(pair.key.value) === key)?.value;
  if (yaml.isNode(own)) return follow(compose, { node: own, isShared })[0];
  const merged = node.items.find(({ key: merge }) => yaml.isScalar(merge) && merge.source === '<<')?.value;
  if (!yaml.isNode(merged)) return undefined;
  const sources = yaml.isSeq(merged) ? merged.items.filter((item) => yaml.isNode(item)) : [merged];
  for (const source of sources) {
    const [map] = follow(compose, { node: source, isShared: true });
    const inherited = map === undefined ? undefined : childOf(compose, map, key, seen);
    if (inherited !== undefined) return { ...inherited, isShared: true };
  }
  return undefined;
}

/** The node that an alias refers to; at most one. */
function follow({ yaml, document }: ComposeFile, { node, isShared }: Found): readonly Found[] {
  if (yaml.isAlias(node)) {
    const target = node.resolve(document);
    return target === undefined ? [] : [{ node: target, isShared: true }];
  }
  const anchor = yaml.isCollection(node) || yaml.isScalar(node) ? node.anchor : undefined;
  return [{ node, isShared: isShared || (anchor !== undefined && isUsed(yaml, document, anchor)) }];
}

function isUsed(yaml: typeof Yaml, document: Yaml.Document.Parsed, anchor: string): boolean {
  let used = false;
  yaml.visit(document, {
    Alias(_key, { source }) {
      used ||= source === anchor;
    },
  });
  return used;
}

/** Undefined for anything but a scalar on one line whose characters are its value. */
export function literalOf({ yaml, file }: ComposeFile, node: Yaml.Node): Literal | undefined {
  if (!yaml.isScalar(node) || node.range === undefined || node.range === null) return undefined;
  const [start, end] = node.range;
  const raw = file.text.slice(start, end);
  if (/[\r\n]/.test(raw)) return undefined;
  if (node.type === 'PLAIN') return { text: raw, start };
  if (node.type !== 'QUOTE_DOUBLE' && node.type !== 'QUOTE_SINGLE') return undefined;
  const inner = raw.slice(1, -1);
  return inner === node.value ? { text: inner, start: start + 1 } : undefined;
}

/** Where every occurrence of a text in the scalars of the file begins; comments are left out. */
export function occurrencesIn({ yaml, document, file }: ComposeFile, wanted: string): readonly number[] {
  const starts = new Set<number>();
  yaml.visit(document, {
    Scalar(_key, { range }) {
      if (range === undefined || range === null) return;
      const [from, to] = range;
      for (let at = file.text.indexOf(wanted, from); at !== -1 && at < to; at = file.text.indexOf(wanted, at + 1))
        starts.add(at);
    },
  });
  return [...starts].sort((a, b) => a - b);
}

/** The text with its edits, which are in order and do not overlap. */
export function withEdits(text: string, edits: readonly Edit[]): string {
  let result = '';
  let position = 0;
  for (const { at, before, after } of edits) {
    result += text.slice(position, at) + after;
    position = at + before.length;
  }
  return result + text.slice(position);
}

/** Counted from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
