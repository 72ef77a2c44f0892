import { type Candidate, countKinds, hasProblemAndAnswer, type RuleText, type Surroundings } from './candidate.ts';
import { labelOf, readBody } from './fields.ts';
import type { Line } from './lines.ts';
import { hasProblemNoun, isPlaceholder, namesProblems, saysNothing } from './names.ts';
import { readTitle, type Title } from './titles.ts';
import { kindsOf } from './tree.ts';

const answered: RuleText = {
  name: 'item-with-answer',
  matches: 'an item of any list with the labels of a problem and of its answer below it',
  why: 'Logs of sessions are written so.',
};

const belowLabel: RuleText = {
  name: 'item-below-label',
  matches: 'an item of a list below a label such as "Remaining issues:", outside of notes',
  why: 'The label names problems, whatever the heading says.',
};

const ofGroup: RuleText = {
  name: 'item-of-group',
  matches: 'an item of a list in a group of problems without headings',
  why: 'The group says what it lists. Links, words alone and ticked lines about what was done are left out.',
};

const ofArea: RuleText = {
  name: 'item-of-area',
  matches: 'an item below an item that only names an area, in a list of such items in a group of problems',
  why: 'Then the outer items are groups.',
};

export const itemRules: readonly RuleText[] = [answered, belowLabel, ofGroup, ofArea];

/**
 * The items of the outermost lists between two lines that are problems: all of them in a group of problems, elsewhere only
 * those that have labels of a problem and of its answer below them.
 */
export function itemsIn(
  lines: readonly Line[],
  from: number,
  to: number,
  around: Surroundings,
  isGroup: boolean,
): readonly Candidate[] {
  const tops = topItems(lines, from, to);
  const found = listsOf(tops).flatMap((list) => itemsOfList(lines, list, around, isGroup));
  // One item alone below running text is rarely a list of problems.
  return found.map((one) => ({ ...one, alike: countKinds(one.kinds) > 0 ? found.length + 1 : found.length }));
}

/** A list is what one label is above, or none. */
function listsOf(items: readonly Item[]): readonly (readonly Item[])[] {
  return [...Map.groupBy(items, ({ labelAt }) => labelAt).values()];
}

const keepsFile =
  /\b(?:each|every|new|past|resolved) (?:issue|bug|problem|entry|entries)\b|\b(?:entry|entries|issues?|bugs?|problems?) (?:should|must) (?:be|have|include)\b|\bmove (?:fixed|resolved|closed)\b|\bsource of truth\b/i;

function itemsOfList(
  lines: readonly Line[],
  tops: readonly Item[],
  around: Surroundings,
  isGroup: boolean,
): readonly Candidate[] {
  // The list below the first heading may say how the file is kept.
  const rules = tops.filter(({ at }) => keepsFile.test(lines[at]?.text ?? '')).length;
  if (rules * 2 >= tops.length && around.groups.every(({ level }) => level <= 1)) return [];
  if (isGroup && tops.every((item) => isArea(lines, item))) return itemsOfAreas(lines, tops, around);
  const found: Candidate[] = [];
  const isMixed = isGroup && tops.some(({ at }) => /^\s*(?:❌|⚠|🔴|🟠|🟡|⏳|🚧|\[ \])/u.test(lines[at]?.text ?? ''));
  for (const { at, end, label, labelAt } of tops) {
    const line = lines[at];
    if (line === undefined || saysNothing(line.text) || isPlaceholder(line.text)) continue;
    const own = labelOf(line.text);
    const body = readBody(lines, at + 1, end);
    // "Problem: …" on the item itself, and its answer below.
    const meanings = [own?.meaning ?? null, ...body.fields.map(({ meaning }) => meaning)];
    const kinds = kindsOf(meanings);
    const isLabelled = hasProblemAndAnswer(kindsOf(body.fields.map(({ meaning }) => meaning)));
    const isLabel = own !== undefined && own.meaning !== null && own.meaning !== 'description';
    const isListed = isGroup
      ? label === undefined || namesProblems(label)
      : label !== undefined && namesProblems(label) && hasProblemNoun(label) && (!around.inNotes || isLeft(label));
    if (isLabel || !(isLabelled || (isListed && isSentence(line.text) && !isHistory(line.text, around, isMixed))))
      continue;
    const { title, lead } = titleOf(line);
    const { name: rule } = isLabelled ? answered : isGroup ? ofGroup : belowLabel;
    // "Fixed:" above a list says as much as a heading does.
    const isNamed = label !== undefined && labelAt !== undefined && namesProblems(label);
    const inside = isNamed ? { ...around, groups: [{ at: labelAt, level: 7, text: label }, ...around.groups] } : around;
    found.push({ rule, form: 'item', at, end, title, lead, body, kinds, around: inside, alike: 1 });
  }
  return found;
}

/** A few words with a list below them and nothing else: the name of a platform or a part. */
function isArea(lines: readonly Line[], { at, end, label }: Item): boolean {
  const text = lines[at]?.text ?? '';
  const below = lines.slice(at + 1, end).filter(({ type }) => type !== 'blank');
  return (
    label === undefined &&
    text.split(/\s+/).length <= 3 &&
    !/[.!?]\s*$/.test(text) &&
    labelOf(text)?.meaning === undefined &&
    below[0]?.type === 'item' &&
    below.every(
      ({ type, indent, text: one }) => (type !== 'item' || (labelOf(one)?.meaning ?? null) === null) && indent > 0,
    )
  );
}

function itemsOfAreas(lines: readonly Line[], areas: readonly Item[], around: Surroundings): readonly Candidate[] {
  const { name: rule } = ofArea;
  return areas.flatMap(({ at, end }) => {
    const inside = { ...around, groups: [{ at, level: 7, text: lines[at]?.text ?? '' }, ...around.groups] };
    return itemsIn(lines, at + 1, end, inside, true).map((item) => ({ ...item, rule }));
  });
}

interface Item {
  readonly at: number;
  end: number;
  /** The label above its list, such as "Remaining issues" or "Verification", and the index of its line. */
  readonly label: string | undefined;
  readonly labelAt: number | undefined;
}

function topItems(lines: readonly Line[], from: number, to: number): readonly Item[] {
  const items: Item[] = [];
  let open: Item | undefined;
  let label: string | undefined;
  let labelAt: number | undefined;
  let indent = 0;
  let wasBlank = false;
  for (let index = from; index < to; index += 1) {
    const line = lines[index];
    if (line === undefined || line.type === 'blank' || line.type === 'skipped') {
      wasBlank = true;
      continue;
    }
    if (line.type === 'item' && (open === undefined || line.indent <= indent + 1)) {
      open = { at: index, end: index + 1, label, labelAt };
      indent = line.indent;
      items.push(open);
    } else if (open !== undefined) {
      // A fence may be less indented than its item; a paragraph after a blank line may not.
      const ends = line.type === 'rule' || (wasBlank && line.indent <= indent && line.type !== 'code');
      if (ends) open = undefined;
      else open.end = index + 1;
    }
    if (open === undefined && line.type !== 'code' && line.type !== 'item') {
      label = line.type === 'text' ? labelAbove(line.text) : undefined;
      labelAt = label === undefined ? undefined : index;
    }
    wasBlank = false;
  }
  return items;
}

/** What is left over is said in logs, below whatever heading comes last. */
function isLeft(label: string): boolean {
  return /^(?:remaining|known|open|outstanding|unresolved) (?:issues|problems|bugs|limitations)$/i.test(label.trim());
}

/** A label, or a few words that name problems: "Won't fix:", but not "For issues and questions:". */
function labelAbove(text: string): string | undefined {
  const [, plain = ''] =
    /^(?!for |if |in |to |when |please |see |如|若|请)([^:：,.，。]{2,30})[:：]$/i.exec(text) ?? [];
  const isOther =
    /\b(?:files?|documents?|conventions?|rules?|links?|policy|guidelines?|format)\b[^.]{0,40}[:：]$/i.test(text);
  return labelOf(text)?.label ?? (isOther || (plain !== '' && namesProblems(plain)) ? text : undefined);
}

/**
 * A green tick or "Added:" is history, unless the group says that it lists what was resolved.
 * @param isMixed Whether other items have a sign that says that they are open: then a tick is a state.
 */
function isHistory(text: string, { groups }: Surroundings, isMixed: boolean): boolean {
  if (
    /^\W*(?:added|improved|updated|changed|removed|created|enhanced|implemented|refactored|documented|verified|validated|tested|all|result|impact|testing)\b[^:]{0,30}(?:\*\*)?:/iu.test(
      text,
    )
  )
    return true;
  const isTicked = /^\s*(?:✅|✔|☑)/u.test(text);
  return (
    isTicked &&
    !isMixed &&
    !groups.some(
      ({ text: group }) =>
        (hasProblemNoun(group) || /\bP[0-4]\b/.test(group)) && /resolved|fixed|solved|✅/i.test(group),
    )
  );
}

/** Links, words and commands alone are no problem. */
function isSentence(text: string): boolean {
  const plain = text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/`[^`]*`/g, 'x');
  const [, link, to = ''] = /^\s*(?:\[([^\]]*)\]\(([^)]*)\)|<?https?:\/\/\S+)\s*$/.exec(text) ?? [];
  // A link alone leads elsewhere, unless it is the title of an issue that a tracker has.
  if (link !== undefined && !(/\/(?:issues?|bugs?|tickets?|browse|pull)\//i.test(to) && link.split(/\s+/).length >= 3))
    return false;
  if (/^\s*<?https?:\/\/\S+\s*$/.test(text)) return false;
  return /[\p{L}]{2}/u.test(plain) && (plain.trim().split(/\s+/).length >= 2 || /\p{Script=Han}{4}/u.test(plain));
}

const longestTitle = 120;

/** The bold beginning of an item, or its first clause, is its title; the rest describes it. */
function titleOf(line: Line): { readonly title: Title; readonly lead: string } {
  // A ticked box says the same as a tick.
  const text = line.sign === '[x]' ? `✅ ${line.text}` : line.text;
  const own = labelOf(text);
  const whole = own?.meaning === 'description' && own.value !== '' ? own.value : text;
  const [, before = '', boldText, rest = ''] =
    /^((?:[\p{Extended_Pictographic}\uFE0F~]|\s)*)\*\*(.{2,200}?)\*\*\s*(.*)$/u.exec(whole) ?? [];
  if (boldText !== undefined) {
    const [, remark = '', lead = rest] = /^(\([^()]{1,60}\)|✅|❌)?\s*[:：–—-]?\s*(.*)$/u.exec(rest) ?? [];
    return { title: readTitle(`${before}${boldText.replace(/[:：]\s*$/, '')} ${remark}`.trim()), lead };
  }
  const [, head = whole, lead = ''] =
    /^(.{8,120}?)(?:\s+[-–—→]+\s+|[:：]\s+|[.。;；!?](?:\s+|(?=[\p{Script=Han}])))(.+)$/u.exec(whole) ?? [];
  const short = head.length <= longestTitle ? head : `${head.slice(0, longestTitle).replace(/\s+\S*$/, '')}…`;
  return { title: readTitle(short), lead: head === short ? lead : whole };
}
