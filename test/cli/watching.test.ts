import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { bin, temporaryFolder } from './run.ts';

const registry = readFileSync(join(import.meta.dirname, '../../fixtures/resources/postgres/PROBLEMS.md'), 'utf8');

/** `problems scan --watch --json` in a folder: each line that it prints is the result of a scan. Ends with the test. */
function watching(cwd: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, [bin, 'scan', '--watch', '--json', ...args], { cwd });
  let printed = '';
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const lines = () => printed.split('\n').slice(0, -1);
  return {
    child,
    said: () => said,
    scans: () => lines().length,
    paths: (): readonly string[] =>
      JSON.parse(lines().at(-1) ?? '{"registries":[]}').registries.map(({ path }: { readonly path: string }) => path),
    async isReady() {
      await waitFor(() => expect(said).toContain('Watching for changes.'));
    },
    async hasScanned(times: number) {
      await waitFor(() => expect(lines()).toHaveLength(times));
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

// Most of the time they wait for the program to start, or to notice a change.
describe('problems scan --watch', { concurrent: true, timeout: 120_000 }, () => {
  it('scans again if a registry changes or is added, and prints one line of JSON for each scan', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': registry });
    await using watch = watching(folder.path);
    await watch.isReady();
    await watch.hasScanned(1);
    expect(watch.paths()).toEqual(['PROBLEMS.md']);
    folder.write('b/PROBLEMS.md', registry);
    await watch.hasScanned(2);
    expect(watch.paths()).toEqual(['PROBLEMS.md', 'b/PROBLEMS.md']);
    folder.write('b/PROBLEMS.md', 'Prose.\n');
    await watch.hasScanned(3);
    expect(watch.paths()).toEqual(['PROBLEMS.md']);
  });

  it('follows no circle of symbolic links', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': registry, 'a/x.md': '' });
    symlinkSync('..', join(folder.path, 'a/up'));
    symlinkSync('a', join(folder.path, 'b'));
    symlinkSync('l', join(folder.path, 'l'));
    symlinkSync('PROBLEMS.MD', join(folder.path, 'a/PROBLEMS.MD'));
    await using watch = watching(folder.path);
    await watch.isReady();
    const used = usedTime(watch.child);
    await pause(500);
    expect(usedTime(watch.child) - used).toBeLessThan(20);
    folder.write('a/PROBLEMS.md', registry);
    await watch.hasScanned(2);
    expect(watch.said()).not.toContain('ELOOP');
  });

  it('watches nothing outside the folder, whatever symbolic links lead there', async () => {
    await using outside = temporaryFolder({ 'PROBLEMS.md': registry });
    await using folder = temporaryFolder({ 'PROBLEMS.md': registry });
    symlinkSync(outside.path, join(folder.path, 'out'));
    mkdirSync(join(folder.path, 'a'));
    symlinkSync(join(outside.path, 'PROBLEMS.md'), join(folder.path, 'a/PROBLEMS.md'));
    await using watch = watching(folder.path);
    await watch.isReady();
    outside.write('PROBLEMS.md', `${registry}\n`);
    outside.write('b/PROBLEMS.md', registry);
    await pause(700);
    expect(watch.scans()).toBe(1);
  });

  it('watches the target of a symbolic link within the folder, and a folder that is named by a link', async () => {
    await using folder = temporaryFolder({ 'real/docs/registry.md': registry });
    symlinkSync('docs/registry.md', join(folder.path, 'real/PROBLEMS.md'));
    symlinkSync('real', join(folder.path, 'link'));
    await using watch = watching(folder.path, 'link');
    await watch.isReady();
    expect(watch.paths()).toEqual(['link/PROBLEMS.md']);
    folder.write('real/docs/registry.md', 'Prose.\n');
    await watch.hasScanned(2);
    expect(watch.paths()).toEqual([]);
  });

  it('does not enter ignored folders until the ignore files change', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': registry, '.gitignore': 'made/\n', 'a/.ignore': 'b\n' });
    for (const ignored of ['made', 'a/b', 'node_modules/x']) folder.write(`${ignored}/x/PROBLEMS.md`, registry);
    await using watch = watching(folder.path);
    await watch.isReady();
    for (const ignored of ['made', 'a/b', 'node_modules/x']) folder.write(`${ignored}/x/PROBLEMS.md`, `${registry}\n`);
    await pause(700);
    expect(watch.scans()).toBe(1);
    folder.write('.gitignore', '');
    await watch.hasScanned(2);
    expect(watch.paths()).toEqual(['PROBLEMS.md', 'made/x/PROBLEMS.md']);
    folder.write('made/x/PROBLEMS.md', 'Prose.\n');
    await watch.hasScanned(3);
    expect(watch.paths()).toEqual(['PROBLEMS.md']);
  });

  it('scans again if the config changes, even one in a parent folder, and continues after an invalid one', async () => {
    await using folder = temporaryFolder({
      '.git/HEAD': '',
      'problems.config.yaml': '{}\n',
      'in/a/PROBLEMS.md': registry,
      'in/b/PROBLEMS.md': registry,
    });
    await using watch = watching(join(folder.path, 'in'));
    await watch.isReady();
    folder.write('problems.config.yaml', 'ignor: [a]\n');
    await waitFor(() => expect(watch.said()).toContain('ignor is not a known key'));
    folder.write('problems.config.yaml', 'ignore: [in/a]\n');
    await watch.hasScanned(2);
    expect(watch.paths()).toEqual(['b/PROBLEMS.md']);
  });

  it('reads a config module again when it changes', async () => {
    await using folder = temporaryFolder({ 'problems.config.mjs': 'export default {};', 'a/PROBLEMS.md': registry });
    await using watch = watching(folder.path, '--trust-config');
    await watch.isReady();
    expect(watch.paths()).toEqual(['a/PROBLEMS.md']);
    folder.write('problems.config.mjs', "export default { ignore: ['a'] };");
    await watch.hasScanned(2);
    expect(watch.paths()).toEqual([]);
  });

  it('misses no change during a scan, and no file that an editor replaces', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': registry });
    await using watch = watching(folder.path);
    await watch.isReady();
    for (let number = 1; number <= 12; number++) {
      writeFileSync(join(folder.path, 'new'), registry);
      mkdirSync(join(folder.path, String(number)));
      renameSync(join(folder.path, 'new'), join(folder.path, String(number), 'PROBLEMS.md'));
      await pause(60);
    }
    await waitFor(() => expect(watch.paths()).toHaveLength(13));
  });

  it('continues if a folder cannot be read', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': registry, 'closed/x.md': '' });
    chmodSync(join(folder.path, 'closed'), 0o000);
    await using watch = watching(folder.path);
    await watch.isReady();
    folder.write('b/PROBLEMS.md', registry);
    await watch.hasScanned(2);
    chmodSync(join(folder.path, 'closed'), 0o700);
  });

  it('waits for a folder that does not exist yet', async () => {
    await using folder = temporaryFolder();
    await using watch = watching(folder.path, 'later');
    await watch.isReady();
    folder.write('later/PROBLEMS.md', registry);
    await waitFor(() => expect(watch.paths()).toEqual(['later/PROBLEMS.md']));
  });

  it('follows a scanned folder that is moved away and back, and folders that are moved into it', async () => {
    await using folder = temporaryFolder({ 'in/a/PROBLEMS.md': registry, 'in/a/b/PROBLEMS.md': registry });
    await using watch = watching(folder.path, 'in');
    await watch.isReady();
    renameSync(join(folder.path, 'in/a'), join(folder.path, 'in/c'));
    await waitFor(() => expect(watch.paths()).toEqual(['in/c/PROBLEMS.md', 'in/c/b/PROBLEMS.md']));
    folder.write('in/c/b/PROBLEMS.md', 'Prose.\n');
    await waitFor(() => expect(watch.paths()).toEqual(['in/c/PROBLEMS.md']));
    renameSync(join(folder.path, 'in'), join(folder.path, 'out'));
    await waitFor(() => expect(watch.paths()).toEqual([]));
    renameSync(join(folder.path, 'out'), join(folder.path, 'in'));
    await waitFor(() => expect(watch.paths()).toEqual(['in/c/PROBLEMS.md']));
    rmSync(join(folder.path, 'in/c'), { recursive: true });
    await waitFor(() => expect(watch.paths()).toEqual([]));
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends immediately on %s', async (signal) => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': registry });
    await using watch = watching(folder.path);
    await watch.isReady();
    watch.child.kill(signal);
    await once(watch.child, 'close');
    expect({ code: watch.child.exitCode, signal: watch.child.signalCode }).toEqual({ code: null, signal });
  });

  it('reports an invalid config at the start in one message, and ends', async () => {
    await using folder = temporaryFolder({ 'problems.config.yaml': 'ignor: [a]\n' });
    await using watch = watching(folder.path);
    const { child, said } = watch;
    await once(child, 'close');
    expect(child.exitCode).toBe(2);
    expect(said()).toContain('ignor is not a known key');
  });
});

/** Tests that run side by side cannot use `expect.poll`. */
function waitFor(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 60_000 });
}

/** Of the processor, in ticks of a hundredth of a second, since the process began (proc(5), stat). */
function usedTime({ pid }: ChildProcessWithoutNullStreams): number {
  const [user = 0, system = 0] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return user + system;
}
