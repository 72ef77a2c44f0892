import { dirname, resolve } from 'node:path';
import type { Plugin } from 'rolldown';

const siblingUrl = /new URL\(\s*'(\.{1,2}\/[^']+\.ts)'\s*,\s*import\.meta\.url\s*\)/g;

/** Bundles each file that the sources name by URL, because they load it late, and replaces that URL by the one in `dist`. */
export function siblingFiles(): Plugin {
  return {
    name: 'sibling-files',
    transform: {
      filter: { code: 'import.meta.url' },
      handler(code, id) {
        if (!siblingUrl.test(code)) return null;
        return code.replaceAll(siblingUrl, (_, path: string) => {
          const reference = this.emitFile({ type: 'chunk', id: resolve(dirname(id), path) });
          return `new URL(import.meta.ROLLUP_FILE_URL_${reference})`;
        });
      },
    },
  };
}
