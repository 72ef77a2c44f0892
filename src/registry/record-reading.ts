import type { Block } from './blocks.ts';
import { recordId } from './identity.ts';
import type { KindDeclaration } from './kinds/declaration.ts';
import { kinds } from './kinds/index.ts';
import { readHeader } from './header-reading.ts';
import type { OutlineNode } from './outline/outline.ts';
import type { LineIndex, Place, Span } from './place.ts';
import type { ProblemRecord } from './record.ts';
import type { Report } from './report.ts';
import { readSections } from './section-reading.ts';
import { takeApart } from './sections.ts';

export interface RecordContext {
  readonly text: string;
  readonly path: string;
  readonly component: string;
  readonly index: LineIndex;
  readonly report: Report;
}

/** What a record gathers while it is read: values and places by property path, and what the declaration does not know. */
export interface Draft {
  readonly values: Record<string, unknown>;
  readonly places: Record<string, Place>;
  readonly extra: Record<string, string>;
  place(path: string, span: Span): void;
  keep(label: string, text: string): void;
}

/** Reads one block as its kind declares it. Undefined where it has no title, since then it names no problem. */
export function readRecord(block: Block, nodes: readonly OutlineNode[], context: RecordContext): ProblemRecord | undefined {
  const kind: KindDeclaration | undefined = kinds.find((candidate) => candidate.marker === block.marker);
  if (kind === undefined) return undefined;
  const { text, path, component, index, report } = context;
  const shape = takeApart(text, block, nodes, kind.freeHeadings === true, report);
  if (shape.title === undefined) return undefined;

  const draft = createDraft(index);
  const title = text.slice(shape.title.start, shape.title.end);
  draft.place('title', shape.title);
  readHeader(shape, kind, draft, context);
  readSections(shape, kind, draft, context);
  const { id = recordId(component, title), ...values } = draft.values;
  const record = { kind: kind.name, id, title, component, path, ...values, place: index.place(block), places: draft.places, extra: draft.extra };
  return typed(record);
}

/**
 * The types of `RecordOf` are computed from the declarations that `readHeader` and `readSections` have just followed
 * at run time; the compiler cannot see that the two walks are the same, test/registry/schema.test.ts does.
 */
function typed(record: unknown): ProblemRecord {
  return record as ProblemRecord;
}

function createDraft(index: LineIndex): Draft {
  const places: Record<string, Place> = {};
  const extra: Record<string, string> = {};
  return {
    values: {},
    places,
    extra,
    place: (path, span) => {
      places[path] = index.place(span);
    },
    keep: (label, text) => {
      // Labels come from strangers: one named __proto__ must be a key like any other.
      const before = Object.hasOwn(extra, label) ? `${extra[label] ?? ''}\n` : '';
      Object.defineProperty(extra, label, { value: before + text, enumerable: true, configurable: true, writable: true });
    },
  };
}
