import { type PrioritisedKind, wordsOf } from '../priority/index.ts';

/** Finds which records a text names, by id or title. */
export interface RecordIndex {
  named(by: PrioritisedKind, text: string): readonly PrioritisedKind[];
}

const longestName = 24;
const mostNames = 50;
const longestText = 2000;
const none: readonly number[] = [];

/**
 * Ids and titles count wherever they stand. A title of one word, which may stand for itself, counts only where it is
 * the whole of a part, between commas, semicolons and list items, or one of several names joined by `and`. Where
 * several records fit, one of the same registry is meant, else one of the same component; where that does not tell,
 * none. At most 50 names.
 */
export function indexRecords(records: readonly PrioritisedKind[]): RecordIndex {
  const [byName, byWord] = [nameIndex(), nameIndex()];
  for (const record of records) {
    byName.add(wordsOf(record.id), record);
    const title = wordsOf(record.title);
    if (title.length > 0) (title.length === 1 ? byWord : byName).add(title, record);
  }
  return {
    named(by, text) {
      const found = new Set<PrioritisedKind>();
      const find = (record: PrioritisedKind | undefined): void => {
        if (record !== undefined && record !== by && found.size < mostNames) found.add(record);
      };
      const words = wordsOf(text);
      for (let start = 0; start < words.length;) {
        const name = longestNameAt(byName, words, start);
        if (name.length > 0) find(byName.meant(name, by));
        start += Math.max(1, name.length);
      }
      for (const part of byWord.isEmpty() ? [] : partsOf(text)) {
        const names = part.split(/\b(?:and|or)\b|&/i).map(wordsOf);
        if (names.every((name) => byName.has(name) || byWord.has(name))) {
          for (const name of names) find(byWord.meant(name, by));
        }
      }
      return [...found];
    },
  };
}

interface NameIndex {
  add(name: readonly string[], record: PrioritisedKind): void;
  has(name: readonly string[]): boolean;
  /** How many words names have that begin with a word, from the longest on. */
  lengthsFrom(word: string): readonly number[];
  isEmpty(): boolean;
  meant(name: readonly string[], by: PrioritisedKind): PrioritisedKind | undefined;
}

/** One entry for a name anywhere, in a registry and in a component, since thousands of records may share a title. */
function nameIndex(): NameIndex {
  const entries = new Map<string, PrioritisedKind | 'several'>();
  const lengths = new Map<string, readonly number[]>();
  const keyOf = (name: readonly string[]): string => name.slice(0, longestName).join(' ');
  return {
    add(name, record) {
      const key = keyOf(name);
      const [first = ''] = name;
      const known = lengths.get(first) ?? [];
      const length = Math.min(name.length, longestName);
      if (!known.includes(length)) {
        lengths.set(
          first,
          [...known, length].toSorted((a, b) => b - a),
        );
      }
      for (const one of [key, `${key}\n${record.path}`, `${key}\0${record.component}`]) {
        const other = entries.get(one);
        entries.set(one, other === undefined || other === record ? record : 'several');
      }
    },
    has: (name) => entries.has(keyOf(name)),
    lengthsFrom: (word) => lengths.get(word) ?? none,
    isEmpty: () => entries.size === 0,
    meant(name, by) {
      const key = keyOf(name);
      const one = entries.get(`${key}\n${by.path}`) ?? entries.get(`${key}\0${by.component}`) ?? entries.get(key);
      return one === 'several' ? undefined : one;
    },
  };
}

function longestNameAt(byName: NameIndex, words: readonly string[], start: number): readonly string[] {
  for (const length of byName.lengthsFrom(words[start] ?? '')) {
    const name = words.slice(start, start + length);
    if (name.length === length && byName.has(name)) return name;
  }
  return [];
}

/** What stands between commas, semicolons and list items, without the number of an item and the target of a link. */
function partsOf(text: string): readonly string[] {
  return text
    .slice(0, longestText)
    .split(/[,;\n]/)
    .map((part) => part.replace(/^\s*\d+[.)]\s/, '').replaceAll(/\]\([^()]*\)/g, ']'));
}
