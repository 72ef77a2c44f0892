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

/** The fields of a section. `A → B` is found by `A` too. */
export function lookupFields(section: FieldsSection): Lookup<string> {
  return made(fields, section, () => createLookup(section.fields));
}

export function lookupKeys(section: YamlSection): Lookup<Slot<YamlType>> {
  return made(keys, section, () => createLookup(section.keys));
}

const kinds = new WeakMap<KindDeclaration, KindLookup>();
const fields = new WeakMap<FieldsSection, Lookup<string>>();
const keys = new WeakMap<YamlSection, Lookup<Slot<YamlType>>>();

function made<Key extends object, Value>(store: WeakMap<Key, Value>, key: Key, make: () => Value): Value {
  let value = store.get(key);
  if (value === undefined) {
    value = make();
    store.set(key, value);
  }
  return value;
}

function createLookup<Entry>(entries: Readonly<Record<string, Entry>>): Lookup<Entry> {
  const all = Object.entries(entries).map(([label, entry]) => ({ label, property: propertyName(label), entry }));
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
