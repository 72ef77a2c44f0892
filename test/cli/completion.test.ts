import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCommands } from '../../src/cli/commands/index.ts';
import { optionName } from '../../src/cli/command.ts';
import { run, temporaryFolder } from './run.ts';
import { askedByBash, completedByZsh, isInstalled, offeredByBash, offeredByFish } from './shells.ts';

/** Each of them starts a shell, and loads its completion. */
const patient = 60_000;

describe('problems completion', () => {
  it.each(['bash', 'zsh', 'fish'])('names every command and option in the script for %s', async (shell) => {
    const { code, stdout, stderr } = await run(['completion', shell]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const { name, options } of await loadCommands()) {
      expect(stdout).toContain(name);
      for (const option of Object.keys(options)) expect(stdout).toContain(optionName(option));
    }
  });

  it('lists the names that exist here', async () => {
    await using folder = temporaryFolder({
      'a/PROBLEMS.md': '<!-- EMBED:PROBLEMPATTERN:START -->\n### One\n<!-- EMBED:PROBLEMPATTERN:END -->\n',
    });
    const listed = async (what: string) =>
      (await run(['completion', 'bash', '--list', what], { cwd: folder.path })).stdout;
    expect(await listed('records')).toBe('a/one\n');
    expect(await listed('runs')).toBe('');
    expect(await listed('instances')).toBe('');
    expect((await listed('remediators')).split('\n')).toContain('port-reassignment');
    expect(existsSync(join(folder.path, '.problems'))).toBe(false);
  });

  it('refuses an unknown shell', async () => {
    const { code, stderr } = await run(['completion', 'bsh']);
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean bash?');
  });
});

describe.skipIf(!isInstalled('bash'))('the completion of bash (if installed)', () => {
  it.each([
    [['va'], ['validate']],
    [['--v'], ['--version']],
    [['help', 'va'], ['validate']],
    [['validate', '--for'], ['--format']],
    [['validate', '--format', 's'], ['sarif']],
    [['new', 'p'], ['pattern']],
    [
      ['scan', '--no'],
      ['--no-cache', '--no-config-lookup'],
    ],
    [['scan', '--status', 'wo'], [String.raw`won\'t-fix`]],
  ])('offers commands, options and words: %j', async (words, offers) => {
    expect(await offeredByBash(...words)).toEqual(offers);
  });

  it.each([
    // bash takes `=` for a separate word, unless COMP_WORDBREAKS is without it.
    [
      ['validate', '--format', '='],
      ['text', 'json', 'sarif', 'github'],
    ],
    [['validate', '--format', '=', 's'], ['sarif']],
    [['validate', '--format=s'], ['--format=sarif']],
    [['scan', '--kind', 'active,pa'], ['active,pattern']],
    [
      ['scan', '--kind', '=', 'active,pattern,in'],
      ['active,pattern,intermittent', 'active,pattern,integration', 'active,pattern,investigation'],
    ],
    [['scan', '--kind=active,pa'], ['--kind=active,pattern']],
  ])('offers words after = and between commas: %j', async (words, offers) => {
    expect(await offeredByBash(...words)).toEqual(offers);
  });

  it(
    'offers ids of records and names of remediators, which the program finds in the working folder',
    async () => {
      const fixtures = join(import.meta.dirname, '../../fixtures/resources');
      expect(await askedByBash(fixtures, 'show', 'postgres/port')).toEqual(['postgres/port-allocation-conflicts']);
      expect(await askedByBash(fixtures, 'detect', '--remediator', 'memory,po')).toEqual(['memory,port-reassignment']);
      await using folder = temporaryFolder();
      expect(await askedByBash(folder.path, 'explain', '')).toEqual([]);
    },
    patient,
  );

  it('leaves file names to bash', async () => {
    expect(await offeredByBash('validate', 'PRO')).toEqual([]);
    expect(await offeredByBash('new', 'active', '--into', 'PRO')).toEqual([]);
  });
});

describe.skipIf(!isInstalled('zsh'))('the completion of zsh (if installed)', () => {
  it.each([
    ['problems va', 'problems validate '],
    ['problems --v', 'problems --version '],
    ['problems help va', 'problems help validate '],
    ['problems validate --strict --for', 'problems validate --strict --format='],
    ['problems validate --format s', 'problems validate --format sarif '],
    ['problems validate --format=s', 'problems validate --format=sarif '],
    ['problems new pat', 'problems new pattern '],
    ['problems scan --kind active,pat', 'problems scan --kind active,pattern,'],
    ['problems scan --status won', String.raw`problems scan --status won\'t-fix,`],
    ['problems validate /dev/nul', 'problems validate /dev/null '],
    ['problems scan --write-tasks /et', 'problems scan --write-tasks /etc/'],
  ])(
    'completes %j to %j',
    async (typed, completed) => {
      expect(await completedByZsh(typed)).toBe(completed);
    },
    patient,
  );

  it(
    'is found as a file in a folder of fpath',
    async () => {
      expect(await completedByZsh('problems validate --str', 'fpath')).toBe('problems validate --strict ');
    },
    patient,
  );
});

describe.skipIf(!isInstalled('fish'))('the completion of fish (if installed)', () => {
  it.each([
    ['problems va', ['validate']],
    ['problems --v', ['--version']],
    ['problems help va', ['validate']],
    ['problems validate --for', ['--format']],
    ['problems validate --format s', ['sarif']],
    ['problems validate --format=s', ['--format=sarif']],
    ['problems new pat', ['pattern']],
    ['problems scan --kind pat', ['pattern']],
    ['problems scan --kind active,pat', ['active,pattern']],
    ['problems scan --kind=active,pat', ['--kind=active,pattern']],
    ['problems scan --status won', ["won't-fix"]],
    // The name of another command as an argument.
    ['problems schema scan --', ['--help', '--verbose']],
    ['problems scan --write-tasks /et', ['/etc/']],
  ])(
    'offers for %j %j',
    async (typed, offers) => {
      expect(await offeredByFish(typed)).toEqual(offers);
    },
    patient,
  );
});
