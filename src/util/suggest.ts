import { distance } from 'fastest-levenshtein';

/** The candidate most similar to a word, or undefined if none is close enough to be meant. Ties go to the first. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  // A long word is not a typing mistake, and the time grows with the square of its length.
  if (word.length > 100) return undefined;
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let least = Math.max(word.length < 4 ? 1 : 2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const steps = distance(wanted, candidate.toLowerCase());
    if (steps < least) [best, least] = [candidate, steps];
  }
  return best;
}
