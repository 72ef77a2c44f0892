import {
  type ArgumentDeclaration,
  type Command,
  type ListedNames,
  type OptionDeclaration,
  optionName,
} from '../command.ts';

/** What a shell offers to complete: one of some words, a list of them with commas, files, folders, or nothing. */
export type Offer =
  | { readonly type: 'words' | 'list'; readonly words: readonly string[] }
  | { readonly type: 'file' | 'folder' | 'nothing' }
  /** Names that the program prints when it is asked, one of them or with `isList` several with commas. */
  | { readonly type: 'asked'; readonly names: ListedNames; readonly isList: boolean };

export interface CompletedOption {
  /** With its dashes. */
  readonly name: string;
  readonly about: string;
  /** The name of its value; undefined if it takes none. */
  readonly value: string | undefined;
  readonly offer: Offer;
}

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  readonly argument: Offer;
}

/** The declarations of commands, as the completion scripts need them. */
export function completedCommands(commands: readonly Command[]): readonly CompletedCommand[] {
  return commands.map(({ name, summary, options, arguments: [argument] }) => ({
    name,
    summary,
    options: [
      ...Object.entries(options).map(([property, option]) => completedOption(property, option)),
      { name: '--verbose', about: 'Show the stack trace of an error.', value: undefined, offer: nothing },
      { name: '--help', about: 'Show this help.', value: undefined, offer: nothing },
    ],
    argument: argument === undefined ? nothing : offerOf(argument),
  }));
}

const nothing: Offer = { type: 'nothing' };

function completedOption(property: string, option: OptionDeclaration): CompletedOption {
  const { about } = option;
  if (option.type === 'flag') {
    const name = `--${option.default === true ? 'no-' : ''}${optionName(property)}`;
    return { name, about, value: undefined, offer: nothing };
  }
  return { name: `--${optionName(property)}`, about, value: option.value, offer: valueOffer(option) };
}

function valueOffer(option: Exclude<OptionDeclaration, { type: 'flag' }>): Offer {
  if (option.type === 'number' || option.type === 'texts') return nothing;
  if (option.type === 'text') return offerOf(option);
  if (option.completion !== undefined) return { type: 'asked', names: option.completion, isList: true };
  return option.choices === undefined ? nothing : { type: 'list', words: option.choices };
}

function offerOf({ choices, completion }: Pick<ArgumentDeclaration, 'choices' | 'completion'>): Offer {
  if (choices !== undefined) return { type: 'words', words: choices };
  if (completion === undefined || completion === 'file' || completion === 'folder')
    return { type: completion ?? 'nothing' };
  return { type: 'asked', names: completion, isList: false };
}

/** Separated by blanks, with a backslash before each character that zsh or fish might interpret. */
export function escaped(words: readonly string[]): string {
  return words.map((word) => word.replaceAll(/[^\w-]/g, '\\$&')).join(' ');
}
