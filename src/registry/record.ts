import type { DiagnosticCollector } from './diagnostics.ts';
import type { active } from './kinds/active.ts';
import type { analysis } from './kinds/analysis.ts';
import type {
  DateType,
  FieldsSection,
  HeaderType,
  IdType,
  KindDeclaration,
  ListSection,
  NumberType,
  ProseSection,
  SectionDeclaration,
  TagsSection,
  TagsType,
  TextMapType,
  TextsType,
  TextType,
  WordsType,
  YamlSection,
  YamlType,
} from './kinds/declaration.ts';
import type { integration } from './kinds/integration.ts';
import type { intermittent } from './kinds/intermittent.ts';
import type { pattern } from './kinds/pattern.ts';
import type { resolved } from './kinds/resolved.ts';
import type { CamelCase } from './names.ts';
import type { LineIndex, Position, Span } from './position.ts';

/** The text that a record is read from, with its path and component, and where its diagnostics go. */
export interface RecordContext {
  readonly text: string;
  readonly path: string;
  readonly component: string;
  readonly index: LineIndex;
  readonly report: DiagnosticCollector;
}

/** A record while it is read: values and places by property path, and everything that its kind does not declare. */
export interface RecordBuilder {
  readonly values: Record<string, unknown>;
  readonly places: Record<string, Position>;
  readonly extra: Record<string, string>;
  /** As `unreadable` of a record. */
  readonly unreadable: string[];
  place(path: string, span: Span): void;
  keep(label: string, text: string): void;
}

/** @param given Properties that are known before the text is read. */
export function createRecordBuilder(index: LineIndex, given: Readonly<Record<string, unknown>>): RecordBuilder {
  const places: Record<string, Position> = {};
  const extra: Record<string, string> = {};
  return {
    values: { ...given },
    places,
    extra,
    unreadable: [],
    place: (path, span) => {
      places[path] = index.place(span);
    },
    keep: (label, text) => {
      // Labels are untrusted: `__proto__` must become an ordinary key.
      const before = Object.hasOwn(extra, label) ? `${extra[label] ?? ''}\n` : '';
      Object.defineProperty(extra, label, {
        value: before + text,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    },
  };
}

/** The TypeScript type of a declared value: `'active' | …` of terms, `number`, a list of words, or text. */
export type TypedValue<Type extends HeaderType | YamlType> = Type extends { readonly terms: infer Terms }
  ? keyof Terms & string
  : Type extends NumberType
    ? number
    : Type extends WordsType | TagsType | TextsType
      ? readonly string[]
      : Type extends TextMapType
        ? Readonly<Record<string, string>>
        : Type extends TextType | DateType | IdType
          ? string
          : never;

/** The TypeScript type of a declared section, by what it holds. */
export type SectionValue<Section extends SectionDeclaration> = Section extends ProseSection
  ? string
  : Section extends ListSection | TagsSection
    ? readonly string[]
    : Section extends FieldsSection
      ? { readonly [Label in keyof Section['fields'] & string as CamelCase<Label>]?: string }
      : Section extends YamlSection
        ? {
            readonly [Key in keyof Section['keys'] & string as CamelCase<Key>]?: TypedValue<
              Section['keys'][Key]['value']
            >;
          }
        : never;

/** The type of a kind's records, derived from its declaration. Properties that the file does not state are absent. */
export type RecordOf<Kind extends KindDeclaration> = RecordBase<Kind['name']> & {
  readonly [Label in Exclude<keyof Kind['header'] & string, 'ID'> as CamelCase<Label>]?: TypedValue<
    Kind['header'][Label]['value']
  >;
} & {
  readonly [Title in keyof Kind['sections'] & string as CamelCase<Title>]?: SectionValue<Kind['sections'][Title]>;
};

export interface RecordBase<Kind extends string> {
  readonly kind: Kind;
  /** `<component>/<slug of title>`, or the record's own `ID`. */
  readonly id: string;
  readonly title: string;
  readonly component: string;
  /** The registry's path as given, with forward slashes. */
  readonly path: string;
  /** From the START marker to the end of the END marker. */
  readonly place: Position;
  /** The place of each value, by property path: `title`, `status`, `priorityEstimates.successProb`, `reproductionSteps.0`. */
  readonly places: Readonly<Record<string, Position>>;
  /**
   * What keeps a record from becoming a task: `merge-conflict`, or the property whose value could not be read (`status`).
   * Absent if nothing does.
   */
  readonly unreadable?: readonly string[];
  /** Everything that the kind does not declare, as written: by label, or by section and label with ` / ` between them. */
  readonly extra: Readonly<Record<string, string>>;
}

export type ActiveProblem = RecordOf<typeof active>;

export type IntermittentProblem = RecordOf<typeof intermittent>;

export type ResolvedProblem = RecordOf<typeof resolved>;

export type ProblemPattern = RecordOf<typeof pattern>;

export type ProblemAnalysis = RecordOf<typeof analysis>;

export type ProblemIntegration = RecordOf<typeof integration>;

/** One EMBED block of a registry. Discriminated by `kind`. */
export type ProblemRecord =
  ActiveProblem | IntermittentProblem | ResolvedProblem | ProblemPattern | ProblemAnalysis | ProblemIntegration;
