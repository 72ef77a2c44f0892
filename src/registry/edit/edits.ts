import { ProblemsError } from '../../errors.ts';
import { suggest } from '../../util/suggest.ts';
import { quote, type TextEdit } from '../diagnostics.ts';
import type { KindDeclaration } from '../kinds/declaration.ts';
import { type KindName, kinds } from '../kinds/index.ts';
import { readRegistry } from '../parse/read.ts';
import type { ProblemRecord } from '../record.ts';
import type { ReadOptions, Registry } from '../registry.ts';

/** Applies edits in any order. Of two that overlap, the later one in the text is dropped. All other text stays unchanged. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let result = '';
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (edit.start < at) continue;
    result += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return result + text.slice(at);
}

/** The line end that a text uses: that of its first line, or LF if it has none. */
export function lineEndOf(text: string): '\n' | '\r\n' {
  const feed = text.indexOf('\n');
  return feed > 0 && text.charAt(feed - 1) === '\r' ? '\r\n' : '\n';
}

/** An item of a list: its lines after the first one are indented under the mark. */
export function itemOf(mark: string, text: string): string {
  return mark + text.replaceAll('\n', `\n${' '.repeat(mark.length)}`);
}

/** The end of the line that contains an offset, before its line end. */
export function endOfLine(text: string, offset: number): number {
  const feed = text.indexOf('\n', offset);
  if (feed === -1) return text.length;
  return feed > offset && text.charAt(feed - 1) === '\r' ? feed - 1 : feed;
}

/** The start of the line that contains an offset. */
export function startOfLine(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** A record to change, and its registry. `component` must be the one that the id was made with. */
export interface Target {
  readonly registry: Registry;
  readonly record: ProblemRecord;
  readonly kind: KindDeclaration;
}

/** @throws ProblemsError `not-found` if the text has no record with that id. */
export function findTarget(text: string, id: string, options: ReadOptions): Target {
  const registry = readRegistry(text, options);
  const record = registry.records.find((candidate) => candidate.id === id);
  if (record === undefined) {
    const meant = suggest(
      id,
      registry.records.map((candidate) => candidate.id),
    );
    throw new ProblemsError('not-found', `${registry.path} has no record ${quote(id)}.`, {
      hint: meant === undefined ? undefined : `Did you mean ${meant}?`,
    });
  }
  return { registry, record, kind: declarationOf(record.kind) };
}

function declarationOf(name: KindName): KindDeclaration {
  const kind = kinds.find((candidate) => candidate.name === name);
  if (kind === undefined) throw new TypeError(`Unknown kind ${name}.`);
  return kind;
}

/** The value at a property path such as `priorityEstimates.impact`. */
export function valueAt(record: ProblemRecord, path: string): unknown {
  let value: unknown = record;
  for (const name of path.split('.')) {
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
  }
  return value;
}

/**
 * Returns the text after an edit if, read again, it says what was intended and no other record has changed.
 * @throws ProblemsError `bad-usage` otherwise.
 */
export function confirmed(
  before: Target,
  after: string,
  options: ReadOptions,
  says: (record: ProblemRecord | undefined) => boolean,
): string {
  const registry = readRegistry(after, options);
  const { id } = before.record;
  const others = before.registry.records.filter((record) => record.id !== id);
  const same = others.every((record) => {
    const again = registry.records.find((candidate) => candidate.id === record.id);
    return again !== undefined && again.kind === record.kind && again.title === record.title;
  });
  if (!same || !says(registry.records.find((record) => record.id === id))) {
    throw new ProblemsError(
      'bad-usage',
      `Cannot make this change to the record ${quote(id)} in ${registry.path} without changing something else.`,
      {
        hint: 'Edit the file by hand.',
      },
    );
  }
  return after;
}
