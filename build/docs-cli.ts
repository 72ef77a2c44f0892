import { type Command, groups, type OptionDeclaration, optionName } from '../src/cli/command.ts';
import { loadCommands } from '../src/cli/commands/index.ts';

const notice = '<!-- Generated from the declarations in src/cli/commands by `npm run generate`. Do not edit. -->';

/** docs/reference/cli.md: every command with its arguments, options, examples and exit codes. */
export async function cliReference(): Promise<string> {
  const commands = await loadCommands();
  return `${[
    notice,
    '# Command line',
    'Results go to standard output, everything else to standard error. Exit codes: 0 clean, 1 findings, 2 the work could not be done. Colours follow `NO_COLOR`, `FORCE_COLOR` and whether a terminal is there, widths follow `COLUMNS`. `DEBUG=1` or `--verbose` shows the stack of an unexpected error.',
    ...Object.entries(groups).map(([group, title]) =>
      contents(
        title,
        commands.filter((one) => one.group === group),
      ),
    ),
    ...commands.map(commandPage),
  ].join('\n\n')}\n`;
}

function contents(title: string, commands: readonly Command[]): string {
  const lines = commands.map(({ name, summary }) => `- [\`problems ${name}\`](#problems-${name}): ${summary}`);
  return `${title}:\n\n${lines.join('\n')}`;
}

function commandPage(command: Command): string {
  const { name, summary, about, arguments: words, options, examples, exitCodes } = command;
  const usage = [
    `problems ${name}`,
    ...(Object.keys(options).length === 0 ? [] : ['[options]']),
    ...words.map(wordText),
  ].join(' ');
  return [
    `## problems ${name}`,
    about === undefined ? summary : `${summary} ${about}`,
    `\`\`\`sh\n${usage}\n\`\`\``,
    ...table(
      'Argument',
      words.map((word) => [`\`${word.name}\``, withChoices(word.about, word.choices)]),
    ),
    ...table(
      'Option',
      Object.entries(options).map(([property, option]) => [`\`${optionText(property, option)}\``, optionAbout(option)]),
    ),
    `\`\`\`sh\n${examples.map((example) => `${example.command}   # ${example.about}`).join('\n')}\n\`\`\``,
    exitCodes.map(({ code, about: meaning }) => `- ${code}: ${meaning}`).join('\n'),
  ].join('\n\n');
}

function wordText({ name, required, variadic }: Command['arguments'][number]): string {
  const word = variadic === true ? `${name}...` : name;
  return required === true ? `<${word}>` : `[${word}]`;
}

function optionText(property: string, option: OptionDeclaration): string {
  const name = optionName(property);
  if (option.type === 'flag') return option.default === true ? `--no-${name}` : `--${name}`;
  return `--${name} <${option.value}>`;
}

function optionAbout(option: OptionDeclaration): string {
  const choices = 'choices' in option ? option.choices : undefined;
  const usual = option.type === 'text' && option.default !== undefined ? ` Default: ${option.default}.` : '';
  return withChoices(option.about, choices) + usual;
}

function withChoices(about: string, choices: readonly string[] | undefined): string {
  return choices === undefined ? about : `${about} One of: ${choices.join(', ')}.`;
}

function table(title: string, rows: readonly (readonly [string, string])[]): readonly string[] {
  if (rows.length === 0) return [];
  return [
    [
      `| ${title} | |`,
      '| --- | --- |',
      ...rows.map(([name, about]) => `| ${name} | ${about.replaceAll('|', '\\|')} |`),
    ].join('\n'),
  ];
}
