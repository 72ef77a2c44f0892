/** Larger files of patterns are cut there: a hostile one must not cost more than it is worth. */
const longest = 256 * 1024;

/**
 * The patterns of one ignore file, rewritten to mean the same when they stand in the folder that `base` is relative to
 * (gitignore(5), "Pattern format").
 */
export function prefixedPatterns(text: string, base: string): string[] {
  const patterns = linesIn(text);
  if (base === '') return patterns;
  const prefix = `/${base.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}`;
  return patterns.flatMap((line) => {
    const negation = line.startsWith('!') ? '!' : '';
    const pattern = line.slice(negation.length);
    const unescaped = /^\\[!#]/.test(pattern) ? pattern.slice(1) : pattern;
    const slash = unescaped.trimEnd().indexOf('/');
    if (unescaped.trim() === '' || unescaped.trim() === '/') return [];
    if (slash === 0) return [`${negation}${prefix}${unescaped}`];
    const isAnchored = slash !== -1 && slash < unescaped.trimEnd().length - 1;
    return [`${negation}${prefix}/${isAnchored ? '' : '**/'}${unescaped}`];
  });
}

/** The patterns of one ignore file as they stand in it. */
export function linesIn(text: string): string[] {
  const lines = text
    .slice(0, longest)
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/);
  return lines.filter((line) => line.trim() !== '' && !line.startsWith('#'));
}

/**
 * Whether a name alone could be what one of the patterns means. A pattern that is a plain name, or a plain ending after
 * `*`, means that name in any folder, and `!` ignores nothing; what any other pattern means is not known from a name.
 */
export function suspectNames(patterns: readonly string[]): (name: string) => boolean {
  const names = new Set<string>();
  const endings: string[] = [];
  for (const pattern of patterns) {
    if (pattern.startsWith('!')) continue;
    const [, star, plain] = /^(\*?)([\w.-]+)\/?$/.exec(pattern) ?? [];
    if (plain === undefined) return () => true;
    if (star === '*') endings.push(plain);
    else names.add(plain);
  }
  return (name) => names.has(name) || endings.some((ending) => name.endsWith(ending));
}
