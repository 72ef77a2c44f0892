import { countKinds, hasProblemAndAnswer, hasProblemLabels, type RuleText, type Surroundings } from './candidate.ts';
import {
  holdsRows,
  isGroupOfItems,
  isList,
  isLogEntry,
  isTable,
  onlyNothing,
  statesSomething,
} from './heading-text.ts';
import type { Line } from './lines.ts';
import { endsReport, isPlaceholder, namesNotes, namesProblems, namesTemplate } from './names.ts';
import { isLabelHeading, type Title } from './titles.ts';
import { areOfTemplate, instructsToWrite, saysSomething } from './templates.ts';
import type { Section } from './tree.ts';

/** What a whole text says about its headings. */
export interface Text {
  readonly lines: readonly Line[];
  /** Whether the file or its first heading says that it holds problems. */
  readonly isAboutProblems: boolean;
  /** The level at which most headings with labels are problems; else the lowest one. 0 if there is none. */
  readonly usualLevel: number;
  /** Whether few headings name notes, so that the others may be taken for problems though no group says so. */
  readonly isPure: boolean;
  /** Whether it is a guide to troubleshooting, in which "Performance" is an area and no note. */
  readonly isGuide: boolean;
  /** Whether any heading has the labels of a problem. */
  readonly hasLabels: boolean;
  /** Whether some of the text is records already, so that prose beside them is about the records. */
  readonly isMarked: boolean;
  /** Whether there are several bold lines that are used as headings though no label follows them. */
  readonly hasBoldTitles: boolean;
}

/** A heading, or a bold line that is used as one, and what decides about it. */
export interface Heading {
  readonly section: Section;
  readonly around: Surroundings;
  readonly text: Text;
  /** Whether one of the two nearest groups names problems, or it is one of a numbered series that fills such a text. */
  readonly isNamed: boolean;
  /** Whether it has a number, an id, or "Problem 2:" before the title. */
  readonly isCounted: boolean;
  /** Whether only a problem with its answer counts: among notes, and beside records. */
  readonly isStrict: boolean;
}

/**
 * What becomes of a heading: `problem`; `inside`, what is below it may be problems; `text`, with everything below it.
 */
export type Verdict = 'problem' | 'inside' | 'text';

export interface HeadingRule extends RuleText {
  readonly verdict: Verdict;
  readonly applies: (heading: Heading) => boolean;
}

const areaOfItems = 'area-of-items';
const rowsAlone = 'rows-alone';
const wholeList = 'priority-or-state-of-all';

/** Headings that name a part: below them are items or rows of the group around them. */
export const partRules: ReadonlySet<string> = new Set([areaOfItems, rowsAlone, wholeList]);

/** The first rule that applies decides. */
export const headingRules: readonly HeadingRule[] = [
  {
    name: 'template',
    verdict: 'text',
    matches:
      'a template, a placeholder, labels with nothing, placeholders or explanations behind them, or how to report a problem',
    why: 'Its examples look like problems, but are not.',
    applies: ({ section, text: { lines } }) => section.level > 0 && isTemplate(section, lines),
  },
  {
    name: 'no-text',
    verdict: 'inside',
    matches: 'a heading without text below it',
    why: 'A title alone may be a group that is still empty.',
    applies: ({ section: { level, body, ownEnd, end } }) =>
      level === 0 || (body.free.length + body.fields.length === 0 && ownEnd >= end),
  },
  {
    name: 'holds-problems',
    verdict: 'inside',
    matches: 'a heading above headings with labels, numbers or ids, or above several bold lines with labels',
    why: 'Then those are the problems, and it is their group.',
    applies: ({ section: { children } }) =>
      children.some(
        ({ level, kinds, title }) => level < 7 && (hasProblemLabels(kinds) || title.isNumbered || title.id !== null),
      ) || children.filter(({ level, kinds }) => level === 7 && hasProblemLabels(kinds)).length > 1,
  },
  {
    name: 'one-problem',
    verdict: 'problem',
    matches: 'the first heading of a text about one problem: three kinds of label, one of them problem or cause',
    why: 'Some people write one file for each problem.',
    applies: ({ section: { level, kinds, children }, isStrict }) =>
      level === 1 &&
      (isStrict ? hasProblemAndAnswer(kinds) : hasProblemLabels(kinds)) &&
      (kinds.has('description') || kinds.has('rootCause')) &&
      children.length === 0 &&
      countKinds(kinds) >= 3,
  },
  {
    name: 'first-heading',
    verdict: 'inside',
    matches: 'any other heading of the first level, unless a text about problems has no other headings',
    why: 'It names the text. Below underlined titles, one for each problem, nothing else is left to name it.',
    applies: ({ section: { level, title }, text }) =>
      level === 1 && (text.usualLevel !== 1 || namesProblems(title.raw) || title.title.split(' ').length < 3),
  },
  {
    name: 'labels',
    verdict: 'problem',
    matches: 'two kinds of label, one of them problem, cause, workaround, severity or impact',
    why: 'These labels are used for nothing else.',
    applies: ({ section: { kinds }, isStrict }) => !isStrict && hasProblemLabels(kinds),
  },
  {
    name: 'problem-and-answer',
    verdict: 'problem',
    matches: 'among notes, logs and beside records: problem or cause, and what is done about it',
    why: 'Some people write real problems under "Improvements"; one label is not enough there.',
    applies: ({ section: { kinds }, isStrict }) => isStrict && hasProblemAndAnswer(kinds),
  },
  {
    name: 'among-notes',
    verdict: 'inside',
    matches: 'among notes and logs, beside records, and outside of everything that is about problems',
    why: 'Numbers and states mean other things there, such as steps and features.',
    applies: ({ section: { level }, isStrict, around }) => level === 7 || isStrict || !around.inProblems,
  },
  {
    name: 'status-line',
    verdict: 'problem',
    matches: 'a status line and another label, whatever headings are below it',
    why: 'Long reports have sections of their own, and a state belongs to one problem.',
    applies: ({ section: { kinds, title, children } }) =>
      kinds.has('status') && countKinds(kinds) >= 2 && !namesProblems(title.raw) && !children.some(statesSomething),
  },
  {
    name: 'parts',
    verdict: 'inside',
    matches: 'a heading without number or id above other headings',
    why: 'It is an area or a chapter.',
    applies: ({ section: { children }, isCounted }) => children.length > 0 && !isCounted,
  },
  {
    name: 'says-nothing',
    verdict: 'inside',
    matches: '"None yet", "No known issues" and the like',
    why: 'The author says that there is none.',
    applies: ({ section, text }) => onlyNothing(section, text.lines),
  },
  {
    name: wholeList,
    verdict: 'inside',
    matches: 'a heading such as "P0 — …" or "… (all fixed)" above nothing but a list or a table',
    why: 'It states the priority or the state of each item.',
    applies: ({ section, text: { lines } }) =>
      isOfAll(section.title) && (isList(section, lines, 1) || isTable(section, lines)),
  },
  {
    name: 'chapter',
    verdict: 'inside',
    matches: 'a numbered heading without labels above other headings, beside one that holds problems',
    why: 'Then the numbers count chapters.',
    applies: ({ section: { title, children, kinds }, around }) =>
      title.id === null &&
      !title.isPrefixed &&
      around.besideGroups &&
      countKinds(kinds) === 0 &&
      children.some(({ level }) => level < 7),
  },
  {
    name: 'id-or-prefix',
    verdict: 'problem',
    matches: 'an id such as BUG-018, or "Problem:" before the title',
    why: 'Both name one problem.',
    applies: ({ section: { title } }) => title.id !== null || title.isPrefixed,
  },
  {
    name: 'group-of-items',
    verdict: 'inside',
    matches: 'a heading that names problems or an area, above a list, a table or bold titles',
    why: 'Then the items are the problems.',
    applies: ({ section, text }) => isGroupOfItems(section, text),
  },
  {
    name: 'log-entry',
    verdict: 'inside',
    matches: 'a day, a session or an iteration as title',
    why: 'It is an entry of a log and may hold anything.',
    applies: ({ section, text }) => isLogEntry(section.title, text.isPure) && !statesSomething(section),
  },
  {
    name: areaOfItems,
    verdict: 'inside',
    matches: 'a heading above nothing but a list, in a group of problems that has a list of its own',
    why: 'Then both lists are problems, and the heading names a part.',
    applies: ({ section, isNamed, isCounted, text, around }) =>
      isNamed && around.besideItems && !isCounted && isList(section, text.lines),
  },
  {
    name: rowsAlone,
    verdict: 'inside',
    matches:
      'a heading above nothing but a table of more than two columns: one is named "Problem" or the like, or there are a title and a state or severity',
    why: 'Then the rows are the problems, even if the heading has a number.',
    applies: ({ section, text }) => holdsRows(section, text.lines),
  },
  {
    name: 'number-or-state',
    verdict: 'problem',
    matches: 'a number or a state in a group of problems, or in a text that holds little else',
    why: 'People number and close problems.',
    applies: ({ section, isNamed, text }) =>
      (section.title.isNumbered || statesSomething(section)) && (isNamed || text.isPure),
  },
  {
    name: 'table-alone',
    verdict: 'inside',
    matches: 'a heading above nothing but a table of more than two columns',
    why: 'It holds results, versions or decisions, or its rows are the problems.',
    applies: ({ section, text }) => isTable(section, text.lines),
  },
  {
    name: 'in-group',
    verdict: 'problem',
    matches: 'the lowest heading in a group that names problems',
    why: 'The group says what it is.',
    applies: ({ section, isNamed }) => isNamed && section.level > 2,
  },
  {
    name: 'outside-series',
    verdict: 'inside',
    matches: 'a heading without number, label and state beside a series of numbered headings that fills the text',
    why: 'The author numbers the problems, and this one is a conclusion or a note.',
    applies: ({ section, isNamed, isCounted, around }) =>
      !isNamed && around.inSeries && !isCounted && !statesSomething(section),
  },
  {
    name: 'lowest-heading',
    verdict: 'problem',
    matches:
      'the lowest heading of a text about problems, if few headings name notes, and no other heading has labels unless it is beside this one',
    why: 'Troubleshooting guides and lists of limitations are written in prose.',
    applies: ({ section, isNamed, text, around }) =>
      !isNamed &&
      !isLabelHeading(section.title.raw) &&
      text.isPure &&
      section.level === text.usualLevel &&
      (!text.hasLabels || around.besideLabels),
  },
];

function isOfAll({ id, raw }: Title): boolean {
  return /^P[0-4]$/.test(id ?? '') || /\ball (?:fixed|resolved|done|solved|closed)\b/i.test(raw);
}

function isTemplate({ title, level, body, children }: Section, lines: readonly Line[]): boolean {
  const { fields, free } = body;
  const first = lines[free[0]?.[0] ?? -1]?.text ?? '';
  const isBlank =
    fields.length >= 2 && free.length === 0 && children.length === 0 && !fields.some((field) => saysSomething(field));
  const isExample = children.length === 0 && (areOfTemplate(fields) || instructsToWrite(first));
  // "# {{name}}: problems" is a real file that somebody has not finished.
  const isOpen = isPlaceholder(title.raw) && (level > 1 || !title.raw.includes('{{'));
  return namesTemplate(title.raw) || isOpen || isBlank || isExample;
}

/** The rule that decides about a heading. Undefined: no rule applies, and what is below it is looked at. */
export function ruleFor(section: Section, around: Surroundings, text: Text): HeadingRule | undefined {
  const { title } = section;
  const isNamed = around.groups.slice(0, 2).some((group) => group.level > 1 && namesProblems(group.text));
  const isCounted = title.isNumbered || title.id !== null || title.isPrefixed;
  // "11. Security considerations" in a numbered list of issues is an issue.
  const isNote =
    namesNotes(title.raw, text.isGuide) && (endsReport(title.raw) || !(isCounted && (isNamed || around.inSeries)));
  const isStrict = around.inNotes || isNote || text.isMarked;
  const heading = { section, around, text, isNamed, isCounted, isStrict };
  return headingRules.find(({ applies }) => applies(heading));
}
