import { parseSegment, type Segment, segmentMatches } from './pattern-segments.ts';

/**
 * Patterns of gitignore(5), as git's wildmatch.c matches them. No pattern backtracks further than to its last `*` in a name and
 * its last `**` in a path, which is enough, so the time is at most the length of the pattern times that of the path.
 */
export interface Pattern {
  /** It begins with `!`: what it matches is not ignored. */
  readonly isNegated: boolean;
  readonly onlyFolders: boolean;
  /** The folder that it is relative to, with a slash at its end; `''` for the one where all paths begin. */
  readonly base: string;
  /** Whether it is the name of something in any folder, not a path. */
  readonly isName: boolean;
  readonly segments: readonly (Segment | typeof anyFolders)[];
}

/** `**`: any number of folders, none included. */
const anyFolders = 'any folders';

/**
 * Undefined for a line that matches nothing: empty, a comment, or not valid, such as one with a `[` that is never closed.
 * @param base The folder of the file that contains the line; `''` for the one where all paths begin.
 */
function parsePattern(line: string, base: string): Pattern | undefined {
  if (line.startsWith('#')) return undefined;
  const isNegated = line.startsWith('!');
  const given = withoutTrailingSpaces(line).slice(isNegated ? 1 : 0);
  const onlyFolders = given.endsWith('/');
  const text = onlyFolders ? given.slice(0, -1) : given;
  const isName = !text.includes('/');
  const segments = segmentsOf(text.startsWith('/') ? text.slice(1) : text);
  if (segments === undefined) return undefined;
  return { isNegated, onlyFolders, base: base === '' ? '' : `${base}/`, isName, segments };
}

/** The patterns of the lines of one file, in their order. */
export function parsePatterns(lines: readonly string[], base: string): readonly Pattern[] {
  return lines.flatMap((line) => parsePattern(line, base) ?? []);
}

/** Spaces at the end do not count, unless a backslash is before them. */
function withoutTrailingSpaces(line: string): string {
  let end = 0;
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '\\') at++;
    else if (line[at] === ' ') continue;
    end = at + 1;
  }
  return line.slice(0, end);
}

function segmentsOf(text: string): Pattern['segments'] | undefined {
  const segments: (Segment | typeof anyFolders)[] = [];
  for (let at = 0; at <= text.length;) {
    const stars = /\*{2,}(\\?\/|$)/y;
    stars.lastIndex = at;
    const [found, after] = stars.exec(text) ?? [];
    if (found !== undefined) {
      at += found.length + (after === '' ? 1 : 0);
      // Then it does not match the folder itself, but everything in it.
      if (after !== '/') segments.push([{ type: 'many' }]);
      segments.push(anyFolders);
    } else {
      const parsed = parseSegment(text, at);
      if (parsed === undefined) return undefined;
      segments.push(parsed.segment);
      at = parsed.end + 1;
    }
  }
  return segments;
}

/**
 * Whether the last of the patterns that match a path ignores it. The folders above it are not tested.
 * @param path Ends in a slash if it is a folder.
 */
export function isIgnoredItself(patterns: readonly Pattern[], path: string): boolean {
  const isFolder = path.endsWith('/');
  const whole = isFolder ? path.slice(0, -1) : path;
  const name = whole.slice(whole.lastIndexOf('/') + 1);
  let names: readonly string[] | undefined;
  let namesBase: string | undefined;
  for (let index = patterns.length - 1; index >= 0; index--) {
    const pattern = patterns[index];
    if (pattern === undefined || (pattern.onlyFolders && !isFolder) || !whole.startsWith(pattern.base)) continue;
    if (!pattern.isName && (names === undefined || namesBase !== pattern.base)) {
      names = whole.slice(pattern.base.length).split('/');
      namesBase = pattern.base;
    }
    if (matchesNames(pattern.segments, pattern.isName || names === undefined ? [name] : names))
      return !pattern.isNegated;
  }
  return false;
}

/** Whether a path, or a folder above it, is ignored: nothing in an ignored folder is brought back. */
export function isIgnored(patterns: readonly Pattern[], path: string): boolean {
  if (patterns.length === 0) return false;
  for (let slash = path.indexOf('/'); slash !== -1 && slash < path.length - 1; slash = path.indexOf('/', slash + 1))
    if (isIgnoredItself(patterns, path.slice(0, slash + 1))) return true;
  return isIgnoredItself(patterns, path);
}

function matchesNames(segments: Pattern['segments'], names: readonly string[]): boolean {
  let at = 0;
  let name = 0;
  /** Behind the last `**`, and the first name that it has not taken. */
  let retry: { readonly at: number; readonly name: number } | undefined;
  while (name < names.length || at < segments.length) {
    const segment = segments[at];
    const text = names[name];
    if (segment === anyFolders) {
      retry = { at: at + 1, name };
      at++;
    } else if (text === undefined) {
      // Another try of the `**` would leave even fewer names.
      return false;
    } else if (segment !== undefined && segmentMatches(segment, text)) {
      at++;
      name++;
    } else if (retry !== undefined) {
      retry = { at: retry.at, name: retry.name + 1 };
      ({ at, name } = retry);
    } else return false;
  }
  return true;
}
