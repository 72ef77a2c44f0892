import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
};

/** The public surface, written down: what is added or taken away here is a decision, and a line of the changelog. */
const surface: Readonly<Record<string, readonly string[]>> = {
  'problem-registry': [
    'ProblemsError',
    'addRecord',
    'applyEdits',
    'attemptsIn',
    'blankRecord',
    'comparePriorities',
    'computePriority',
    'defaultPrioritySettings',
    'diagnosticCatalogue',
    'explainPriority',
    'generateTasks',
    'jsonSchema',
    'kinds',
    'loadConfig',
    'moveRecord',
    'prioritise',
    'readBacklog',
    'readRegistry',
    'resolveRecord',
    'scan',
    'scanAll',
    'schemaNames',
    'setEstimate',
    'setField',
    'setHeader',
    'writeBacklog',
  ],
  'problem-registry/remark': ['default', 'remarkProblems'],
};

describe('the exports of the package', () => {
  it.each(Object.entries(surface))('of %s are these names and no others', async (entry, names) => {
    const exported: Readonly<Record<string, unknown>> = await import(entry);
    expect(Object.keys(exported).toSorted()).toEqual(names);
  });

  it('all lead to a file that was built', () => {
    const targets = Object.values(manifest.exports).flatMap((target) =>
      typeof target === 'string' ? [target] : [target.types, target.default],
    );
    expect(targets.filter((target) => !existsSync(join(root, target)))).toEqual([]);
  });
});
