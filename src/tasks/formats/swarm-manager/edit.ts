import { isDeepStrictEqual } from 'node:util';
import type { Event, ScalarEvent } from 'js-yaml';
import { formatTask, isMapping, parseTask, type TaskValues } from './task-file.ts';

/** The position of a value in its text. `end` is the end of its last scalar, before a closing bracket. */
export interface YamlNode {
  /** -1 if empty, as in `key:`. */
  readonly start: number;
  readonly end: number;
  readonly form: 'line' | 'block' | 'mapping' | 'flow-mapping' | 'other';
  /** Of a mapping. */
  readonly pairs: readonly YamlPair[];
}

export interface YamlPair {
  readonly key: YamlNode;
  /** The key as written, without quotes. */
  readonly name: string;
  readonly value: YamlNode;
}

/**
 * The one document of a text as nodes with offsets. `parseTask` limits its nesting.
 * @throws an error for invalid YAML.
 */
async function outlineYaml(text: string): Promise<YamlNode> {
  const { parseEvents, EVENT_ID, SCALAR_STYLE, COLLECTION_STYLE } = await import('js-yaml');
  const events = parseEvents(text, { maxDepth: 50 });
  // The first event opens the document.
  let at = 1;

  function read(): YamlNode {
    const event = events[at];
    at += 1;
    if (event?.type === EVENT_ID.SCALAR) return scalar(event);
    if (event?.type === EVENT_ID.MAPPING) {
      const pairs = readPairs();
      const form = event.style === COLLECTION_STYLE.FLOW ? 'flow-mapping' : 'mapping';
      return {
        start: event.start,
        end: endOf(
          pairs.flatMap(({ key, value }) => [key, value]),
          event.start,
        ),
        form,
        pairs,
      };
    }
    if (event?.type === EVENT_ID.SEQUENCE) {
      const items: YamlNode[] = [];
      while (!closes(events[at])) items.push(read());
      at += 1;
      return { start: event.start, end: endOf(items, event.start), form: 'other', pairs: [] };
    }
    throw new TypeError('it contains an alias');
  }

  function readPairs(): readonly YamlPair[] {
    const pairs: YamlPair[] = [];
    while (!closes(events[at])) {
      const first = events[at];
      const key = read();
      const name = first?.type === EVENT_ID.SCALAR ? text.slice(first.valueStart, first.valueEnd) : '';
      pairs.push({ key, name, value: read() });
    }
    at += 1;
    return pairs;
  }

  function closes(event: Event | undefined): boolean {
    return event === undefined || event.type === EVENT_ID.POP;
  }

  function scalar(event: ScalarEvent): YamlNode {
    const { valueStart, valueEnd, anchorStart, anchorEnd, tagStart, tagEnd, style } = event;
    const quote = style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED ? 1 : 0;
    const starts = [valueStart - quote, anchorStart, tagStart].filter((offset) => offset >= 0);
    const block = style === SCALAR_STYLE.LITERAL_BLOCK || style === SCALAR_STYLE.FOLDED_BLOCK;
    return {
      start: starts.length === 0 ? -1 : Math.min(...starts),
      end: Math.max(valueEnd + quote, anchorEnd, tagEnd),
      form: block ? 'block' : 'line',
      pairs: [],
    };
  }

  return read();
}

function endOf(nodes: readonly YamlNode[], start: number): number {
  return nodes.reduce((end, node) => Math.max(end, node.end), start);
}

/** Replaces the text from `start` to `end` with `text`. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The text of a task file with new values for some of its keys. Every other byte is unchanged: other keys keep their form,
 * and comments are kept except inside a replaced value. New keys are appended. Undefined if more would have to change,
 * such as with keys that are not at column 0: the result is parsed again and must contain exactly the changes.
 * @throws an error for invalid YAML.
 */
export async function editTask(text: string, changes: TaskValues): Promise<string | undefined> {
  const before = await parseTask(text);
  const root = await outlineYaml(text);
  if (!isPlain(root, text)) return undefined;
  const edits: Edit[] = [];
  let added = '';
  for (const [key, value] of Object.entries(changes)) {
    const index = root.pairs.findIndex(({ name }) => name === key);
    const pair = root.pairs[index];
    const entry = withLineEnds(await formatTask({ [key]: value }), text);
    if (pair === undefined) added += entry;
    else
      edits.push(...(editMapping(pair.value, before[key], value, text) ?? [editEntry(pair, index, root, entry, text)]));
  }
  const last = root.pairs.length - 1;
  if (added !== '') {
    const end = contentEnd(root, last, text);
    edits.push({ start: end, end, text: (text[end - 1] === '\n' ? '' : lineEnd(text)) + added });
  }
  return checked(apply(text, edits), { ...before, ...changes });
}

/**
 * The text of a new task file with the value of one key as written in another file, or the text unchanged if that would
 * give another value.
 */
export async function copyEntry(text: string, key: string, from: string): Promise<string> {
  const [source, target] = [await outlineYaml(from), await outlineYaml(text)];
  const [at, to] = [source, target].map(({ pairs }) => pairs.findIndex(({ name }) => name === key));
  const [pair, own] = [source.pairs[at ?? -1], target.pairs[to ?? -1]];
  if (at === undefined || to === undefined || pair === undefined || own === undefined) return text;
  if (!isPlain(source, from)) return text;
  const entry = from.slice(entryStart(pair, from), contentEnd(source, at, from));
  const written = entry.endsWith('\n') ? entry : `${entry}\n`;
  const edit = { start: own.key.start, end: contentEnd(target, to, text), text: written };
  return (await checked(apply(text, [edit]), await parseTask(text))) ?? text;
}

/** Whether each key begins a line, so that the text between two keys is the value of the first. */
function isPlain({ form, pairs }: YamlNode, text: string): boolean {
  return form === 'mapping' && pairs.every(({ key }) => key.start >= 0 && /^(?:\? *)?$/.test(indentOf(key, text)));
}

/** A long key has a question mark in front. */
function entryStart({ key }: YamlPair, text: string): number {
  return key.start - indentOf(key, text).length;
}

/** The text before a node on its line, without a byte-order mark. */
function indentOf({ start }: YamlNode, text: string): string {
  return text.slice(text.lastIndexOf('\n', start - 1) + 1, start).replace(/^\uFEFF/, '');
}

/** The whole entry. A value on one line keeps its trailing comment. */
function editEntry(pair: YamlPair, index: number, root: YamlNode, entry: string, text: string): Edit {
  const start = entryStart(pair, text);
  const line = entry.trimEnd();
  if (pair.value.form === 'line' && !line.includes('\n')) return { start, end: endOfValue(pair, text), text: line };
  return { start, end: contentEnd(root, index, text), text: entry };
}

function endOfValue({ key, value }: YamlPair, text: string): number {
  return value.start < 0 ? text.indexOf(':', key.end) + 1 : value.end;
}

/** The end of an entry's last line, before comments, empty lines and the end of the document. */
function contentEnd({ pairs }: YamlNode, index: number, text: string): number {
  const [pair, next] = [pairs[index], pairs[index + 1]];
  if (pair === undefined) return text.length;
  const end = next === undefined ? text.length : entryStart(next, text);
  let at = Math.max(pair.key.end, pair.value.end);
  if (text[at - 1] !== '\n') at = afterLine(text, at, end);
  let content = at;
  while (at < end) {
    const after = afterLine(text, at, end);
    if (!/^(?:[ \t]*(?:#.*)?|\.\.\..*)\r?\n?$/.test(text.slice(at, after))) content = after;
    at = after;
  }
  return content;
}

function afterLine(text: string, at: number, end: number): number {
  const newline = text.indexOf('\n', at);
  return newline < 0 || newline >= end ? end : newline + 1;
}

/**
 * Edits a mapping of plain values one by one, so that its other keys keep their form too; undefined for other mappings.
 */
function editMapping(node: YamlNode, before: unknown, after: unknown, text: string): readonly Edit[] | undefined {
  if (!isMapping(before) || !isMapping(after) || !node.form.endsWith('mapping')) return undefined;
  const edits: Edit[] = [];
  const added: string[] = [];
  for (const [key, value] of Object.entries(after)) {
    if (Object.hasOwn(before, key) && isDeepStrictEqual(before[key], value)) continue;
    if (typeof value !== 'number' && typeof value !== 'string') return undefined;
    const pair = node.pairs.find(({ name }) => name === key);
    if (pair === undefined) added.push(`${key}: ${value}`);
    else if (pair.value.form !== 'line') return undefined;
    else if (pair.value.start >= 0) edits.push({ start: pair.value.start, end: pair.value.end, text: String(value) });
    else edits.push({ start: endOfValue(pair, text), end: endOfValue(pair, text), text: ` ${value}` });
  }
  if (added.length === 0) return edits;
  const [first] = node.pairs;
  if (node.form === 'flow-mapping') {
    const start = node.start + 1;
    edits.push({ start, end: start, text: added.join(', ') + (first === undefined ? '' : ', ') });
    return edits;
  }
  const indent = first === undefined ? '' : indentOf(first.key, text);
  if (first === undefined || !/^ +$/.test(indent)) return undefined;
  const lines = added.map((line) => line + lineEnd(text) + indent).join('');
  return [...edits, { start: first.key.start, end: first.key.start, text: lines }];
}

function apply(text: string, edits: readonly Edit[]): string {
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((so, edit) => so.slice(0, edit.start) + edit.text + so.slice(edit.end), text);
}

async function checked(text: string, expected: TaskValues): Promise<string | undefined> {
  try {
    return isDeepStrictEqual(await parseTask(text), expected) ? text : undefined;
  } catch {
    return undefined;
  }
}

function lineEnd(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function withLineEnds(entry: string, text: string): string {
  return entry.replaceAll('\n', lineEnd(text));
}
