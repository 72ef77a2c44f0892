import type { Screen } from './terminal.ts';

/**
 * How a command is declared: plain data and one function. The parser, `--help`, the completion scripts and
 * docs/reference/cli.md are derived from it.
 */

/** Names that only this program knows: `problems completion bash --list records` prints them for the scripts. */
export const listedNames = ['records', 'instances', 'runs', 'remediators'] as const;

export type ListedNames = (typeof listedNames)[number];

/** What a shell can complete. */
export type Completion = 'file' | 'folder' | ListedNames;

export interface ArgumentDeclaration {
  readonly name: string;
  readonly about: string;
  readonly required?: boolean;
  readonly variadic?: boolean;
  /** The words that are allowed. Others are refused, and the nearest one is suggested. */
  readonly choices?: readonly string[];
  readonly completion?: Completion;
}

/** On or off. `default: true` makes it an off switch: `cache` becomes `--no-cache`. */
export interface FlagOption {
  readonly type: 'flag';
  readonly about: string;
  readonly default?: true;
}

export interface TextOption<Choice extends string = string> {
  readonly type: 'text';
  readonly about: string;
  /** The name of the value in `--help`. */
  readonly value: string;
  readonly choices?: readonly Choice[];
  readonly default?: Choice;
  readonly completion?: Completion;
}

/** Words separated by commas. The option may be repeated. */
export interface WordsOption<Choice extends string = string> {
  readonly type: 'words';
  readonly about: string;
  readonly value: string;
  readonly choices?: readonly Choice[];
  readonly completion?: ListedNames;
}

/** A text for each use of the option, which may be repeated. */
export interface TextsOption {
  readonly type: 'texts';
  readonly about: string;
  readonly value: string;
}

export interface NumberOption {
  readonly type: 'number';
  readonly about: string;
  readonly value: string;
  readonly minimum: number;
  readonly whole: boolean;
}

export type OptionDeclaration = FlagOption | TextOption | WordsOption | TextsOption | NumberOption;

/** By property name: `writeTasks` is `--write-tasks` on the command line. */
export type OptionDeclarations = Readonly<Record<string, OptionDeclaration>>;

type OptionValue<Option extends OptionDeclaration> = Option extends FlagOption
  ? boolean
  : Option extends WordsOption<infer Choice>
    ? readonly Choice[]
    : Option extends TextsOption
      ? readonly string[]
      : Option extends NumberOption
        ? number | undefined
        : Option extends TextOption<infer Choice>
          ? Option extends { readonly default: string }
            ? Choice
            : Choice | undefined
          : never;

export type OptionValues<Options extends OptionDeclarations> = {
  readonly [Name in keyof Options]: OptionValue<Options[Name]>;
};

/** What a command is run with. It prints only to `screen`, and never ends the process. */
export interface Invocation<Options extends OptionDeclarations> {
  readonly arguments: readonly string[];
  readonly options: OptionValues<Options>;
  /** Absolute. Paths on the command line are relative to it. */
  readonly cwd: string;
  readonly now: () => Date;
  readonly screen: Screen;
  /** All of standard input. */
  readonly readInput: () => Promise<Uint8Array>;
  /** Standard input as it comes. */
  readonly input: () => AsyncIterable<Uint8Array | string>;
  /** Ends a command that runs until it is stopped, such as `scan --watch`. */
  readonly signal: AbortSignal | undefined;
  /** As in `MainParams`. */
  readonly program: string | undefined;
  /** Every command, for the scripts that complete them. */
  readonly commands: () => Promise<readonly Command[]>;
}

export interface Example {
  readonly command: string;
  readonly about: string;
}

export interface ExitCode {
  readonly code: number;
  readonly about: string;
}

/** The groups of `problems --help`, with their titles, in order. */
export const groups = {
  registry: 'Registry',
  tasks: 'Tasks',
  repair: 'Repair',
  instances: 'Instances',
  service: 'Service',
  project: 'Project',
} as const;

export interface Command<Options extends OptionDeclarations = OptionDeclarations> {
  readonly name: string;
  /** Where `problems --help` lists it. The group shows the first example of its first command. */
  readonly group: keyof typeof groups;
  /** One line of the list of commands. */
  readonly summary: string;
  /** The description in `--help`, after the summary. */
  readonly about?: string;
  readonly arguments: readonly ArgumentDeclaration[];
  readonly options: Options;
  readonly examples: readonly Example[];
  readonly exitCodes: readonly ExitCode[];
  /** Returns the exit code: 0 clean, 1 findings. A ProblemsError that it throws becomes exit code 2. */
  run(invocation: Invocation<Options>): Promise<number>;
}

/** Gives `run` the types of the declared options. */
export function defineCommand<const Options extends OptionDeclarations>(command: Command<Options>): Command<Options> {
  return command;
}

/** `writeTasks` → `write-tasks`. */
export function optionName(property: string): string {
  return property.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
