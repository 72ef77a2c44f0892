import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../../src/remediation/store/sqlite/store.ts';
import { fileNames } from '../remediation/broken-files.ts';
import { type ListedEngine, openListedEngine } from '../remediation/listed-engine.ts';
import { bin, type Folder, temporaryFolder } from './run.ts';

/*
 * On a terminal, which `script` of util-linux makes: there the program draws a spinner, and Ctrl-C is a character.
 */

const source = join(import.meta.dirname, '../remediation/broken-files.ts');
const action = join(import.meta.dirname, '../../src/remediation/actions/file-replace.ts');

/** Each step takes most of a second after its change, so that a signal arrives when the first file is changed. */
const plugin = `
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { brokenFiles } from '${source}';
import { fileReplace } from '${action}';
const slow = { ...fileReplace, name: 'file.replace-slowly', async apply(params, host) {
  await fileReplace.apply(params, host);
  writeFileSync(new URL('pid', import.meta.url), String(process.pid));
  await pause(700);
} };
export default { apiVersion: 1, actions: [slow], remediators: [{ ...brokenFiles, async plan(finding, host) {
  const plan = await brokenFiles.plan(finding, host);
  return { ...plan, steps: plan.steps.map((step) => ({ ...step, action: slow.name })) };
} }] };
`;

let folder: Folder;
let engine: ListedEngine;
let terminal: ChildProcess | undefined;

beforeEach(async () => {
  folder = temporaryFolder({
    'slow/plugin.mjs': plugin,
    'problems.config.yaml': 'plugins: [./slow/plugin.mjs]\nremediation:\n  automation: { broken-files: approve }\n',
    ...Object.fromEntries(fileNames.map((name) => [name, 'answer = wrong\n'])),
  });
  engine = await openListedEngine(folder.path, {}, []);
});
afterEach(async () => {
  terminal?.kill('SIGKILL');
  engine.close();
  await folder[Symbol.asyncDispose]();
});

/** Starts a repair on a terminal, and waits until its first step has changed a file. */
async function repairOnTerminal() {
  const { CI: _, ...env } = process.env;
  const words = `${process.execPath} ${bin} remediate --all --yes --remediator broken-files --trust-config`;
  const child = spawn('script', ['-qefc', `exec ${words}`, '/dev/null'], {
    cwd: folder.path,
    env: { ...env, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  terminal = child;
  let screen = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (screen += text));
  const ended = once(child, 'close');
  await expect.poll(() => screen, { timeout: 30_000 }).toContain('step 1 of 3');
  await expect.poll(() => pidOf(), { timeout: 30_000 }).toBeGreaterThan(0);
  // Hides the cursor: a spinner is drawn, whose own handlers are the subject of these tests.
  expect(screen).toContain('\u001B[?25l');
  return { child, screen: () => screen, pid: pidOf(), code: async () => (await ended)[0] as unknown };
}

function pidOf(): number {
  try {
    return Number(readFileSync(join(folder.path, 'slow/pid'), 'utf8'));
  } catch {
    return 0;
  }
}

async function journal() {
  const store = await openSqliteStore(join(folder.path, '.problems/state.db'));
  const runs = await store.runs.list();
  store.close();
  return runs.map(({ phase, outcome, failure }) => ({ phase, outcome, class: failure?.class }));
}

const rolledBack = [{ phase: 'ended', outcome: 'rolled-back', class: 'interrupted' }];

function files(): readonly string[] {
  return fileNames.map((name) => readFileSync(join(folder.path, name), 'utf8'));
}

describe.skipIf(process.platform !== 'linux')('a repair on a terminal', { timeout: 60_000 }, () => {
  it.each(['Ctrl-C', 'SIGTERM'] as const)('stops at the next safe point and rolls back after %s', async (how) => {
    const { child, screen, pid, code } = await repairOnTerminal();
    if (how === 'Ctrl-C') child.stdin.write('\u0003');
    else process.kill(pid, how);
    expect(await code()).toBe(1);
    expect(screen()).toContain('Stopping at the next safe point');
    // The cursor is shown again.
    expect(screen().lastIndexOf('\u001B[?25h')).toBeGreaterThan(screen().lastIndexOf('\u001B[?25l'));
    expect(await journal()).toEqual(rolledBack);
    expect(files()).toEqual(fileNames.map(() => 'answer = wrong\n'));
  });

  it('rolls back if the terminal is closed', async () => {
    const { child } = await repairOnTerminal();
    child.kill('SIGKILL');
    await expect.poll(journal, { timeout: 30_000 }).toEqual(rolledBack);
    expect(files()).toEqual(fileNames.map(() => 'answer = wrong\n'));
  });

  it('takes a signal that is repeated at once, as npx and shells do, for the same one', async () => {
    const { pid, screen, code } = await repairOnTerminal();
    // Not Ctrl-C, with which the terminal drops what it has not shown yet; and two signals, since equal ones merge.
    process.kill(pid, 'SIGINT');
    process.kill(pid, 'SIGTERM');
    expect(await code()).toBe(1);
    expect(screen().split('Stopping at the next safe point')).toHaveLength(2);
    expect(await journal()).toEqual(rolledBack);
  });

  it('ends at once after a second Ctrl-C, and leaves the run to `problems resume`', async () => {
    folder.write('slow/plugin.mjs', plugin.replace('700', '60_000'));
    const { child, screen, code } = await repairOnTerminal();
    child.stdin.write('\u0003');
    await expect.poll(screen, { timeout: 10_000 }).toContain('Stopping');
    await pause(1_100);
    child.stdin.write('\u0003');
    expect(await code()).toBe(130);
    expect(screen().lastIndexOf('\u001B[?25h')).toBeGreaterThan(screen().lastIndexOf('\u001B[?25l'));
    expect(await journal()).toEqual([{ phase: 'running', outcome: null, class: undefined }]);
  });
});
