import { distance } from 'fastest-levenshtein';

/** The candidate that most resembles a word, or undefined where none is close enough to be meant. Ties go to the first. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  // Words come from strangers: a long one is never a slip of the pen, and the distance is quadratic.
  if (word.length > 100) return undefined;
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const steps = distance(wanted, candidate.toLowerCase());
    if (steps < least) [best, least] = [candidate, steps];
  }
  return best;
}
