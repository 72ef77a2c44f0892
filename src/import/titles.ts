import { signsOf, wordsOf } from './language-words.ts';
import { labelName, meaningOf } from './labels.ts';
import { words } from './values.ts';

/** A title taken apart. */
export interface Title {
  /** Without number, id, state, date and decoration. */
  readonly title: string;
  /** As written, without the signs of heading or list. */
  readonly raw: string;
  readonly id: string | null;
  readonly isNumbered: boolean;
  /** Whether it began with "Problem:" or the like. */
  readonly isPrefixed: boolean;
  readonly isStruck: boolean;
  /** What was cut off: brackets, and words after a dash that state something. For reading state, severity and date. */
  readonly remarks: readonly string[];
}

const pictures = String.raw`[\p{Extended_Pictographic}\u{1F7E0}-\u{1F7EB}\uFE0F\u200D\u20E3]`;
const picture = new RegExp(pictures, 'gu');
const decoration = new RegExp(`^(?:${pictures}|\\s)+|(?:${pictures}|\\s)+$`, 'gu');
const number = /^(?:#?\d{1,4}(?:\.\d{1,3}){0,3}[.):：]?(?=\s)|\(\d{1,3}\)|[A-Z]?\d{1,3}[.)](?=\s))[\s:–—-]*/;
const prefix =
  /^(?:problem|issue|bug|known issue|limitation|problema|проблема|问题|fehler)(?:\s*(?:#?\s*\d{1,4})?\s*[:：–—]|\s*#?\s*\d{1,4}\s*-|\s+-(?=\s))\s*(?=\S)/i;
const idForm =
  /^(?:\[([A-Z][A-Z0-9]{0,9}(?:-[A-Z0-9]{1,9}){0,2}-\d{1,6})\]|([A-Z][A-Z0-9]{0,9}(?:-[A-Z0-9]{1,9}){0,2}-\d{1,6}|[A-Z]{1,4}\d{1,4}(?=\s*[:：–—]))|(?:issue|problem|bug)\s+(#\d{1,6}))\s*[:：–—.-]*\s*/i;
const date = /\b\d{4}-\d{2}-\d{2}\b/;

/** Words that state something about the problem and are no part of its name. */
const stateWords = words(
  String.raw`resolved|fixed|solved|done|closed|completed?|implemented|improved|partial(?:ly)?|in progress|pending|open|unresolved|by design|as designed|intended|expected|accepted|acceptable|false positives?|won'?t[- ]?fix|known limitation|limitation|mitigated|investigating|wip|todo|deferred|blocked|active|new|critical|blocker|high|medium|moderate|low|minor|major|trivial|cosmetic|severe|p[0-4]|verified|updated?|ongoing|monitoring|documented|not (?:fixed|implemented|actionable|resolved)|needs?|obsolete|priority|severity|behoben|gelöst|erledigt|offen|исправлено|решено|открыто|закрыто|已解决|已修复|未解决|resuelto|corregido|abierto|pendiente${wordsOf('resolved')}${wordsOf('partly')}${wordsOf('wontFix')}`,
  `[✅✔☑❌⚠🔴🟠🟡🟢]${signsOf('resolved')}`,
);

/** Takes a title apart. At most 400 characters are read. */
export function readTitle(source: string): Title {
  const raw = source.slice(0, 400).trim();
  const remarks: string[] = [];
  let text = raw;
  const isStruck = /^\W*~~.+~~/.test(text);
  text = text
    .replaceAll(/(?<!!)\[([^[\]]{2,300})\]\((?:[^()\s]|\([^()\s]*\)){1,400}\)/g, '$1')
    .replaceAll('~~', '')
    .replace(/^\*\*(.+?)\*\*/, '$1')
    .replaceAll(/\*\*|__/g, '');
  const pictured = /[^\x20-\x7E]/.test(text) ? text.match(picture) : null;
  if (pictured !== null) remarks.push(pictured.join(' '));
  text = strip(text.replace(/^([\p{Extended_Pictographic}\s]*)(\d)\uFE0F?\u20E3\s*/u, '$1$2. '));
  const isNumbered = number.test(text);
  text = strip(text.replace(number, ''));
  const isPrefixed = prefix.test(text);
  const [idText, ...ids] = idForm.exec(text) ?? [];
  const id = ids.find((one) => one !== undefined) ?? null;
  if (idText !== undefined && idText.length < text.length) text = strip(text.slice(idText.length));
  text = strip(text.replace(prefix, ''));
  // What stands at the ends and states something: brackets, a date, words after a dash.
  for (let round = 0; round < 6; round += 1) {
    const cut = cutEnd(text) ?? cutStart(text);
    if (cut === undefined) break;
    remarks.push(cut.remark);
    text = strip(cut.rest);
  }
  text = text.replace(/[\s:：.,;–—-]+$/u, '').replace(/^[\s:：,;–—-]+/u, '');
  return { title: text === '' ? strip(raw) || raw : text, raw, id, isNumbered, isPrefixed, isStruck, remarks };
}

function strip(text: string): string {
  // Most titles are plain, and the classes of Unicode are slow.
  if (/^[\x20-\x7E]*$/.test(text)) return text.trim();
  return text.replaceAll(decoration, '').trim();
}

interface Cut {
  readonly rest: string;
  readonly remark: string;
}

function cutEnd(text: string): Cut | undefined {
  const bracket = /^(.*\S)\s*[([（【]([^()[\]（）【】]{1,80})[)\]）】]$/u.exec(text);
  if (bracket?.[1] !== undefined && bracket[2] !== undefined && states(bracket[2])) {
    return { rest: bracket[1], remark: bracket[2] };
  }
  const dashed = /^(.*\S)\s*(?:\s[-–—→]+|[:：])\s+(.{1,60})$/u.exec(text);
  if (dashed?.[1] !== undefined && dashed[2] !== undefined && isStatement(dashed[2])) {
    return { rest: dashed[1], remark: dashed[2] };
  }
  const last = /^(.*\S)\s+(FIXED|RESOLVED|SOLVED|DONE|CLOSED|COMPLETED?|OPEN|WONTFIX)!?$/.exec(text);
  if (last?.[1] !== undefined && last[2] !== undefined) return { rest: last[1], remark: last[2] };
  // "✅ CORRIGÉ": words in capitals behind a title that is not.
  const shouted = /(?:[\s✅✔☑❌⚠]|\uFE0F)(\p{Lu}[\p{Lu}' ]{2,24})!?$/u.exec(text);
  const rest = text.slice(0, shouted?.index ?? 0);
  return shouted?.[1] !== undefined && /\p{Ll}/u.test(rest) && isStatement(shouted[1])
    ? { rest: rest.replace(/(?:[\s✅✔☑❌⚠]|\uFE0F){1,9}$/u, ''), remark: shouted[1] }
    : undefined;
}

function cutStart(text: string): Cut | undefined {
  const dated = /^[([]?(\d{4}-\d{2}-\d{2})[)\]]?\s*[:：–—-]?\s+(.+)$/u.exec(text);
  if (dated?.[1] !== undefined && dated[2] !== undefined) return { rest: dated[2], remark: dated[1] };
  const bracket = /^[([【]([^()[\]【】]{1,40})[)\]】]\s*[:：–—-]?\s*(\S.*)$/u.exec(text);
  if (bracket?.[1] !== undefined && bracket[2] !== undefined && states(bracket[1])) {
    return { rest: bracket[2], remark: bracket[1] };
  }
  const word = /^([\p{L}' ]{2,30})[:：]\s*(\S.*)$/u.exec(text);
  if (word?.[1] !== undefined && word[2] !== undefined && isStatement(word[1])) {
    return { rest: word[2], remark: word[1] };
  }
  return undefined;
}

/** Whether a text in brackets states state, severity or date, rather than being part of the name. */
function states(text: string): boolean {
  return date.test(text) || stateWords.test(text) || /^(?:iteration|session)\s+\d+$/i.test(text);
}

/** Stricter than `states`: the text consists of little more than such words. */
function isStatement(text: string): boolean {
  if (date.test(text) && text.replace(date, '').trim().split(/\s+/).length <= 4) return true;
  const [word] = stateWords.exec(text) ?? [];
  return (
    word !== undefined &&
    text.trim().split(/\s+/).length <= 3 &&
    text
      .replace(/^[^\p{L}\p{N}]+/u, '')
      .toLowerCase()
      .startsWith(word.toLowerCase())
  );
}

/** Two titles with the same key are the same title: letters and digits, in lower case. */
export function titleKey(title: string): string {
  const key = title
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, '');
  return key === '' ? title.trim() : key;
}

/** "Resolved" or "Fixed" as a heading is a group of problems, though it is a label at the start of a line. */
const groupNames: ReadonlySet<string> = new Set([
  'fixed',
  'solved',
  'completed',
  'planned',
  'future',
  'needed',
  'needs',
]);

/** A heading that is a label may have its value behind it: `### Severity: medium`. */
export function headingLabel(text: string): { readonly label: string; readonly value: string } {
  const [, label = '', value = ''] = /^([^:：]{3,30})[:：]\s*(\S.*)$/u.exec(text) ?? [];
  const meaning = label === '' ? undefined : meaningOf(label);
  return meaning === 'severity' || meaning === 'priority' ? { label, value } : { label: text, value: '' };
}

/** Whether a heading is a label: `### Solution`, with three words at most. */
export function isLabelHeading(heading: string): boolean {
  const text = headingLabel(heading).label;
  const name = labelName(text);
  const isShort = name.split(' ').length <= (text.trim().endsWith('?') ? 6 : 3);
  const meaning = isShort && !groupNames.has(name) ? meaningOf(text) : undefined;
  // "Known issues" below the heading of a version is a group, and so is "Issues found"; "Possible causes" is a label.
  const isGroup =
    /^(?:known|open|current|common|outstanding|remaining) \p{L}+s$|^(?:issues|problems|bugs) (?:found|discovered|encountered|identified|fixed|resolved)$/u;
  if (meaning === 'description' && isGroup.test(name)) return false;
  return meaning !== undefined && !['resolved', 'discovered', 'date', 'id'].includes(meaning);
}
