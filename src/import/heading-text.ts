import { countKinds } from './candidate.ts';
import { cellsOf } from './fields.ts';
import type { Line } from './lines.ts';
import { namesProblems, namesQuestions, plainName, saysNothing } from './names.ts';
import { boldTitleAt } from './line-titles.ts';
import { haveProblemColumns } from './rows.ts';
import { isLabelHeading, type Title } from './titles.ts';
import type { Section } from './tree.ts';

/** What is written below a heading, for the rules that ask for it. */

function ownLines({ at, ownEnd }: Section, lines: readonly Line[]): readonly Line[] {
  return lines.slice(at + 1, ownEnd).filter(({ type }) => type !== 'blank' && type !== 'rule' && type !== 'skipped');
}

/** A table alone, of results, versions or decisions. One with two columns may hold fields. */
export function isTable(section: Section, lines: readonly Line[]): boolean {
  const own = ownLines(section, lines);
  const rows = own.filter(({ type, text }) => type === 'row' && cellsOf(text).length > 2).length;
  return rows > 0 && rows * 3 >= own.length * 2;
}

/** Whether the own text is a list of several items, or of as many as are asked for, which may go on over lines. */
export function isList(section: Section, lines: readonly Line[], least = 2): boolean {
  const own = ownLines(section, lines);
  const items = own.filter(({ type, indent }) => type === 'item' && indent <= 1).length;
  return own[0]?.type === 'item' && items >= least && own.every(({ type, indent }) => type !== 'text' || indent > 0);
}

/** Whether the own text is a table of problems. */
export function holdsRows(section: Section, lines: readonly Line[]): boolean {
  const head = ownLines(section, lines).find(({ type }) => type === 'row');
  return head !== undefined && isTable(section, lines) && haveProblemColumns(head.text);
}

/** An entry of a log begins with its day, or is named by it. */
export function isLogEntry({ raw }: Title, isAlone: boolean): boolean {
  return (
    (!isAlone && /^\W*\d{4}-\d{2}-\d{2}\b/.test(raw)) ||
    /^\W*\d{4}-\d{2}-\d{2}\W*$/.test(raw) ||
    /^\W*(?:v\d+(?:\.\d+)+|\d+\.\d+\.\d+)(?![\d.])[^:：]*$/i.test(raw) ||
    /^(?:latest |previous |current |last |final )?(?:session|iteration|update|sprint|day|week|entry|sitzung|сессия)?s?(?: notes)?$/i.test(
      plainName(raw),
    )
  );
}

/** Whether a heading or a line below it states how the problem stands. */
export function statesSomething({ title, kinds }: Section): boolean {
  return (
    title.isStruck ||
    kinds.has('status') ||
    /\b(?:fixed|resolved|solved|won'?t fix|by design)\b|✅|❌/i.test(title.remarks.join(' '))
  );
}

/** Whether a heading names problems in general, or an area, and its text is a list, a table or a series of bold titles. */
export function isGroupOfItems(
  section: Section,
  {
    lines,
    hasBoldTitles,
    isGuide,
  }: { readonly lines: readonly Line[]; readonly hasBoldTitles: boolean; readonly isGuide: boolean },
): boolean {
  const { title, kinds, level } = section;
  const isArea =
    level === 2 &&
    plainName(title.raw).split(' ').length <= 2 &&
    title.id === null &&
    title.remarks.length === 0 &&
    !isLabelHeading(title.raw);
  const isNamed = namesProblems(title.raw) || (isGuide && namesQuestions(title.raw));
  if (!(isNamed || isArea) || countKinds(kinds) > 0 || title.isNumbered) return false;
  const own = ownLines(section, lines);
  const listed = own.filter(({ type, indent }) => type === 'item' || type === 'row' || indent > 0).length;
  const isListed = isArea && !isNamed ? listed === own.length : listed * 2 >= own.length && !goesOn(section, lines);
  return own.length === 0 || isListed || (isNamed && hasBoldTitles && hasBoldTitle(section, lines));
}

/** Whether several paragraphs follow a list: then it is a part of a text about one problem. */
function goesOn({ at, ownEnd }: Section, lines: readonly Line[]): boolean {
  let paragraphs = 0;
  let wasList = false;
  for (let index = at + 1; index < ownEnd; index += 1) {
    const { type, indent } = lines[index] ?? {};
    wasList ||= type === 'item';
    if (wasList && type === 'text' && indent === 0 && lines[index - 1]?.type === 'blank') paragraphs += 1;
  }
  return paragraphs >= 2;
}

function hasBoldTitle({ at, end }: Section, lines: readonly Line[]): boolean {
  for (let index = at + 1; index < end; index += 1) if (boldTitleAt(lines, index)) return true;
  return false;
}

/** Whether the text says that there is nothing. */
export function onlyNothing(section: Section, lines: readonly Line[]): boolean {
  const own = ownLines(section, lines);
  return own.length === 0 || (own.length <= 2 && own.every(({ text }) => saysNothing(text)));
}
