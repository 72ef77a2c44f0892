import { propertyName } from '../names.ts';

/**
 * The form in which kinds are declared. A declaration is plain data; the parser, the TypeScript type, the zod schema, the
 * blank record and the reference page are all derived from it.
 */

/** A closed list. `terms` maps each canonical spelling to its meaning; `aliases` maps other words to canonical spellings. */
export interface TermType<Term extends string = string> {
  readonly type: 'term';
  readonly terms: Readonly<Record<Term, string>>;
  readonly aliases?: Readonly<Record<string, Term>>;
}

/** Text of one or more lines, including inline Markdown. */
export interface TextType {
  readonly type: 'text';
}

/** A calendar date, kept as ISO text: `2025-01-31`, followed by `T14:05` (seconds, zone) if `time` allows it and the file states it. */
export interface DateType {
  readonly type: 'date';
  readonly time: boolean;
}

/** Words separated by commas. */
export interface WordsType {
  readonly type: 'words';
}

/** Tags such as `[#performance] [#reliability]`, kept without brackets and `#`. */
export interface TagsType {
  readonly type: 'tags';
}

/** The record's own id. */
export interface IdType {
  readonly type: 'id';
}

export interface NumberType {
  readonly type: 'number';
  readonly minimum: number;
  readonly maximum: number;
}

/** A yaml sequence of texts. */
export interface TextsType {
  readonly type: 'texts';
}

/** A yaml mapping from names to texts. */
export interface TextMapType {
  readonly type: 'text-map';
}

export type HeaderType = TermType | TextType | DateType | WordsType | TagsType | IdType;

export type YamlType = TermType | TextType | NumberType | TextsType | TextMapType;

/** The type and the description of a header label or a yaml key. */
export interface Slot<Type> {
  readonly value: Type;
  /** One sentence for the reference page and the JSON Schema. */
  readonly about: string;
  /** Whether a record without it gets a diagnostic. A missing value is never invented. */
  readonly required?: boolean;
}

export interface ProseSection {
  readonly holds: 'prose';
  readonly about: string;
  readonly required?: boolean;
}

export interface ListSection {
  readonly holds: 'list';
  readonly ordered: boolean;
  readonly about: string;
  readonly required?: boolean;
}

/** `- **Label:** text` items, usually in an ordered list if `ordered`. */
export interface FieldsSection {
  readonly holds: 'fields';
  readonly ordered?: boolean;
  readonly about: string;
  readonly required?: boolean;
  /** Label → description. Words in brackets are not part of a label, so `MTTR` also matches `MTTR (Mean Time to Resolution)`. */
  readonly fields: Readonly<Record<string, string>>;
}

/** One fenced yaml block. */
export interface YamlSection {
  readonly holds: 'yaml';
  readonly about: string;
  readonly required?: boolean;
  readonly keys: Readonly<Record<string, Slot<YamlType>>>;
}

export interface TagsSection {
  readonly holds: 'tags';
  readonly about: string;
  readonly required?: boolean;
}

export type SectionDeclaration = ProseSection | ListSection | FieldsSection | YamlSection | TagsSection;

export interface KindDeclaration {
  /** As in `record.kind` and `--kind`. */
  readonly name: string;
  /** As in `<!-- EMBED:MARKER:START -->`. */
  readonly marker: string;
  readonly about: string;
  readonly header: Readonly<Record<string, Slot<HeaderType>>>;
  readonly sections: Readonly<Record<string, SectionDeclaration>>;
  /** Keeps undeclared content, such as more `###` headings and sentences between fields, without a diagnostic. */
  readonly freeForm?: boolean;
}

/** A label, title or key of a declaration, and the property it becomes. */
export interface Named<Entry> {
  readonly label: string;
  readonly property: string;
  /** The key in `places`: the property, prefixed with that of its section. */
  readonly path: string;
  readonly entry: Entry;
}

/** Finds the entries of one part of a declaration by their names as people write them. */
export interface Lookup<Entry> {
  readonly all: readonly Named<Entry>[];
  /** Ignores case, dashes and words in brackets: `MTTR (Mean Time to Resolution)` is `MTTR`. */
  find(name: string): Named<Entry> | undefined;
}

export interface KindLookup {
  readonly header: Lookup<Slot<HeaderType>>;
  readonly sections: Lookup<SectionDeclaration>;
}

/** The lookups of a kind, made once for each declaration, since every record needs them. */
export function lookupKind(kind: KindDeclaration): KindLookup {
  return made(kinds, kind, () => ({ header: createLookup(kind.header), sections: createLookup(kind.sections) }));
}

/** The fields of a section that becomes `property`. `A` also finds `A → B`. */
export function lookupFields(section: FieldsSection, property: string): Lookup<string> {
  const lookups = made(fields, section, () => new Map<string, Lookup<string>>());
  return made(lookups, property, () => createLookup(section.fields, `${property}.`));
}

export function lookupKeys(section: YamlSection, property: string): Lookup<Slot<YamlType>> {
  const lookups = made(keys, section, () => new Map<string, Lookup<Slot<YamlType>>>());
  return made(lookups, property, () => createLookup(section.keys, `${property}.`));
}

const kinds = new WeakMap<KindDeclaration, KindLookup>();

const fields = new WeakMap<FieldsSection, Map<string, Lookup<string>>>();

const keys = new WeakMap<YamlSection, Map<string, Lookup<Slot<YamlType>>>>();

interface Store<Key, Value> {
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): unknown;
}

function made<Key, Value>(store: Store<Key, Value>, key: Key, make: () => Value): Value {
  let value = store.get(key);
  if (value === undefined) {
    value = make();
    store.set(key, value);
  }
  return value;
}

function createLookup<Entry>(entries: Readonly<Record<string, Entry>>, before = ''): Lookup<Entry> {
  const all = Object.entries(entries).map(([label, entry]) => {
    const property = propertyName(label);
    return { label, property, path: before + property, entry };
  });
  const byLabel = new Map(all.map((named) => [named.label, named]));
  // Most labels are written as declared, so other spellings are computed only when one is not.
  let bySpelling: ReadonlyMap<string, Named<Entry>> | undefined;
  function spellings(): ReadonlyMap<string, Named<Entry>> {
    return new Map([
      ...all.map((named) => [withoutBrackets(named.label.split('→')[0] ?? ''), named] as const),
      ...all.map((named) => [withoutBrackets(named.label), named] as const),
    ]);
  }
  return { all, find: (name) => byLabel.get(name) ?? (bySpelling ??= spellings()).get(withoutBrackets(name)) };
}

function withoutBrackets(label: string): string {
  return propertyName(label.replaceAll(/\([^()]*\)/g, ' '));
}
