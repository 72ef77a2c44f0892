import { propertyName } from '../names.ts';
import type {
  FieldsSection,
  HeaderType,
  KindDeclaration,
  SectionDeclaration,
  Slot,
  YamlSection,
  YamlType,
} from './declaration.ts';

/** A label, title or key of a declaration, with the property it becomes. */
export interface Named<Entry> {
  readonly label: string;
  readonly property: string;
  /** The property with that of its section before it, as places are kept by it. */
  readonly path: string;
  readonly entry: Entry;
}

/** The entries of one part of a declaration, found by their names as people write them. */
export interface Lookup<Entry> {
  readonly all: readonly Named<Entry>[];
  /** Case, dashes and words in brackets do not matter: `MTTR (Mean Time to Resolution)` is `MTTR`. */
  find(name: string): Named<Entry> | undefined;
}

export interface KindLookup {
  readonly header: Lookup<Slot<HeaderType>>;
  readonly sections: Lookup<SectionDeclaration>;
}

/** The lookups of a kind. Made once for each declaration, since every record asks for them. */
export function lookupKind(kind: KindDeclaration): KindLookup {
  return made(kinds, kind, () => ({ header: createLookup(kind.header), sections: createLookup(kind.sections) }));
}

/** The fields of a section that becomes `property`. `A → B` is found by `A` too. */
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
  // Most labels are written as they are declared: the other spellings are worked out once one is not.
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
