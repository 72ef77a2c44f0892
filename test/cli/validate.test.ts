import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { jsonSchemaOf } from '../../src/schema/index.ts';
import { obeyed, run, temporaryFolder } from './run.ts';

const fixtures = join(import.meta.dirname, '../../fixtures');

/** One error and one fixable warning: an unknown term, and a marker in odd spelling. */
function registry(title: string, { status = 'active', marker = 'EMBED:ACTIVEPROBLEM:START' } = {}): string {
  return `<!-- ${marker} -->
### ${title}
**Status:** [${status}]
**Severity:** [low]
**Frequency:** [rare]
**Impact:** [cosmetic]
**Discovered:** 2025-01-02

#### Description
It happens.

#### Reproduction Steps
1. Wait.

#### Impact Assessment
- **Users Affected:** none

#### Investigation Status
- **Root Cause:** unknown

#### Priority Estimates
\`\`\`yaml
impact: 2
urgency: low
success_prob: 0.5
resource_cost: minimal
\`\`\`
<!-- EMBED:ACTIVEPROBLEM:END -->
`;
}

describe('problems validate', () => {
  it('prints nothing about a valid registry', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': registry('One') });
    expect(await run(['validate', 'PROBLEMS.md'], { cwd: folder.path })).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('prints path, line, column, severity, message and code of each diagnostic, and fails', async () => {
    await using folder = temporaryFolder({ 'a/PROBLEMS.md': registry('One', { status: 'activ' }) });
    const { code, stdout, stderr } = await run(['validate', 'a/PROBLEMS.md'], { cwd: folder.path });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^a\/PROBLEMS\.md:3:13: error .* \[term-unknown\]\n {4}hint: Did you mean active\?\n$/);
    expect(stderr).toBe('1 error, no warnings\n');
  });

  it('finds registries itself if no path is given, in any case of letters', async () => {
    await using folder = temporaryFolder({
      'a/PROBLEMS.md': registry('One', { status: 'activ' }),
      'b/docs/problems.md': registry('Two', { status: 'activ' }),
      'node_modules/c/PROBLEMS.md': registry('Three', { status: 'activ' }),
    });
    const { code, stdout } = await run(['validate'], { cwd: folder.path });
    expect(code).toBe(1);
    expect(stdout.match(/^\S+(?=:\d+:\d+: error)/gm)).toEqual(['a/PROBLEMS.md', 'b/docs/problems.md']);
  });

  it('says that there is nothing to check, and succeeds', async () => {
    await using folder = temporaryFolder();
    expect(await run(['validate'], { cwd: folder.path })).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No PROBLEMS.md with records found here.\n',
    });
  });

  it.each([
    ['a file without markers', '# Problems\n\nNone yet.\n'],
    ['markers that are examples', '`<!-- EMBED:ACTIVEPROBLEM:START -->`\n'],
  ])('says that it checked no record: %s', async (_, text) => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': text });
    expect(await run(['validate', 'PROBLEMS.md'], { cwd: folder.path })).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No records found in PROBLEMS.md.\n',
    });
  });

  it.each(['EMBED-ACTIVEPROBLEM-START', 'ACTIVEPROBLEM:START', 'activeproblem : end'])(
    'reports a file whose only marker is almost one: <!-- %s -->',
    async (comment) => {
      await using folder = temporaryFolder({ 'PROBLEMS.md': `# Problems\n\n<!-- ${comment} -->\n` });
      const { code, stdout } = await run(['validate'], { cwd: folder.path });
      expect(stdout).toContain('PROBLEMS.md:3:1: error This comment is almost a marker');
      expect(code).toBe(1);
    },
  );

  it('reports a file that cannot be read', async () => {
    await using folder = temporaryFolder();
    const { code, stdout } = await run(['validate', 'PROBLEMS.md'], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stdout).toContain('[file-unreadable]');
  });

  it('reports an id that occurs in two files, at its second occurrence', async () => {
    const text = registry('One').replace('**Status:**', '**ID:** same/id\n**Status:**');
    await using folder = temporaryFolder({ 'a/PROBLEMS.md': text, 'b/PROBLEMS.md': text });
    const { code, stdout } = await run(['validate', 'b/PROBLEMS.md', 'a/PROBLEMS.md'], { cwd: folder.path });
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^b\/PROBLEMS\.md:3:9: error Duplicate id "same\/id" \(first used in a\/PROBLEMS\.md, line 1\)\. \[id-repeated\]/,
    );
  });

  it('accepts warnings unless --strict or --max-warnings is given', async () => {
    await using folder = temporaryFolder({
      'PROBLEMS.md': registry('One').replace('**Status:**', '**Colour:** blue\n**Status:**'),
    });
    const code = async (...args: readonly string[]) => (await run(['validate', ...args], { cwd: folder.path })).code;
    expect(await code()).toBe(0);
    expect(await code('--strict')).toBe(1);
    expect(await code('--max-warnings', '0')).toBe(1);
    expect(await code('--max-warnings', '1')).toBe(0);
  });

  it('escapes control characters in names and values', async () => {
    await using folder = temporaryFolder();
    folder.write('\u001b[2J/PROBLEMS.md', registry('One', { status: '\u009b31mred\u202e' }));
    const { code, stdout } = await run(['validate', '.'], { cwd: folder.path });
    expect(code).toBe(1);
    expect(stdout).toContain('\\u{1b}[2J/PROBLEMS.md:3:13: error');
    expect(obeyed(stdout)).toEqual([]);
  });

  it('accepts file names with blanks, quotes and dashes', async () => {
    await using folder = temporaryFolder({ '-- "odd" name/PROBLEMS.md': registry('One', { status: 'activ' }) });
    const { stdout } = await run(['validate', '--', '-- "odd" name/PROBLEMS.md'], { cwd: folder.path });
    expect(stdout).toContain('-- "odd" name/PROBLEMS.md:3:13: error');
  });
});

describe('problems validate -', () => {
  const bad = registry('One', { status: 'activ' });

  it('checks standard input under the given name', async () => {
    const { code, stdout } = await run(['validate', '-', '--stdin-filename', 'x/PROBLEMS.md'], { input: bad });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^x\/PROBLEMS\.md:3:13: error/);
  });

  it('calls standard input PROBLEMS.md by default, and accepts valid input', async () => {
    expect((await run(['validate', '-'], { input: bad })).stdout).toMatch(/^PROBLEMS\.md:3:13: error/);
    expect(await run(['validate', '-'], { input: registry('One') })).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('reports bytes that are not UTF-8', async () => {
    const input = Buffer.concat([Buffer.from(registry('One')), Buffer.from([0xff, 0x0a])]);
    expect((await run(['validate', '-'], { input })).stdout).toContain('[encoding-invalid]');
  });

  it.each([
    ['little-endian', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['big-endian', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
  ])('refuses a registry in UTF-16, %s, from standard input and from a file', async (_, encode) => {
    await using folder = temporaryFolder();
    folder.write('PROBLEMS.md', encode(registry('One')));
    const said = /^PROBLEMS\.md:1:1: error The file is UTF-16, not UTF-8, and is not read\. \[file-unreadable\]\n/;
    for (const { code, stdout } of [
      await run(['validate', '-'], { input: encode(registry('One')) }),
      await run(['validate'], { cwd: folder.path }),
    ]) {
      expect(code).toBe(2);
      expect(stdout).toMatch(said);
    }
  });

  it.each([
    ['little-endian', (text: string) => Buffer.from(text, 'utf16le')],
    ['big-endian', (text: string) => Buffer.from(text, 'utf16le').swap16()],
    ['with a byte-order mark', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['without Latin letters', (text: string) => Buffer.from(`\uFEFF${text.replaceAll(/./g, '水')}`, 'utf16le')],
    ['a NUL', () => Buffer.from('a\0b\n')],
  ])('reports a part that is not UTF-8, with its place: %s', async (_, encode) => {
    await using folder = temporaryFolder();
    const bytes = Buffer.concat([Buffer.from(registry('One')), encode(registry('Two'))]);
    const line = registry('One').split('\n').length;
    folder.write('PROBLEMS.md', bytes);
    for (const { code, stdout } of [
      await run(['validate', '-'], { input: bytes }),
      await run(['validate'], { cwd: folder.path }),
      await run(['validate', 'PROBLEMS.md'], { cwd: folder.path }),
    ]) {
      expect(code).toBe(1);
      expect(stdout.match(/^.* \[encoding-\w+\]$/gm)).toEqual([
        expect.stringMatching(`^PROBLEMS\\.md:${line}:\\d: error .* \\[encoding-mixed\\]$`),
      ]);
    }
  });

  it('reports a record in UTF-16 that is appended to prose in UTF-8', async () => {
    await using folder = temporaryFolder();
    for (const encoded of [Buffer.from(registry('Two'), 'utf16le'), Buffer.from(registry('Two'), 'utf16le').swap16()]) {
      folder.write('PROBLEMS.md', Buffer.concat([Buffer.from('# Problems\n\n'), encoded]));
      const { code, stdout } = await run(['validate'], { cwd: folder.path });
      expect({ code, stdout }).toEqual({
        code: 1,
        stdout: expect.stringMatching(/^PROBLEMS\.md:3:\d: error .*\[encoding-mixed\]/),
      });
    }
  });

  it('accepts prose without markers, in any encoding, and says that it holds no record', async () => {
    const stderr = 'No records found in standard input.\n';
    for (const input of [Buffer.from([0x70, 0xff, 0x0a]), Buffer.from('\uFEFFProse.\n', 'utf16le'), Buffer.alloc(0)])
      expect(await run(['validate', '-'], { input })).toEqual({ code: 0, stdout: '', stderr });
  });

  it('cannot be combined with other paths or with --fix', async () => {
    expect((await run(['validate', '-', 'PROBLEMS.md'], { input: bad })).code).toBe(2);
    expect((await run(['validate', '-', '--fix'], { input: bad })).code).toBe(2);
  });
});

describe('problems validate --fix', () => {
  const odd = registry('One', { marker: 'embed:ActiveProblem:start' });

  it('fixes the file, lists the fixes, and validates again', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': odd });
    chmodSync(join(folder.path, 'PROBLEMS.md'), 0o640);
    expect((await run(['validate', '--strict'], { cwd: folder.path })).stderr).toContain('--fix can fix 1 of them');
    const { code, stdout, stderr } = await run(['validate', '--fix', '--strict'], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^fixed PROBLEMS\.md:1: .* \[marker-spelling\]\n$/);
    expect(readFileSync(join(folder.path, 'PROBLEMS.md'), 'utf8')).toBe(registry('One'));
  });

  it('leaves every other byte unchanged, byte-order mark and CRLF included', async () => {
    const text = `\uFEFF${odd.replaceAll('\n', '\r\n')}trailing  \r\n`;
    await using folder = temporaryFolder({ 'PROBLEMS.md': text });
    await run(['validate', '--fix'], { cwd: folder.path });
    expect(readFileSync(join(folder.path, 'PROBLEMS.md'), 'utf8')).toBe(
      text.replace('embed:ActiveProblem:start', 'EMBED:ACTIVEPROBLEM:START'),
    );
  });

  it('fails if problems remain', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': odd.replace('[active]', '[activ]') });
    const { code, stdout } = await run(['validate', '--fix'], { cwd: folder.path });
    expect(code).toBe(1);
    expect(stdout).toContain('[term-unknown]');
    expect(stdout).not.toContain('[marker-spelling]');
  });

  it('refuses a file that is not valid UTF-8, fixes the others, and reports both', async () => {
    await using folder = temporaryFolder({ 'b/PROBLEMS.md': odd });
    const bytes = Buffer.concat([Buffer.from(odd), Buffer.from([0xff])]);
    folder.write('a/PROBLEMS.md', bytes);
    const { stderr } = await run(['validate', '--fix'], { cwd: folder.path });
    expect(stderr).toMatch(/^not fixed a\/PROBLEMS\.md: .*not valid UTF-8/m);
    expect(stderr).toMatch(/^fixed b\/PROBLEMS\.md:1: /m);
    expect(readFileSync(join(folder.path, 'a/PROBLEMS.md'))).toEqual(bytes);
    expect(readFileSync(join(folder.path, 'b/PROBLEMS.md'), 'utf8')).toBe(registry('One'));
  });

  it('refuses a symbolic link that leaves the working folder', async () => {
    await using outside = temporaryFolder({ 'PROBLEMS.md': odd });
    await using folder = temporaryFolder();
    symlinkSync(join(outside.path, 'PROBLEMS.md'), join(folder.path, 'PROBLEMS.md'));
    const { stderr } = await run(['validate', '--fix', 'PROBLEMS.md'], { cwd: folder.path });
    expect(stderr).toContain('not fixed PROBLEMS.md');
    expect(readFileSync(join(outside.path, 'PROBLEMS.md'), 'utf8')).toBe(odd);
  });
});

describe('the formats of problems validate', () => {
  it('prints JSON that its schema accepts, and nothing else', async () => {
    const valid = new Ajv2020({ strictTypes: false }).compile(jsonSchemaOf('validate'));
    const { code, stdout, stderr } = await run([
      'validate',
      '--format',
      'json',
      fixtures,
      join(fixtures, 'diagnostics/terms.md'),
    ]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    const output = JSON.parse(stdout);
    expect(valid(output), JSON.stringify(valid.errors)).toBe(true);
    expect(output.errors).toBeGreaterThan(0);
    expect(output.diagnostics).toHaveLength(output.errors + output.warnings);
  });

  it('prints JSON even without diagnostics', async () => {
    const { code, stdout } = await run(['validate', '-', '--format', 'json'], { input: registry('One') });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      registries: 1,
      errors: 0,
      warnings: 0,
      fixed: [],
      diagnostics: [],
    });
  });

  it('prints SARIF with relative paths and fingerprints', async () => {
    await using folder = temporaryFolder({ 'a b/PROBLEMS.md': registry('One', { status: 'activ' }) });
    const { code, stdout } = await run(['validate', '--format', 'sarif'], { cwd: folder.path });
    expect(code).toBe(1);
    const [result] = JSON.parse(stdout).runs[0].results;
    expect(result.locations[0].physicalLocation.artifactLocation.uri).toBe('a%20b/PROBLEMS.md');
    expect(result.partialFingerprints.primaryLocationLineHash).toMatch(/^[0-9a-f]+:1$/);
  });

  it('prints annotations for GitHub', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': registry('One', { status: 'activ' }) });
    const { stdout } = await run(['validate', '--format', 'github'], { cwd: folder.path });
    expect(stdout).toMatch(/^::error file=PROBLEMS\.md,line=3,endLine=3,col=13,endColumn=20,title=term-unknown::/);
  });

  it('give CI systems paths from the root of the repository, whatever the working folder', async () => {
    await using folder = temporaryFolder({ '.git/HEAD': '', 'a/b/PROBLEMS.md': registry('One', { status: 'activ' }) });
    for (const [cwd, ...paths] of [['.'], ['a'], ['a/b', 'PROBLEMS.md'], ['a/b', '../b/PROBLEMS.md']]) {
      const at = { cwd: join(folder.path, cwd ?? '') };
      const github = await run(['validate', '--format', 'github', ...paths], at);
      expect(github.stdout).toMatch(/^::error file=a\/b\/PROBLEMS\.md,/);
      const [result] = JSON.parse((await run(['validate', '--format', 'sarif', ...paths], at)).stdout).runs[0].results;
      expect(result.locations[0].physicalLocation.artifactLocation.uri).toBe('a/b/PROBLEMS.md');
      expect(result.partialFingerprints.primaryLocationLineHash).toMatch(/^[0-9a-f]+:1$/);
    }
    const input = { cwd: join(folder.path, 'a'), input: registry('One', { status: 'activ' }) };
    const { stdout } = await run(['validate', '-', '--stdin-filename', 'b/PROBLEMS.md', '--format', 'github'], input);
    expect(stdout).toMatch(/^::error file=a\/b\/PROBLEMS\.md,/);
  });

  it('are the same in every run and for any order of the files', async () => {
    await using folder = temporaryFolder({
      'a/PROBLEMS.md': registry('One', { status: 'activ' }),
      'b/PROBLEMS.md': registry('Two', { status: 'activ' }),
    });
    const output = async (...paths: readonly string[]) =>
      (await run(['validate', ...paths], { cwd: folder.path })).stdout;
    const expected = await output('a/PROBLEMS.md', 'b/PROBLEMS.md');
    expect(await output('b/PROBLEMS.md', 'a/PROBLEMS.md')).toBe(expected);
    expect(await output()).toBe(expected);
  });
});

describe('a config and problems validate', () => {
  it('names components and excludes paths', async () => {
    await using folder = temporaryFolder({
      'problems.config.yaml': 'components:\n  a: alpha\nignore:\n  - left-out/\n',
      'a/PROBLEMS.md': registry('One').replace('**Status:**', '**ID:** same/id\n**Status:**'),
      'b/PROBLEMS.md': registry('One').replace('**Status:**', '**ID:** same/id\n**Status:**'),
      'left-out/PROBLEMS.md': registry('One', { status: 'activ' }),
    });
    mkdirSync(join(folder.path, '.git'));
    writeFileSync(join(folder.path, '.git/HEAD'), 'ref: refs/heads/main\n');
    const { stdout } = await run(['validate'], { cwd: folder.path });
    expect(stdout).toContain('[id-repeated]');
    expect(stdout).not.toContain('left-out');
  });

  it('names the component of standard input by the folder of its name, as for the file', async () => {
    await using folder = temporaryFolder({
      '.git/HEAD': '',
      'problems.config.yaml': 'components:\n  a: alpha\n',
      'a/docs/PROBLEMS.md': registry('One'),
    });
    const related = registry('Two').replace('**Status:**', '**ID:** alpha/two\n**Status:**');
    const text = registry('Two') + related;
    folder.write('a/docs/PROBLEMS.md', text);
    const named = await run(['validate', 'a/docs/PROBLEMS.md'], { cwd: folder.path });
    expect(named.stdout).toContain('"alpha/two"');
    for (const name of ['a/docs/PROBLEMS.md', './a/PROBLEMS.md', join(folder.path, 'a/PROBLEMS.md')]) {
      const { stdout } = await run(['validate', '-', '--stdin-filename', name], { cwd: folder.path, input: text });
      expect(stdout).toContain('"alpha/two"');
    }
    const { stdout } = await run(['validate', '-', '--stdin-filename', '../a/PROBLEMS.md'], {
      cwd: join(folder.path, 'a'),
      input: text,
    });
    expect(stdout).toContain('"alpha/two"');
  }, 30_000);

  it('reports no repeated id for a file in the parent folder', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': registry('One'), 'x/PROBLEMS.md': registry('One') });
    const { code, stdout } = await run(['validate', '../PROBLEMS.md', 'PROBLEMS.md'], { cwd: join(folder.path, 'x') });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });
});
