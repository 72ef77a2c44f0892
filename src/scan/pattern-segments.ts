/** One character of a name, or how many there may be. */
export type Token =
  | { readonly type: 'character'; readonly character: string }
  /** `?` */
  | { readonly type: 'one' }
  /** `*` */
  | { readonly type: 'many' }
  /** `[a-z]` */
  | CharacterSet;

interface CharacterSet {
  readonly type: 'set';
  readonly isNegated: boolean;
  /** Each from the first to the last character. */
  readonly ranges: readonly (readonly [from: string, to: string])[];
}

/** What matches one name of a path. */
export type Segment = readonly Token[];

/**
 * The segment that begins at an offset, up to a slash or the end. Undefined if the whole pattern matches nothing: it ends in a
 * backslash or within a set.
 */
export function parseSegment(
  text: string,
  start: number,
): { readonly segment: Segment; readonly end: number } | undefined {
  const segment: Token[] = [];
  let at = start;
  while (at < text.length && text[at] !== '/') {
    const character = text[at] ?? '';
    if (character === '[') {
      const set = parseSet(text, at + 1);
      if (set === undefined) return undefined;
      segment.push(set.token);
      at = set.end;
    } else if (character === '\\') {
      const escaped = text[at + 1];
      if (escaped === undefined) return undefined;
      // An escaped slash is a slash.
      if (escaped === '/') return { segment, end: at + 1 };
      segment.push({ type: 'character', character: escaped });
      at += 2;
    } else {
      if (character === '?') segment.push({ type: 'one' });
      else if (character !== '*') segment.push({ type: 'character', character });
      else if (segment.at(-1)?.type !== 'many') segment.push({ type: 'many' });
      at++;
    }
  }
  return { segment, end: at };
}

/** `end` is behind the closing bracket. Undefined if there is none, or for an unknown class. */
function parseSet(text: string, start: number): { readonly token: CharacterSet; readonly end: number } | undefined {
  const isNegated = text[start] === '!' || text[start] === '^';
  const first = isNegated ? start + 1 : start;
  const ranges: (readonly [string, string])[] = [];
  /** The character that a `-` could make the first of a range. */
  let before: string | undefined;
  /** The next `]`: searched once for all classes before it. */
  let bracket = first;
  for (let at = first; ; at++) {
    const character = text[at];
    if (character === undefined) return undefined;
    // A bracket right at the beginning is a member.
    if (character === ']' && at > first) return { token: { type: 'set', isNegated, ranges }, end: at + 1 };
    const isClass = character === '[' && text[at + 1] === ':';
    if (isClass && bracket < at + 2) bracket = text.indexOf(']', at + 2);
    if (isClass && bracket === -1) return undefined;
    if (isClass && bracket > at + 2 && text[bracket - 1] === ':') {
      const members = classes.get(text.slice(at + 2, bracket - 1));
      if (members === undefined) return undefined;
      ranges.push(...members);
      before = undefined;
      at = bracket;
    } else if (character === '-' && before !== undefined && (text[at + 1] ?? ']') !== ']') {
      at += text[at + 1] === '\\' ? 2 : 1;
      const to = text[at];
      if (to === undefined) return undefined;
      ranges.push([before, to]);
      before = undefined;
    } else {
      if (character === '\\') at++;
      before = text[at];
      if (before === undefined) return undefined;
      ranges.push([before, before]);
    }
  }
}

/** Of ASCII alone, as git's ctype.h has them. */
const classes: ReadonlyMap<string, CharacterSet['ranges']> = new Map(
  Object.entries({
    alnum: ['09', 'AZ', 'az'],
    alpha: ['AZ', 'az'],
    blank: ['  ', '\t\t'],
    cntrl: ['\0\u001F', '\u007F\u007F'],
    digit: ['09'],
    graph: ['!~'],
    lower: ['az'],
    print: [' ~'],
    punct: ['!/', ':@', '[`', '{~'],
    space: ['  ', '\t\n', '\r\r'],
    upper: ['AZ'],
    xdigit: ['09', 'AF', 'af'],
  }).map(([name, ranges]) => [name, ranges.map((range) => [range.charAt(0), range.charAt(1)] as const)] as const),
);

/** Whether a segment matches a whole name. */
export function segmentMatches(segment: Segment, name: string): boolean {
  let token = 0;
  let at = 0;
  /** Behind the last `*`, and the first character that it has not taken. */
  let retry: { readonly token: number; readonly at: number } | undefined;
  while (at < name.length || token < segment.length) {
    const wanted = segment[token];
    if (wanted?.type === 'many') {
      retry = { token: token + 1, at };
      token++;
    } else if (at === name.length) {
      // Another try of the `*` would leave even fewer characters.
      return false;
    } else if (wanted !== undefined && tokenMatches(wanted, name.charAt(at))) {
      token++;
      at++;
    } else if (retry !== undefined) {
      retry = { token: retry.token, at: retry.at + 1 };
      ({ token, at } = retry);
    } else return false;
  }
  return name !== '';
}

function tokenMatches(token: Exclude<Token, { type: 'many' }>, character: string): boolean {
  switch (token.type) {
    case 'character':
      return token.character === character;
    case 'one':
      return true;
    case 'set':
      return token.ranges.some(([from, to]) => from <= character && character <= to) !== token.isNegated;
  }
}
