/** The clock of a turn: days apart, so that what failed in one turn does not stop the next one. */
export function dayLater(turn: number): () => Date {
  return () => new Date(Date.now() + turn * 2 * 86_400_000);
}
