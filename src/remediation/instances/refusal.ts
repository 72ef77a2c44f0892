import type { Refusal } from '../contract.ts';

/** What stands in the way, and what a person can do: whole sentences. */
export function refusal(reason: string, advice: string): Refusal {
  return { type: 'refusal', reason, advice };
}

/** For a POSIX shell. */
export function quoted(text: string): string {
  return /^[\w./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
