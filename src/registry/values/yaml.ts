import {
  COLLECTION_STYLE_FLOW,
  EVENT_ALIAS,
  EVENT_DOCUMENT,
  EVENT_POP,
  EVENT_SCALAR,
  EVENT_SEQUENCE,
  type Event,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE_PLAIN,
  YAMLException,
} from 'js-yaml';
import type { DiagnosticCode } from '../diagnostics.ts';
import type { Span } from '../place.ts';
import { quote } from '../report.ts';

/** A yaml value with its place. Only what registries use: no anchors, aliases, tags or merge keys. */
export type YamlValue = YamlScalar | YamlSequence | YamlMapping;

export interface YamlScalar extends Span {
  readonly type: 'scalar';
  readonly text: string;
  /** Written without quotes, so that `8` is a number and `null` or nothing is no value. */
  readonly plain: boolean;
}

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

/** What a yaml block may hold at most: characters, values, and levels of nesting. Estimates and evidence need a hundredth. */
const limits = { characters: 64 * 1024, values: 2000, depth: 8 };

const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype', '<<']);

/** Reads a yaml block as a mapping with places. Undefined where it is empty; a fault where it is no plain mapping. Never throws. */
export function readYaml(text: string, content: Span): YamlReading {
  const fault = (code: DiagnosticCode, span: Span, message: string): YamlReading => ({
    type: 'fault',
    fault: { code, span, message },
  });
  if (content.end - content.start > limits.characters) {
    return fault('too-complex', content, `This yaml block is larger than ${limits.characters} characters.`);
  }
  const source = text.slice(content.start, content.end);
  let events: readonly Event[];
  try {
    events = parseEvents(source, { maxDepth: limits.depth });
  } catch (error) {
    return fault('yaml-syntax', faultSpan(error, content), `This is not valid YAML: ${reasonOf(error)}.`);
  }
  return composeMapping(source, content, events, fault);
}

function composeMapping(
  source: string,
  content: Span,
  events: readonly Event[],
  fault: (code: DiagnosticCode, span: Span, message: string) => YamlReading,
): YamlReading {
  if (events.length > limits.values)
    return fault('too-complex', content, `This yaml block holds more than ${limits.values} values.`);
  if (events.filter((event) => event.type === EVENT_DOCUMENT).length > 1) {
    return fault('yaml-syntax', content, 'This yaml block holds more than one document.');
  }
  const composer = createComposer(source, content.start, events);
  const root = composer.next();
  const unsafe = composer.unsafe();
  if (unsafe !== undefined) return { type: 'fault', fault: unsafe };
  if (root === undefined || (root.type === 'scalar' && root.text === '')) return { type: 'mapping', value: undefined };
  if (root.type !== 'mapping') return fault('value-type', root, 'A mapping of keys to values is expected here.');
  return { type: 'mapping', value: root };
}

function createComposer(source: string, base: number, events: readonly Event[]) {
  let at = 0;
  let last: Span = { start: base, end: base };
  let unsafe: YamlFault | undefined;

  function refuse(span: Span, message: string): void {
    unsafe ??= { code: 'yaml-unsafe', span, message };
  }

  function next(): YamlValue | undefined {
    const event = events[at++];
    if (event === undefined || event.type === EVENT_POP) return undefined;
    if (event.type === EVENT_DOCUMENT) return next();
    if (event.type === EVENT_ALIAS) {
      last = { start: base + event.anchorStart - 1, end: base + event.anchorEnd };
      refuse(last, 'Aliases are not allowed.');
      return { type: 'scalar', ...last, text: '', plain: true };
    }
    if (event.anchorStart !== -1)
      refuse({ start: base + event.anchorStart, end: base + event.anchorEnd }, 'Anchors are not allowed.');
    if (event.tagStart !== -1)
      refuse({ start: base + event.tagStart, end: base + event.tagEnd }, 'Tags are not allowed.');
    if (event.type === EVENT_SCALAR) {
      // An absent value has no offsets of its own: it stands where the value before it ended.
      if (event.valueStart < 0) return { type: 'scalar', start: last.end, end: last.end, text: '', plain: true };
      last = { start: base + event.valueStart, end: base + event.valueEnd };
      return {
        type: 'scalar',
        ...last,
        text: getScalarValue(source, event),
        plain: event.style === SCALAR_STYLE_PLAIN,
      };
    }
    const { start } = event;
    return event.type === EVENT_SEQUENCE
      ? sequence(base + start, event.style === COLLECTION_STYLE_FLOW)
      : mapping(base + start);
  }

  function sequence(start: number, flow: boolean): YamlSequence {
    const items: YamlValue[] = [];
    for (let item = next(); item !== undefined; item = next()) items.push(item);
    return { type: 'sequence', flow, start, end: Math.max(start, last.end), items };
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
    return { type: 'mapping', start, end: Math.max(start, last.end), entries };
  }

  return { next, unsafe: () => unsafe };
}

function reasonOf(error: unknown): string {
  return error instanceof YAMLException ? error.reason : 'it cannot be parsed';
}

function faultSpan(error: unknown, content: Span): Span {
  const position = error instanceof YAMLException ? error.mark?.position : undefined;
  if (position === undefined) return content;
  const start = Math.min(content.start + position, content.end);
  return { start, end: start };
}
