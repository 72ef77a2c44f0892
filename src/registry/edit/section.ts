import { ProblemsError } from '../../errors.ts';
import { quote } from '../diagnostics.ts';
import type { YamlType } from '../kinds/declaration.ts';
import { propertyName, valueOf } from '../names.ts';
import type { ReadOptions } from '../registry.ts';
import {
  applyEdits,
  confirmed,
  endOfLine,
  findTarget,
  itemOf,
  lineEndOf,
  startOfLine,
  type Target,
  valueAt,
} from './edits.ts';

/**
 * Sets one of the priority estimates of an active record: `setEstimate(text, id, 'success_prob', 0.85)`. Keeps comments
 * and the order of keys; adds a missing key or section.
 * @throws ProblemsError `not-found` for an unknown id, `bad-usage` for an invalid key or value.
 */
export function setEstimate(
  text: string,
  id: string,
  key: string,
  value: number | string,
  options: ReadOptions = {},
): string {
  const title = 'Priority Estimates';
  const target = findTarget(text, id, options);
  const section = target.kind.sections[title];
  const type =
    section?.holds === 'yaml'
      ? Object.entries(section.keys).find(([name]) => propertyName(name) === propertyName(key))
      : undefined;
  if (type === undefined || !fits(value, type[1].value)) {
    throw new ProblemsError(
      'bad-usage',
      `${quote(`${key}: ${value}`)} is not a valid estimate of ${target.kind.name} records.`,
      {
        hint: 'The estimates are impact (1 to 10), urgency, success_prob (0 to 1) and resource_cost.',
      },
    );
  }
  const property = propertyName(title);
  const path = `${property}.${propertyName(key)}`;
  const { places } = target.record;
  const [place, fence] = [places[path], places[property]];
  const eol = lineEndOf(text);
  let after: string;
  if (place !== undefined) {
    const blank = place.offset === place.endOffset && text.charAt(place.offset - 1) === ':' ? ' ' : '';
    after = applyEdits(text, [{ start: place.offset, end: place.endOffset, text: `${blank}${value}` }]);
  } else if (fence === undefined) {
    after = addSection(text, target, title, ['```yaml', `${type[0]}: ${value}`, '```'].join(eol));
  } else {
    const at = startOfLine(text, fence.endOffset);
    after = applyEdits(text, [{ start: at, end: at, text: `${type[0]}: ${value}${eol}` }]);
  }
  return confirmed(target, after, options, (record) => record !== undefined && valueAt(record, path) === value);
}

function fits(value: number | string, type: YamlType): boolean {
  if (type.type === 'number') return typeof value === 'number' && value >= type.minimum && value <= type.maximum;
  return type.type === 'term' && typeof value === 'string' && Object.hasOwn(type.terms, value);
}

/**
 * Sets one field of a section, such as `Attempted Solutions` of `Investigation Status`. Adds a missing field or section.
 * Lines of the value after the first are indented under the item.
 * @throws ProblemsError `not-found` for an unknown id, `bad-usage` for a section or a field that the kind does not have.
 */
export function setField(
  text: string,
  id: string,
  title: string,
  label: string,
  value: string,
  options: ReadOptions = {},
): string {
  const target = findTarget(text, id, options);
  const section = target.kind.sections[title];
  if (section?.holds !== 'fields' || !Object.hasOwn(section.fields, label)) {
    throw new ProblemsError(
      'bad-usage',
      `${target.kind.name} records have no field ${quote(label)} in a section ${quote(title)}.`,
    );
  }
  const eol = lineEndOf(text);
  const lines = value.split(/\r\n|\n|\r/).join(`${eol}  `);
  const path = `${propertyName(title)}.${propertyName(label)}`;
  const [place, whole] = [target.record.places[path], target.record.places[propertyName(title)]];
  let after: string;
  if (place !== undefined) {
    after = applyEdits(text, [
      {
        start: place.offset,
        end: place.endOffset,
        text: `${place.offset === place.endOffset && text.charAt(place.offset - 1) !== ' ' ? ' ' : ''}${lines}`,
      },
    ]);
  } else if (whole === undefined) {
    after = addSection(text, target, title, `- **${label}:** ${lines}`);
  } else {
    const at = endOfLine(text, endOfValues(target, title) ?? whole.endOffset);
    after = applyEdits(text, [{ start: at, end: at, text: `${eol}- **${label}:** ${lines}` }]);
  }
  return confirmed(
    target,
    after,
    options,
    (record) => record !== undefined && valueAt(record, path) === value.replaceAll(/\r\n|\r/g, '\n'),
  );
}

/**
 * Sets the prose of a section, such as `Description`. Adds a missing section.
 * @throws ProblemsError `not-found` for an unknown id, `bad-usage` for a section that does not hold prose, or for text that
 * would be read as something else, such as a heading of a section.
 */
export function setProse(text: string, id: string, title: string, value: string, options: ReadOptions = {}): string {
  const target = findTarget(text, id, options);
  if (target.kind.sections[title]?.holds !== 'prose')
    throw new ProblemsError('bad-usage', `${target.kind.name} records have no prose in a section ${quote(title)}.`);
  const property = propertyName(title);
  const prose = value.trim();
  const body = prose.split(/\r\n|\n|\r/).join(lineEndOf(text));
  const whole = target.record.places[property];
  const after =
    whole === undefined
      ? addSection(text, target, title, body)
      : applyEdits(text, [{ start: whole.offset, end: whole.endOffset, text: body }]);
  return confirmed(
    target,
    after,
    options,
    (record) =>
      record !== undefined && valueAt(record, property) === valueOf(prose, { start: 0, end: prose.length }).text,
  );
}

/**
 * Adds one item at the end of a list section, such as `Investigation Notes`. Adds the section if it is missing.
 * @throws ProblemsError `not-found` for an unknown id, `bad-usage` if the section is not a bullet list or the item is not one line.
 */
export function addItem(text: string, id: string, title: string, item: string, options: ReadOptions = {}): string {
  const target = findTarget(text, id, options);
  const section = target.kind.sections[title];
  if (section?.holds !== 'list' || section.ordered || item === '' || /[\r\n]/.test(item)) {
    throw new ProblemsError(
      'bad-usage',
      `Cannot add this item: ${target.kind.name} records have no bullet list ${quote(title)}, or the item is not one line.`,
    );
  }
  const property = propertyName(title);
  const whole = target.record.places[property];
  const before = valueAt(target.record, property);
  const count = Array.isArray(before) ? before.length : 0;
  let after: string;
  if (whole === undefined) after = addSection(text, target, title, `- ${item}`);
  else {
    const at = endOfLine(text, endOfValues(target, title) ?? whole.endOffset);
    after = applyEdits(text, [{ start: at, end: at, text: `${lineEndOf(text)}- ${item}` }]);
  }
  return confirmed(target, after, options, (record) => {
    const list = record === undefined ? undefined : valueAt(record, property);
    return Array.isArray(list) && list.length === count + 1 && list.at(-1) === item;
  });
}

/**
 * Sets the items of a list section, such as `Reproduction Steps`. Adds a missing section. What follows the list, such as HTML,
 * stays.
 * @throws ProblemsError `not-found` for an unknown id, `bad-usage` if the section does not hold a list, if there are no items,
 * or if the list holds something else than its items.
 */
export function setList(
  text: string,
  id: string,
  title: string,
  items: readonly string[],
  options: ReadOptions = {},
): string {
  const target = findTarget(text, id, options);
  const section = target.kind.sections[title];
  if (section?.holds !== 'list' || items.length === 0 || items.some((item) => item.trim() !== item || item === ''))
    throw new ProblemsError(
      'bad-usage',
      `Cannot set these items: ${target.kind.name} records have no list ${quote(title)}, or an item is empty.`,
    );
  const property = propertyName(title);
  const eol = lineEndOf(text);
  const body = items.map((item, at) => itemOf(section.ordered ? `${at + 1}. ` : '- ', item)).join('\n');
  const whole = target.record.places[property];
  const end = endOfValues(target, title);
  let after: string;
  if (whole === undefined || end === undefined) after = addSection(text, target, title, body.replaceAll('\n', eol));
  else {
    const [start, last] = [startOfLine(text, whole.offset), endOfLine(text, end)];
    if (text.slice(start, last).includes('<!--'))
      throw new ProblemsError('bad-usage', `There is a comment between the items of ${quote(title)}.`);
    after = applyEdits(text, [{ start, end: last, text: body.replaceAll('\n', eol) }]);
  }
  return confirmed(target, after, options, (record) => {
    const list = record === undefined ? undefined : valueAt(record, property);
    const wanted = items.map((item) => valueOf(item, { start: 0, end: item.length }).text);
    return JSON.stringify(list) === JSON.stringify(wanted);
  });
}

/** The end of the last value of a section. What follows it, such as HTML, is not part of the list. */
function endOfValues(target: Target, title: string): number | undefined {
  const prefix = `${propertyName(title)}.`;
  const ends = Object.entries(target.record.places).flatMap(([path, place]) =>
    path.startsWith(prefix) ? [place.endOffset] : [],
  );
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** At the end of the record. */
function addSection(text: string, target: Target, title: string, body: string): string {
  const eol = lineEndOf(text);
  const at = startOfLine(text, target.record.place.endOffset);
  const gap = text.slice(0, at).endsWith(eol + eol) ? '' : eol;
  return applyEdits(text, [{ start: at, end: at, text: `${gap}#### ${title}${eol}${eol}${body}${eol}${eol}` }]);
}

const title = 'Evidence';

const key = 'error_messages';

/**
 * Adds a message before the others under `error_messages` of `Evidence`. Adds a missing key or section. Existing items and
 * their comments stay unchanged.
 * @throws ProblemsError `not-found` for an unknown id, `bad-usage` for a kind without evidence, or for a list in a form to
 * which nothing can be added.
 */
export function addErrorMessage(text: string, id: string, message: string, options: ReadOptions = {}): string {
  const target = findTarget(text, id, options);
  const section = target.kind.sections[title];
  if (section?.holds !== 'yaml' || !Object.hasOwn(section.keys, key))
    throw new ProblemsError('bad-usage', `${target.kind.name} records have no ${quote(key)}.`);
  const property = propertyName(title);
  const path = `${property}.${propertyName(key)}`;
  const { places } = target.record;
  const [place, fence] = [places[path], places[property]];
  const eol = lineEndOf(text);
  const item = yamlText(message);
  let after: string;
  if (fence === undefined) {
    after = addSection(text, target, title, ['```yaml', `${key}:`, `  - ${item}`, '```'].join(eol));
  } else if (place === undefined) {
    const at = startOfLine(text, fence.endOffset);
    after = applyEdits(text, [{ start: at, end: at, text: `${key}:${eol}  - ${item}${eol}` }]);
  } else if (/^(?:null|~)?$/.test(text.slice(place.offset, place.endOffset))) {
    // Keep a comment after the key.
    const at = endOfLine(text, place.endOffset);
    after = applyEdits(text, [
      { start: place.offset, end: place.endOffset, text: '' },
      { start: at, end: at, text: `${eol}  - ${item}` },
    ]);
  } else if (text.charAt(place.offset) === '[') {
    const at = place.offset + 1;
    after = applyEdits(text, [{ start: at, end: at, text: `${item}, ` }]);
  } else {
    const indent = text.slice(startOfLine(text, place.offset), place.offset);
    after = applyEdits(text, [{ start: place.offset, end: place.offset, text: `- ${item}${eol}${indent}` }]);
  }
  const known: unknown = valueAt(target.record, path);
  const wanted = JSON.stringify([message].concat(Array.isArray(known) ? known.map(String) : []));
  return confirmed(
    target,
    after,
    options,
    (record) => record !== undefined && JSON.stringify(valueAt(record, path)) === wanted,
  );
}

/**
 * A quoted YAML scalar of one line that contains neither a fence nor a comment: in double quotes unless single ones save
 * escapes, as formatters write it.
 */
export function yamlText(text: string): string {
  const doubles = text.split('"').length;
  const singles = text.split("'").length;
  if (doubles > singles && /^[^\p{Cc}\p{Zl}\p{Zp}\\`<\uFEFF]*$/u.test(text)) return `'${text.replaceAll("'", "''")}'`;
  return JSON.stringify(text).replaceAll('`', '\\u0060').replaceAll('<', '\\u003c');
}
