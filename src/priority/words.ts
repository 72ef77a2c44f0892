import { wordsIn } from '../util/words.ts';

/** Words that say that there is a problem, but not which. They are no part of what a phrase names. */
const generic = new Set(
  'a an and any case error failure for in issue of on or problem severity the to trouble with'.split(' '),
);

const longest = 2000;

/** The words of the first 2,000 characters: letters and digits in lower case, without a plural `s`. */
export function wordsOf(text: string): readonly string[] {
  return wordsIn(text.slice(0, longest).toLowerCase()).map(singular);
}

function singular(word: string): string {
  return word.endsWith('s') && word.length > 3 && !'sui'.includes(word.at(-2) ?? '') ? word.slice(0, -1) : word;
}

/** The words of a phrase that name something: `backup issues` → `backup`. */
export function namingWords(phrase: string): readonly string[] {
  return wordsOf(phrase).filter((word) => !generic.has(word));
}

/** Whether each of the words stands somewhere among the others, in any order. */
export function holdsWords(words: readonly string[], among: readonly string[]): boolean {
  return words.every((word) => among.some((other) => sameWord(word, other)));
}

/** Whether the words stand among the others in their order, at most two other words between neighbours. */
export function holdsPhrase(words: readonly string[], among: readonly string[]): boolean {
  return among.some((_, start) => phraseStartsAt(words, among, start));
}

/** The same for words that begin at one place. */
export function phraseStartsAt(words: readonly string[], among: readonly string[], start: number): boolean {
  let at = start;
  return words.every((word, index) => {
    const last = index === 0 ? at : at + 2;
    for (; at <= last && at < among.length; at += 1) {
      if (sameWord(word, among[at] ?? '')) {
        at += 1;
        return true;
      }
    }
    return false;
  });
}

/** Whether the words are these and no others, one by one. */
export function areWords(words: readonly string[], others: readonly string[]): boolean {
  return words.length === others.length && words.every((word, index) => sameWord(word, others[index] ?? ''));
}

/** `config` also means `configuration`; short words such as `port` mean only themselves. */
function sameWord(word: string, other: string): boolean {
  return other === word || (word.length >= 5 && other.startsWith(word));
}
