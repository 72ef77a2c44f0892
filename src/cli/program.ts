import { ProblemsError } from '../errors.ts';
import { nearest } from '../util/suggest.ts';
import { commandNames, isCommandName, loadCommand, loadCommands } from './commands/index.ts';
import type { Screen } from './terminal.ts';
import { version } from '../version.ts';

/** What stands on the command line where no command does: `--help`, `--version`, `help <command>`, or a slip. */
export async function runProgram(argv: readonly string[], screen: Screen): Promise<number> {
  const [word, topic] = argv;
  if (word === '--version' || word === '-V') screen.out.write(`${version}\n`);
  else if (word === 'help' && topic !== undefined && !isHelp(topic)) {
    if (!isCommandName(topic)) throw unknownCommand(topic);
    const { parse } = await import('./parser.ts');
    parse(await loadCommand(topic), ['--help'], screen);
  } else if (word === undefined || word === 'help' || isHelp(word)) {
    const { programHelp } = await import('./parser.ts');
    screen.out.write(programHelp(await loadCommands(), screen));
  } else if (word.startsWith('-')) throw unknownOption(word);
  else throw unknownCommand(word);
  return 0;
}

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h';
}

function unknownCommand(word: string): ProblemsError {
  const meant = nearest(word, commandNames);
  const hint = meant === undefined ? 'See: problems --help' : `Did you mean ${meant}?`;
  return new ProblemsError('bad-usage', `unknown command '${word}'`, { hint });
}

function unknownOption(word: string): ProblemsError {
  const meant = nearest(word, ['--help', '--version']);
  const hint = meant === undefined ? 'Options stand after the command. See: problems --help' : `Did you mean ${meant}?`;
  return new ProblemsError('bad-usage', `unknown option '${word}'`, { hint });
}
