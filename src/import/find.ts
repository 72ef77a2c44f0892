import { type Candidate, hasProblemLabels, type RuleText, type Surroundings } from './candidate.ts';
import {
  boldBeginningRule,
  boldBeginningsIn,
  boldTitleAt,
  boldTitleRule,
  boldTitlesIn,
  paragraphRule,
  paragraphsIn,
} from './line-titles.ts';
import { readBody } from './fields.ts';
import { headingRules, partRules, ruleFor, type Text, type Verdict } from './heading-rules.ts';
import { isGroupOfItems, isList } from './heading-text.ts';
import { itemRules, itemsIn } from './items.ts';
import type { Document } from './lines.ts';
import {
  hasProblemNoun,
  isProblemFile,
  namesGuide,
  namesHelp,
  namesNotes,
  namesProblems,
  namesQuestions,
  saysFailure,
} from './names.ts';
import { rowRule, rowsIn, withoutSummaries } from './rows.ts';
import { readTree, type Section } from './tree.ts';
import type { IgnoredHeading } from './types.ts';

/** All rules that say what is a problem and what is not: for headings in their order, then for text without headings. */
export const importRules: readonly (RuleText & { readonly verdict: Verdict })[] = [
  ...headingRules,
  ...[boldTitleRule, boldBeginningRule, paragraphRule, ...itemRules, rowRule].map((rule) => ({
    ...rule,
    verdict: 'problem' as const,
  })),
];

export interface Found {
  readonly candidates: readonly Candidate[];
  readonly ignored: readonly IgnoredHeading[];
}

interface Walk {
  /** The index of the first heading. */
  readonly firstHeading: number;
  readonly text: Text;
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
  const isGuide = namesGuide(file ?? '') || tops.some(namesGuide);
  const labelled = all.filter(({ kinds, level }) => level > 0 && level < 7 && hasProblemLabels(kinds));
  const walk: Walk = {
    firstHeading: all[1]?.at ?? -1,
    text: {
      lines,
      isAboutProblems,
      usualLevel: usualLevelOf(all, labelled, isGuide),
      isPure: isAboutProblems && isPure(all, isGuide),
      isGuide,
      hasLabels: labelled.length > 0,
      isMarked: marked.length > 0,
      hasBoldTitles: lines.filter((_line, index) => boldTitleAt(lines, index)).length >= 2,
    },
    candidates: [],
    ignored: [],
  };
  const around = {
    groups: [],
    inProblems: isAboutProblems,
    inNotes: false,
    besideLabels: false,
    besideGroups: false,
    besideItems: false,
    inSeries: false,
  };
  visit(root, around, walk);
  return { candidates: withoutSummaries(walk.candidates).toSorted((a, b) => a.at - b.at), ignored: walk.ignored };
}

function flatten(section: Section): readonly Section[] {
  return [section, ...section.children.flatMap(flatten)];
}

function isPure(all: readonly Section[], isGuide: boolean): boolean {
  // Where to find help says nothing about the other headings.
  const headings = all.filter(({ level, title }) => (level === 2 || level === 3) && !namesHelp(title.raw));
  const notes = headings.filter(({ title }) => namesNotes(title.raw, isGuide) && !title.isNumbered);
  return notes.length * 4 <= headings.length;
}

function usualLevelOf(all: readonly Section[], labelled: readonly Section[], isGuide: boolean): number {
  const counts = new Map<number, number>();
  const plain = all.filter(
    ({ level, children, title }) =>
      level >= 2 && level <= 4 && children.length === 0 && !namesNotes(title.raw, isGuide),
  );
  const tops = all.filter(({ level, title }) => level === 1 && !namesProblems(title.raw));
  const isFlat = all.every(({ level }) => level <= 1);
  if (isFlat && (tops.length >= 2 || tops.some(({ title }) => saysFailure(title.raw)))) return 1;
  for (const { level } of labelled.length > 0 ? labelled : plain) counts.set(level, (counts.get(level) ?? 0) + 1);
  const [usual] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0]);
  return usual?.[0] ?? 0;
}

/** Returns how many candidates it found in the section. */
function visit(section: Section, around: Surroundings, walk: Walk): number {
  const { text } = walk;
  const { title, level } = section;
  const rule = ruleFor(section, around, text);
  if (rule?.verdict === 'text') {
    ignore(section, 'It tells how to write or report problems.', walk);
    return 0;
  }
  if (rule?.verdict === 'problem') {
    walk.candidates.push(candidateOf(section, rule.name, around, text));
    return 1;
  }
  // The first heading names the text; a later one of the same level may begin notes.
  const isNote =
    namesNotes(title.raw, text.isGuide) && (level > 1 || around.groups.length > 0 || section.at !== walk.firstHeading);
  const inside = surroundingsIn(section, around, isNote, walk);
  const before = walk.candidates.length;
  const bold = visitBoldTitles(section, inside, walk);
  let found = bold;
  for (const child of section.children) if (bold === 0 || child.level < 7) found += visit(child, inside, walk);
  if (isNote) ignore(section, 'It names notes, plans or a log.', walk);
  // A list below a heading may hold problems in front of the sections with problems; one below the first heading does not,
  // unless the problems of the sections are items as well.
  const isAfter = walk.candidates.slice(before).some(({ form }) => form !== 'item');
  if (!isAfter || level > 1) found += visitOwnText(section, inside, isAfter, partRules.has(rule?.name ?? ''), walk);
  return found;
}

function isCountedProblem({ level, kinds, title }: Section): boolean {
  return level < 7 && (hasProblemLabels(kinds) || title.id !== null);
}

/** What a section says about what is below it. */
function surroundingsIn(
  section: Section,
  around: Surroundings,
  isNote: boolean,
  { text, firstHeading }: Walk,
): Surroundings {
  const { title, at, children } = section;
  // Only the first heading names the text: "# Major bugs" further down is a group.
  const level = section.level === 1 && at !== firstHeading ? 2 : section.level;
  const besideLabels = children.some((child) => child.level < 7 && hasProblemLabels(child.kinds));
  if (level === 0) return { ...around, besideLabels };
  const names = level > 1 && namesProblems(title.raw);
  const numbered = children.filter((child) => child.title.isNumbered).length;
  return {
    besideLabels,
    besideGroups: children.some((child) => child.children.some(isCountedProblem)),
    besideItems: names && isList(section, text.lines),
    inSeries: level === 1 && text.isAboutProblems && numbered >= 3 && numbered * 2 >= children.length,
    groups: [{ at, level, text: title.raw }, ...around.groups],
    inProblems:
      section.level === 1 && !isNote
        ? text.isAboutProblems
        : !isNote && (around.inProblems || (names && hasProblemNoun(title.raw))),
    // Below notes "High priority" is a priority of notes; "Known issues" is not.
    inNotes: isNote || (around.inNotes && !hasProblemNoun(title.raw)),
  };
}

function ignore({ title, at }: Section, reason: string, walk: Walk): void {
  walk.ignored.push({ title: title.title, line: at + 1, reason });
}

function candidateOf(section: Section, rule: string, around: Surroundings, { lines }: Text): Candidate {
  const { at, end, title, body, kinds, level } = section;
  const full = section.ownEnd < end ? readBody(lines, at + 1, end) : body;
  const form = level === 7 ? 'bold-line' : 'heading';
  return { rule, form, at, end, title, lead: '', body: full, kinds, around, alike: 1 };
}

/** Whether what is written below a heading, without headings of its own, are problems. */
function isGroup({ level, title }: Section, around: Surroundings, text: Text, isArea: boolean): boolean {
  const isNamed =
    (level > 1 && (namesProblems(title.raw) || (text.isGuide && namesQuestions(title.raw)))) ||
    isArea ||
    (level <= 1 && text.isAboutProblems);
  return isNamed && !around.inNotes && !text.isMarked && around.inProblems;
}

/** Bold lines of a group that are used as headings, up to the first heading. */
function visitBoldTitles(section: Section, around: Surroundings, { text, candidates }: Walk): number {
  if (!text.hasBoldTitles || section.level === 7 || !isGroup(section, around, text, false)) return 0;
  const end = section.children.find(({ level }) => level < 7)?.at ?? section.end;
  const also = section.children.filter(({ level }) => level === 7).map(({ at }) => at);
  const found = boldTitlesIn(text.lines, section.at + 1, end, also, around);
  candidates.push(...found);
  return found.length;
}

/** Lists and tables of a section without headings that are problems. */
function visitOwnText(
  section: Section,
  around: Surroundings,
  isAfter: boolean,
  isPart: boolean,
  { text, candidates }: Walk,
): number {
  const { at, ownEnd, level } = section;
  const { lines } = text;
  const isArea = isPart || (level === 2 && isGroupOfItems(section, text) && text.isPure);
  const isOpen = isGroup(section, around, text, isArea) && !isAfter;
  const labelled = isOpen ? paragraphsIn(lines, at + 1, ownEnd, around) : [];
  const paragraphs = isOpen && labelled.length === 0 ? boldBeginningsIn(lines, at + 1, ownEnd, around) : labelled;
  const items =
    paragraphs.length > 0
      ? paragraphs
      : itemsIn(lines, at + 1, ownEnd, around, isOpen && (level > 1 || !text.hasLabels));
  const mayHoldRows = !isAfter && !text.isMarked && around.inProblems && !around.inNotes;
  const found = items.length > 0 || !mayHoldRows ? items : rowsIn(lines, at + 1, ownEnd, around, isOpen);
  candidates.push(...found);
  return found.length;
}
