import { readFileSync } from 'node:fs';
import ignore from 'ignore';
import { linesIn, prefixedPatterns, suspectNames } from './ignore.ts';

/** From the weakest to the strongest: a pattern of a later layer overrules the earlier ones, wherever its file stands. */
const layers = ['exclude', 'gitignore', 'ignore'] as const;

/** A file of ignore patterns. */
export interface RuleFile {
  readonly layer: (typeof layers)[number];
  /** Absolute. */
  readonly file: string;
  /** The folder its patterns are relative to: a path below the folder where all rules begin, `''` for that folder. */
  readonly base: string;
}

/** Which paths are ignored in one folder and below it. Files are read when the first path is asked for, not before. */
export interface IgnoreRules {
  readonly files: readonly RuleFile[];
  /** `path` is relative to the folder where all rules begin; that of a folder ends in a slash. */
  ignores(path: string): boolean;
  /** The same for a path that stands in a folder that is not ignored: most names need no look at their path. */
  ignoresWithin(path: string, name: string): boolean;
  /** The rules of a folder that holds these files too. A repository leaves behind what the one around it ignores. */
  within(files: readonly RuleFile[], isRepository: boolean): IgnoreRules;
}

/** Nothing where there are no patterns, as in the `.git/info/exclude` that git makes. */
type Matcher = ReturnType<typeof ignore> | undefined;

interface MatcherSource {
  readonly files: readonly RuleFile[];
  matcher(): Matcher;
  suspects(name: string): boolean;
}

/** A matcher keeps an answer for every path it was asked, so it is made anew from time to time. */
const answersKept = 20_000;

/**
 * The rules of gitignore(5): the last pattern that matches decides, deeper files come later, and what stands in an
 * ignored folder cannot be brought back. All files make one list of patterns relative to one folder, since `!` in a
 * deeper file has to reach past those above it.
 */
export function createIgnoreRules(files: readonly RuleFile[], parent: MatcherSource = noRules): IgnoreRules {
  let made: { readonly matcher: Matcher } | undefined;
  let own: ((name: string) => boolean) | undefined;
  let answers = 0;
  function matcher(): Matcher {
    made ??= {
      matcher: isContinuation(files, parent.files)
        ? extended(parent.matcher(), files.slice(parent.files.length))
        : extended(undefined, files),
    };
    return made.matcher;
  }
  function ignores(path: string): boolean {
    if (files.length === 0) return false;
    if (++answers % answersKept === 0) made = undefined;
    return matcher()?.ignores(path) ?? false;
  }
  /** Those of the folder above suspect enough, even where a repository leaves some of them behind. */
  function suspects(name: string): boolean {
    own ??= suspectNames(
      files.filter((file) => !parent.files.includes(file)).flatMap(({ file }) => linesIn(textOf(file))),
    );
    return own(name) || parent.suspects(name);
  }
  return {
    files,
    ignores,
    ignoresWithin(path, name) {
      return suspects(name) && ignores(path);
    },
    within(more, isRepository) {
      const kept = isRepository ? files.filter(({ layer }) => layer === 'ignore') : files;
      return more.length === 0 && kept.length === files.length
        ? this
        : createIgnoreRules([...kept, ...more], { files, matcher, suspects });
    },
  };
}

const noRules: MatcherSource = { files: [], matcher: () => undefined, suspects: () => false };

function extended(matcher: Matcher, files: readonly RuleFile[]): Matcher {
  const patterns = patternsOf(files);
  if (patterns.length === 0) return matcher;
  const rules = ignore({ ignorecase: false });
  return (matcher === undefined ? rules : rules.add(matcher)).add(patterns);
}

/** Whether the patterns of `before` can be taken over as they are, with the rest behind them. */
function isContinuation(files: readonly RuleFile[], before: readonly RuleFile[]): boolean {
  return (
    before.every((file, index) => file.layer !== 'ignore' && files[index] === file) &&
    files.slice(before.length).every(({ layer }) => layer !== 'exclude')
  );
}

function patternsOf(files: readonly RuleFile[]): string[] {
  return layers.flatMap((layer) =>
    files.filter((file) => file.layer === layer).flatMap((file) => prefixedPatterns(textOf(file.file), file.base)),
  );
}

/** A file of patterns that cannot be read has none, as for git. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
