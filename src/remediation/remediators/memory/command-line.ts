/** How a word of a server's command line names a setting: `-c name=value`, `--name=value`, `-N 50`, `-B 16384`. */
const letters: Readonly<Record<string, string>> = { '-N': 'max_connections', '-B': 'shared_buffers' };

/** The same command with other values; only names that stand in it. */
export function withValues(command: readonly string[], values: Readonly<Record<string, string>>): string[] {
  return command.map((word, index) => {
    const before = command[index - 1] ?? '';
    const byLetter = values[letters[before] ?? ''];
    if (byLetter !== undefined) return byLetter;
    const [, prefix = '', name = ''] = (before === '-c' ? /^()([\w.-]+)=/ : /^(-c|--)([\w.-]+)=/).exec(word) ?? [];
    const value = values[name.replaceAll('-', '_').toLowerCase()];
    return value === undefined ? word : `${prefix}${name}=${value}`;
  });
}
