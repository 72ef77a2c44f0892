import type * as Yaml from 'js-yaml';
import type { Event, ScalarEvent } from 'js-yaml';
import { type DiagnosticCode, quote, type DiagnosticCollector } from '../diagnostics.ts';
import type { YamlType } from '../kinds/declaration.ts';
import type { Span } from '../position.ts';
import { addPlaceholder, choose, isPlaceholder, readTerm, reportTerm } from './values.ts';

/** What a yaml block may hold at most: characters, values, and levels of nesting. Estimates and evidence need a hundredth. */
const limits = { characters: 64 * 1024, values: 2000, depth: 8 };

const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype', '<<']);

/** A yaml value with its place. Only what registries use: no anchors, aliases, tags or merge keys. */
export type YamlValue = YamlScalar | YamlSequence | YamlMapping;

/** Its place is that of the whole notation, quotes included; one that is absent has an empty place behind the colon. */
export interface YamlScalar extends Span {
  readonly type: 'scalar';
  readonly text: string;
  /** Written without quotes, so that `8` is a number and `null` or nothing is no value. */
  readonly plain: boolean;
}

/** The place of a collection in brackets includes both. */
export interface YamlSequence extends Span {
  readonly type: 'sequence';
  /** Written in brackets. */
  readonly flow: boolean;
  readonly items: readonly YamlValue[];
}

export interface YamlMapping extends Span {
  readonly type: 'mapping';
  readonly entries: readonly YamlEntry[];
}

export interface YamlEntry {
  readonly key: YamlScalar;
  readonly value: YamlValue;
}

export interface YamlFault {
  readonly code: DiagnosticCode;
  readonly span: Span;
  readonly message: string;
}

export type YamlReading =
  | { readonly type: 'mapping'; readonly value: YamlMapping | undefined }
  | { readonly type: 'fault'; readonly fault: YamlFault };

let loaded: typeof Yaml | undefined;

/** Loaded at the first block that needs it, and at once, since reading is synchronous: its start costs more than most registries. */
function loadYaml(): typeof Yaml {
  if (loaded === undefined) {
    const found: unknown = process.getBuiltinModule('node:module').createRequire(import.meta.url)('js-yaml');
    if (!isYaml(found)) throw new TypeError('js-yaml cannot be loaded.');
    loaded = found;
  }
  return loaded;
}

function isYaml(found: unknown): found is typeof Yaml {
  return typeof found === 'object' && found !== null && 'parseEvents' in found;
}

/** Reads any yaml block by js-yaml, the reference. */
export function readAnyYaml(text: string, content: Span): YamlReading {
  const yaml = loadYaml();
  const source = text.slice(content.start, content.end);
  let events: readonly Event[];
  try {
    events = yaml.parseEvents(source, { maxDepth: limits.depth });
  } catch (error) {
    return fault('yaml-syntax', faultSpan(yaml, error, content), `This is not valid YAML: ${reasonOf(yaml, error)}.`);
  }
  return composeMapping(yaml, source, content, events);
}

function fault(code: DiagnosticCode, span: Span, message: string): YamlReading {
  return { type: 'fault', fault: { code, span, message } };
}

function composeMapping(yaml: typeof Yaml, source: string, content: Span, events: readonly Event[]): YamlReading {
  if (events.length > limits.values)
    return fault('too-complex', content, `This yaml block holds more than ${limits.values} values.`);
  if (events.filter((event) => event.type === yaml.EVENT_DOCUMENT).length > 1) {
    return fault('yaml-syntax', content, 'This yaml block holds more than one document.');
  }
  const composer = createComposer(yaml, source, content.start, events);
  const root = composer.next();
  const unsafe = composer.unsafe();
  if (unsafe !== undefined) return { type: 'fault', fault: unsafe };
  if (root === undefined || (root.type === 'scalar' && root.text === '')) return { type: 'mapping', value: undefined };
  if (root.type !== 'mapping') return fault('value-type', root, 'A mapping of keys to values is expected here.');
  return { type: 'mapping', value: root };
}

function createComposer(yaml: typeof Yaml, source: string, base: number, events: readonly Event[]) {
  let at = 0;
  let last: Span = { start: base, end: base };
  let unsafe: YamlFault | undefined;

  function refuse(span: Span, message: string): void {
    unsafe ??= { code: 'yaml-unsafe', span, message };
  }

  function next(): YamlValue | undefined {
    const event = events[at++];
    if (event === undefined || event.type === yaml.EVENT_POP) return undefined;
    if (event.type === yaml.EVENT_DOCUMENT) return next();
    if (event.type === yaml.EVENT_ALIAS) {
      last = { start: base + event.anchorStart - 1, end: base + event.anchorEnd };
      refuse(last, 'Aliases are not allowed.');
      return { type: 'scalar', ...last, text: '', plain: true };
    }
    if (event.anchorStart !== -1)
      refuse({ start: base + event.anchorStart, end: base + event.anchorEnd }, 'Anchors are not allowed.');
    if (event.tagStart !== -1)
      refuse({ start: base + event.tagStart, end: base + event.tagEnd }, 'Tags are not allowed.');
    if (event.type === yaml.EVENT_SCALAR) {
      const isAbsent = event.valueStart < 0;
      last = isAbsent ? absent(source, base, last.end) : writtenAs(yaml, source, base, event, last.end);
      const text = isAbsent ? '' : yaml.getScalarValue(source, event);
      return { type: 'scalar', ...last, text, plain: event.style === yaml.SCALAR_STYLE_PLAIN };
    }
    const start = base + event.start;
    return event.type === yaml.EVENT_SEQUENCE
      ? sequence(start, event.style === yaml.COLLECTION_STYLE_FLOW)
      : mapping(start);
  }

  function sequence(start: number, flow: boolean): YamlSequence {
    const items: YamlValue[] = [];
    for (let item = next(); item !== undefined; item = next()) items.push(item);
    return { type: 'sequence', flow, ...collection(start, '['), items };
  }

  function mapping(start: number): YamlMapping {
    const entries: YamlEntry[] = [];
    for (let key = next(); key !== undefined; key = next()) {
      const value = next();
      if (value === undefined) break;
      if (key.type !== 'scalar') refuse(key, 'A key must be a plain word.');
      else if (forbiddenKeys.has(key.text)) refuse(key, `The key ${quote(key.text)} is not allowed.`);
      else entries.push({ key, value });
    }
    return { type: 'mapping', ...collection(start, '{'), entries };
  }

  /** The place of the collection whose values have all been taken. */
  function collection(start: number, bracket: '[' | '{'): Span {
    const end = Math.max(start, last.end);
    last = { start, end: source[start - base] === bracket ? closing(source, base, Math.max(start + 1, end)) : end };
    return last;
  }

  return { next, unsafe: () => unsafe };
}

/**
 * A scalar as it is written, with its quotes or with the sign of a block. The events of js-yaml have the place of what
 * stands inside, and for a block the line end behind it too.
 */
function writtenAs(yaml: typeof Yaml, source: string, base: number, event: ScalarEvent, after: number): Span {
  const { style, valueStart, valueEnd } = event;
  if (style === yaml.SCALAR_STYLE_PLAIN) return { start: base + valueStart, end: base + valueEnd };
  if (style === yaml.SCALAR_STYLE_SINGLE_QUOTED || style === yaml.SCALAR_STYLE_DOUBLE_QUOTED)
    return { start: base + valueStart - 1, end: base + valueEnd + 1 };
  const start = pastComments(source, after - base, '|>');
  return { start: base + start, end: base + start + Math.max(1, source.slice(start, valueEnd).trimEnd().length) };
}

/** Where an absent value would be written: behind the colon of its key, or else behind what stands before it. */
function absent(source: string, base: number, after: number): Span {
  let at = after - base;
  while (source[at] === ' ' || source[at] === '\t') at += 1;
  const offset = source[at] === ':' ? base + at + 1 : after;
  return { start: offset, end: offset };
}

/** Behind the bracket that ends a collection whose last value ends at `after`: only signs and comments stand between. */
function closing(source: string, base: number, after: number): number {
  return base + Math.min(pastComments(source, after - base, ']}') + 1, source.length);
}

/** The first of some signs that stands in no comment. */
function pastComments(source: string, from: number, signs: string): number {
  let at = from;
  for (; at < source.length && !signs.includes(source.charAt(at)); at += 1) {
    if (source[at] === '#')
      while (at + 1 < source.length && source[at + 1] !== '\n' && source[at + 1] !== '\r') at += 1;
  }
  return at;
}

function reasonOf(yaml: typeof Yaml, error: unknown): string {
  return error instanceof yaml.YAMLException ? error.reason : 'it cannot be parsed';
}

function faultSpan(yaml: typeof Yaml, error: unknown, content: Span): Span {
  const position = error instanceof yaml.YAMLException ? error.mark?.position : undefined;
  if (position === undefined) return content;
  const start = Math.min(content.start + position, content.end);
  return { start, end: start };
}

/** `key:`, then nothing, a word or words without any sign of YAML, or text in double quotes without escapes; then a comment. */
const entryPattern =
  /^(?<indent> *)(?:(?<dash>- )|(?<key>[A-Za-z_][A-Za-z0-9_-]{0,99}):(?: +|$))(?:(?<words>[A-Za-z0-9][A-Za-z0-9._%/-]*(?: [A-Za-z0-9._%/-]+)*)|"(?<quoted>[ !#-[\]-~\u00A0-\u2027\u202A-\uD7FF]*)")?(?<comment>(?:^| +)#[ -~\u00A0-\u2027\u202A-\uD7FF]*)?$/;

const blank = /^ *(?:#[ -~\u00A0-\u2027\u202A-\uD7FF]*)?$/;

interface Line {
  readonly indent: number;
  readonly dash: number | undefined;
  readonly key: YamlScalar | undefined;
  /** Undefined where nothing stands behind the key. */
  readonly value: YamlScalar | undefined;
}

/**
 * Reads a yaml block in the form that registries have in practice: keys at column 0 with one word, number or text each,
 * or with a list of texts or names with texts indented below. The same values and places as js-yaml, which is not even
 * loaded for it. Undefined for any other block.
 */
export function readPlainYaml(text: string, content: Span): YamlMapping | undefined {
  const lines = readLines(text, content);
  if (lines === undefined || lines[0]?.key === undefined || lines.length > limits.values / 4) return undefined;
  const entries: YamlEntry[] = [];
  let end = content.start;
  for (let at = 0; at < lines.length;) {
    const line = lines[at];
    at += 1;
    if (line?.key === undefined || line.indent !== 0) return undefined;
    const below: Line[] = [];
    for (let next = lines[at]; next !== undefined && next.indent > 0; next = lines[at]) {
      below.push(next);
      at += 1;
    }
    const value = valueOf(line.key, line.value, below);
    if (value === undefined) return undefined;
    entries.push({ key: line.key, value });
    end = value.end;
  }
  return { type: 'mapping', start: lines[0].key.start, end, entries };
}

function valueOf(key: YamlScalar, value: YamlScalar | undefined, below: readonly Line[]): YamlValue | undefined {
  const [first] = below;
  if (first === undefined)
    return value ?? { type: 'scalar', start: key.end + 1, end: key.end + 1, text: '', plain: true };
  if (value !== undefined || below.some(({ indent }) => indent !== first.indent)) return undefined;
  if (first.dash !== undefined) {
    const items = below.flatMap((line) => (line.dash !== undefined && line.value !== undefined ? [line.value] : []));
    const end = items.at(-1)?.end;
    return items.length === below.length && end !== undefined
      ? { type: 'sequence', flow: false, start: first.dash, end, items }
      : undefined;
  }
  const entries = below.flatMap((line) =>
    line.key !== undefined && line.value !== undefined ? [{ key: line.key, value: line.value }] : [],
  );
  const end = entries.at(-1)?.value.end;
  return entries.length === below.length && first.key !== undefined && end !== undefined
    ? { type: 'mapping', start: first.key.start, end, entries }
    : undefined;
}

function readLines(text: string, content: Span): readonly Line[] | undefined {
  const lines: Line[] = [];
  for (let start = content.start; start < content.end;) {
    const feed = text.indexOf('\n', start);
    const stop = feed === -1 || feed >= content.end ? content.end : feed;
    let end = text.charAt(stop - 1) === '\r' && feed === stop ? stop - 1 : stop;
    while (end > start && text.charAt(end - 1) === ' ') end -= 1;
    const raw = text.slice(start, end);
    if (!blank.test(raw)) {
      const line = readLine(raw, start);
      if (line === undefined) return undefined;
      lines.push(line);
    }
    start = stop + 1;
  }
  return lines;
}

function readLine(raw: string, start: number): Line | undefined {
  const groups = entryPattern.exec(raw)?.groups;
  if (groups === undefined || forbiddenKeys.has(groups['key'] ?? '')) return undefined;
  const { indent = '', dash, key, words, quoted, comment = '' } = groups;
  const at = start + indent.length;
  const written = words ?? quoted;
  const end = start + raw.length - comment.length;
  const marks = quoted === undefined ? 0 : 2;
  return {
    indent: indent.length,
    dash: dash === undefined ? undefined : at,
    key: key === undefined ? undefined : { type: 'scalar', start: at, end: at + key.length, text: key, plain: true },
    value:
      written === undefined
        ? undefined
        : { type: 'scalar', start: end - written.length - marks, end, text: written, plain: words !== undefined },
  };
}

/**
 * Reads a yaml block as a mapping with places. Undefined where it is empty; a fault where it is no plain mapping. Never
 * throws. Two front ends, as for outlines: one for the form that registries have, and js-yaml for everything else.
 */
export function readYaml(text: string, content: Span): YamlReading {
  if (content.end - content.start > limits.characters) {
    const message = `This yaml block is larger than ${limits.characters} characters.`;
    return { type: 'fault', fault: { code: 'too-complex', span: content, message } };
  }
  const value = readPlainYaml(text, content);
  return value === undefined ? readAnyYaml(text, content) : { type: 'mapping', value };
}

export type PlainYamlValue = string | number | readonly string[] | Readonly<Record<string, string>>;

/** Where the value of a key that stands twice in a mapping goes. */
export type KeepRepeated = (key: string, value: YamlValue) => void;

/** A yaml value as its type has it; undefined where it is absent or wrong, which is reported. */
export function readYamlValue(
  value: YamlValue,
  type: YamlType,
  report: DiagnosticCollector,
  keep: KeepRepeated,
): PlainYamlValue | undefined {
  if (isNothing(value)) return undefined;
  if (reportUnfilled(value, type, report)) return undefined;
  switch (type.type) {
    case 'number':
      return numberValue(value, type.minimum, type.maximum, report);
    case 'term': {
      const scalar = scalarOf(value);
      return scalar === undefined
        ? wrong(value, 'One word', report)
        : reportTerm(scalar, readTerm(scalar.text, type), type, report);
    }
    case 'text': {
      const scalar = scalarOf(value);
      return scalar === undefined ? wrong(value, 'Text', report) : scalar.text;
    }
    case 'texts':
      return textsValue(value, report);
    case 'text-map':
      return textMapValue(value, report, keep);
  }
}

function numberValue(
  value: YamlValue,
  minimum: number,
  maximum: number,
  report: DiagnosticCollector,
): number | undefined {
  const scalar = scalarOf(value);
  if (scalar === undefined || !scalar.plain || !/^[-+]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})$/.test(scalar.text)) {
    return wrong(value, `A number from ${minimum} to ${maximum}`, report);
  }
  const number = Number(scalar.text);
  if (number >= minimum && number <= maximum) return number;
  report.add('value-range', value, {
    message: `${scalar.text} is outside the range ${minimum} to ${maximum}.`,
    hint: `Write a number from ${minimum} to ${maximum}.`,
  });
  return undefined;
}

function textsValue(value: YamlValue, report: DiagnosticCollector): readonly string[] | undefined {
  if (value.type !== 'sequence') return wrong(value, 'A list of texts', report);
  const texts = value.items.flatMap((item) => textValue(item, report) ?? []);
  return texts.length === 0 && value.items.length > 0 ? undefined : texts;
}

function textMapValue(
  value: YamlValue,
  report: DiagnosticCollector,
  keep: KeepRepeated,
): Readonly<Record<string, string>> | undefined {
  if (value.type !== 'mapping') return wrong(value, 'A mapping of names to texts', report);
  const texts = new Map<string, string | undefined>();
  for (const entry of value.entries) {
    const key = entry.key.text;
    if (texts.has(key)) {
      reportRepeatedKey(entry.key, report);
      keep(key, entry.value);
    } else texts.set(key, textValue(entry.value, report));
  }
  const stated = [...texts].flatMap(([key, text]) => (text === undefined ? [] : [[key, text] as const]));
  return stated.length === 0 && texts.size > 0 ? undefined : Object.fromEntries(stated);
}

function textValue(value: YamlValue, report: DiagnosticCollector): string | undefined {
  if (reportUnfilled(value, { type: 'text' }, report)) return undefined;
  return value.type === 'scalar' ? value.text : wrong(value, 'Text', report);
}

/** A key that stands twice in one mapping, wherever that is. */
export function reportRepeatedKey(key: YamlScalar, report: DiagnosticCollector): void {
  report.add('yaml-key-repeated', key, {
    message: `The key ${quote(key.text)} stands twice; the first value counts.`,
  });
}

function wrong(value: YamlValue, expected: string, report: DiagnosticCollector): undefined {
  report.add('value-type', value, { message: `${expected} is expected here.`, ...hintFor(value) });
}

function hintFor(value: YamlValue): { readonly hint?: string } {
  return value.type === 'scalar' && !value.plain
    ? { hint: `Write ${quote(value.text)} without quotation marks if it is meant.` }
    : {};
}

/** `[high]` is a sequence to YAML and a term in brackets to people. */
function scalarOf(value: YamlValue): YamlScalar | undefined {
  if (value.type === 'scalar') return value;
  const [only, ...more] = value.type === 'sequence' ? value.items : [];
  return only?.type === 'scalar' && more.length === 0 ? { ...only, start: value.start, end: value.end } : undefined;
}

/** No value, `null` or `~`. */
export function isNothing(value: YamlValue): boolean {
  return value.type === 'scalar' && value.plain && (value.text === '' || value.text === '~' || value.text === 'null');
}

/** Whether a value is a placeholder: `[critical|high]`, which is a sequence to YAML, `"[a|b]"`, or `[1-10]` for a number. */
function reportUnfilled(value: YamlValue, type: YamlType, report: DiagnosticCollector): boolean {
  const only = scalarOf(value);
  if (only === undefined) return false;
  const isRange = type.type === 'number' && /^[\d.]+ ?- ?[\d.]+$/.test(only.text);
  const isBracketed = value.type === 'sequence' && value.flow && only.plain;
  if (!(isBracketed ? isRange || only.text.includes('|') : isPlaceholder(only.text))) return false;
  const text = isBracketed ? `[${only.text}]` : only.text;
  addPlaceholder(text, value, report, type.type === 'term' ? choose(type) : undefined);
  return true;
}
