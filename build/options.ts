import { join } from 'node:path';
import type { InputOptions } from 'rolldown';
import { builtinModules } from './builtin-modules.ts';
import { siblingFiles } from './sibling-files.ts';

/**
 * Dependencies that are not bundled: the driver, which is loaded only to repair; pg-boss, which not everyone installs; zod,
 * whose types are part of our own; and js-yaml, which is loaded at the first yaml block that needs it. Everything else is
 * bundled, because one file loads several times faster than a hundred.
 */
const external: readonly RegExp[] = [/^pg(-boss)?(\/|$)/, /^zod(\/|$)/, /^js-yaml$/];

/** How sources become programs for Node: in `dist`, and for tests. */
export function bundleOptions(root: string): InputOptions {
  return {
    cwd: root,
    platform: 'node',
    external: [...external],
    plugins: [builtinModules(), siblingFiles()],
    // Bundled CommonJS code uses these names, which do not exist in a module.
    transform: { define: { __filename: 'import.meta.filename', __dirname: 'import.meta.dirname' } },
    tsconfig: join(root, 'tsconfig.json'),
  };
}
