import { type ComposeFile, type Edit, lineAt, type Literal, occurrencesIn, withEdits } from './document.ts';
import { type ComposeSources, environmentOf } from './project.ts';
import { type Reference, referencesIn } from './variables.ts';

/** One value of a Compose file, stated literally or by a variable. Pure. */

/** The smallest change of one file, or why there is none that is certainly right. */
export type ComposeEdit =
  | { readonly type: 'edit'; readonly path: string; readonly edits: readonly Edit[] }
  | {
      readonly type: 'unclear';
      /** One sentence. */
      readonly reason: string;
      /** What to change by hand, as a clause: `change … to … in …, line 4`. */
      readonly instead?: string;
    };

export interface Place {
  readonly compose: ComposeFile;
  readonly literal: Literal;
  /** Whether other services use the same text. */
  readonly isShared: boolean;
}

export interface Replacement {
  readonly service: string;
  /** What the text means now, with its variables replaced. */
  readonly from: string;
  readonly to: string;
}

/** Replaces a value where it is stated: in the file itself, in `.env`, or as the default of its variable. */
export function replaceValue(sources: ComposeSources, place: Place, replacement: Replacement): ComposeEdit {
  const { compose, literal, isShared } = place;
  const { service, to } = replacement;
  const { path, text } = compose.file;
  const [reference] = referencesIn(literal.text) ?? [];
  if (reference !== undefined) return replaceVariable(sources, place, reference, replacement);
  if (!isShared) return { type: 'edit', path, edits: [{ at: literal.start, before: literal.text, after: to }] };
  return {
    type: 'unclear',
    reason: `An anchor in ${path} gives the value of ${service} to other services too.`,
    instead: `give ${service} a value of its own instead of \`${lineOf(text, literal.start)}\` (${path}, line ${lineAt(text, literal.start)}), with ${to} instead of ${literal.text}`,
  };
}

/** The line of `.env` that sets the variable, else the default that the Compose file states. */
function replaceVariable(
  sources: ComposeSources,
  { compose, literal }: Place,
  { name, start, end, fallback }: Reference,
  whole: Replacement,
): ComposeEdit {
  const { path, text } = compose.file;
  const [head, tail] = [literal.text.slice(0, start), literal.text.slice(end)];
  const [from, to] = [whole.from, whole.to].map((value) => between(value, head, tail));
  if (from === undefined || to === undefined) {
    return {
      type: 'unclear',
      reason: `The value in ${path} is put together from several parts: ${literal.text}.`,
      instead: `change ${literal.text} to ${whole.to} in line ${lineAt(text, literal.start)} of ${path}`,
    };
  }
  const entry = environmentOf(sources).get(name);
  if (entry?.value === from && sources.environment !== undefined)
    return { type: 'edit', path: sources.environment.path, edits: [{ at: entry.start, before: from, after: to }] };
  if (entry !== undefined || fallback === undefined || fallback.text !== from)
    return {
      type: 'unclear',
      reason: `The value comes from the variable ${name}, which no file of the project sets to ${from}.`,
      instead: `set ${name} to ${to} where you set it`,
    };
  const uses = occurrencesIn(compose, literal.text);
  if (sources.files.some((file) => countOf(file, name) !== (file === compose ? uses.length : 0)))
    return {
      type: 'unclear',
      reason: `The variable ${name} has its value from a default in ${path}, and is used with others elsewhere.`,
      instead: `add ${name}=${to} to the .env of the project`,
    };
  return { type: 'edit', path, edits: uses.map((use) => ({ at: use + fallback.start, before: from, after: to })) };
}

/** What a value has between `head` and `tail`, which themselves contain no variable; undefined if it has something else there. */
function between(value: string, head: string, tail: string): string | undefined {
  if (head === '' && tail === '') return value;
  const isAround = value.length > head.length + tail.length && value.startsWith(head) && value.endsWith(tail);
  return isAround && !(head + tail).includes('$') ? value.slice(head.length, value.length - tail.length) : undefined;
}

/** How often the scalars of the file use the variable, in any form. */
function countOf(compose: ComposeFile, name: string): number {
  const { text } = compose.file;
  return [`$${name}`, `\${${name}`]
    .flatMap((form) => occurrencesIn(compose, form).map((start) => start + form.length))
    .filter((end) => !/\w/.test(text.charAt(end))).length;
}

function lineOf(text: string, offset: number): string {
  return (text.slice(text.lastIndexOf('\n', offset - 1) + 1).split(/\r?\n/)[0] ?? '').trim();
}

/** The change of a file line by line, for a plan: lines that change, without those around them, which may hold secrets. */
export function changedLines(
  text: string,
  edits: readonly Edit[],
): readonly { readonly line: number; readonly before: string; readonly after: string }[] {
  const changes = new Map<number, Edit[]>();
  for (const edit of edits) {
    const line = text.lastIndexOf('\n', edit.at - 1) + 1;
    changes.set(line, [...(changes.get(line) ?? []), edit]);
  }
  return [...changes].map(([start, inLine]) => {
    const last = inLine.at(-1);
    const stop = text.indexOf('\n', last === undefined ? start : last.at + last.before.length);
    const end = stop === -1 ? text.length : stop;
    const moved = inLine.map((edit) => ({ ...edit, at: edit.at - start }));
    const before = text.slice(start, end);
    return {
      line: lineAt(text, start),
      before: before.replace(/\r$/, ''),
      after: withEdits(before, moved).replace(/\r$/, ''),
    };
  });
}
