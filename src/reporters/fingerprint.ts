/** How many characters from the start of a line on, blanks left out, tell that line from others. */
const reach = 100;
const base = 37n;
const endOfText = '\uffff';

/**
 * The fingerprint of each asked line (counted from 1) of a text: GitHub's `primaryLocationLineHash`, by which code
 * scanning knows a result again after lines have moved. It must agree with what GitHub's own upload action computes
 * (github/codeql-action, src/fingerprints.ts), or that action warns about every result. The hash of a line is a
 * polynomial over the 100 characters that follow its start, blanks skipped and line ends made one, modulo 2^64; after
 * the colon stands how many lines so far had the same.
 */
export function lineFingerprints(text: string, lines: Iterable<number>): ReadonlyMap<number, string> {
  const wanted = new Set(lines);
  const fingerprints = new Map<number, string>();
  const dense = text.replaceAll(/\r\n?/g, '\n').replaceAll(/[ \t]/g, '') + endOfText;
  const seen = new Map<string, number>();
  let start = 0;
  for (let line = 1; start < dense.length; line++) {
    const window = dense.slice(start, start + reach);
    const occurrence = (seen.get(window) ?? 0) + 1;
    seen.set(window, occurrence);
    if (wanted.has(line)) fingerprints.set(line, `${hash(window)}:${occurrence}`);
    const end = dense.indexOf('\n', start);
    if (end === -1) break;
    start = end + 1;
  }
  return fingerprints;
}

function hash(window: string): string {
  let value = 0n;
  for (let at = 0; at < reach; at++) {
    const code = at < window.length ? window.charCodeAt(at) : 0;
    value = BigInt.asUintN(64, value * base + BigInt(code));
  }
  return value.toString(16);
}
