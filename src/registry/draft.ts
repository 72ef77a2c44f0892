import type { LineIndex, Place, Span } from './position.ts';
import type { Report } from './report.ts';

/** The text that a record is read from, and what is known of it. */
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

/** @param given What is known before anything is read. */
export function createDraft(index: LineIndex, given: Readonly<Record<string, unknown>>): Draft {
  const places: Record<string, Place> = {};
  const extra: Record<string, string> = {};
  return {
    values: { ...given },
    places,
    extra,
    place: (path, span) => {
      places[path] = index.place(span);
    },
    keep: (label, text) => {
      // Labels come from strangers: one named __proto__ must be a key like any other.
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
