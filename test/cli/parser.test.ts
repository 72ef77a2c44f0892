import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { defineCommand, groups } from '../../src/cli/command.ts';
import { loadCommands } from '../../src/cli/commands/index.ts';
import { parse, programHelp } from '../../src/cli/parser.ts';
import { createScreen } from '../../src/cli/terminal.ts';

/** A command with an option of every type. */
const command = defineCommand({
  name: 'sample',
  group: 'project',
  summary: 'Show every type of option.',
  arguments: [{ name: 'paths', about: 'Paths.', variadic: true }],
  options: {
    fix: { type: 'flag', about: 'Fix.' },
    noFix: { type: 'flag', about: 'Do not fix.' },
    cache: { type: 'flag', about: 'Ignore the cache.', default: true },
    format: { type: 'text', value: 'format', about: 'Format.', choices: ['text', 'json'], default: 'text' },
    outputFile: { type: 'text', value: 'file', about: 'File.' },
    kind: { type: 'words', value: 'kinds', about: 'Kinds.', choices: ['active', 'resolved'] },
    top: { type: 'number', value: 'number', about: 'Number.', minimum: 1, whole: true },
    minScore: { type: 'number', value: 'score', about: 'Score.', minimum: 0, whole: false },
  },
  examples: [],
  exitCodes: [],
  run: async () => 0,
});

const absent = {
  fix: false,
  noFix: false,
  cache: true,
  format: 'text',
  outputFile: undefined,
  kind: [],
  top: undefined,
  minScore: undefined,
};

async function parsed(...words: readonly string[]) {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  const result = parse(command, words, createScreen(streams, {}));
  streams.stderr.end();
  return { result, said: await text(streams.stderr) };
}

describe('the command line parser', () => {
  it('gives every option its default', async () => {
    expect(await parsed()).toEqual({
      result: { arguments: [], options: absent, verbose: false },
      said: '',
    });
  });

  it.each<readonly [words: readonly string[], options: object]>([
    [['--fix'], { fix: true }],
    [['--no-fix'], { noFix: true }],
    [['--no-cache'], { cache: false }],
    [['--format', 'json'], { format: 'json' }],
    [['--format=json'], { format: 'json' }],
    [['--output-file', '-'], { outputFile: '-' }],
    [['--kind', 'active,resolved'], { kind: ['active', 'resolved'] }],
    [['--kind', 'active', '--kind', ' resolved'], { kind: ['active', 'resolved'] }],
    [['--top', '3'], { top: 3 }],
    [['--min-score', '0.5'], { minScore: 0.5 }],
  ])('reads %j', async (words, options) => {
    expect(await parsed(...words)).toMatchObject({ result: { options: { ...absent, ...options } }, said: '' });
  });

  it('takes options between arguments, and every word after -- as an argument', async () => {
    expect(await parsed('a', '--fix', '-', '--verbose', '--', '--no-cache')).toEqual({
      result: { arguments: ['a', '-', '--no-cache'], options: { ...absent, fix: true }, verbose: true },
      said: '',
    });
  });

  it.each([
    [['--format', 'jsn'], 'Did you mean json?'],
    [['--kind', 'active,old'], 'Use one of: active, resolved.'],
    [['--top', '0'], 'Use a whole number, 1 or more.'],
    [['--top', '1e400'], 'Use a whole number, 1 or more.'],
    [['--min-score', 'x'], 'Use a number, 0 or more.'],
    [['--output-file'], 'argument missing'],
    [['--colour'], "Unknown option '--colour'."],
  ])('refuses %j and says why', async (words, message) => {
    await expect(parsed(...words)).rejects.toMatchObject({
      code: 'bad-usage',
      message: expect.stringContaining(message),
      hint: 'See: problems sample --help',
    });
  });

  it('suggests the option that was probably meant', async () => {
    await expect(parsed('--fixx')).rejects.toMatchObject({
      message: "Unknown option '--fixx'.",
      hint: 'Did you mean --fix?',
    });
  });
});

describe('problems --help', () => {
  it('lists every command under its group, and the first example of each group', async () => {
    const commands = await loadCommands();
    const screen = createScreen({ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }, {});
    const help = programHelp(commands, screen);
    const titles = [...help.matchAll(/^([A-Z]\w+):$/gm)].map(([, title]) => title);
    expect(titles).toEqual(['Options', ...Object.values(groups), 'Examples']);
    for (const group of Object.keys(groups) as (keyof typeof groups)[]) {
      const [section = ''] = help.split(`\n${groups[group]}:\n`)[1]?.split('\n\n') ?? [];
      const names = commands.filter((one) => one.group === group).map(({ name }) => name);
      const listed = [...section.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name);
      expect(listed.filter((name) => name !== 'help')).toEqual(names);
      expect(help.split('\nExamples:\n')[1]).toContain(
        commands.find(({ name }) => name === names[0])?.examples[0]?.command,
      );
    }
  });
});
