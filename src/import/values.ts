import { signsOf, wordsOf } from './language-words.ts';
import type { ImportedSeverity, ImportedStatus } from './types.ts';

/** Whole words, in any script, or signs wherever they stand. */
export function words(alternatives: string, signs = ''): RegExp {
  const whole = String.raw`(?<![\p{L}\p{N}])(?:${alternatives})(?![\p{L}\p{N}])`;
  return new RegExp(signs === '' ? whole : `${whole}|${signs}`, 'iu');
}

/**
 * Words that state how a problem stands, most telling first: "partially resolved" is open and "✅ working as designed" stays as
 * it is. The words of other languages are rows of the same lists.
 */
const states: readonly (readonly [status: ImportedStatus, form: RegExp])[] = [
  [
    'active',
    words(
      String.raw`un(?:resolved|fixed|solved)|not (?:yet )?(?:fixed|resolved|solved|implemented|done|working|addressed|complete|started|actionable yet)|partial(?:ly)?|improved|mostly (?:resolved|fixed)|in progress|work in progress|wip|remain(?:s|ing)?|needs?|pending|reduced|ongoing|still|incomplete|nicht (?:behoben|gelöst)|teilweise|in arbeit|не (?:исправлено|решено)|частично|в работе|parcialmente|en curso|sin resolver|no resuelto${wordsOf('partly')}`,
      `未解决|未修复|部分|进行中|⏳|🔄|🚧${signsOf('partly')}`,
    ),
  ],
  [
    "won't-fix",
    words(
      String.raw`(?:by|as) design(?:ed)?|intended|intentional|expected(?: behaviou?r)?|accepted|acceptable|false[ -]positives?|no (?:action|fix|changes?) (?:needed|required|planned)|won'?t[ -]?(?:be )?fix(?:ed)?|wont ?fix|not a (?:bug|problem)|known limitation|not actionable|as-is|skipped|gewollt|so vorgesehen|wird nicht behoben|не будет исправлено|так задумано|no se corregirá|por diseño${wordsOf('wontFix')}`,
      `设计如此|不修复|不予修复${signsOf('wontFix')}`,
    ),
  ],
  ['blocked', words(String.raw`blocked|waiting (?:for|on)|on hold|blockiert|заблокировано|bloqueado`, '被阻塞|阻塞')],
  [
    'resolved',
    words(
      String.raw`resolved|fixed|solved|done|closed|complete(?:d|ly)?|implemented|addressed|eliminated|corrected|no longer (?:occurs|happens|affects|reproduces|an issue)|obsolete|(?:behoben|gelöst|erledigt|geschlossen)(?:e[nrs]?)?|исправлен[оаы]?|решен[оаы]?|решён|закрыт[оаы]?|устранен[оаы]?|(?:исправленн|решенн|решённ|закрыт|устраненн|устранённ)(?:ые|ая|ое|ый)|(?:resuelt|corregid|solucionad|cerrad|arreglad)[oa]s?${wordsOf('resolved')}`,
      `已解决|已修复|已关闭|已完成|✅|✔|☑${signsOf('resolved')}`,
    ),
  ],
  [
    'investigating',
    words(
      String.raw`investigat(?:ing|ed|ion)|being (?:looked at|debugged|analy[sz]ed)|debugging|under (?:review|analysis)|wird untersucht|расследу\p{L}*|investigando`,
      '调查中|排查中',
    ),
  ],
  [
    'active',
    words(
      String.raw`open|active|broken|new|known(?: issue)?|limitation|to ?do|deferred|planned|unfixed|confirmed|monitor(?:ing)?|workaround (?:available|in place|exists|documented)|documented|mitigated|offen|bekannt|открыт[оаы]?|abiert[oa]|pendiente|activ[oa]${wordsOf('open')}`,
      `打开|待处理|❌|⚠|🔴|🟠|🟡${signsOf('open')}`,
    ),
  ],
];

/** The state that a text states, such as the text behind a status label. The first clause goes before the rest. */
export function statusIn(text: string): ImportedStatus | undefined {
  const all = text.slice(0, 240);
  const [clause = ''] = /^[^.;(（—–]*/u.exec(all.replace(/^[\s:([（]+/, '')) ?? [];
  return stateOf(clause) ?? stateOf(all);
}

function stateOf(text: string): ImportedStatus | undefined {
  return states.find(([, form]) => form.test(text))?.[0];
}

const severities: readonly (readonly [severity: ImportedSeverity, form: RegExp])[] = [
  [
    'critical',
    words(
      String.raw`critical|blocker|blocking|sev(?:erity)?[ -]?0|p0|kritisch|crític[oa]|critic[oa]|критическ\p{L}*${wordsOf('critical')}`,
      `严重|致命|紧急${signsOf('critical')}`,
    ),
  ],
  [
    'high',
    words(
      String.raw`high|major|severe|p1|hoch|schwer|alt[oa]|grave|высок\p{L}*|серьезн\p{L}*|серьёзн\p{L}*${wordsOf('high')}`,
      `高${signsOf('high')}`,
    ),
  ],
  [
    'medium',
    words(
      String.raw`medium|med|moderate|normal|p2|mittel|medi[oa]|moderad[oa]|средн\p{L}*${wordsOf('medium')}`,
      `中${signsOf('medium')}`,
    ),
  ],
  [
    'low',
    words(
      String.raw`low|minor|trivial|cosmetic|p3|p4|niedrig|gering|baj[oa]|leve|низк\p{L}*|незначительн\p{L}*${wordsOf('low')}`,
      `低|轻微${signsOf('low')}`,
    ),
  ],
];

const coloured: readonly (readonly [severity: ImportedSeverity, sign: RegExp])[] = [
  ['critical', /🔴|🟥/u],
  ['high', /🟠|🟧/u],
  ['medium', /🟡|🟨/u],
  ['low', /🟢|🟩/u],
];

/** Two severities at once, such as "low–medium". */
export const range =
  /\b(?:low|medium|moderate|high|critical|minor|major)\s*(?:[-–—/]|to|bis)\s*(?:low|medium|moderate|high|critical|minor|major)\b/i;

/** The severity that a text states: the first word that is one. "Low–medium" and "3/5" state no term. */
export function severityIn(text: string): ImportedSeverity | undefined {
  const start = text.slice(0, 120);
  if (range.test(start)) return undefined;
  const found = severities
    .map(([severity, form]) => ({ severity, at: start.search(form) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at);
  return found[0]?.severity;
}

/** The severity that a coloured circle before a title means. */
export function severityOfColour(text: string): ImportedSeverity | undefined {
  return coloured.find(([, sign]) => sign.test(text))?.[0];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const iso = /(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)/;
const chinese = /(\d{4})年(\d{1,2})月(\d{1,2})日/;
const german = /(?<![\d.])(\d{1,2})\.(\d{1,2})\.(\d{4})(?!\d)/;
const monthFirst =
  /\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b/i;
const dayFirst =
  /\b(\d{1,2})(?:st|nd|rd|th)?\s+(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?,?\s+(\d{4})\b/i;

/** The first whole date of a text, as `YYYY-MM-DD`. A month without a day is no date, and neither is a day that no calendar has. */
export function dateIn(text: string): string | undefined {
  const start = text.slice(0, 400);
  const [, y1, m1, d1] = iso.exec(start) ?? chinese.exec(start) ?? [];
  if (y1 !== undefined) return dateOf(y1, Number(m1), Number(d1));
  const [, d2, m2, y2] = german.exec(start) ?? [];
  if (y2 !== undefined) return dateOf(y2, Number(m2), Number(d2));
  const [, name3 = '', d3, y3] = monthFirst.exec(start) ?? [];
  if (y3 !== undefined) return dateOf(y3, months.indexOf(name3.toLowerCase()) + 1, Number(d3));
  const [, d4, name4 = '', y4] = dayFirst.exec(start) ?? [];
  return y4 === undefined ? undefined : dateOf(y4, months.indexOf(name4.toLowerCase()) + 1, Number(d4));
}

function dateOf(year: string, month: number, day: number): string | undefined {
  const two = (part: number): string => String(part).padStart(2, '0');
  const days = new Date(Date.UTC(Number(year), month, 0)).getUTCDate();
  const isReal = month >= 1 && month <= 12 && day >= 1 && day <= days && Number(year) >= 1970 && Number(year) < 2200;
  return isReal ? `${year}-${two(month)}-${two(day)}` : undefined;
}

const notParticiples =
  /^(?:need|needed|feed|seed|speed|embed|indeed|proceed|exceed|recommended|required|proposed|planned|suggested|unresolved|expected|based|advanced|detailed|limited)$/i;
const otherParticiples =
  /^(?:rewrote|rewritten|built|rebuilt|made|wrote|written|found|now|已|wurde|wurden|исправлен\p{L}*|добавлен\p{L}*|обновлен\p{L}*|удален\p{L}*|заменен\p{L}*|se ha|se han)$/iu;

/** Whether a solution begins as something that was done: "Updated …", "Has been replaced", "✅ Now fails early". */
export function isDone(text: string): boolean {
  const begin = text
    .replaceAll(/[*_`~]|\p{Extended_Pictographic}|\uFE0F/gu, ' ')
    .trim()
    .split(/\s+/)
    .slice(0, 6);
  const [first = '', second = ''] = begin;
  if (/^(?:已|修改了|更新了|增加了|修复了)/.test(first)) return true;
  if (/^(?:was|were|been|has|have|is now|are now)$/i.test(first)) return isParticiple(second) || second === 'been';
  const lead = /^(?:successfully|properly|correctly|already|fully|completely|recently|we|i|team)$/i.test(first)
    ? second
    : first;
  return (
    isParticiple(lead) ||
    /\bsince v?\d+\.\d/i.test(text.slice(0, 160)) ||
    /\b(?:has|have) been \w+ed\b|\b(?:was|were) (?:fixed|resolved|added|removed|replaced|updated)\b/i.test(
      text.slice(0, 160),
    ) ||
    // "The slot was dropped": a whole clause in the past, not "Use X if it was dropped".
    /^\W*(?:the|a|an|all|both|each|this|our|we) (?:[\w`'-]+ ){1,4}(?:was|were) (?:\w+ly |then )?\w+(?:ed|t|n)\b/i.test(
      text.slice(0, 160),
    )
  );
}

function isParticiple(word: string): boolean {
  const plain = word.replaceAll(/[^\p{L}-]/gu, '');
  return (
    (/^\p{L}{2,}ed$/iu.test(plain) || /^(?:re|auto|pre)-\p{L}+ed$/iu.test(plain) || otherParticiples.test(plain)) &&
    !notParticiples.test(plain)
  );
}
