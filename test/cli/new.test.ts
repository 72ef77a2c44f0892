import { existsSync, readFileSync, statSync, symlinkSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { kinds } from '../../src/registry/kinds/index.ts';
import { run, temporaryFolder } from './run.ts';

describe('problems new', () => {
  it('prints a blank record with its markers', async () => {
    const { code, stdout, stderr } = await run(['new', 'active']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.startsWith('<!-- EMBED:ACTIVEPROBLEM:START -->\n')).toBe(true);
    expect(stdout.endsWith('<!-- EMBED:ACTIVEPROBLEM:END -->\n')).toBe(true);
  });

  it('adds a record to a registry and leaves every byte before it unchanged', async () => {
    await using folder = temporaryFolder();
    const before = '\uFEFF# Problems\r\n\r\ntrailing blanks  \r\n';
    folder.write('PROBLEMS.md', before);
    chmodSync(join(folder.path, 'PROBLEMS.md'), 0o640);
    const { code, stdout } = await run(['new', 'pattern', '--into', 'PROBLEMS.md'], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    const after = readFileSync(join(folder.path, 'PROBLEMS.md'), 'utf8');
    expect(after.startsWith(before)).toBe(true);
    expect(after.slice(before.length)).toMatch(/^\r\n<!-- EMBED:PROBLEMPATTERN:START -->\r\n/);
    expect(statSync(join(folder.path, 'PROBLEMS.md')).mode & 0o777).toBe(0o640);
  });

  it('creates the registry if there is none', async () => {
    await using folder = temporaryFolder();
    expect((await run(['new', 'resolved', '--into', 'PROBLEMS.md'], { cwd: folder.path })).code).toBe(0);
    expect(readFileSync(join(folder.path, 'PROBLEMS.md'), 'utf8')).toMatch(/^# Problems\n\n<!-- EMBED:RESOLVEDPROBLEM/);
  });

  it('refuses a file that is not valid UTF-8 and leaves it alone', async () => {
    await using folder = temporaryFolder();
    const bytes = Buffer.from([0x23, 0x20, 0xff, 0x0a]);
    folder.write('PROBLEMS.md', bytes);
    const { code, stderr } = await run(['new', 'active', '--into', 'PROBLEMS.md'], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toContain('not valid UTF-8');
    expect(readFileSync(join(folder.path, 'PROBLEMS.md'))).toEqual(bytes);
  });

  it('refuses a symbolic link that leaves the working folder', async () => {
    await using outside = temporaryFolder({ 'PROBLEMS.md': '# Problems\n' });
    await using folder = temporaryFolder();
    symlinkSync(join(outside.path, 'PROBLEMS.md'), join(folder.path, 'PROBLEMS.md'));
    const { code, stderr } = await run(['new', 'active', '--into', 'PROBLEMS.md'], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toContain('(via a symbolic link)');
    expect(readFileSync(join(outside.path, 'PROBLEMS.md'), 'utf8')).toBe('# Problems\n');
  });

  it('suggests the nearest kind', async () => {
    const { code, stdout, stderr } = await run(['new', 'activ']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Did you mean active?');
  });

  it('requires a kind', async () => {
    const { code, stderr } = await run(['new']);
    expect(code).toBe(2);
    expect(stderr).toContain("Missing required argument 'kind'.");
  });
});

describe('problems new --set', () => {
  const all = [
    'title=Disk full: `df` says 100%',
    'severity=high',
    'Status=active',
    'frequency=frequent',
    'impact=user_impact',
    'discovered=2025-01-02',
    'last-occurrence=2025-10-01 12:30',
    'tags=disk, slow',
    'description=It is full.\n\nTwo paragraphs.',
    'reproduction steps=Wait.',
    'reproduction-steps=Look.',
    'Impact Assessment.Users Affected=everyone',
    'rootCause=logs\ngrow',
    'estimates.impact=8',
    'urgency=high',
    'success_prob=0.9',
    'resource_cost=minimal',
    'error-messages=FATAL: "no space"',
    'metrics=cpu=90%',
  ].flatMap((value) => ['--set', value]);

  it('writes a record that has every given value and no diagnostic', async () => {
    await using folder = temporaryFolder();
    const { code } = await run(['new', 'active', '--into', 'PROBLEMS.md', ...all], { cwd: folder.path });
    expect(code).toBe(0);
    expect(await run(['validate', '--strict'], { cwd: folder.path })).toEqual({ code: 0, stdout: '', stderr: '' });
    const text = readFileSync(join(folder.path, 'PROBLEMS.md'), 'utf8');
    expect(await format(text, { parser: 'markdown' })).toBe(text);
    const { records } = JSON.parse((await run(['scan', '--json'], { cwd: folder.path })).stdout);
    expect(records).toMatchObject([
      {
        kind: 'active',
        title: 'Disk full: df says 100%',
        status: 'active',
        severity: 'high',
        frequency: 'frequent',
        impact: 'user_impact',
        discovered: '2025-01-02',
        lastOccurrence: '2025-10-01T12:30',
        tags: ['disk', 'slow'],
        description: 'It is full.\n\nTwo paragraphs.',
        reproductionSteps: ['Wait.', 'Look.'],
        impactAssessment: { usersAffected: 'everyone' },
        investigationStatus: { rootCause: 'logs\ngrow' },
        priorityEstimates: { impact: 8, urgency: 'high', successProb: 0.9, resourceCost: 'minimal' },
        evidence: { errorMessages: ['FATAL: "no space"'], metrics: { cpu: '90%' } },
      },
    ]);
  });

  it('leaves a placeholder for what is required and not given, and nothing for the rest', async () => {
    const { code, stdout } = await run(['new', 'active', '--set', 'title=Disk full', '--set', 'severity=high']);
    expect(code).toBe(0);
    expect(stdout).toContain('### Disk full\n\n**Status:** [active|');
    expect(stdout).toContain('**Severity:** [high]\n');
    expect(stdout).not.toContain('Proposed Solution');
    expect(stdout).not.toContain('Discovered By');
  });

  it.each(kinds.map(({ name }) => name))('takes the title of a record of the kind %s', async (kind) => {
    const { code, stdout } = await run(['new', kind, '--set', 'title=One']);
    expect(code).toBe(0);
    expect(stdout).toContain('### One\n');
  });

  it.each([
    ['severity=hihg', 'Did you mean high?'],
    ['sevrity=high', 'Did you mean Severity?'],
    ['impact=8', 'Use one of system_down'],
    ['estimates.impact=80', '10'],
    ['discovered=tomorrow', '2025-01-31'],
    ['nonsense', 'Write --set severity=high.'],
    ['title=', 'title'],
    ['title=a\n**Status:** x', 'one line'],
    ['description=<!-- EMBED:ACTIVEPROBLEM:END -->', 'marker'],
    ['description=a\n\n#### Evidence\n\nb', 'read as something else'],
    ['description=```', 'read as something else'],
    ['users-affected=all <!-- hidden -->', 'read as something else'],
  ])('refuses %s, and writes nothing', async (value, said) => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': '# Problems\n' });
    const args = ['new', 'active', '--into', 'PROBLEMS.md', '--set', 'title=One', '--set', value];
    const { code, stderr } = await run(value.startsWith('title') ? args.toSpliced(4, 2) : args, { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    expect(readFileSync(join(folder.path, 'PROBLEMS.md'), 'utf8')).toBe('# Problems\n');
  });

  it('refuses two values for what has one', async () => {
    const twice = await run(['new', 'active', '--set', 'severity=high', '--set', 'Severity=low']);
    expect(twice).toMatchObject({ code: 2, stderr: expect.stringContaining('has two values') });
  });
});

describe('problems init', () => {
  it('writes a registry and a config that are both valid', async () => {
    await using folder = temporaryFolder();
    expect(await run(['init'], { cwd: folder.path })).toEqual({
      code: 0,
      stdout: 'Created problems.config.yaml.\nCreated PROBLEMS.md.\n',
      stderr: '',
    });
    const validated = await run(['validate'], { cwd: folder.path });
    expect(validated).toMatchObject({ code: 0, stdout: '' });
  });

  it('never overwrites', async () => {
    await using folder = temporaryFolder({ 'PROBLEMS.md': 'mine' });
    const { code, stdout } = await run(['init', '.'], { cwd: folder.path });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'Created problems.config.yaml.\nPROBLEMS.md exists and was not changed.\n',
    });
    expect(readFileSync(join(folder.path, 'PROBLEMS.md'), 'utf8')).toBe('mine');
  });

  it('names a path that it cannot write', async () => {
    await using folder = temporaryFolder();
    const { code, stderr } = await run(['init', 'no/such/folder'], { cwd: folder.path });
    expect(code).toBe(2);
    expect(stderr).toContain('no/such/folder/problems.config.yaml cannot be written');
    expect(existsSync(join(folder.path, 'no'))).toBe(false);
  });
});
