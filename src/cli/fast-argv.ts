import {
  type Command,
  type OptionDeclaration,
  type OptionDeclarations,
  optionName,
  type OptionValues,
} from './command.ts';

/** The words after a command's name, understood. */
export interface Understood {
  readonly arguments: readonly string[];
  readonly options: OptionValues<OptionDeclarations>;
  readonly verbose: boolean;
}

/**
 * Reads a command line in its plain form: known options written out, values that are allowed, as many arguments as are
 * declared. For every other form it returns undefined, and the parser decides, which is the reference: it is three times
 * the size of all that a short check loads. A property test holds the two together.
 */
export function readPlainWords(command: Command, words: readonly string[]): Understood | undefined {
  const declared = new Map(Object.entries(command.options).map((entry) => [wordOf(...entry), entry] as const));
  const given = new Map<string, OptionValues<OptionDeclarations>[string]>();
  const positional: string[] = [];
  let verbose = false;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (word === '-' || !word.startsWith('-')) {
      positional.push(word);
      continue;
    }
    if (word === '--verbose') {
      verbose = true;
      continue;
    }
    const [property, option] = declared.get(word) ?? [];
    if (property === undefined || option === undefined || isSwitchOff(property)) return undefined;
    if (option.type === 'flag') {
      given.set(property, option.default !== true);
      continue;
    }
    index += 1;
    const value = valueOf(option, words[index] ?? '', given.get(property));
    if (value === undefined) return undefined;
    given.set(property, value);
  }
  if (!fits(command, positional)) return undefined;
  const options = Object.entries(command.options).map(
    ([property, option]) => [property, given.has(property) ? given.get(property) : absent(option)] as const,
  );
  return { arguments: positional, options: Object.fromEntries(options), verbose };
}

function wordOf(property: string, option: OptionDeclaration): string {
  return option.type === 'flag' && option.default === true
    ? `--no-${optionName(property)}`
    : `--${optionName(property)}`;
}

/** `noRecord` beside `record` is one value for the parser. */
function isSwitchOff(property: string): boolean {
  return /^no[A-Z]/.test(property);
}

function valueOf(
  option: Exclude<OptionDeclaration, { type: 'flag' }>,
  word: string,
  before: OptionValues<OptionDeclarations>[string],
): OptionValues<OptionDeclarations>[string] {
  if (word === '' || word.startsWith('-')) return undefined;
  if (option.type === 'text') return option.choices === undefined || option.choices.includes(word) ? word : undefined;
  if (option.type === 'number') {
    const value = Number(word);
    return word.trim() !== '' &&
      value >= option.minimum &&
      value <= Number.MAX_SAFE_INTEGER &&
      (!option.whole || Number.isInteger(value))
      ? value
      : undefined;
  }
  const list = word.split(',').map((one) => one.trim());
  if (!list.every((one) => one !== '' && (option.choices?.includes(one) ?? true))) return undefined;
  return typeof before === 'object' ? [...before, ...list] : list;
}

function fits(command: Command, positional: readonly string[]): boolean {
  const last = command.arguments.at(-1);
  if (positional.length > command.arguments.length && last?.variadic !== true) return false;
  return (
    command.arguments.every(({ required }, index) => required !== true || index < positional.length) &&
    positional.every((word, index) => {
      const { choices } = command.arguments[index] ?? last ?? {};
      return word !== '' && (choices?.includes(word) ?? true);
    })
  );
}

/** The value of an option that is not there. */
export function absent(option: OptionDeclaration): OptionValues<OptionDeclarations>[string] {
  if (option.type === 'flag') return option.default === true;
  if (option.type === 'text') return option.default;
  return option.type === 'words' ? [] : undefined;
}
