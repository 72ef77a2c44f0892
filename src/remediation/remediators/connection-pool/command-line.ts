/**
 * A container's command with another max_connections; undefined where the command does not name it in a form that can be
 * told with certainty. A value on the command line goes before every file. PGOPS §0.7.
 */
export function withMaxConnections(command: readonly string[], value: number): readonly string[] | undefined {
  let found = false;
  const edited = command.map((word, at) => {
    const before = command[at - 1];
    const named = /^((?:-c|--)?max[_-]connections=)\d+$/i.exec(word)?.[1];
    if (named !== undefined && (named.startsWith('-') || before === '-c')) {
      found = true;
      return `${named}${value}`;
    }
    if (before === '-N' && /^\d+$/.test(word)) {
      found = true;
      return String(value);
    }
    if (/^-N\d+$/.test(word)) {
      found = true;
      return `-N${value}`;
    }
    return word;
  });
  return found ? edited : undefined;
}
