import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadCommands } from '../../src/cli/commands/index.ts';
import { type Command, optionName } from '../../src/cli/command.ts';
import { parse } from '../../src/cli/parser.ts';
import { readPlainWords } from '../../src/cli/fast-argv.ts';
import { createScreen } from '../../src/cli/terminal.ts';

const commands = await loadCommands();

describe('the plain form of a command line', () => {
  it('is understood as the parser understands it, whatever the command and the words', () => {
    let understood = 0;
    fc.assert(
      fc.property(commandLines(), ([command, words]) => {
        const plain = readPlainWords(command, words);
        if (plain === undefined) return;
        understood += 1;
        expect(plain).toEqual(parse(command, words, silentScreen()));
      }),
      { numRuns: 2_000 },
    );
    expect(understood).toBeGreaterThan(200);
  });

  it.each([
    ['validate', ['a.md', '--format', 'json', '--strict']],
    ['validate', ['-', '--stdin-filename', 'PROBLEMS.md']],
    ['validate', ['--max-warnings', '3', 'a.md', 'b.md', '--verbose']],
    ['scan', ['fixtures', '--no-cache', '--no-config-lookup']],
    ['detect', ['--instance', 'a,b', '--instance', 'c']],
  ])('covers what people write: problems %s %j', (name, words) => {
    expect(readPlainWords(commandNamed(name), words)).toBeDefined();
  });

  it.each([
    ['validate', ['--help']],
    ['validate', ['--format=json']],
    ['validate', ['--format', 'yaml']],
    ['validate', ['--max-warnings', '-1']],
    ['validate', ['--', '--strict']],
    ['validate', ['--stirct']],
    ['remediate', ['--no-record']],
    ['rollback', []],
  ])('leaves every other form to the parser: problems %s %j', (name, words) => {
    expect(readPlainWords(commandNamed(name), words)).toBeUndefined();
  });
});

function commandNamed(name: string): Command {
  const command = commands.find((one) => one.name === name);
  if (command === undefined) throw new Error(`there is no command ${name}`);
  return command;
}

function commandLines(): fc.Arbitrary<readonly [Command, readonly string[]]> {
  return fc.constantFrom(...commands).chain((command) => {
    const options = Object.entries(command.options).flatMap(([property, option]) => {
      const word = `--${optionName(property)}`;
      const choices = 'choices' in option ? (option.choices ?? []) : [];
      return [word, `--no-${optionName(property)}`, `${word}=${choices[0] ?? '1'}`, ...choices];
    });
    const argumentChoices = command.arguments.flatMap(({ choices }) => choices ?? []);
    const words = ['a.md', 'b,c', ' d', '-', '--', '--verbose', '--help', '-x', '', '0', '3', '2.5', '1e3', '-1'];
    const word = fc.constantFrom(...words, ...options, ...options, ...argumentChoices);
    return fc.tuple(fc.constant(command), fc.array(word, { maxLength: 6 }));
  });
}

function silentScreen(): ReturnType<typeof createScreen> {
  return createScreen({ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }, {});
}
