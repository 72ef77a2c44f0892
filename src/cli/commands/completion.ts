import { escapeTerminal } from '../../reporters/escape-terminal.ts';
import { defineCommand, listedNames } from '../command.ts';
import type { CompletedCommand } from '../completion/words.ts';
import { configFor, configOptions } from '../shared-options.ts';

const scripts = {
  bash: async () => (await import('../completion/shells.ts')).bashScript,
  zsh: async () => (await import('../completion/shells.ts')).zshScript,
  fish: async () => (await import('../completion/shells.ts')).fishScript,
} as const satisfies Record<string, () => Promise<(commands: readonly CompletedCommand[]) => string>>;

export const completion = defineCommand({
  name: 'completion',
  group: 'project',
  summary: 'Print a shell completion script.',
  arguments: [{ name: 'shell', about: 'The shell.', required: true, choices: Object.keys(scripts) }],
  options: {
    list: {
      type: 'text',
      value: 'what',
      about: 'Print the names that exist here, one on each line, as the scripts ask for them.',
      choices: listedNames,
    },
    ...configOptions,
  },
  examples: [
    { command: 'eval "$(problems completion bash)"', about: 'in ~/.bashrc' },
    { command: 'eval "$(problems completion zsh)"', about: 'in ~/.zshrc, after compinit' },
    { command: 'problems completion fish | source', about: 'in ~/.config/fish/config.fish' },
  ],
  exitCodes: [
    { code: 0, about: 'the script was printed' },
    { code: 2, about: 'there is no script for this shell' },
  ],
  async run({ arguments: [shell = ''], options, cwd, screen, commands }) {
    if (options.list !== undefined) {
      const { namesIn } = await import('../../app/names.ts');
      const config = await configFor(options, cwd, { ownOnly: options.list !== 'records' });
      const names = await namesIn(options.list, { cwd, config });
      screen.out.write(names.map((name) => `${escapeTerminal(name)}\n`).join(''));
      return 0;
    }
    const { completedCommands } = await import('../completion/words.ts');
    const script = await scripts[isShell(shell) ? shell : 'bash']();
    screen.out.write(script(completedCommands(await commands())));
    return 0;
  },
});

function isShell(word: string): word is keyof typeof scripts {
  return Object.hasOwn(scripts, word);
}
