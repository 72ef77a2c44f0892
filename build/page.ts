import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';

/**
 * Bundles the page of the service for browsers: `page.js`, the views that it loads later, `page.css` and `index.html` in `to`. It loads nothing else, so
 * it works under a policy that allows its own files alone.
 * @returns The modules that it contains, for the list of licences.
 */
export async function bundlePage(root: string, to: string): Promise<readonly string[]> {
  const from = join(root, 'src/page');
  const build = await rolldown({
    cwd: root,
    input: { page: join(from, 'main.ts') },
    platform: 'browser',
    tsconfig: join(from, 'tsconfig.json'),
    plugins: [withoutIndents],
  });
  const { output } = await build.write({
    dir: to,
    format: 'esm',
    entryFileNames: '[name].js',
    // Its content names it, so that a page of one release never loads the views of another.
    chunkFileNames: '[name]-[hash].js',
    minify: true,
  });
  await build.close();
  mkdirSync(to, { recursive: true });
  copyFileSync(join(from, 'index.html'), join(to, 'index.html'));
  writeFileSync(join(to, 'page.css'), smallerCss(readFileSync(join(from, 'page.css'), 'utf8')));
  return output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
}

/** Templates keep their line breaks, which mean a space, and need no indents. */
const withoutIndents: Plugin = {
  name: 'without-indents',
  transform: {
    filter: { id: /\/src\/page\// },
    handler: (code) => code.replaceAll(/\n\s+/g, '\n'),
  },
};

/** Without comments, line breaks and indents. The page has no text in CSS that these could be part of. */
function smallerCss(css: string): string {
  return css
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/ ?([{};,]) ?/g, '$1')
    .replaceAll(';}', '}')
    .trim();
}
