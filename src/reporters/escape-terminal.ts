/**
 * Control characters, and the marks that turn the direction of text: what a terminal obeys and a reader does not see.
 * `\p{Cc}` is written out, since classes of Unicode take milliseconds to compile.
 */
// oxlint-disable-next-line no-control-regex -- They are what is looked for.
const obeyed = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const shorthand = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/**
 * Text of strangers, safe to print in one line: what a terminal would obey is written as an escape (`\u{1b}`).
 * Everything that comes from a registry, a file name or a config passes through here before it is printed.
 */
export function escapeTerminal(text: string): string {
  return text.replace(
    obeyed,
    (character) => shorthand.get(character) ?? `\\u{${character.charCodeAt(0).toString(16)}}`,
  );
}

/** The same, for text that may hold several lines: line ends stay, CRLF becomes LF. */
export function escapeTerminalLines(text: string): string {
  return text
    .split(/\r\n|\n|\r/)
    .map(escapeTerminal)
    .join('\n');
}

/** What a text is, from which follows how a terminal shows it. */
export type Tone = 'error' | 'warning' | 'path' | 'faint' | 'strong' | 'good';

/** Gives a text the look of its tone; `plain` leaves it as it is. Reporters take one, and so never ask where they print. */
export type Style = (tone: Tone, text: string) => string;

export function plain(_tone: Tone, text: string): string {
  return text;
}
