/** Larger files of patterns are cut there: a hostile one must not cost more than it is worth. */
const longest = 256 * 1024;

/**
 * The patterns of one ignore file, rewritten to mean the same when they stand in the folder that `base` is relative to
 * (gitignore(5), "Pattern format").
 */
export function prefixedPatterns(text: string, base: string): string[] {
  const lines = text
    .slice(0, longest)
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/);
  const patterns = lines.filter((line) => line.trim() !== '' && !line.startsWith('#'));
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
