import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { commandNames, loadCommands } from '../../src/cli/commands/index.ts';
import { bin, run, spawned, temporaryFolder } from './run.ts';

describe('problems', () => {
  it.each([[[]], [['--help']], [['-h']], [['help']], [['help', '--help']]])(
    'prints every command for %j',
    async (args) => {
      const { code, stdout, stderr } = await run(args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      for (const { name, summary } of await loadCommands()) {
        expect(stdout).toMatch(new RegExp(`^  ${name} +${summary.split(' ')[0]}`, 'm'));
      }
      expect(stdout).toContain('Examples:\n');
    },
  );

  it.each(commandNames)('prints examples and exit codes for %s --help', async (name) => {
    const { code, stdout, stderr } = await run([name, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Usage: problems ${name}`);
    expect(stdout).toMatch(/\nExamples:\n {2}\S[^]*\nExit codes:\n {2}0 {2}/);
    expect((await run(['help', name])).stdout).toBe(stdout);
    expect(await run([name, '-h'])).toEqual({ code, stdout, stderr });
  });

  it('prints its version', async () => {
    const { code, stdout } = await run(['--version']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('wraps help at COLUMNS', async () => {
    const { stdout } = await run(['validate', '--help'], { env: { COLUMNS: '70' } });
    const options = stdout.slice(0, stdout.indexOf('Examples:'));
    expect(Math.max(...options.split('\n').map((line) => line.length))).toBeLessThanOrEqual(70);
  });

  it.each([
    [['valdate'], "Unknown command 'valdate'.", 'Did you mean validate?'],
    [['help', 'scna'], "Unknown command 'scna'.", 'Did you mean scan?'],
    [['frobnicate'], "Unknown command 'frobnicate'.", 'problems --help'],
    [['--versoin'], "Unknown option '--versoin'.", 'Did you mean --version?'],
    [['--json', 'scan'], "Unknown option '--json'.", 'Options come after the command'],
    [['validate', '--formt', 'json'], "Unknown option '--formt'.", '--format'],
    [['validate', '--format', 'jsn'], "'jsn' is invalid", 'Did you mean json?'],
    [['validate', '--max-warnings', '-1'], 'is invalid', 'whole number, 0 or more'],
    [['scan', '--top', '1.5'], 'is invalid', 'whole number, 0 or more'],
    [['scan', '--kind', 'active,resolutoin'], 'is invalid', 'Did you mean resolution?'],
    [['scan', '--write-tasks', ''], "argument '' is invalid. The value is empty.", '--write-tasks'],
    [['scan', '--write-tasks='], "argument '' is invalid. The value is empty.", '--write-tasks'],
    [['scan', '--component', 'a,'], 'The value is empty.', '--component'],
    [['scan', ''], 'The value is empty.', 'problems scan --help'],
    [['validate', 'a.md', ''], 'The value is empty.', 'problems validate --help'],
    [['scan', '--top'], 'argument missing', 'problems scan --help'],
    [['toString'], "Unknown command 'toString'.", ''],
  ])('refuses %j and suggests the intended word', async (args, message, hint) => {
    const { code, stdout, stderr } = await run(args);
    expect(code).toBe(2);
    if (args.includes('--json')) expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'bad-usage' } });
    else expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
  });

  it('escapes control characters in the arguments that it repeats', async () => {
    const { stderr } = await run(['\u001b[31mred\u0007']);
    expect(stderr).toContain('\\u{1b}[31mred\\u{7}');
    expect(stderr).not.toContain('\u001b');
  });

  it('names the wrong config key, in one message with a hint', async () => {
    await using folder = temporaryFolder({ 'problems.config.yaml': 'ignor: [x]\n' });
    expect(await run(['scan'], { cwd: folder.path })).toEqual({
      code: 2,
      stdout: '',
      stderr: 'problems: problems.config.yaml: ignor is not a known key\n    hint: Did you mean ignore?\n',
    });
    expect((await run(['scan', '--no-config-lookup'], { cwd: folder.path })).code).toBe(0);
  });

  it('shows the stack of an error only on request', async () => {
    await using folder = temporaryFolder({ 'problems.config.yaml': 'ignor: [x]\n' });
    expect((await run(['scan'], { cwd: folder.path })).stderr).not.toContain('    at ');
    expect((await run(['scan', '--verbose'], { cwd: folder.path })).stderr).toContain('    at ');
    expect((await run(['scan'], { cwd: folder.path, env: { DEBUG: '1' } })).stderr).toContain('    at ');
  });
});

describe('problems on an unsupported Node version', () => {
  it.each(['20.19.4', '22.12.0', '18.0.0'])(
    'states in one line which version it needs on %s, and loads nothing',
    async (version) => {
      await using folder = temporaryFolder();
      const preload = join(folder.path, 'old.mjs');
      const versions = `{ ...process.versions, node: '${version}' }`;
      writeFileSync(preload, `Object.defineProperty(process, 'versions', { value: ${versions} });`);
      const env = { PATH: '/nonexistent', HOME: folder.path, N_PREFIX: folder.path, HOMEBREW_PREFIX: folder.path };
      const { code, stdout, stderr } = await spawned(process.execPath, ['--import', preload, bin, '--help'], { env });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^problems: needs Node 22\.13 or newer, this is .*npm install -D node@24.*\n$/);
      expect(stderr).toContain(version);
    },
  );

  it('runs with a newer Node on the PATH or of a version manager, and ends with its exit code', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': '<!-- EMBED:ACTIVEPROBLEM:START -->\n' });
    const preload = join(folder.path, 'old.mjs');
    const versions = `{ ...process.versions, node: '20.19.4' }`;
    writeFileSync(preload, `Object.defineProperty(process, 'versions', { value: ${versions} });`);
    const old = '#!/bin/sh\necho v20.19.4\n';
    for (const [older, newer] of [
      ['path/node', 'later/node22'],
      ['path/node', 'home/.nvm/versions/node/v24.1.0/bin/node'],
      ['home/.nvm/versions/node/v9.1.0/bin/node', 'home/.local/share/mise/installs/node/22.13.0/bin/node'],
    ] as const) {
      folder.write(older, old);
      chmodSync(join(folder.path, older), 0o755);
      mkdirSync(join(folder.path, newer, '..'), { recursive: true });
      symlinkSync(process.execPath, join(folder.path, newer));
      const [home, path, later] = ['home', 'path', 'later'].map((name) => join(folder.path, name));
      const env = { HOME: home ?? '', PATH: `${path}:${later}`, HOMEBREW_PREFIX: folder.path };
      const words = ['--import', preload, bin, 'validate', 'PROBLEMS.md'];
      const { code, stdout, stderr } = await spawned(process.execPath, words, { env, cwd: folder.path });
      expect({ code, stderr }).toEqual({ code: 1, stderr: '1 error, no warnings\n' });
      expect(stdout).toContain('PROBLEMS.md:1:1: error');
      rmSync(join(folder.path, newer));
      rmSync(join(folder.path, older));
    }
  });
});

describe('colours and pipes', () => {
  const registry = `<!-- EMBED:ACTIVEPROBLEM:START -->
### A title
<!-- EMBED:ACTIVEPROBLEM:END -->
`;

  it('has no colours in a pipe, whatever TERM says', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': registry });
    const { stdout } = await run(['validate'], { cwd: folder.path, env: { TERM: 'xterm-256color' } });
    expect(stdout).toContain('warning');
    expect(stdout).not.toContain('\u001b');
  });

  it('has colours with FORCE_COLOR, and none with FORCE_COLOR=0 or with NO_COLOR alone', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': registry });
    const coloured = async (env: Readonly<Record<string, string>>) =>
      (await run(['validate'], { cwd: folder.path, env })).stdout.includes('\u001b[33mwarning');
    expect(await coloured({ FORCE_COLOR: '1' })).toBe(true);
    expect(await coloured({ FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(true);
    expect(await coloured({ FORCE_COLOR: '0' })).toBe(false);
    expect(await coloured({ NO_COLOR: '1' })).toBe(false);
  });

  it('draws a table with colours that fits the terminal, and without colours if NO_COLOR is set', async () => {
    const fixtures = join(import.meta.dirname, '../../fixtures/resources');
    const command = `"${process.execPath}" "${bin}" scan "${fixtures}"`;
    const onTerminal = (columns: number, env: Readonly<Record<string, string>>) =>
      spawned('script', ['-qec', `stty cols ${columns}; ${command}`, '/dev/null'], { env: { TERM: 'xterm', ...env } });
    for (const columns of [60, 140]) {
      const { code, stdout } = await onTerminal(columns, {});
      expect(code).toBe(0);
      expect(stdout).toContain('\u001b[1mSCORE\u001b[22m');
      const { stdout: bare } = await onTerminal(columns, { NO_COLOR: '1' });
      expect(bare).not.toContain('\u001b[1m');
      expect(stripVTControlCharacters(stdout)).toBe(bare);
      const rows = bare.split('\r\n').filter((line) => (columns < 80 ? /^ *[\d.]+ {2}/ : /^│/).test(line));
      expect(rows.length).toBeGreaterThan(3);
      expect(new Set(rows.map((line) => line.length <= columns))).toEqual(new Set([true]));
    }
  }, 30_000);

  it('ends without an error when the reader closes the pipe', async () => {
    const fixtures = join(import.meta.dirname, '../../fixtures');
    const command = `"${process.execPath}" "${bin}" scan --json "${fixtures}" | head -1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await spawned('bash', ['--norc', '-c', command], {});
    expect({ stdout, stderr }).toEqual({ stdout: '{\n0\n', stderr: '' });
  });

  it.each(['scan fixtures', 'scan fixtures --json', 'validate fixtures/diagnostics/terms.md', 'scan --help'])(
    'says in one line that its output cannot be written: problems %s > /dev/full',
    async (words) => {
      const { code, stderr } = await spawned(
        'bash',
        ['--norc', '-c', `"${process.execPath}" "${bin}" ${words} > /dev/full`],
        {
          cwd: join(import.meta.dirname, '../..'),
        },
      );
      expect(code).toBe(2);
      expect(stderr).toMatch(/(?:^|\n)problems: The output cannot be written: no space left on device\.\n$/);
      expect(stderr).not.toContain('    at ');
    },
  );

  it('fails if standard error cannot be written either', async () => {
    const command = `"${process.execPath}" "${bin}" scan fixtures > /dev/null 2> /dev/full`;
    const { code } = await spawned('bash', ['--norc', '-c', command], { cwd: join(import.meta.dirname, '../..') });
    expect(code).toBe(2);
  });
});
