import { type PrioritisedKind, wordsOf } from '../priority/index.ts';

/** Finds which records a text names, by id or title. */
export interface RecordIndex {
  named(by: PrioritisedKind, text: string): readonly PrioritisedKind[];
}

const longestName = 24;
const mostNames = 50;

/**
 * Ids count as they are; titles of one word do not, since such a word may stand for itself. Where several records fit,
 * one of the same registry is meant, else one of the same component; where that does not tell, none. At most 50 names.
 */
export function indexRecords(records: readonly PrioritisedKind[]): RecordIndex {
  const byName = new Map<string, Set<PrioritisedKind>>();
  const add = (words: readonly string[], record: PrioritisedKind): void => {
    const name = words.slice(0, longestName).join(' ');
    const known = byName.get(name);
    if (known === undefined) byName.set(name, new Set([record]));
    else known.add(record);
  };
  for (const record of records) {
    add(wordsOf(record.id), record);
    const title = wordsOf(record.title);
    if (title.length > 1) add(title, record);
  }
  return {
    named(by, text) {
      const found = new Set<PrioritisedKind>();
      const words = wordsOf(text);
      for (let start = 0; start < words.length && found.size < mostNames;) {
        const { candidates, length } = longestNameAt(byName, words, start);
        const record = meant(candidates, by);
        if (record !== undefined && record !== by) found.add(record);
        start += length;
      }
      return [...found];
    },
  };
}

function longestNameAt(
  byName: ReadonlyMap<string, ReadonlySet<PrioritisedKind>>,
  words: readonly string[],
  start: number,
): { readonly candidates: readonly PrioritisedKind[]; readonly length: number } {
  for (let length = Math.min(longestName, words.length - start); length > 0; length -= 1) {
    const candidates = byName.get(words.slice(start, start + length).join(' '));
    if (candidates !== undefined) return { candidates: [...candidates], length };
  }
  return { candidates: [], length: 1 };
}

function meant(candidates: readonly PrioritisedKind[], by: PrioritisedKind): PrioritisedKind | undefined {
  const nearby = [
    candidates.filter(({ path }) => path === by.path),
    candidates.filter(({ component }) => component === by.component),
    candidates,
  ].find((group) => group.length > 0);
  return nearby?.length === 1 ? nearby[0] : undefined;
}
