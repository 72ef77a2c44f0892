import { Argument, Command as Parser, CommanderError, InvalidArgumentError, Option } from 'commander';
import { ProblemsError } from '../errors.ts';
import { suggest } from '../util/suggest.ts';
import { version } from '../version.ts';
import {
  type ArgumentDeclaration,
  type Command,
  groups,
  type OptionDeclaration,
  type OptionDeclarations,
  optionName,
  type OptionValues,
} from './command.ts';
import { commandNames, isCommandName, loadCommand, loadCommands } from './commands/index.ts';
import type { Screen } from './terminal.ts';

export type ParseResult =
  | {
      readonly arguments: readonly string[];
      readonly options: OptionValues<OptionDeclarations>;
      readonly verbose: boolean;
    }
  /** Help was requested and printed. */
  | 'helped';

/**
 * Reads the words after a command's name.
 * @throws ProblemsError `bad-usage`: there is no such option, a value is missing or invalid, ….
 */
export function parse(command: Command, words: readonly string[], screen: Screen): ParseResult {
  const parser = createParser(command, screen);
  try {
    parser.parse(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 'helped';
    throw usageError(error, command.name);
  }
  const given = parser.opts<Partial<OptionValues<OptionDeclarations>>>();
  const options = Object.entries(command.options).map(
    ([property, option]) => [property, valueOf(property, given) ?? absent(option)] as const,
  );
  return { arguments: parser.args, options: Object.fromEntries(options), verbose: given['verbose'] === true };
}

/** commander's message, which is `error: <what is wrong>` and sometimes a suggestion in parentheses on a second line. */
function usageError(error: CommanderError, command: string): ProblemsError {
  const [said = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const sentence = said.charAt(0).toUpperCase() + said.slice(1);
  return new ProblemsError('bad-usage', sentence.endsWith('.') ? sentence : `${sentence}.`, {
    hint: suggestion?.replace(/^\((.*)\)$/, '$1') ?? `See: problems ${command} --help`,
  });
}

/** `--record` and `--no-record` of one command are two declarations but one value of commander's. */
function valueOf(
  property: string,
  given: Partial<OptionValues<OptionDeclarations>>,
): OptionValues<OptionDeclarations>[string] {
  const positive = /^no([A-Z])(.*)$/.exec(property);
  if (positive === null) return given[property];
  const [, initial = '', rest = ''] = positive;
  return given[initial.toLowerCase() + rest] === false ? true : undefined;
}

/** The value of an option that is not on the command line. */
function absent(option: OptionDeclaration): OptionValues<OptionDeclarations>[string] {
  if (option.type === 'flag') return option.default === true;
  if (option.type === 'text') return option.default;
  return option.type === 'words' || option.type === 'texts' ? [] : undefined;
}

/** What `problems --help` prints: the commands by group, and the first example of each group. */
export function programHelp(commands: readonly Command[], screen: Screen): string {
  const program = new Parser('problems')
    .usage('<command> [options]')
    .description(
      'Read PROBLEMS.md registries, rank their problems, turn them into tasks, and repair PostgreSQL in Docker.',
    )
    .helpOption('-h, --help', 'Show this help.')
    .option('--version', 'Show the version.')
    .addHelpCommand(
      new Parser('help')
        .argument('[command]')
        .summary('Show the help of a command.')
        .helpOption(false)
        .helpGroup(`${groups.project}:`),
    )
    .configureOutput(outputOf(screen));
  for (const { name, summary, group } of commands)
    program.addCommand(new Parser(name).summary(summary).description(summary).helpGroup(`${groups[group]}:`));
  const first = Object.keys(groups).flatMap((group) => commands.find((command) => command.group === group) ?? []);
  return `${program.helpInformation()}\n${exampleText(
    first.flatMap(({ examples }) => examples.slice(0, 1)),
    screen.out.columns,
  )}`;
}

function createParser(command: Command, screen: Screen): Parser {
  const parser = new Parser(`problems ${command.name}`)
    .description(command.about === undefined ? command.summary : `${command.summary}\n${command.about}`)
    .helpOption('-h, --help', 'Show this help.')
    .addHelpText('after', () => afterHelp(command, screen.out.columns))
    .exitOverride()
    .configureOutput(outputOf(screen));
  for (const argument of command.arguments) parser.addArgument(argumentOf(argument));
  for (const [property, option] of Object.entries(command.options)) parser.addOption(optionOf(property, option));
  return parser.option('--verbose', 'Show the stack trace of an error.');
}

function outputOf({ out, notes }: Screen) {
  return {
    writeOut: (text: string) => out.write(text),
    // Errors are thrown, and printed like all others.
    outputError: () => undefined,
    getOutHelpWidth: () => out.columns,
    getErrHelpWidth: () => notes.columns,
  };
}

function argumentOf({ name, about, required, variadic, choices }: ArgumentDeclaration): Argument {
  const shown = variadic === true ? `${name}...` : name;
  const argument = new Argument(required === true ? `<${shown}>` : `[${shown}]`, withChoices(about, choices));
  return argument.argParser((text) => checkWord(text, choices));
}

function optionOf(property: string, option: OptionDeclaration): Option {
  const name = optionName(property);
  switch (option.type) {
    case 'flag':
      return new Option(option.default === true ? `--no-${name}` : `--${name}`, option.about);
    case 'text': {
      const { value, about, choices } = option;
      const made = new Option(`--${name} <${value}>`, withChoices(about, choices)).default(
        option.default,
        option.default,
      );
      return made.argParser((text) => checkWord(text, choices));
    }
    case 'words': {
      const { value, about, choices } = option;
      return new Option(`--${name} <${value}>`, withChoices(about, choices)).argParser(
        (text, before: readonly string[] | undefined) => [...(before ?? []), ...wordsIn(text, choices)],
      );
    }
    case 'texts':
      return new Option(`--${name} <${option.value}>`, option.about).argParser(
        (text, before: readonly string[] | undefined) => [...(before ?? []), text],
      );
    case 'number':
      return new Option(`--${name} <${option.value}>`, option.about).argParser((text) =>
        number(text, option.minimum, option.whole),
      );
  }
}

function wordsIn(text: string, choices: readonly string[] | undefined): string[] {
  return text.split(',').map((one) => checkWord(one.trim(), choices));
}

function checkWord(text: string, choices: readonly string[] | undefined): string {
  // An empty word is never intended: the shell passes one for a variable that is not set.
  if (text === '') throw new InvalidArgumentError('The value is empty.');
  if (choices === undefined || choices.includes(text)) return text;
  const meant = suggest(text, choices);
  throw new InvalidArgumentError(meant === undefined ? `Use one of: ${choices.join(', ')}.` : `Did you mean ${meant}?`);
}

function number(text: string, minimum: number, whole: boolean): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= minimum && (whole ? Number.isSafeInteger(value) : Number.isFinite(value)))
    return value;
  throw new InvalidArgumentError(`Use a ${whole ? 'whole number' : 'number'}, ${minimum} or more.`);
}

function withChoices(about: string, choices: readonly string[] | undefined): string {
  return choices === undefined ? about : `${about} One of: ${choices.join(', ')}.`;
}

function afterHelp({ examples, exitCodes }: Command, columns: number): string {
  const codes = exitCodes.map(({ code, about }) => hanging(`  ${code}  `, about, columns)).join('');
  return `\n${exampleText(examples, columns)}\nExit codes:\n${codes}`.trimEnd();
}

/** A command that leaves little room for its description has it on the next line. Commands never wrap: they are copied. */
function exampleText(examples: Command['examples'], columns: number): string {
  const width = Math.max(...examples.map(({ command }) => command.length));
  const fits = examples.every(({ about }) => width + 4 + about.length <= columns);
  const lines = examples.map(({ command, about }) =>
    fits ? `  ${command.padEnd(width)}  ${about}\n` : `  ${command}\n${hanging('      ', about, columns)}`,
  );
  return `Examples:\n${lines.join('')}`;
}

/** A text behind a mark, in lines that break between words. */
function hanging(mark: string, text: string, columns: number): string {
  const [first = '', ...words] = text.split(' ');
  const lines = [first];
  for (const word of words) {
    const longer = `${lines.at(-1)} ${word}`;
    if (mark.length + longer.length <= columns) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map((line, at) => `${at === 0 ? mark : ' '.repeat(mark.length)}${line}\n`).join('');
}

/** Runs a command line that does not start with a command: `--help`, `--version`, `help <command>`, or a typing error. */
export async function runProgram(argv: readonly string[], screen: Screen): Promise<number> {
  const [word, topic] = argv;
  if (word === '--version' || word === '-V') screen.out.write(`${version}\n`);
  else if (word === 'help' && topic !== undefined && !isHelp(topic)) {
    if (!isCommandName(topic)) throw unknownCommand(topic);
    parse(await loadCommand(topic), ['--help'], screen);
  } else if (word === undefined || word === 'help' || isHelp(word)) {
    screen.out.write(programHelp(await loadCommands(), screen));
  } else if (word.startsWith('-')) throw unknownOption(word);
  else throw unknownCommand(word);
  return 0;
}

function isHelp(word: string): boolean {
  return word === '--help' || word === '-h';
}

function unknownCommand(word: string): ProblemsError {
  const meant = suggest(word, commandNames);
  const hint = meant === undefined ? 'See: problems --help' : `Did you mean ${meant}?`;
  return new ProblemsError('bad-usage', `Unknown command '${word}'.`, { hint });
}

function unknownOption(word: string): ProblemsError {
  const meant = suggest(word, ['--help', '--version']);
  const hint = meant === undefined ? 'Options come after the command. See: problems --help' : `Did you mean ${meant}?`;
  return new ProblemsError('bad-usage', `Unknown option '${word}'.`, { hint });
}
