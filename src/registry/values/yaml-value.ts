import type { YamlType } from '../kinds/declaration.ts';
import { quote, type Report } from '../report.ts';
import { readTerm } from './term.ts';
import { reportTerm } from './term-report.ts';
import type { YamlScalar, YamlValue } from './yaml.ts';

export type PlainYamlValue = string | number | readonly string[] | Readonly<Record<string, string>>;

/** A yaml value as its type has it; undefined where it is absent or wrong, which is reported. */
export function readYamlValue(value: YamlValue, type: YamlType, report: Report): PlainYamlValue | undefined {
  if (value.type === 'scalar' && isNothing(value)) return undefined;
  if (isUnfilled(value)) {
    report.add('placeholder', value);
    return undefined;
  }
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
      return textMapValue(value, report);
  }
}

function numberValue(value: YamlValue, minimum: number, maximum: number, report: Report): number | undefined {
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

function textsValue(value: YamlValue, report: Report): readonly string[] | undefined {
  if (value.type !== 'sequence') return wrong(value, 'A list of texts', report);
  return value.items.flatMap((item) => (item.type === 'scalar' ? [item.text] : (wrong(item, 'Text', report) ?? [])));
}

function textMapValue(value: YamlValue, report: Report): Readonly<Record<string, string>> | undefined {
  if (value.type !== 'mapping') return wrong(value, 'A mapping of names to texts', report);
  return Object.fromEntries(
    value.entries.flatMap((entry) => {
      if (entry.value.type === 'scalar') return [[entry.key.text, entry.value.text] as const];
      wrong(entry.value, 'Text', report);
      return [];
    }),
  );
}

function wrong(value: YamlValue, expected: string, report: Report): undefined {
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

function isNothing(scalar: YamlScalar): boolean {
  return scalar.plain && (scalar.text === '' || scalar.text === '~' || scalar.text === 'null');
}

/** `[critical|high]` and `[1-10]`: brackets that the template puts around a choice. */
function isUnfilled(value: YamlValue): boolean {
  if (value.type !== 'sequence' || !value.flow) return false;
  const only = scalarOf(value);
  return only?.plain === true && (only.text.includes('|') || /^[\d.]+ ?- ?[\d.]+$/.test(only.text));
}
