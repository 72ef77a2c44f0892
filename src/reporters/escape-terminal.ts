/**
 * Control characters and bidirectional marks: terminals interpret them, and readers do not see them.
 * `\p{Cc}` is written out, since classes of Unicode take milliseconds to compile.
 */
// oxlint-disable-next-line no-control-regex -- These characters are to be found.
const obeyed = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const shorthand = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/**
 * Makes untrusted text safe to print on one line: control characters are written as escapes (`\u{1b}`).
 * Everything that comes from a registry, a file name or a config passes through here before it is printed.
 */
export function escapeTerminal(text: string): string {
  return text.replace(
    obeyed,
    (character) => shorthand.get(character) ?? `\\u{${character.charCodeAt(0).toString(16)}}`,
  );
}

/** The same for text with several lines: line ends are kept, CRLF becomes LF. */
export function escapeTerminalLines(text: string): string {
  return text
    .split(/\r\n|\n|\r/)
    .map(escapeTerminal)
    .join('\n');
}

/** Cuts what is longer than `most` characters, so that it ends with `…`. */
export function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, Math.max(0, most - 1))}…`.toWellFormed();
}

/**
 * Makes text harmless for the log of GitHub Actions, which obeys a line that begins with `::` behind blanks, and one with `##[`
 * anywhere (actions/runner, `ActionCommand.cs`). Names of strangers begin lines of our tables and messages. The escapes mean the
 * same text in JSON.
 */
export function withoutWorkflowCommands(text: string): string {
  const harmless = text.includes('::') ? text.replace(/^([\s\u0085\u180e]*):(?=:)/gm, '$1\\u003a') : text;
  return harmless.replaceAll('##[', String.raw`#\u0023[`);
}

/** The meaning of a text, which decides how a terminal shows it. */
export type Tone = 'error' | 'warning' | 'path' | 'faint' | 'strong' | 'good';

/** Styles a text by its tone; `plain` does not change it. Reporters take one, so they do not depend on the terminal. */
export type Style = (tone: Tone, text: string) => string;

export function plain(_tone: Tone, text: string): string {
  return text;
}
