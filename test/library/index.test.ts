import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as library from '../../src/index.ts';
import { spawned } from '../cli/run.ts';

const root = join(import.meta.dirname, '../..');
const path = 'fixtures/resources/postgres/PROBLEMS.md';

describe('the library', () => {
  it('exports these names and no others', () => {
    expect(Object.keys(library).toSorted()).toEqual([
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
    ]);
  });

  it('goes from text to ranked tasks, and an edit back into the text changes the ranking', () => {
    const options = { path, component: 'postgres' };
    const text = readFileSync(join(root, path), 'utf8');
    const first = library.generateTasks([library.readRegistry(text, options)]).tasks[0];
    expect(first?.problem).not.toBe('postgres/instance-data-corruption-during-backup');
    const edited = library.setEstimate(
      text,
      'postgres/instance-data-corruption-during-backup',
      'success_prob',
      0.99,
      options,
    );
    const [now] = library.generateTasks([library.readRegistry(edited, options)]).tasks;
    expect(now?.problem).toBe('postgres/instance-data-corruption-during-backup');
  });

  it('gives the registries of a tree one after the other', async () => {
    const components: string[] = [];
    for await (const registry of library.scan(['fixtures'], { cwd: root })) components.push(registry.component);
    expect(components).toContain('postgres');
    expect((await library.scanAll(['fixtures'], { cwd: root })).registries.map(({ component }) => component)).toEqual(
      components,
    );
  });

  it('has a JSON Schema for every name', async () => {
    for (const name of library.schemaNames) {
      expect(await library.jsonSchema(name)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
    }
    await expect(library.jsonSchema('nothing')).rejects.toThrow(TypeError);
  });
});

describe('the modules that are loaded', () => {
  /** The packages of ours and others that a program has loaded once it is done. */
  async function packagesOf(program: string): Promise<readonly string[]> {
    const watched = `
      import { registerHooks } from 'node:module';
      const seen = new Set();
      registerHooks({ resolve(specifier, context, next) {
        const resolved = next(specifier, context);
        const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*node_modules)/.exec(resolved.url)?.[1];
        if (name !== undefined) seen.add(name);
        return resolved;
      } });
      ${program}
      process.on('exit', () => process.stderr.write('loaded ' + [...seen].join(' ')));
    `;
    const { code, stderr } = await spawned(process.execPath, ['--input-type=module', '-e', watched], { cwd: root });
    expect(code).toBe(0);
    return stderr
      .slice(stderr.lastIndexOf('loaded ') + 7)
      .split(' ')
      .filter((name) => name !== '');
  }

  const heavy = ['zod', 'unified', 'remark-parse', 'mdast-util-from-markdown', 'pg', 'string-width'];

  it('include nothing heavy for the library', async () => {
    const packages = await packagesOf(`await import('./src/index.ts');`);
    expect(packages.filter((name) => heavy.includes(name))).toEqual([]);
  });

  it('include nothing heavy for validate', async () => {
    const validate = `
      const { main } = await import('./src/cli/main.ts');
      await main({ argv: ['validate', '${path}'], cwd: process.cwd(), env: {}, streams: process, now: () => new Date() });
    `;
    expect((await packagesOf(validate)).filter((name) => heavy.includes(name))).toEqual([]);
  });
});
