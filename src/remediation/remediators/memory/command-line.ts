/** What a container's command line says of settings: `-c name=value` and `--name=value`. It goes before every file. */

export interface CommandSetting {
  readonly name: string;
  readonly value: string;
}

export function settingsOf(command: readonly string[]): readonly CommandSetting[] {
  return command.flatMap((word, index) => {
    const text = textAt(command, index);
    if (text === undefined || word === '-c') return [];
    const match = /^([A-Za-z_][\w.-]*)=(.*)$/s.exec(text);
    return match === null ? [] : [{ name: nameOf(match[1] ?? ''), value: match[2] ?? '' }];
  });
}

/** The same command with other values; only names that stand in it. */
export function withValues(command: readonly string[], values: Readonly<Record<string, string>>): string[] {
  return command.map((word, index) => {
    const text = textAt(command, index);
    if (text === undefined || word === '-c') return word;
    const at = text.indexOf('=');
    const value = values[nameOf(text.slice(0, at))];
    return at === -1 || value === undefined
      ? word
      : `${word.slice(0, word.length - text.length)}${text.slice(0, at)}=${value}`;
  });
}

/** The `name=value` that a word holds; undefined where it holds none. */
function textAt(command: readonly string[], index: number): string | undefined {
  const word = command[index] ?? '';
  if (command[index - 1] === '-c') return word;
  if (word.startsWith('--')) return word.slice(2);
  return word.startsWith('-c') && word.length > 2 ? word.slice(2) : undefined;
}

function nameOf(text: string): string {
  return text.replaceAll('-', '_').toLowerCase();
}
