import type * as Yaml from 'js-yaml';
import type { Event, ScalarEvent } from 'js-yaml';
import { type DiagnosticCode, quote } from '../diagnostics.ts';
import type { Span } from '../position.ts';

/** The limits of a yaml block: characters, values, levels of nesting. Estimates and evidence need a hundredth of them. */
export const limits = { characters: 64 * 1024, values: 2000, depth: 8 };

export const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype', '<<']);

/** A yaml value with its place. Anchors, aliases, tags and merge keys are not supported. */
export type YamlValue = YamlScalar | YamlSequence | YamlMapping;

/** Its place is that of the whole notation, including quotes. A missing value has an empty place after the colon. */
export interface YamlScalar extends Span {
  readonly type: 'scalar';
  readonly text: string;
  /** Written without quotes, so that `8` is a number, and `null` or nothing means that there is no value. */
  readonly plain: boolean;
}

/** The place of a collection in brackets includes the brackets. */
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

/** Loads js-yaml when the first block needs it, since that takes longer than reading most registries; synchronously, as reading is. */
function loadYaml(): typeof Yaml {
  if (loaded === undefined) {
    const found: unknown = process.getBuiltinModule('node:module').createRequire(import.meta.url)('js-yaml');
    if (!isYaml(found)) throw new TypeError('Cannot load js-yaml.');
    loaded = found;
  }
  return loaded;
}

function isYaml(found: unknown): found is typeof Yaml {
  return typeof found === 'object' && found !== null && 'parseEvents' in found;
}

/** Reads any yaml block with js-yaml, the reference. */
export function readAnyYaml(text: string, content: Span): YamlReading {
  const yaml = loadYaml();
  const source = text.slice(content.start, content.end);
  let events: readonly Event[];
  try {
    events = yaml.parseEvents(source, { maxDepth: limits.depth });
  } catch (error) {
    return fault('yaml-syntax', faultSpan(yaml, error, content), `Invalid YAML: ${reasonOf(yaml, error)}.`);
  }
  return composeMapping(yaml, source, content, events);
}

function fault(code: DiagnosticCode, span: Span, message: string): YamlReading {
  return { type: 'fault', fault: { code, span, message } };
}

function composeMapping(yaml: typeof Yaml, source: string, content: Span, events: readonly Event[]): YamlReading {
  if (events.length > limits.values)
    return fault('too-complex', content, `This yaml block has more than ${limits.values} values.`);
  if (events.filter((event) => event.type === yaml.EVENT_DOCUMENT).length > 1) {
    return fault('yaml-syntax', content, 'This yaml block has more than one document.');
  }
  const composer = createComposer(yaml, source, content.start, events);
  const root = composer.next();
  const unsafe = composer.unsafe();
  if (unsafe !== undefined) return { type: 'fault', fault: unsafe };
  if (root === undefined || (root.type === 'scalar' && root.text === '')) return { type: 'mapping', value: undefined };
  if (root.type !== 'mapping') return fault('value-type', root, 'Expected a mapping of keys to values.');
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
      if (key.type !== 'scalar') refuse(key, 'A key must be a scalar, not a list or a mapping.');
      else if (forbiddenKeys.has(key.text)) refuse(key, `The key ${quote(key.text)} is not allowed.`);
      else entries.push({ key, value });
    }
    return { type: 'mapping', ...collection(start, '{'), entries };
  }

  /** The place of a collection after all its values have been read. */
  function collection(start: number, bracket: '[' | '{'): Span {
    const end = Math.max(start, last.end);
    last = { start, end: source[start - base] === bracket ? closing(source, base, Math.max(start + 1, end)) : end };
    return last;
  }

  return { next, unsafe: () => unsafe };
}

/**
 * The place of a scalar as written, with its quotes or its block indicator. The events of js-yaml give the place of the
 * text inside, and for a block scalar include the line end after it.
 */
function writtenAs(yaml: typeof Yaml, source: string, base: number, event: ScalarEvent, after: number): Span {
  const { style, valueStart, valueEnd } = event;
  if (style === yaml.SCALAR_STYLE_PLAIN) return { start: base + valueStart, end: base + valueEnd };
  if (style === yaml.SCALAR_STYLE_SINGLE_QUOTED || style === yaml.SCALAR_STYLE_DOUBLE_QUOTED)
    return { start: base + valueStart - 1, end: base + valueEnd + 1 };
  const start = pastComments(source, after - base, '|>');
  return { start: base + start, end: base + start + Math.max(1, source.slice(start, valueEnd).trimEnd().length) };
}

/** Where a missing value would be written: after the colon of its key, otherwise after the previous value. */
function absent(source: string, base: number, after: number): Span {
  let at = after - base;
  while (source[at] === ' ' || source[at] === '\t') at += 1;
  const offset = source[at] === ':' ? base + at + 1 : after;
  return { start: offset, end: offset };
}

/** The offset after the bracket that closes a collection whose last value ends at `after`: only punctuation and comments come between. */
function closing(source: string, base: number, after: number): number {
  return base + Math.min(pastComments(source, after - base, ']}') + 1, source.length);
}

/** The offset of the first of some characters that is not in a comment. */
function pastComments(source: string, from: number, signs: string): number {
  let at = from;
  for (; at < source.length && !signs.includes(source.charAt(at)); at += 1) {
    if (source[at] === '#')
      while (at + 1 < source.length && source[at + 1] !== '\n' && source[at + 1] !== '\r') at += 1;
  }
  return at;
}

function reasonOf(yaml: typeof Yaml, error: unknown): string {
  return error instanceof yaml.YAMLException ? error.reason : 'cannot be parsed';
}

function faultSpan(yaml: typeof Yaml, error: unknown, content: Span): Span {
  const position = error instanceof yaml.YAMLException ? error.mark?.position : undefined;
  if (position === undefined) return content;
  const start = Math.min(content.start + position, content.end);
  return { start, end: start };
}
