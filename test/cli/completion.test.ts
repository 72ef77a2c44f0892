import { describe, expect, it } from 'vitest';
import { loadCommands } from '../../src/cli/commands/index.ts';
import { optionName } from '../../src/cli/command.ts';
import { run, spawned } from './run.ts';

/** What bash would offer for the last of these words, with the real script loaded. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const { stdout: script } = await run(['completion', 'bash']);
  const line = words.map((word) => `'${word}'`).join(' ');
  const { code, stdout, stderr } = await spawned(
    'bash',
    [
      '--norc',
      '-c',
      `${script}\nCOMP_WORDS=(problems ${line}); COMP_CWORD=${words.length}; _problems; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
    {},
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n').filter((word) => word !== '');
}

describe('problems completion', () => {
  it('makes a bash script that offers commands, options and words', async () => {
    expect(await offered('va')).toEqual(['validate']);
    expect(await offered('validate', '--for')).toEqual(['--format']);
    expect(await offered('validate', '--format', 's')).toEqual(['sarif']);
    expect(await offered('new', 'p')).toEqual(['pattern']);
    expect(await offered('scan', '--no')).toEqual(['--no-cache', '--no-config-lookup']);
    expect(await offered('scan', '--status', 'wo')).toEqual([String.raw`won\'t-fix`]);
  });

  it('leaves the names of files to bash', async () => {
    expect(await offered('validate', 'PRO')).toEqual([]);
    expect(await offered('new', 'active', '--into', 'PRO')).toEqual([]);
  });

  it.each(['bash', 'zsh', 'fish'])('names every command and option in the script for %s', async (shell) => {
    const { code, stdout, stderr } = await run(['completion', shell]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const { name, options } of await loadCommands()) {
      expect(stdout).toContain(name);
      for (const option of Object.keys(options)) expect(stdout).toContain(optionName(option));
    }
  });

  it('knows no other shell', async () => {
    const { code, stderr } = await run(['completion', 'bsh']);
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean bash?');
  });
});
