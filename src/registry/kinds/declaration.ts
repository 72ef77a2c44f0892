/**
 * The words in which a kind is declared. A declaration is plain data; the parser, the TypeScript type, the zod
 * schema, the blank record and the reference page are all derived from it.
 */

/** A closed list. `terms` maps the canonical spelling to what it means; `aliases` maps other words in use to it. */
export interface TermType<Term extends string = string> {
  readonly type: 'term';
  readonly terms: Readonly<Record<Term, string>>;
  readonly aliases?: Readonly<Record<string, Term>>;
}

/** Text in one line or several, inline Markdown kept. */
export interface TextType {
  readonly type: 'text';
}

/** A calendar date, kept as ISO text: `2025-01-31`, with `T14:05` (seconds, zone) where `time` allows and the file says so. */
export interface DateType {
  readonly type: 'date';
  readonly time: boolean;
}

/** Words between commas. */
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

/** What a header label or a yaml key holds, and how it is spoken of. */
export interface Slot<Type> {
  readonly value: Type;
  /** One sentence for the reference page and the JSON Schema. */
  readonly about: string;
  /** Whether a record without it gets a diagnostic. No value is ever invented. */
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

/** `- **Label:** text` items, in an ordered list where `ordered` says so. */
export interface FieldsSection {
  readonly holds: 'fields';
  readonly ordered?: boolean;
  readonly about: string;
  readonly required?: boolean;
  /** Label → what it says. `MTTR` also fits `MTTR (Mean Time to Resolution)`: words in brackets are no part of a label. */
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
  /** It may hold more than is declared, further `###` headings and sentences between fields, which is kept without a diagnostic. */
  readonly freeForm?: boolean;
}
