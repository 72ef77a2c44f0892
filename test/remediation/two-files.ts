import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { definePlugin } from '../../src/app/plugins.ts';
import type { Action, ReadonlyHost } from '../../src/remediation/contract.ts';
import { operations } from '../../src/remediation/operations.ts';
import { brokenFiles } from './broken-files.ts';

/**
 * As `broken-files`, but the second and the third file are one step, and the third is only written after the second: a
 * step that can fail when it is half done. Loaded as a plugin, since it brings its action along.
 */
const params = z.strictObject({
  files: z.array(z.strictObject({ path: z.string(), from: z.string(), text: z.string() })).length(2),
});
const before = z.strictObject({ texts: z.array(z.string()) });

/** @public For plugins. */
export const replaceBoth: Action<z.output<typeof params>, z.output<typeof before>> = {
  name: 'files.replace-both',
  description: 'Writes two files, one after the other.',
  params,
  undoState: before,
  operation: operations['update-dependant-file'],
  describe: () => 'write both files',
  effect: async () => [],
  async prepare({ files }, host) {
    return { texts: await Promise.all(files.map(async ({ path }) => textOf(host, path))) };
  },
  async isDone({ files }, host) {
    return everyAsync(files, async ({ path, text }) => (await textOf(host, path)) === text);
  },
  async apply({ files }, host) {
    for (const { path, from, text } of files) {
      if ((await textOf(host, path)) !== text) await host.change.files.replace(path, text, { sha256: from });
    }
  },
  async undo({ files }, { texts }, host) {
    for (const [index, { path, text }] of files.entries()) {
      const now = await host.files.read(path);
      if (now?.text === text) await host.change.files.replace(path, texts[index] ?? '', { sha256: now.sha256 });
    }
  },
};

/** @public For plugins. */
export const remediators = [
  {
    ...brokenFiles,
    async plan(...[finding, host]: Parameters<typeof brokenFiles.plan>) {
      const plan = await brokenFiles.plan(finding, host);
      if (plan.type === 'refusal') return plan;
      const files = await Promise.all(
        ['b.conf', 'c.conf'].map(async (name) => {
          const path = join(finding.details.folder, name);
          const file = await host.files.read(path);
          return { path, from: file?.sha256 ?? '', text: (file?.text ?? '').replace('wrong', 'right') };
        }),
      );
      return { ...plan, steps: [...plan.steps.slice(0, 1), { action: replaceBoth.name, params: { files } }] };
    },
  },
];

export default definePlugin({ apiVersion: 1, remediators, actions: [replaceBoth] });

export const twoFilesPlugin = 'two-files.ts';

/** Makes the remediator and its action the folder's own, for every process that opens it. */
export async function writePlugin(folder: string): Promise<void> {
  const from = JSON.stringify(pathToFileURL(import.meta.filename).href);
  await writeFile(join(folder, twoFilesPlugin), `export { default } from ${from};\n`);
}

async function textOf(host: ReadonlyHost, path: string): Promise<string> {
  return (await host.files.read(path))?.text ?? '';
}

async function everyAsync<Item>(items: readonly Item[], check: (item: Item) => Promise<boolean>): Promise<boolean> {
  return (await Promise.all(items.map(check))).every(Boolean);
}
