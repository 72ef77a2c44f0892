import { type DiagnosticCollector, quote } from '../diagnostics.ts';
import type { YamlType } from '../kinds/declaration.ts';
import type { Span } from '../position.ts';
import { addPlaceholder, choose, isPlaceholder, readTerm, reportTerm } from './values.ts';
import { readPlainYaml } from './yaml-fast.ts';
import { limits, readAnyYaml, type YamlReading, type YamlScalar, type YamlValue } from './yaml.ts';

/**
 * Reads a yaml block as a mapping with places. An empty block has no value, and anything but a mapping is a fault. Never throws. Two
 * front ends, as for outlines: a fast one for the form that registries have, and js-yaml for everything else.
 */
export function readYaml(text: string, content: Span): YamlReading {
  if (content.end - content.start > limits.characters) {
    const message = `This yaml block is larger than ${limits.characters} characters.`;
    return { type: 'fault', fault: { code: 'too-complex', span: content, message } };
  }
  const value = readPlainYaml(text, content);
  if (value !== undefined) return { type: 'mapping', value };
  const reading = readAnyYaml(text, content);
  const source = text.slice(content.start, content.end);
  if (reading.type !== 'fault' || !looksBlank.test(source)) return reading;
  // Every replacement has the length of what it replaces, so places stay right.
  const plain = source.replaceAll(/[\u00A0\u2007\u202F\u3000]/g, ' ').replaceAll(/^([\w ]+)：/gm, '$1:');
  const again = readAnyYaml(text.slice(0, content.start) + plain + text.slice(content.end), content);
  return again.type === 'fault' ? reading : again;
}

/** Blanks and colons that YAML does not take for such. */
const looksBlank = /[\u00A0\u2007\u202F\u3000：]/;

export type PlainYamlValue = string | number | readonly string[] | Readonly<Record<string, string>>;

/** Receives the value of a duplicate key in a mapping. */
export type KeepRepeated = (key: string, value: YamlValue) => void;

/** A yaml value in its type. Undefined if it is missing, and if it is wrong, which is reported. */
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
      if (scalar === undefined) return wrong(value, 'one word', report);
      const reading = readTerm(scalar.text, type);
      // A remark in yaml is a comment.
      const isRemarked = reading.type === 'term' && reading.remark !== undefined;
      return reportTerm(scalar, isRemarked ? { type: 'unknown', nearest: reading.term } : reading, type, report);
    }
    case 'text': {
      const scalar = scalarOf(value);
      return scalar === undefined ? wrong(value, 'text', report) : scalar.text;
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
  if (
    scalar === undefined ||
    !scalar.plain ||
    !/^[-+]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(?:e[-+]?\d{1,2})?$/i.test(scalar.text)
  ) {
    return wrong(value, `a number from ${minimum} to ${maximum}`, report);
  }
  const number = Number(scalar.text);
  if (number >= minimum && number <= maximum) return number;
  report.add('value-range', value, {
    message: `${scalar.text} is not in the range from ${minimum} to ${maximum}.`,
    hint: `Write a number from ${minimum} to ${maximum}.`,
  });
  return undefined;
}

function textsValue(value: YamlValue, report: DiagnosticCollector): readonly string[] | undefined {
  if (value.type !== 'sequence') return wrong(value, 'a list of texts', report);
  const texts = value.items.flatMap((item) => textValue(item, report) ?? []);
  return texts.length === 0 && value.items.length > 0 ? undefined : texts;
}

function textMapValue(
  value: YamlValue,
  report: DiagnosticCollector,
  keep: KeepRepeated,
): Readonly<Record<string, string>> | undefined {
  if (value.type !== 'mapping') return wrong(value, 'a mapping of names to texts', report);
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
  return value.type === 'scalar' ? value.text : wrong(value, 'text', report);
}

/** Reports a duplicate key of a mapping at any level. */
export function reportRepeatedKey(key: YamlScalar, report: DiagnosticCollector): void {
  report.add('yaml-key-repeated', key, {
    message: `Duplicate key ${quote(key.text)}; the first value is used.`,
  });
}

function wrong(value: YamlValue, expected: string, report: DiagnosticCollector): undefined {
  report.add('value-type', value, { message: `Expected ${expected} here.`, ...hintFor(value) });
}

function hintFor(value: YamlValue): { readonly hint?: string } {
  return value.type === 'scalar' && !value.plain
    ? { hint: `If ${quote(value.text)} is the value, write it without quotes.` }
    : {};
}

/** `[high]` is a sequence in YAML, but a term in brackets to its writer. */
function scalarOf(value: YamlValue): YamlScalar | undefined {
  if (value.type === 'scalar') return value;
  const [only, ...more] = value.type === 'sequence' ? value.items : [];
  return only?.type === 'scalar' && more.length === 0 ? { ...only, start: value.start, end: value.end } : undefined;
}

/** No value, `null` or `~`. */
export function isNothing(value: YamlValue): boolean {
  return value.type === 'scalar' && value.plain && (value.text === '' || value.text === '~' || value.text === 'null');
}

/** Whether a value is a placeholder: `[critical|high]`, which is a sequence in YAML, `"[a|b]"`, or `[1-10]` for a number. */
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
