import { ProblemsError } from '../../errors.ts';
import { suggest } from '../../util/suggest.ts';
import { quote } from '../diagnostics.ts';
import { blankTitle, headerExample, recordText, sectionExample, yamlExample } from '../kinds/blank.ts';
import type { HeaderType, KindDeclaration, SectionDeclaration, Slot, YamlType } from '../kinds/declaration.ts';
import { propertyName } from '../names.ts';
import { readRegistry } from '../parse/read.ts';
import { itemOf, valueAt } from './edits.ts';
import { yamlText } from './section.ts';

/** A value of a new record: `['severity', 'high']`, `['Impact Assessment.Users Affected', 'all']`. */
export type NewValue = readonly [name: string, value: string];

export interface NewRecordOptions {
  /**
   * What becomes of a required part that is not given: `placeholder`, the default, asks for it with an error until someone fills
   * it in; `omit` leaves it out, which the reader reports as a warning.
   */
  readonly missing?: 'placeholder' | 'omit';
}

/**
 * A record of a kind with these values; what is required and not given stays a placeholder, which the reader reports. A name
 * is `title`, a label, a section, a field or a key as the kind declares it, in any case and with any separators; that of a
 * section and a dot may precede that of a field or key, and must if the name alone means something else too. Values of lists
 * and tags may be given several times.
 * @throws ProblemsError `bad-usage`: an unknown name, a value that the kind does not allow, or text that would be read as
 * something else than this value, such as a marker.
 */
export function newRecord(
  kind: KindDeclaration,
  values: readonly NewValue[],
  { missing = 'placeholder' }: NewRecordOptions = {},
): string {
  const asksForMissing = missing === 'placeholder';
  const slots = slotsOf(kind);
  const given = new Map<string, string[]>();
  for (const [name, value] of values) {
    const { path, isList } = find(slots, name, kind);
    if (!isInSection(path, kind) && /[\r\n]/.test(value.trim()))
      throw new ProblemsError('bad-usage', `${quote(value)} is not one line.`, { hint: `Give ${name} one line.` });
    const known = given.get(path);
    if (known !== undefined && !isList) throw new ProblemsError('bad-usage', `${quote(name)} has two values.`);
    given.set(path, [...(known ?? []), value.replaceAll(/\r\n?/g, '\n').trim()]);
  }
  const header = Object.entries(kind.header).flatMap(([label, slot]) => headerLine(label, slot, given, asksForMissing));
  const sections = Object.entries(kind.sections).flatMap(([title, section]) => {
    // Tags may be in the header or in a section.
    if (Object.hasOwn(kind.header, title)) return [];
    const body = sectionBody(title, section, given, asksForMissing);
    return body === undefined ? [] : [{ title, body }];
  });
  const text = recordText(kind, given.get('title')?.[0] ?? blankTitle, header, sections);
  requireReadAsGiven(text, kind, given);
  return text;
}

interface NamedSlot {
  /** As in `places` of a record. */
  readonly path: string;
  /** In the form that is compared. A name that comes first is meant if several slots have it. */
  readonly names: readonly string[];
  readonly label: string;
  readonly isList: boolean;
}

function slotsOf(kind: KindDeclaration): readonly NamedSlot[] {
  const header = Object.entries(kind.header).map(([label, { value }]) =>
    slotNamed([label], value.type === 'tags' || value.type === 'words'),
  );
  const sections = Object.entries(kind.sections).flatMap(([title, section]) => {
    if (section.holds === 'fields') return Object.keys(section.fields).map((label) => slotNamed([title, label], false));
    if (section.holds !== 'yaml') return [slotNamed([title], section.holds !== 'prose')];
    return Object.entries(section.keys).map(([key, { value }]) =>
      slotNamed([title, key], value.type.startsWith('text')),
    );
  });
  return [slotNamed(['title'], false), ...header, ...sections];
}

function slotNamed(parts: readonly string[], isList: boolean): NamedSlot {
  const [last = ''] = parts.slice(-1);
  return {
    path: parts.map(propertyName).join('.'),
    // `estimates.impact` is short for `Priority Estimates.impact`.
    names: [...new Set([parts.map(compared).join('.'), ...lastWords(parts), compared(last)])],
    label: parts.join('.'),
    isList,
  };
}

function lastWords(parts: readonly string[]): readonly string[] {
  const [title, label] = parts;
  return title === undefined || label === undefined
    ? []
    : [[title.split(' ').at(-1) ?? '', label].map(compared).join('.')];
}

function compared(name: string): string {
  return propertyName(name).toLowerCase();
}

function find(slots: readonly NamedSlot[], name: string, kind: KindDeclaration): NamedSlot {
  const wanted = name.split('.').map(compared).join('.');
  const exact = slots.find(({ names }) => names[0] === wanted);
  const [first, ...others] = exact === undefined ? slots.filter(({ names }) => names.includes(wanted)) : [exact];
  if (first !== undefined && others.length === 0) return first;
  const known = slots.map(({ label }) => label);
  const meant = suggest(name, [...known, ...slots.map(({ label }) => label.split('.').at(-1) ?? '')]);
  throw new ProblemsError(
    'bad-usage',
    first === undefined
      ? `${kind.name} records have no ${quote(name)}.`
      : `${quote(name)} means several values of ${kind.name} records.`,
    {
      hint:
        first !== undefined
          ? `Use one of: ${[first, ...others].map(({ label }) => label).join(', ')}.`
          : meant === undefined
            ? `Use one of: ${known.join(', ')}.`
            : `Did you mean ${meant}?`,
    },
  );
}

type Given = ReadonlyMap<string, readonly string[]>;

function headerLine(label: string, slot: Slot<HeaderType>, given: Given, asksForMissing: boolean): readonly string[] {
  const values = given.get(propertyName(label));
  if (values === undefined)
    return slot.required === true && asksForMissing ? [`**${label}:** ${headerExample(slot)}`] : [];
  return [`**${label}:** ${headerValue(slot.value, values)}`];
}

function headerValue(type: HeaderType, values: readonly string[]): string {
  const words = values.flatMap((value) => value.split(',')).map((word) => word.trim());
  switch (type.type) {
    case 'tags':
      return words.map((word) => `[#${word.replace(/^#/, '')}]`).join(' ');
    case 'words':
      return words.join(', ');
    case 'term':
      return `[${values.join(' ')}]`;
    default:
      return values.join(' ');
  }
}

function sectionBody(
  title: string,
  section: SectionDeclaration,
  given: Given,
  asksForMissing: boolean,
): string | undefined {
  const body = givenBody(propertyName(title), section, given);
  if (body !== '') return body;
  return section.required === true && asksForMissing ? sectionExample(section) : undefined;
}

function givenBody(property: string, section: SectionDeclaration, given: Given): string {
  const own = given.get(property) ?? [];
  switch (section.holds) {
    case 'prose':
      return own.join('\n\n');
    case 'tags':
      return headerValue({ type: 'tags' }, own);
    case 'list':
      return own.map((item, at) => itemOf(section.ordered ? `${at + 1}. ` : '- ', item)).join('\n');
    case 'fields': {
      const fields = Object.keys(section.fields).flatMap((label) => {
        const [value] = given.get(`${property}.${propertyName(label)}`) ?? [];
        return value === undefined ? [] : [`**${label}:** ${value}`];
      });
      return fields.map((field, at) => itemOf(section.ordered === true ? `${at + 1}. ` : '- ', field)).join('\n');
    }
    case 'yaml': {
      const pathOf = (key: string): string => `${property}.${propertyName(key)}`;
      if (!Object.keys(section.keys).some((key) => given.has(pathOf(key)))) return '';
      const lines = Object.entries(section.keys).flatMap(([key, slot]) => {
        const values = given.get(pathOf(key));
        if (values !== undefined) return [`${key}:${yamlValue(slot.value, values)}`];
        return slot.required === true ? [`${key}: ${yamlExample(slot)}`] : [];
      });
      return ['```yaml', ...lines, '```'].join('\n');
    }
  }
}

function yamlValue(type: YamlType, values: readonly string[]): string {
  switch (type.type) {
    case 'texts':
      return values.map((value) => `\n  - ${yamlText(value)}`).join('');
    case 'text-map':
      return values
        .map((value) => {
          const [, name = value, text = ''] = /^([^=]*)=(.*)$/s.exec(value) ?? [];
          return `\n  ${yamlText(name.trim())}: ${yamlText(text.trim())}`;
        })
        .join('');
    case 'text':
      return ` ${yamlText(values.join(' '))}`;
    default:
      // Only a word or a number can be valid, and neither can contain YAML.
      return ` ${/^[\w.'-]+$/.test(values.join(' ')) ? values.join(' ') : yamlText(values.join(' '))}`;
  }
}

/** @throws ProblemsError `bad-usage` if the text, read again, says something else than was given. */
function requireReadAsGiven(text: string, kind: KindDeclaration, given: Given): void {
  const { records, unknown, diagnostics } = readRegistry(text);
  const [record] = records;
  const wrong = diagnostics.find(({ severity, code }) => severity === 'error' && code !== 'placeholder');
  if (wrong !== undefined) throw new ProblemsError('bad-usage', wrong.message, { hint: wrong.hint });
  const isWhole =
    record?.kind === kind.name &&
    records.length + unknown.length === 1 &&
    record.place.offset === 0 &&
    record.place.endOffset === text.trimEnd().length &&
    Object.keys(record.extra).length === 0;
  const misread = [...given].find(
    ([path, values]) =>
      !isWhole || record.places[path] === undefined || !isSaid(valueAt(record, path), values, isInSection(path, kind)),
  );
  const strange =
    isWhole &&
    Object.keys(record.places).some((path) => !path.includes('.') && !given.has(path) && isUnasked(path, kind, given));
  if (isWhole && misread === undefined && !strange) return;
  throw new ProblemsError(
    'bad-usage',
    `${quote(misread?.[1].join(' ') ?? '')} cannot be written: it would be read as something else.`,
    { hint: 'Leave out markers, headings, labels and fences, or write the record by hand.' },
  );
}

function isInSection(path: string, { sections }: KindDeclaration): boolean {
  const [first] = path.split('.');
  return Object.keys(sections).some((title) => propertyName(title) === first);
}

/** Whether a text was read as it was given. Values of other types have been checked when they were read. */
function isSaid(read: unknown, values: readonly string[], isText: boolean): boolean {
  if (typeof read === 'string' && isText) return withoutBreaks(read) === withoutBreaks(values.join(' '));
  return Array.isArray(read) ? read.length > 0 : read !== undefined && read !== '';
}

function withoutBreaks(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** Whether a part of the record was neither given nor required. */
function isUnasked(path: string, kind: KindDeclaration, given: Given): boolean {
  if (path === 'title' || [...given.keys()].some((one) => one.startsWith(`${path}.`))) return false;
  const label = (entries: Readonly<Record<string, { readonly required?: boolean }>>) =>
    Object.entries(entries).some(([name, { required }]) => propertyName(name) === path && required === true);
  return !label(kind.header) && !label(kind.sections);
}
