import { wordsIn } from '../util/words.ts';
import { type DiagnosticCollector, quote } from './diagnostics.ts';
import type { Span } from './position.ts';
import type { ProblemRecord } from './record.ts';

/**
 * Keeps letters and digits of any script, in lower case and without Latin accents; replaces every run of other characters
 * by a dash. At most 80 characters. Signs that tell one title from another become words: `C++` is `c-plus-plus`, `-5` is
 * `minus-5`. A title of other signs alone becomes their code points: `symbol-1f525`.
 */
function slug(source: string): string {
  const title = signed.test(source) ? spellSigns(source) : source;
  const plain = /^[\x20-\x7E]*$/.test(title) ? title : withoutAccents(title);
  const words = wordsIn(plain.replaceAll(/['’]/g, '').toLowerCase());
  return words.join('-').slice(0, 80).replace(/-$/, '');
}

const signed = /[+#<>]|(?:^|\s)-\d/;

function spellSigns(title: string): string {
  return title
    .replaceAll(/(?<=[\p{L}\p{N}])\+|\+(?=\+|\s|$)/gu, ' plus ')
    .replaceAll(/(?<=\p{L})#(?!\p{N})/gu, ' sharp ')
    .replaceAll(/<(?![-=])/g, ' less than ')
    .replaceAll(/(?<![-=])>/g, ' greater than ')
    .replaceAll(/(^|\s)-(?=\d)/g, '$1minus ');
}

/** For a title without letters or digits. */
function symbolSlug(title: string): string {
  const signs = Array.from(title.replaceAll(/\s/g, ''));
  const points = signs.slice(0, 8).map((sign) => sign.codePointAt(0)?.toString(16) ?? '');
  return points.length === 0 ? 'untitled' : `symbol-${points.join('-')}`;
}

/** Thai and Lao AM are written as one sign, although Unicode takes them apart like a ligature. */
const notSaraAm = /[^\u0E33\u0EB3]+/g;

function withoutAccents(title: string): string {
  return title
    .replaceAll(notSaraAm, (part) => part.normalize('NFKD'))
    .replaceAll(/[\u0300-\u036F]/g, '')
    .normalize('NFC');
}

/** FNV-1a over UTF-16 code units, 32 bits, as eight hexadecimal digits. No secret hangs on it, and it loads nothing. */
export function shortHash(text: string): string {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  return (value >>> 0).toString(16).padStart(8, '0');
}

/** `postgres` and `Port Allocation Conflicts` → `postgres/port-allocation-conflicts`. */
export function recordId(component: string, title: string): string {
  return `${component}/${slug(title) || symbolSlug(title)}`;
}

const asciiId = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

/** Whether a header's `ID` is valid: parts of letters, digits, `.`, `_` and `-`, joined by `/`, at most 200 characters. */
export function isValidId(id: string): boolean {
  return (
    id.length <= 200 &&
    (asciiId.test(id) || /^[\p{L}\p{N}_-][\p{L}\p{N}._-]*(?:\/[\p{L}\p{N}_-][\p{L}\p{N}._-]*)*$/u.test(id))
  );
}

/**
 * Gives every record an id of its own, so that none hides another. Of records whose titles differ but lead to one id, such
 * as `Build 1.12 fails` and `Build 1-12 fails`, each gets an end made of its title: the order of the file does not matter.
 * If a title or an ID appears twice, the id of the later one ends in `-2`, `-3` and so on.
 */
export function withUniqueIds(records: readonly ProblemRecord[], report: DiagnosticCollector): ProblemRecord[] {
  if (new Set(records.map(({ id }) => id)).size === records.length) return [...records];
  const alike = titlesAlike(records);
  const seen = new Map<string, ProblemRecord>();
  return records.map((original) => {
    const record = isNamedByTitle(original) && alike.has(original.id) ? withEnd(original, alike, report) : original;
    const first = seen.get(record.id);
    if (first === undefined) {
      seen.set(record.id, record);
      return record;
    }
    const sameTitle = isNamedByTitle(record) && isNamedByTitle(first);
    report.add(sameTitle ? 'title-repeated' : 'id-repeated', namePlace(record), {
      message: `Duplicate ${sameTitle ? `title ${quote(record.title)}` : `id ${quote(record.id)}`} (first used on line ${first.place.line}).`,
    });
    let number = 2;
    while (seen.has(`${record.id}-${number}`)) number++;
    const renamed = { ...record, id: `${record.id}-${number}` };
    seen.set(renamed.id, renamed);
    return renamed;
  });
}

function isNamedByTitle({ places }: ProblemRecord): boolean {
  return places['id'] === undefined;
}

/** By id: the different titles that lead to it, if they are several. */
function titlesAlike(records: readonly ProblemRecord[]): ReadonlyMap<string, ReadonlySet<string>> {
  const titles = new Map<string, Set<string>>();
  for (const { id, title } of records.filter(isNamedByTitle)) {
    const known = titles.get(id) ?? new Set();
    titles.set(id, known.add(title.normalize('NFC')));
  }
  return new Map([...titles].filter(([, known]) => known.size > 1));
}

function withEnd(
  record: ProblemRecord,
  alike: ReadonlyMap<string, ReadonlySet<string>>,
  report: DiagnosticCollector,
): ProblemRecord {
  const title = record.title.normalize('NFC');
  const other = [...(alike.get(record.id) ?? [])].find((one) => one !== title) ?? '';
  const id = `${record.id}-${shortHash(title).slice(0, 6)}`;
  report.add('title-alike', namePlace(record), {
    message: `This title and ${quote(other)} would have the same id, so this id is ${id}.`,
  });
  return { ...record, id };
}

function namePlace({ place, places }: ProblemRecord): Span {
  const { offset, endOffset } = places['id'] ?? places['title'] ?? place;
  return { start: offset, end: endOffset };
}
