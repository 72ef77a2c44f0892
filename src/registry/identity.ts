import { wordsIn } from '../util/words.ts';
import { type DiagnosticCollector, quote } from './diagnostics.ts';
import type { ProblemRecord } from './record.ts';

/** Keeps letters and digits of any script, in lower case and without Latin accents; replaces every run of other characters by a dash. At most 80 characters. */
function slug(title: string): string {
  const plain = /^[\x20-\x7E]*$/.test(title) ? title : withoutAccents(title);
  const words = wordsIn(plain.replaceAll(/['’]/g, '').toLowerCase());
  return words.join('-').slice(0, 80).replace(/-$/, '');
}

function withoutAccents(title: string): string {
  return title
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036F]/g, '')
    .normalize('NFC');
}

/** `postgres` and `Port Allocation Conflicts` → `postgres/port-allocation-conflicts`. A title without letters or digits becomes `untitled`. */
export function recordId(component: string, title: string): string {
  return `${component}/${slug(title) || 'untitled'}`;
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
 * Keeps both records if a title or an ID appears twice: the id of the later one ends in `-2`, `-3` and so on, so that
 * neither hides the other.
 */
export function withUniqueIds(records: readonly ProblemRecord[], report: DiagnosticCollector): ProblemRecord[] {
  const seen = new Map<string, ProblemRecord>();
  return records.map((record) => {
    const first = seen.get(record.id);
    if (first === undefined) {
      seen.set(record.id, record);
      return record;
    }
    const sameTitle = record.places['id'] === undefined && first.places['id'] === undefined;
    const place = record.places['id'] ?? record.places['title'] ?? record.place;
    report.add(
      sameTitle ? 'title-repeated' : 'id-repeated',
      { start: place.offset, end: place.endOffset },
      {
        message: `Duplicate ${sameTitle ? `title ${quote(record.title)}` : `id ${quote(record.id)}`} (first used on line ${first.place.line}).`,
      },
    );
    let number = 2;
    while (seen.has(`${record.id}-${number}`)) number++;
    const renamed = { ...record, id: `${record.id}-${number}` };
    seen.set(renamed.id, renamed);
    return renamed;
  });
}
