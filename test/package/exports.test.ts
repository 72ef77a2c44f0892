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
    'addBlankRecord',
    'addRecord',
    'applyEdits',
    'applyFilter',
    'applyFixes',
    'attemptsIn',
    'blankRecord',
    'checkPaths',
    'checkRegistries',
    'classifierWith',
    'comparePriorities',
    'computePriority',
    'defaultPrioritySettings',
    'diagnosticCatalogue',
    'editRegistry',
    'evaluate',
    'explainPriority',
    'explainTask',
    'exportLearning',
    'findRecord',
    'forecastTasks',
    'generateTasks',
    'hasUnreadableFile',
    'importLearning',
    'importProblems',
    'initRegistry',
    'jsonSchema',
    'kinds',
    'loadConfig',
    'moveRecord',
    'newRecord',
    'openRegistry',
    'planImport',
    'planRecordsImport',
    'prioritise',
    'proposeRecords',
    'readBacklog',
    'readPolicy',
    'readRegistry',
    'resetLearning',
    'resolveRecord',
    'scan',
    'scanAll',
    'scanProblems',
    'schemaNames',
    'setEstimate',
    'setField',
    'setHeader',
    'setProse',
    'showLearning',
    'startScan',
    'sureConfidence',
    'titleKey',
    'triage',
    'validate',
    'validateText',
    'watchProblems',
    'writeBacklog',
    'writeRecordsImport',
    'writeTasks',
  ],
  'problem-registry/swarm': ['exchange', 'failureClasses', 'openSwarm', 'swarmManager', 'work', 'workOnRepairs'],
  'problem-registry/testing': ['actionPromises', 'actionVerdicts', 'checkAction', 'checkRemediator', 'createTestHost'],
  'problem-registry/remark': ['default', 'remarkProblems'],
};

describe('the exports of the package', () => {
  it.each(Object.entries(surface))('of %s are these names and no others', async (entry, names) => {
    const exported: Readonly<Record<string, unknown>> = await import(entry);
    expect(Object.keys(exported).toSorted()).toEqual(names);
  });

  it('all resolve to a built file', () => {
    const targets = Object.values(manifest.exports).flatMap((target) =>
      typeof target === 'string' ? [target] : [target.types, target.default],
    );
    expect(targets.filter((target) => !existsSync(join(root, target)))).toEqual([]);
  });
});
