import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const script = join(import.meta.dirname, '../../build/release.ts');

const readyManifest = {
  name: 'scratch',
  version: '0.1.0',
  repository: { type: 'git', url: 'git+https://forge.example/scratch.git' },
  bugs: 'https://forge.example/scratch/issues',
  homepage: 'https://forge.example/scratch#readme',
  scripts: {
    generate: 'node generate.mjs',
    preversion: `node ${JSON.stringify(script)} check`,
    version: `node ${JSON.stringify(script)} write`,
  },
};

const changelog = `# Changelog

## [Unreleased]

### Added

- A button.

## [0.1.0] - 2025-06-03

### Added

- Everything.
`;

/** A package in a separate repository, ready to be released; its documentation is generated from `source.txt`. */
const ready: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify(readyManifest),
  'CHANGELOG.md': changelog,
  'README.md': '```yaml\nrepos:\n  - repo: https://forge.example/scratch\n    rev: v0.1.0\n```\n',
  'source.txt': 'one\n',
  'docs.txt': 'one\n',
  'generate.mjs': "import { copyFileSync } from 'node:fs';\ncopyFileSync('source.txt', 'docs.txt');\n",
};

describe('the release guard', { timeout: 120_000 }, () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'release-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** In an environment that holds nothing of the npm and the git that run this test. */
  function run(command: string, ...args: readonly string[]) {
    return spawnSync(command, args, {
      cwd: folder,
      encoding: 'utf8',
      env: {
        PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
        HOME: folder,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_AUTHOR_NAME: 'Author',
        GIT_AUTHOR_EMAIL: 'author@forge.example',
        GIT_COMMITTER_NAME: 'Author',
        GIT_COMMITTER_EMAIL: 'author@forge.example',
        npm_config_cache: join(tmpdir(), 'problems-release-npm-cache'),
        npm_config_update_notifier: 'false',
      },
    });
  }

  function commit(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries({ ...ready, ...files })) writeFileSync(join(folder, name), text);
    for (const args of [
      ['init', '-q'],
      ['add', '.'],
      ['commit', '-q', '-m', 'scratch: begin'],
    ])
      expect(run('git', ...args)).toMatchObject({ status: 0, stderr: '' });
  }

  function text(name: string): string {
    return readFileSync(join(folder, name), 'utf8');
  }

  it('commits and tags a version with its entries in the changelog and its tag in the README', () => {
    commit({});
    const before = new Date().toISOString().slice(0, 10);
    expect(run('npm', 'version', 'minor')).toMatchObject({ status: 0 });
    const after = new Date().toISOString().slice(0, 10);
    expect(
      [before, after].map((date) =>
        changelog.replace('\n### Added\n\n- A b', `\n## [0.2.0] - ${date}\n\n### Added\n\n- A b`),
      ),
    ).toContain(text('CHANGELOG.md'));
    expect(text('README.md')).toBe(ready['README.md']?.replace('v0.1.0', 'v0.2.0'));
    expect(run('git', 'status', '--porcelain').stdout).toBe('');
    expect(run('git', 'show', '--name-only', '--format=%s', 'v0.2.0^{commit}').stdout.split('\n')).toEqual([
      '0.2.0',
      '',
      'CHANGELOG.md',
      'README.md',
      'package.json',
      '',
    ]);
  });

  it('releases the version that package.json already states, as the first release does', () => {
    commit({
      'CHANGELOG.md': changelog.slice(0, changelog.indexOf('## [0.1.0]')),
      'README.md': '    rev: <commit> # nothing has been released yet\n',
    });
    expect(run('npm', 'version', '0.1.0', '--allow-same-version')).toMatchObject({ status: 0 });
    expect(text('CHANGELOG.md')).toContain('## [0.1.0] - ');
    expect(text('README.md')).toBe('    rev: v0.1.0\n');
    expect(run('git', 'describe', '--exact-match').stdout).toBe('v0.1.0\n');
  });

  it('leaves version and history unchanged when npm refuses to release', () => {
    commit({ 'CHANGELOG.md': changelog.replace('- A button.\n', '') });
    const { status, stderr } = run('npm', 'version', 'minor');
    expect(status).not.toBe(0);
    expect(stderr).toContain('release: CHANGELOG.md has no entry under "[Unreleased]".');
    expect(text('package.json')).toBe(ready['package.json']);
    expect(run('git', 'tag').stdout).toBe('');
  });

  it.each([
    {
      title: 'a package without addresses',
      files: {
        'package.json': JSON.stringify({
          ...readyManifest,
          repository: { type: 'git', url: '' },
          bugs: undefined,
          homepage: '',
        }),
      },
      says: 'package.json has no repository, no bugs, no homepage.',
    },
    {
      title: 'a changelog without a section for what is to be released',
      files: { 'CHANGELOG.md': changelog.replace('[Unreleased]', 'Next') },
      says: 'CHANGELOG.md has no section "[Unreleased]".',
    },
    {
      title: 'a generated file that is older than its source',
      files: { 'source.txt': 'two\n' },
      says: 'Generated files were not current: docs.txt.',
    },
    {
      title: 'a generator that fails',
      files: { 'generate.mjs': "throw new Error('no generator today');\n" },
      says: 'no generator today',
    },
  ])('refuses $title', ({ files, says }) => {
    commit(files);
    const { status, stderr } = run(process.execPath, script, 'check');
    expect(stderr).toContain(`release: `);
    expect(stderr).toContain(says);
    expect(status).toBe(1);
  });

  it('refuses a file that is not committed, and names every fault at once', () => {
    commit({ 'package.json': JSON.stringify({ ...readyManifest, repository: undefined }) });
    writeFileSync(join(folder, 'notes.txt'), '');
    expect(run(process.execPath, script, 'check')).toMatchObject({
      status: 1,
      stderr: `release: package.json has no repository. Add where users find the source, report bugs and read about the package.
release: These files differ from the last commit: notes.txt.
`,
    });
  });

  it('refuses a version that the changelog or a tag already has', () => {
    commit({});
    run('git', 'tag', 'v0.2.0');
    expect(run('npm', 'version', '0.2.0').stderr).toContain('release: The tag v0.2.0 already exists.');
    run('git', 'tag', '-d', 'v0.2.0');
    writeFileSync(join(folder, 'CHANGELOG.md'), changelog.replace('[0.1.0]', '[0.2.0]'));
    run('git', 'commit', '-q', '-a', '-m', 'scratch: claim 0.2.0');
    expect(run('npm', 'version', '0.2.0').stderr).toContain('release: CHANGELOG.md already has a section for 0.2.0.');
  });
});
