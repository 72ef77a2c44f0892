import { type Candidate, countKinds, hasProblemAndAnswer, hasProblemLabels, type Surroundings } from './candidate.ts';
import { cellsOf, readBody } from './fields.ts';
import { itemsIn } from './items.ts';
import type { Document, Line } from './lines.ts';
import {
  hasProblemNoun,
  isPlaceholder,
  isProblemFile,
  namesNotes,
  namesProblems,
  namesTemplate,
  plainName,
  saysNothing,
} from './names.ts';
import { rowsIn, withoutSummaries } from './rows.ts';
import type { Title } from './titles.ts';
import { readTree, type Section } from './tree.ts';
import type { IgnoredHeading } from './types.ts';

export interface Found {
  readonly candidates: readonly Candidate[];
  readonly ignored: readonly IgnoredHeading[];
}

interface Walk {
  /** The index of the first heading. */
  readonly firstHeading: number;
  readonly lines: readonly Line[];
  /** Whether the file or its first heading says that it holds problems. */
  readonly isAboutProblems: boolean;
  /** The level at which most headings with labels are problems; else the lowest one. 0 if there is none. */
  readonly usualLevel: number;
  /** Whether few headings name notes, so that the others may be taken for problems though no group says so. */
  readonly isPure: boolean;
  /** Whether any heading has the labels of a problem. */
  readonly hasLabels: boolean;
  /** Whether some of the text is records already, so that prose beside them is about the records. */
  readonly isMarked: boolean;
  readonly candidates: Candidate[];
  readonly ignored: IgnoredHeading[];
}

/** Finds what may be problems, from the outermost heading inwards. */
export function findCandidates({ lines, marked }: Document, file: string | undefined): Found {
  const root = readTree(lines);
  const all = flatten(root);
  const tops = all.filter(({ level }) => level === 1).map(({ title }) => title.raw);
  const isAboutProblems =
    (file !== undefined && isProblemFile(file)) ||
    tops.some(namesProblems) ||
    (file === undefined && tops.length === 0);
  const labelled = all.filter(({ kinds, level }) => level > 0 && level < 7 && hasProblemLabels(kinds));
  const walk: Walk = {
    firstHeading: all[1]?.at ?? -1,
    lines,
    isAboutProblems,
    usualLevel: usualLevelOf(all, labelled),
    isPure: isAboutProblems && isPure(all),
    hasLabels: labelled.length > 0,
    isMarked: marked.length > 0,
    candidates: [],
    ignored: [],
  };
  visit(root, { groups: [], inProblems: isAboutProblems, inNotes: false, besideLabels: false }, walk);
  return { candidates: withoutSummaries(walk.candidates).toSorted((a, b) => a.at - b.at), ignored: walk.ignored };
}

function flatten(section: Section): readonly Section[] {
  return [section, ...section.children.flatMap(flatten)];
}

function isPure(all: readonly Section[]): boolean {
  const headings = all.filter(({ level }) => level === 2 || level === 3);
  const notes = headings.filter(({ title }) => namesNotes(title.raw) && !title.isNumbered);
  return notes.length * 4 <= headings.length;
}

function usualLevelOf(all: readonly Section[], labelled: readonly Section[]): number {
  const counts = new Map<number, number>();
  const plain = all.filter(
    ({ level, children, title }) => level >= 2 && level <= 4 && children.length === 0 && !namesNotes(title.raw),
  );
  for (const { level } of labelled.length > 0 ? labelled : plain) counts.set(level, (counts.get(level) ?? 0) + 1);
  const [usual] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0]);
  return usual?.[0] ?? 0;
}

/** Returns how many candidates it found in the section. */
function visit(section: Section, around: Surroundings, walk: Walk): number {
  const { title, level, children, at } = section;
  if (level > 0 && (namesTemplate(title.raw) || (isPlaceholder(title.raw) && level > 1))) {
    ignore(section, 'It tells how to write or report problems.', walk);
    return 0;
  }
  if (level > 0 && isProblem(section, around, walk)) {
    walk.candidates.push(candidateOf(section, around, walk));
    return 1;
  }
  // The first heading names the text; a later one of the same level may begin notes.
  const isNote = namesNotes(title.raw) && (level > 1 || around.groups.length > 0 || at !== walk.firstHeading);
  const names = level > 1 && namesProblems(title.raw);
  const besideLabels = children.some((child) => child.level < 7 && hasProblemLabels(child.kinds));
  const inside: Surroundings =
    level === 0
      ? { ...around, besideLabels }
      : {
          besideLabels,
          groups: [{ at, level, text: title.raw }, ...around.groups],
          inProblems:
            level === 1 && !isNote
              ? walk.isAboutProblems
              : !isNote && (around.inProblems || (names && hasProblemNoun(title.raw))),
          // Below notes "High priority" is a priority of notes; "Known issues" is not.
          inNotes: isNote || (around.inNotes && !hasProblemNoun(title.raw)),
        };
  let found = 0;
  for (const child of children) found += visit(child, inside, walk);
  if (isNote) ignore(section, 'It names notes, plans or a log.', walk);
  if (found === 0 || isLoose(section)) found += visitOwnText(section, inside, names, found > 0, walk);
  return found;
}

/** Whether a text may hold problems in front of the sections with problems: a list below a heading that is not a group. */
function isLoose({ level }: Section): boolean {
  return level > 1;
}

function ignore({ title, at }: Section, reason: string, walk: Walk): void {
  walk.ignored.push({ title: title.title, line: at + 1, reason });
}

/** Rules in order: labels; a number, id or state in a group; the lowest heading of a text about problems. */
function isProblem(section: Section, around: Surroundings, walk: Walk): boolean {
  const { title, level, children, kinds, body } = section;
  const hasText = body.free.length + body.fields.length > 0 || section.ownEnd < section.end;
  if (!hasText || level === 0) return false;
  const inNamed = around.groups.slice(0, 2).some((group) => group.level > 1 && namesProblems(group.text));
  const isCounted = title.isNumbered || title.id !== null;
  // "11. Security considerations" in a numbered list of issues is an issue.
  const isNote = namesNotes(title.raw) && !(isCounted && inNamed);
  const isStrict = around.inNotes || isNote || walk.isMarked;
  const byLabels = isStrict ? hasProblemAndAnswer(kinds) : hasProblemLabels(kinds);
  const holdsProblems =
    children.some(
      (child) =>
        child.level < 7 && (hasProblemLabels(child.kinds) || child.title.isNumbered || child.title.id !== null),
    ) || children.filter(({ level: below, kinds: labels }) => below === 7 && hasProblemLabels(labels)).length > 1;
  if (holdsProblems) return false;
  if (level === 1)
    return (
      byLabels &&
      (kinds.has('description') || kinds.has('rootCause')) &&
      children.length === 0 &&
      countKinds(kinds) >= 3
    );
  if (byLabels) return true;
  if (level === 7 || isStrict || !around.inProblems) return false;
  if (children.length > 0 && !title.isNumbered && title.id === null) return false;
  if (onlyNothing(section, walk)) return false;
  if (title.id !== null || title.isPrefixed) return true;
  if (isGroupOfItems(section, walk) || (isLogEntry(title, walk.isPure) && !statesSomething(section))) return false;
  if ((title.isNumbered || statesSomething(section)) && (inNamed || walk.isPure)) return true;
  if (isTable(section, walk)) return false;
  // Among problems with labels, an area without any is about something else.
  return inNamed ? level > 2 : walk.isPure && level === walk.usualLevel && (!walk.hasLabels || around.besideLabels);
}

/** A table alone, of results, versions or decisions. One with two columns may hold fields. */
function isTable({ at, ownEnd }: Section, { lines }: Walk): boolean {
  const own = lines.slice(at + 1, ownEnd).filter(({ type }) => !['blank', 'rule', 'skipped'].includes(type));
  const rows = own.filter(({ type, text }) => type === 'row' && cellsOf(text).length > 2).length;
  return rows > 0 && rows * 3 >= own.length * 2;
}

/** An entry of a log begins with its day, or is named by it. */
function isLogEntry({ raw }: Title, isAlone: boolean): boolean {
  return (
    (!isAlone && /^\W*\d{4}-\d{2}-\d{2}\b/.test(raw)) ||
    /^\W*\d{4}-\d{2}-\d{2}\W*$/.test(raw) ||
    /^(?:latest |previous |current |last |final )?(?:session|iteration|update|sprint|day|week|entry|sitzung|сессия)?s?(?: notes)?$/i.test(
      plainName(raw),
    )
  );
}

function statesSomething({ title, kinds }: Section): boolean {
  return (
    title.isStruck ||
    kinds.has('status') ||
    /\b(?:fixed|resolved|solved|won'?t fix|by design)\b|✅|❌/i.test(title.remarks.join(' '))
  );
}

/** Whether a heading names problems in general and its text is a list or a table: its items are the problems. */
function isGroupOfItems({ title, at, ownEnd, kinds, level }: Section, { lines }: Walk): boolean {
  const isArea =
    level === 2 && plainName(title.raw).split(' ').length <= 2 && title.id === null && title.remarks.length === 0;
  if (!(namesProblems(title.raw) || isArea) || countKinds(kinds) > 0 || title.isNumbered) return false;
  const own = lines
    .slice(at + 1, ownEnd)
    .filter(({ type }) => type !== 'blank' && type !== 'rule' && type !== 'skipped');
  const listed = own.filter(({ type, indent }) => type === 'item' || type === 'row' || indent > 0).length;
  return own.length === 0 || (isArea && !namesProblems(title.raw) ? listed === own.length : listed * 2 >= own.length);
}

function onlyNothing({ at, ownEnd }: Section, { lines }: Walk): boolean {
  const own = lines.slice(at + 1, ownEnd).filter(({ type }) => !['blank', 'rule', 'skipped'].includes(type));
  return own.length === 0 || (own.length <= 2 && own.every(({ text }) => saysNothing(text)));
}

function candidateOf(section: Section, around: Surroundings, walk: Walk): Candidate {
  const { at, end, title, body, kinds, level } = section;
  const full = section.ownEnd < end ? readBody(walk.lines, at + 1, end) : body;
  return { form: level === 7 ? 'bold-line' : 'heading', at, end, title, lead: '', body: full, kinds, around, alike: 1 };
}

/** Lists and tables of a section without headings that are problems. */
function visitOwnText(section: Section, around: Surroundings, names: boolean, isAfter: boolean, walk: Walk): number {
  const { at, ownEnd, level } = section;
  const isArea = level === 2 && isGroupOfItems(section, walk) && walk.isPure;
  const isGroup =
    (names || isArea || (level <= 1 && walk.isAboutProblems)) && !around.inNotes && !walk.isMarked && around.inProblems;
  const found = itemsIn(walk.lines, at + 1, ownEnd, around, isGroup && !isAfter && (level > 1 || !walk.hasLabels));
  const items = found.length > 0 ? found : isGroup && !isAfter ? rowsIn(walk.lines, at + 1, ownEnd, around) : [];
  walk.candidates.push(...items);
  return items.length;
}
