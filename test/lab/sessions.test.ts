import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { bin } from '../cli/run.ts';
import { oneOf } from '../soak.ts';
import { captureSessions, hasSession, pages, readPage, root } from '../docs/page.ts';
import { findInstance } from './instance.ts';
import { copyRegistry } from './project.ts';
import type { Run } from './run.ts';
import { portConflict } from './scenarios/port-conflict.ts';
import { createRun, labRuns } from './support.ts';

/** What differs from run to run, and how the documentation writes the first, second and third of it that is printed. */
const documented: readonly { readonly pattern: RegExp; readonly values: readonly string[] }[] = [
  { pattern: /\b[0-9a-f]{64}\b/g, values: ['0fcf74f440fce8855334f9406a811818af2f40d9643a20f8753ab5db528595e7'] },
  { pattern: /\b[0-9a-f]{12}\b/g, values: ['4e2d9a93f89d', '0f70e18e43b7', '8e089f670066'] },
  { pattern: /\br[0-9a-f]{10}\b/g, values: ['r1f0c2a9be4'] },
  { pattern: /\b[67]\d{18}\b/g, values: ['7713626787887796256'] },
];
const documentedTime = '2026-03-01T12:00:00.000Z';
const documentedSecond = '2026-03-01 12:00:00 UTC';
const documentedDuration = '0.5 s';
/** As `npm run lab -- up port-conflict` and the range of a managed system give them out. */
const documentedPort = '5434';
const documentedLease = '5433';
const documentedFolder = '/home/you/problem-registry/.lab/port-conflict';

// To take over what the commands print now: PROBLEMS_SOAK=1 npx vitest run --project lab test/lab/sessions.test.ts -u
describe.skipIf(!(await labRuns()))('the sessions of the documentation', () => {
  const all = pages().filter((name) => hasSession(readPage(name), 'lab'));
  it.for(oneOf(all.toSorted((a, b) => Number(b === 'README.md') - Number(a === 'README.md'))))(
    '%s shows what its commands print in the scenario port-conflict',
    async (name, test) => {
      const run = await createRun(test);
      await copyRegistry(run);
      await portConflict.up(run, () => undefined);
      const { first, last } = run.ports.instances;
      await writeFile(
        join(run.folder, 'problems.config.yaml'),
        `remediation:
  containers: '^${run.prefix}vrooli-postgres-(.+)$'
  settings:
    port-reassignment: { range: '${first}-${last}' }
`,
      );
      const { port = 0 } = await findInstance(run, 'alpha');
      const names = documentedNames(run, port);
      const captured = await captureSessions(readPage(name), 'lab', async (command) =>
        names.toDocumented(await printed(names.toActual(command), run.folder)),
      );
      await expect(captured).toMatchFileSnapshot(join(root, name));
    },
  );
});

/** Standard output and standard error of a command, in the order in which they were written. */
async function printed(command: string, cwd: string): Promise<string> {
  const words = command.replace(/^(?:npx )?problems /, '');
  const { PATH = '', HOME = '', XDG_STATE_HOME = '', PROBLEMS_STATE = '' } = process.env;
  const child = spawn('sh', ['-c', `"$0" "$@" 2>&1`, process.execPath, bin, ...words.split(' ')], {
    cwd,
    env: { PATH, HOME, XDG_STATE_HOME, PROBLEMS_STATE, NO_COLOR: '1', COLUMNS: '80' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const output = await text(child.stdout);
  await closed;
  expect(child.exitCode, output).toBeLessThan(2);
  return output;
}

/** Translates between the names of one run and those of the documentation. */
function documentedNames(run: Run, port: number) {
  const actualNames = new Map<string, string>();
  return {
    toActual: (command: string): string =>
      [...actualNames].reduce((line, [actual, name]) => line.replaceAll(name, actual), command),
    toDocumented(output: string): string {
      let page = output
        .replaceAll(run.folder, documentedFolder)
        .replaceAll(run.prefix, '')
        .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, documentedTime)
        .replaceAll(/\d{4}-\d\d-\d\d [\d:]{8} UTC/g, documentedSecond)
        .replaceAll(/\b\d+\.\d s\b/g, documentedDuration)
        .replaceAll(String(port), documentedPort)
        .replaceAll(/\b\d{5}\b/g, documentedLease);
      for (const { pattern, values } of documented)
        page = page.replaceAll(pattern, (actual) => {
          const known = [...actualNames.keys()].filter((name) => name.length === actual.length);
          const name = actualNames.get(actual) ?? values[known.length] ?? actual;
          actualNames.set(actual, name);
          return name;
        });
      return page;
    },
  };
}
