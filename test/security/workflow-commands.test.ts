import { describe, expect, it } from 'vitest';
import { withoutWorkflowCommands } from '../../src/reporters/escape-terminal.ts';
import { run, temporaryFolder } from '../cli/run.ts';

/** Names that a repository can have, as folders and in records. */
const names = ['::error::owned', ' ::add-mask::x', '##[warning]owned', '\t::stop-commands::x', 'a ##[add-mask]b', '::'];

function registry(title: string): string {
  return `# Problems\n\n<!-- EMBED:ACTIVEPROBLEM:START -->\n### ${title}\n**Status:** [active]\n**Severity:** [hihg]\n\n${title}\n<!-- EMBED:ACTIVEPROBLEM:END -->\n`;
}

/** Lines that the runner of GitHub Actions obeys: `TryParseV2` and `TryParse` of its ActionCommand.cs. */
function obeyed(output: string): readonly string[] {
  return output.split(/\r\n|\n|\r/).filter((line) => line.trimStart().startsWith('::') || line.includes('##['));
}

const commands = [
  'validate',
  'validate --format json',
  'validate --format sarif',
  'scan',
  'scan --json',
  'completion bash --list records',
  'explain ::error::owned',
  'show ##[warning]owned',
  'scan ::nothing',
  'validate --config ::error::x.yaml',
  'detect --instance ::error::owned',
  '::error::owned',
  'detect --::error',
];

describe('the output in the log of GitHub Actions', () => {
  it.each(commands)('holds no command that a name has brought: problems %s', async (line) => {
    await using folder = temporaryFolder({ '.git/HEAD': '' });
    for (const name of names) folder.write(`${name}/PROBLEMS.md`, registry(name));
    folder.write('PROBLEMS.md', registry(names.join(' ')));
    const { stdout, stderr } = await run(line.split(' '), { cwd: folder.path });
    expect(`${stdout}${stderr}`).not.toBe('');
    expect([...obeyed(stdout), ...obeyed(stderr)]).toEqual([]);
    if (line.includes('json')) expect(JSON.stringify(JSON.parse(stdout))).toContain('##[warning]owned');
  });

  it('holds our own commands with --format github, and no other', async () => {
    await using folder = temporaryFolder({ '.git/HEAD': '' });
    for (const name of names) folder.write(`${name}/PROBLEMS.md`, registry(name));
    const { stdout, stderr } = await run(['validate', '--format', 'github'], { cwd: folder.path });
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .every((line) => /^::(?:error|warning|notice) /.test(line)),
    ).toBe(true);
    expect(stdout.split('\n').length).toBeGreaterThan(5);
    expect(obeyed(stderr)).toEqual([]);
  });

  it('means the same text in JSON', () => {
    const text = JSON.stringify({ name: 'a ##[b]\n::c' }, undefined, 2);
    expect(JSON.parse(withoutWorkflowCommands(text))).toEqual({ name: 'a ##[b]\n::c' });
    expect(withoutWorkflowCommands('one\n  ::two\nx ::y\n')).toBe('one\n  \\u003a:two\nx ::y\n');
  });
});
