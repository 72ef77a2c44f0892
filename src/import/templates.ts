import type { Field } from './fields.ts';
import type { LabelMeaning } from './labels.ts';
import { isPlaceholder, saysNothing } from './names.ts';

/** A whole value in brackets stands for what somebody has to fill in: "[Description]", "<what you see>", "(short title)". */
const blanks: readonly RegExp[] = [
  /^[*_`]*\[[A-Z][a-z][^[\]()]*\][*_`]*$/,
  /^[*_`]*<[a-z][^<>]* [^<>]*>[*_`]*$/i,
  /^[*_`]*\((?:template|short|brief|why|how|what|one-line|exact|file)\b[^()]*\)[*_`]*$/i,
  /^[*_`]*\{\{.*\}\}[*_`]*$/,
  /^\W*(?:YYYY-MM-DD|X\.Y\.Z)\W*$|(?:^|\s)#XX\b/,
];

const term =
  '(?:critical|high|medium|moderate|low|major|minor|open|active|in[ -]progress|investigating|monitoring|mitigated|fixed|resolved|closed|reopened)';

/** All terms at once: "High / Medium / Low", "Open | In progress | Resolved". */
const allTerms = new RegExp(String.raw`${term}(?:\P{L}{1,6}${term}){2,}`, 'iu');

/** Values that say what is to be written there: "What the issue is", "Brief description of the problem". */
const explains =
  /^\W*(?:what(?:'s| is| goes| happens| the| you| broke| changed)\b|who(?:\/what)? is\b|how (?:it|the|to)\b|why (?:it|this|the)\b|(?:a )?(?:brief|short|clear|one-line|one-paragraph) (?:description|summary|title|explanation)\b|technical (?:analysis|explanation)\b|temporary (?:solution|fix)\b.{0,20}\b(?:available|any)\b|describe\b|explanation of\b|step-by-step fix\b|long-term (?:resolution|solution)\b|current state with\b)/i;

/** What is wrong and what is done about it: nobody leaves a placeholder there and means a problem. */
const telling: ReadonlySet<LabelMeaning | null> = new Set<LabelMeaning | null>([
  'description',
  'rootCause',
  'workaround',
  'solution',
  'solutionPlanned',
  'solutionDone',
  'impactAssessment',
]);

/**
 * Whether the labels of a text belong to a template: what is wrong is a placeholder, or two of the others are; a value names all
 * terms; or two say what to write there.
 */
export function areOfTemplate(fields: readonly Field[]): boolean {
  const terms = fields.filter(
    ({ meaning }) => meaning === 'severity' || meaning === 'status' || meaning === 'priority',
  );
  const others = fields.filter((field) => !terms.includes(field));
  const left = others.filter((field) => isBlank(textOf(field)));
  return (
    terms.some(({ value }) => allTerms.test(value)) ||
    left.some(({ meaning }) => telling.has(meaning)) ||
    left.length >= 2 ||
    others.filter((field) => explains.test(textOf(field))).length >= 2
  );
}

function textOf({ value, next }: Field): string {
  return value === '' ? next : value;
}

/** Text that tells what to write there: "A clear and concise description of what the bug is." */
const instructs =
  /^\W*(?:(?:a |eine )?(?:clear|brief|short|concise|klare)\b[^.]{0,25} (?:description of|beschreibung)|describe (?:the|what|how)\b|add any other\b|what someone would\b)/i;

/** Whether a text below a title tells what to write there, or stands for it. */
export function instructsToWrite(text: string): boolean {
  return instructs.test(text) || isBlank(text);
}

/** The labels of a template have nothing behind them and nothing below. */
export function saysSomething({ value, first, last }: Field): boolean {
  return value !== '' || last > first;
}

/** Whether a value stands for what somebody has to fill in. */
function isBlank(text: string): boolean {
  const whole = text.trim();
  return whole.length <= 200 && !saysNothing(whole) && blanks.some((form) => form.test(whole));
}

/** Whether the row of a table is an example of how to fill it in. */
export function isTemplateRow(title: string, cells: readonly string[]): boolean {
  return isPlaceholder(title) || cells.some(isBlank) || cells.filter((cell) => explains.test(cell)).length >= 2;
}
