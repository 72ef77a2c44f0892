import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, symlinkSync, utimesSync, watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Folder, bin, run, spawned, temporaryFolder } from './run.ts';

const issues = [
  '# Known issues',
  '',
  '### 1. Pool is empty',
  '**Problem**: clients wait',
  '**Root cause**: a leak',
  '',
  '### 2. Slow start (FIXED)',
  '**Problem**: 40 seconds',
  '**Solution**: Added a cache.',
  '',
].join('\n');

function read(folder: Folder, name: string): string {
  return readFileSync(join(folder.path, name), 'utf8');
}

describe('problems import without --write', () => {
  it('shows what it would change as a diff, and changes nothing', async () => {
    await using folder = temporaryFolder({ 'db/PROBLEMS.md': issues });
    const { code, stdout, stderr } = await run(['import'], { cwd: folder.path });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^db\/PROBLEMS\.md: 2 problems \(1 active, 1 resolved\); 1 line stays text\n {2}\+ line 3: Pool is empty \(active; 0\.\d\d\)\n/,
    );
    expect(stdout).toContain('\n--- a/db/PROBLEMS.md\n+++ b/db/PROBLEMS.md\n@@ ');
    expect(stdout).toContain('\n+### Pool is empty\n');
    expect(stderr).toBe('Nothing was written: --write adds these records.\n');
    expect(read(folder, 'db/PROBLEMS.md')).toBe(issues);
  });

  it('finds problem files by their usual names, except in what git ignores', async () => {
    const names = [
      'PROBLEMS.md',
      'docs/known-issues.md',
      'a/KNOWN_ISSUES.md',
      'b/Troubleshooting.md',
      'c/KnownLimitations.md',
    ];
    const others = ['ignored/PROBLEMS.md', 'node_modules/x/PROBLEMS.md', 'README.md', 'd/ISSUE_TEMPLATE.md'];
    await using folder = temporaryFolder({
      ...Object.fromEntries([...names, ...others].map((name) => [name, issues])),
      '.gitignore': 'ignored/\n',
    });
    mkdirSync(join(folder.path, '.git'));
    const { stdout } = await run(['import', '--json'], { cwd: folder.path });
    const { files } = JSON.parse(stdout) as { readonly files: readonly { readonly path: string }[] };
    expect(files.map(({ path }) => path)).toEqual(names.toSorted());
  });
});

const others = issues.replace('Pool', 'Queue').replace('Slow', 'Late');

describe('problems import --write', () => {
  it('writes records that validate without an error, once', async () => {
    await using folder = temporaryFolder({ 'db/PROBLEMS.md': issues, 'db/docs/KNOWN_ISSUES.md': others });
    const first = await run(['import', '--write'], { cwd: folder.path });
    expect({ code: first.code, stderr: first.stderr }).toEqual({
      code: 0,
      stderr: 'Wrote db/PROBLEMS.md.\nWrote db/docs/PROBLEMS.md.\n',
    });
    expect(read(folder, 'db/docs/KNOWN_ISSUES.md')).toBe(others);
    const written = [read(folder, 'db/PROBLEMS.md'), read(folder, 'db/docs/PROBLEMS.md')];
    expect(written[0]).not.toContain('**Problem**');
    const second = await run(['import', '--write'], { cwd: folder.path });
    expect(second.stderr).toBe('Nothing to write.\n');
    expect(second.stdout).toContain(
      'db/docs/KNOWN_ISSUES.md: 2 problems (1 active, 1 resolved); 2 up to date; 1 line stays text\n',
    );
    expect([read(folder, 'db/PROBLEMS.md'), read(folder, 'db/docs/PROBLEMS.md')]).toEqual(written);
    expect((await run(['validate', 'db/PROBLEMS.md', 'db/docs/PROBLEMS.md'], { cwd: folder.path })).code).toBe(0);
    const scanned = await run(['scan', '--json'], { cwd: folder.path });
    expect(JSON.parse(scanned.stdout)).toMatchObject({ summary: { withoutRecords: 0 } });
  });

  it('adds no problem that another registry of the component has', async () => {
    await using folder = temporaryFolder({ 'db/PROBLEMS.md': issues, 'db/docs/PROBLEMS.md': issues });
    await run(['import', '--write'], { cwd: folder.path });
    expect(read(folder, 'db/docs/PROBLEMS.md')).toBe(issues);
    const { code, stdout } = await run(['import'], { cwd: folder.path });
    expect(stdout).toContain('  = line 3: Pool is empty (active; 0.83): A record in db/PROBLEMS.md has this title.\n');
    expect((await run(['validate'], { cwd: folder.path })).code).toBe(code);
  });

  it('uses the registry that is there, whatever its case', async () => {
    await using folder = temporaryFolder({
      'ISSUES.md': issues,
      'problems.md': '# Problems\n\n## Active problems\n\n## End\n',
    });
    await run(['import', 'ISSUES.md', '--write'], { cwd: folder.path });
    expect(existsSync(join(folder.path, 'PROBLEMS.md'))).toBe(false);
    expect(read(folder, 'problems.md')).toMatch(
      /^# Problems\n\n## Active problems\n\n<!-- EMBED:ACTIVEPROBLEM:START -->\n\n### Pool/,
    );
  });

  it('collects everything in one registry with --into, and leaves the files as they are', async () => {
    await using folder = temporaryFolder({
      'a/PROBLEMS.md': issues,
      'b/KNOWN_ISSUES.md': issues.replaceAll('Pool', 'Queue'),
    });
    const { code } = await run(['import', 'a', 'b', '--into', 'ALL.md', '--write'], { cwd: folder.path });
    expect(code).toBe(0);
    expect(read(folder, 'a/PROBLEMS.md')).toBe(issues);
    expect(read(folder, 'ALL.md').match(/^### .*/gm)).toEqual([
      '### Pool is empty',
      '### Queue is empty',
      '### Slow start',
    ]);
    const again = await run(['import', 'a', 'b', '--into', 'ALL.md', '--write'], { cwd: folder.path });
    expect(again.stderr).toBe('Nothing to write.\n');
  });

  it('loses nothing and adds nothing twice when several imports run at once', async () => {
    await using folder = temporaryFolder({ 'KNOWN_ISSUES.md': issues, 'BUGS.md': issues.replaceAll('Pool', 'Queue') });
    const args = [bin, 'import', '--write'];
    const ran = await Promise.all([1, 2, 3].map(() => spawned(process.execPath, args, { cwd: folder.path })));
    expect(ran.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(
      read(folder, 'PROBLEMS.md')
        .match(/^### .*/gm)
        ?.toSorted(),
    ).toEqual(['### Pool is empty', '### Queue is empty', '### Slow start']);
  });

  it('leaves each file as it was or as it shall be when it is killed while it writes, and then goes on', async () => {
    const names = Array.from({ length: 20 }, (_, at) => `f${at + 10}`);
    const texts = Object.fromEntries(names.map((name) => [`${name}/PROBLEMS.md`, issues]));
    await using whole = temporaryFolder({ 'f10/PROBLEMS.md': issues });
    await run(['import', '--write'], { cwd: whole.path });
    const imported = read(whole, 'f10/PROBLEMS.md');
    await using folder = temporaryFolder(texts);
    const child = spawn(process.execPath, [bin, 'import', '--write'], { cwd: folder.path, stdio: 'ignore' });
    const closed = new Promise<NodeJS.Signals | null>((resolve) => child.once('close', (_, signal) => resolve(signal)));
    const watcher = watch(join(folder.path, 'f20'), (_, name) => {
      if (name === '.PROBLEMS.md.lock') child.kill('SIGKILL');
    });
    const signal = await closed;
    watcher.close();
    expect(signal).toBe('SIGKILL');
    const left = names.map((name) => read(folder, `${name}/PROBLEMS.md`));
    expect(left.every((text) => text === issues || text === imported)).toBe(true);
    expect([left[0], left.at(-1)]).toEqual([imported, issues]);
    for (const path of globSync('*/.PROBLEMS.md.lock', { cwd: folder.path })) utimesSync(join(folder.path, path), 0, 0);
    expect((await run(['import', '--write'], { cwd: folder.path })).code).toBe(0);
    expect(names.map((name) => read(folder, `${name}/PROBLEMS.md`))).toEqual(names.map(() => imported));
    expect(globSync('*/.PROBLEMS.md.lock', { cwd: folder.path })).toEqual([]);
  });

  it('refuses a file that leaves the folder by a link, or is not UTF-8, and writes the others', async () => {
    await using outside = temporaryFolder({ 'PROBLEMS.md': issues });
    await using folder = temporaryFolder({ 'good/PROBLEMS.md': issues, 'link/x': '' });
    folder.write('bad/PROBLEMS.md', Buffer.concat([Buffer.from(issues), Buffer.from([0xff])]));
    symlinkSync(join(outside.path, 'PROBLEMS.md'), join(folder.path, 'link/PROBLEMS.md'));
    const { code, stdout, stderr } = await run(['import', '.', 'link/PROBLEMS.md', '--write'], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toBe('Wrote good/PROBLEMS.md.\n');
    expect(stdout).toContain('bad/PROBLEMS.md is not valid UTF-8');
    expect(read(outside, 'PROBLEMS.md')).toBe(issues);
  });

  it('says in JSON what became of each registry', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': issues });
    const { stdout } = await run(['import', '--write', '--json'], { cwd: folder.path });
    expect(JSON.parse(stdout)).toMatchObject({
      registries: [
        {
          path: 'PROBLEMS.md',
          component: 'root',
          exists: true,
          changes: true,
          written: true,
          sources: ['PROBLEMS.md'],
          items: [
            { action: 'added', id: 'root/pool-is-empty', line: 3, changes: [] },
            { action: 'added', id: 'root/slow-start', kind: 'resolved' },
          ],
        },
      ],
    });
  });
});

describe('problems import --watch', () => {
  it('keeps the records in step while people write as they did', { timeout: 30_000 }, async () => {
    await using folder = temporaryFolder({ 'KNOWN_ISSUES.md': issues });
    const args = [bin, 'import', '--write', '--watch'];
    const child = spawn(process.execPath, args, { cwd: folder.path });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const until = async (text: string) => {
      for (let tries = 0; !said.includes(text) && tries < 400; tries += 1) await setTimeout(50);
      expect(said).toContain(text);
    };
    try {
      await until('Watching for changes.');
      expect(read(folder, 'PROBLEMS.md')).toContain('### Pool is empty');
      folder.write('KNOWN_ISSUES.md', issues.replace('Pool is empty', 'Pool is empty (FIXED)'));
      await until('kind: resolved');
      for (let tries = 0; read(folder, 'PROBLEMS.md').includes('ACTIVE') && tries < 100; tries += 1)
        await setTimeout(50);
      expect(read(folder, 'PROBLEMS.md')).not.toContain('ACTIVEPROBLEM');
    } finally {
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('close', resolve));
    }
  });
});
