import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/registry/diagnostics.ts';
import { scan, scanAll } from '../../src/scan/scan.ts';
import { codes, emptyFolder, found, record, tree } from './tree.ts';

describe('the result of a scan', () => {
  it('contains PROBLEMS.md in any case and at any depth, sorted by path', async () => {
    const root = tree({
      'b/Problems.MD': record('b'),
      'PROBLEMS.md': record('r'),
      'a/x/y/z/problems.md': record('a'),
      'a/NOT-PROBLEMS.md': record('n'),
    });
    expect(Object.keys(await found(root))).toEqual(['PROBLEMS.md', 'a/x/y/z/problems.md', 'b/Problems.MD']);
  });

  it('contains two registries of one folder, which share its component', async () => {
    const root = tree({ 'x/PROBLEMS.md': record('one'), 'x/problems.md': record('two') });
    expect(await found(root)).toEqual({ 'x/PROBLEMS.md': 'x', 'x/problems.md': 'x' });
  });

  it('omits files without markers, or with markers only in code', async () => {
    const root = tree({
      'a/PROBLEMS.md': '# Problems\n\nNone.\n',
      'b/PROBLEMS.md': `\`\`\`\n${record('example')}\`\`\`\n`,
      'c/PROBLEMS.md': '',
    });
    const { registries, diagnostics } = await scanAll(['.'], { cwd: root });
    expect({ registries, diagnostics }).toEqual({ registries: [], diagnostics: [] });
  });

  it('names the problem files that hold no record: prose, and registries without any', async () => {
    const root = tree({
      'a/PROBLEMS.md': '# Problems\n\nNone.\n',
      'b/PROBLEMS.md': `\`\`\`\n${record('example')}\`\`\`\n`,
      'c/PROBLEMS.md': '',
      'd/PROBLEMS.md': record('one'),
      'e/PROBLEMS.md': '<!-- EMBED:WISH:START -->\n<!-- EMBED:WISH:END -->\n',
      'f/notes.md': 'None.\n',
      'g/problems.md/notes.md': 'None.\n',
    });
    const wanted = ['a', 'b', 'c', 'e'].map((name) => `${name}/PROBLEMS.md`);
    expect((await scanAll(['.'], { cwd: root })).withoutRecords).toEqual(wanted);
    expect((await scanAll(['.', 'a', 'c/PROBLEMS.md'], { cwd: root })).withoutRecords).toEqual(wanted);
  });

  it('contains files with markers in odd case and spacing, or after 256 KiB of prose', async () => {
    const odd = record('odd').replaceAll('EMBED:', 'embed :');
    const root = tree({ 'a/PROBLEMS.md': odd, 'b/PROBLEMS.md': 'A line of prose.\n'.repeat(30_000) + record('late') });
    expect(Object.keys(await found(root))).toEqual(['a/PROBLEMS.md', 'b/PROBLEMS.md']);
  });

  it('contains a marker that spans two chunks of a large file', async () => {
    const files = Array.from(
      { length: 12 },
      (_, index) => [`f${index}/PROBLEMS.md`, `${'x'.repeat(256 * 1024 - 8 - index)}\n\n${record('r')}`] as const,
    );
    expect(Object.keys(await found(tree(Object.fromEntries(files))))).toHaveLength(12);
  });

  it('contains a named file with any name, even an ignored one', async () => {
    const root = tree({ '.gitignore': 'notes/\n', 'notes/known.md': record('n'), 'plain.txt': record('p') });
    expect(await found(root, { ignore: ['*.txt'] }, ['notes/known.md', 'plain.txt'])).toEqual({
      'notes/known.md': 'notes',
      'plain.txt': 'root',
    });
  });

  it('contains a file once, however often and by whatever names it is given', async () => {
    const root = tree({ 'a/PROBLEMS.md': record('a') });
    symlinkSync('a', join(root, 'link'));
    expect(await found(root, {}, ['.', 'a', 'a/PROBLEMS.md', './link/PROBLEMS.md'])).toEqual({ 'a/PROBLEMS.md': 'a' });
  });

  it('has paths relative to the working folder, and nothing absolute', async () => {
    const root = tree({ 'in/x/PROBLEMS.md': record('x'), 'out/y/PROBLEMS.md': record('y') });
    const result = await scanAll(['.', '../out', join(root, 'missing')], { cwd: join(root, 'in') });
    expect(result.registries.map(({ path }) => path)).toEqual(['../out/y/PROBLEMS.md', 'x/PROBLEMS.md']);
    expect(JSON.stringify(result)).not.toContain(root);
  });

  it('is the same one by one as all at once', async () => {
    const root = tree({ 'a/PROBLEMS.md': record('a'), 'b/PROBLEMS.md': record('b') });
    const one = [];
    for await (const registry of scan(['.'], { cwd: root })) one.push(registry);
    expect(one).toEqual((await scanAll(['.'], { cwd: root })).registries);
    expect(one.map(({ records }) => records.map(({ id }) => id))).toEqual([['a/a'], ['b/b']]);
  });
});

describe('the limits of a scan', () => {
  it('skip node_modules and .git, regardless of ignore files', async () => {
    const root = tree({
      '.gitignore': '!node_modules\n',
      'node_modules/x/PROBLEMS.md': record('x'),
      '.git/PROBLEMS.md': record('g'),
      'a/node_modules/PROBLEMS.md': record('a'),
    });
    expect(await found(root)).toEqual({});
  });

  it('exclude symbolic links to folders, so that a scan never loops', async () => {
    const root = tree({ 'a/PROBLEMS.md': record('a') });
    symlinkSync('..', join(root, 'a/up'));
    symlinkSync('a', join(root, 'b'));
    expect(await found(root)).toEqual({ 'a/PROBLEMS.md': 'a' });
  });

  it('refuse symbolic links that lead out of the scanned folder, in a circle or nowhere', async () => {
    const outside = tree({ 'secret.md': record('secret') });
    const root = tree({ 'a/readme.md': '' });
    symlinkSync(join(outside, 'secret.md'), join(root, 'PROBLEMS.md'));
    symlinkSync('problems.md', join(root, 'a/problems.md'));
    symlinkSync('nothing', join(root, 'a/PROBLEMS.md'));
    const { registries, diagnostics } = await scanAll(['.'], { cwd: root });
    expect(registries).toEqual([]);
    expect(codes(diagnostics)).toEqual([
      'PROBLEMS.md: file-unreadable',
      'a/PROBLEMS.md: file-unreadable',
      'a/problems.md: file-unreadable',
    ]);
  });

  it('allow a symbolic link within the scanned folder, and read its target once', async () => {
    const root = tree({ 'docs/known.md': record('known'), 'b/PROBLEMS.md': record('b') });
    mkdirSync(join(root, 'a'));
    symlinkSync('../docs/known.md', join(root, 'a/PROBLEMS.md'));
    symlinkSync('../b/PROBLEMS.md', join(root, 'a/problems.md'));
    expect(await found(root)).toEqual({ 'a/PROBLEMS.md': 'a', 'b/PROBLEMS.md': 'b' });
  });

  it('treat a folder named PROBLEMS.md as a folder', async () => {
    const root = tree({ 'PROBLEMS.md/PROBLEMS.md': record('inner') });
    expect(Object.keys(await found(root))).toEqual(['PROBLEMS.md/PROBLEMS.md']);
  });
});

describe('an unreadable file', () => {
  it('is reported as a diagnostic, and all others are read', async () => {
    const root = tree({ 'a/PROBLEMS.md': record('a') });
    symlinkSync('loop', join(root, 'loop'));
    const { registries, diagnostics } = await scanAll(['missing.md', 'loop', 'a/PROBLEMS.md/x', '.'], { cwd: root });
    expect(registries.map(({ path }) => path)).toEqual(['a/PROBLEMS.md']);
    expect(codes(diagnostics)).toEqual([
      'a/PROBLEMS.md/x: file-unreadable',
      'loop: file-unreadable',
      'missing.md: file-unreadable',
    ]);
    expect(diagnostics[2]?.message).toBe('It cannot be read: it does not exist.');
  });

  it('is reported while a scan streams', async () => {
    const told: Diagnostic[] = [];
    const registries = scan(['missing.md'], {
      cwd: emptyFolder(),
      onDiagnostic: (diagnostic) => told.push(diagnostic),
    });
    expect((await registries.next()).done).toBe(true);
    expect(codes(told)).toEqual(['missing.md: file-unreadable']);
  });

  it('may have a name that is not UTF-8', async () => {
    const root = tree({ 'a/PROBLEMS.md': record('a') });
    mkdirSync(Buffer.concat([Buffer.from(`${root}/b`), Buffer.from([0xff])]));
    const { registries, diagnostics } = await scanAll(['.'], { cwd: root });
    expect(registries).toHaveLength(1);
    expect(codes(diagnostics)).toEqual(['b\uFFFD: file-unreadable']);
  });

  it('may hold bytes that are not UTF-8: it is read, and the first of them is reported', async () => {
    const bytes = Buffer.concat([
      Buffer.from('\uFFFD is fine\nbut this: '),
      Buffer.from([0xe9]),
      Buffer.from(`\n${record('r')}`),
    ]);
    const { registries } = await scanAll(['.'], { cwd: tree({ 'PROBLEMS.md': bytes }) });
    const invalid = registries[0]?.diagnostics.find(({ code }) => code === 'encoding-invalid');
    expect(registries[0]?.records).toHaveLength(1);
    expect(invalid?.place).toMatchObject({ line: 2, column: 11 });
  });

  it('is reported if it is UTF-16 with markers, and ignored without markers', async () => {
    const root = tree({
      'a/PROBLEMS.md': Buffer.from(`\uFEFF${record('r')}`, 'utf16le'),
      'b/PROBLEMS.md': Buffer.from('\uFEFFProse.', 'utf16le'),
    });
    const { registries, diagnostics } = await scanAll(['.'], { cwd: root });
    expect(registries).toEqual([]);
    expect(codes(diagnostics)).toEqual(['a/PROBLEMS.md: file-unreadable']);
    expect(diagnostics).toMatchObject([{ severity: 'error', hint: 'Save the file as UTF-8.' }]);
  });
});

describe('an aborted scan', () => {
  it('ends with the reason of its signal', async () => {
    const root = tree({ 'a/PROBLEMS.md': record('a') });
    const reason = new Error('enough');
    await expect(scanAll(['.'], { cwd: root, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('ends between two registries', async () => {
    const root = tree(
      Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`r${index}/PROBLEMS.md`, record('r')])),
    );
    const controller = new AbortController();
    const registries = scan(['.'], { cwd: root, signal: controller.signal });
    for (let count = 0; count < 3; count++) expect((await registries.next()).done).toBe(false);
    controller.abort();
    await expect(registries.next()).rejects.toThrow(/abort/i);
  });
});
