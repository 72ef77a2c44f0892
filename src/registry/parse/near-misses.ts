import { suggest } from '../../util/suggest.ts';
import { kinds } from '../kinds/index.ts';
import type { Span } from '../position.ts';

/** What a comment that is almost a marker probably means: the kind, and the edge if that is clear. */
export interface NearMiss {
  readonly name: string;
  readonly edge: 'start' | 'end' | undefined;
}

export const markerNames: readonly string[] = kinds.map((kind) => kind.marker);

const names: ReadonlySet<string> = new Set(markerNames);
const edges: Readonly<Record<string, 'start' | 'end'>> = {
  START: 'start',
  STARTS: 'start',
  BEGIN: 'start',
  BEGINS: 'start',
  OPEN: 'start',
  END: 'end',
  ENDS: 'end',
  FINISH: 'end',
  STOP: 'end',
  CLOSE: 'end',
};

/** Words after the edge, such as `v2`. With more of them the comment is a sentence. */
const mostWordsBehind = 3;

/**
 * What a comment that begins with EMBED or the name of a kind means if it is clearly a mistyped marker: the name of a kind, or almost one,
 * before a word for an edge (`EMBED:ACTIVE PROBLEM:BEGIN`), or the name of a kind and at most one more word
 * (`EMBED:ACTIVEPROBLEM`). Undefined for a sentence, and for the name of something else (`EMBED:VIDEO:START`).
 */
export function nearMissOf(comment: string): NearMiss | undefined {
  const words = comment.toUpperCase().match(/[A-Z0-9]+/g) ?? [];
  const at = words.findIndex((word) => Object.hasOwn(edges, word));
  if (at > 0 && words.length - at - 1 <= mostWordsBehind) {
    const joined = words.slice(0, at).join('');
    const name = names.has(joined) ? joined : suggest(joined, names);
    return name === undefined ? undefined : { name, edge: edges[words[at] ?? ''] };
  }
  const exact = words.find((word) => names.has(word)) ?? gluedName(words);
  if (exact === undefined || words.length > 2) return undefined;
  const edge = words.map((word) => edges[word.replace(exact, '')]).find((found) => found !== undefined);
  return { name: exact, edge };
}

/** Lines that a page shows as text, since they only look like a comment: `<!– EMBED:…`, or a comment over several lines. */
const broken =
  /^[ \t]*(?:<!(?!--)[-\u2010-\u2015\u2212]{0,3}[ \u00A0\u200B]*embed[ ]*:([^<>\r\n]{1,160})>|<!--[ \t]*\r?\n[ \t]*embed[ ]*:([^<>]{1,160})-->)/gim;

/** Whether a text has `<!` that opens no comment, or a comment with nothing else on its line. */
function mayHoldBroken(text: string): boolean {
  for (let at = text.indexOf('<!'); at !== -1; at = text.indexOf('<!', at + 2))
    if (!text.startsWith('--', at + 2) || /^[ \t]*[\r\n]/.test(text.slice(at + 4, at + 40))) return true;
  return false;
}

/** Markers that are not comments on one line, and so have no effect. */
export function brokenMarkers(text: string): readonly (Span & NearMiss)[] {
  if (!mayHoldBroken(text)) return [];
  return [...text.matchAll(broken)].flatMap(({ 0: written, 1: line, 2: lines, index }) => {
    const meant = nearMissOf(line ?? lines ?? '');
    return meant === undefined ? [] : [{ ...meant, start: index, end: index + written.length }];
  });
}

/** `ACTIVEPROBLEMSTART`. */
function gluedName([word = '', ...more]: readonly string[]): string | undefined {
  return more.length > 0 ? undefined : [...names].find((name) => Object.hasOwn(edges, word.replace(name, '')));
}
