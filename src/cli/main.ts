import { resolve } from 'node:path';
import { ProblemsError } from '../errors.ts';
import { escapeTerminal } from '../reporters/escape-terminal.ts';
import { errorText } from '../util/text.ts';
import { largestFile } from '../scan/marker-search.ts';
import { isCommandName, loadCommand, loadCommands } from './commands/index.ts';
import { parse, runProgram } from './parser.ts';
import { createScreen, type Environment, type Screen, type Streams, type WatchedScreen } from './terminal.ts';

export interface MainParams {
  /** The words after the name of the program. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Environment;
  /** `process` is one. Each stream is touched only when it is needed. */
  readonly streams: Streams;
  readonly now: () => Date;
  /** Ends `--watch`. */
  readonly signal?: AbortSignal;
  /** Identifies this build of the program, so that output can be cached. Default: no output is cached. */
  readonly program?: string;
}

/**
 * The whole command line as a function. Returns the exit code: 0 clean, 1 findings or a run that did not fix its problem,
 * 2 failed. Results go to stdout, everything else to stderr; a failure with `--json` also prints `{"error": …}` on stdout.
 * Nothing is thrown, and the process is not ended.
 */
export async function main(params: MainParams): Promise<number> {
  const screen = createScreen(params.streams, params.env);
  const exitCode = await runWords(params, screen);
  const failure = await screen.written();
  if (failure === undefined) return exitCode;
  printError(new ProblemsError('file-unwritable', `The output cannot be written: ${failure}.`), screen, false);
  return 2;
}

async function runWords(params: MainParams, screen: WatchedScreen): Promise<number> {
  let verbose = (params.env['DEBUG'] ?? '') !== '';
  try {
    const [word, ...rest] = params.argv;
    if (word === undefined || !isCommandName(word)) return await runProgram(params.argv, screen);
    const command = await loadCommand(word);
    const parsed = parse(command, rest, screen);
    if (parsed === 'helped') return 0;
    verbose ||= parsed.verbose;
    return await command.run({
      arguments: parsed.arguments,
      options: parsed.options,
      cwd: resolve(params.cwd),
      now: params.now,
      screen,
      readInput: () => readAll(params.streams.stdin),
      input: () => params.streams.stdin,
      signal: params.signal,
      program: params.program,
      commands: loadCommands,
    });
  } catch (error) {
    printError(error, screen, verbose);
    // What a command printed before it failed is the result of what it had done.
    if (wantsJson(params.argv) && !screen.hasResult())
      screen.out.write(`${JSON.stringify({ error: errorObject(error) })}\n`);
    return 2;
  }
}

function printError(error: unknown, { notes }: Screen, verbose: boolean): void {
  const message = error instanceof Error ? error.message : String(error);
  const expected = error instanceof ProblemsError;
  notes.write(`${notes.style('error', 'problems:')} ${escapeTerminal(message)}\n`);
  if (expected && error.hint !== undefined) notes.write(`    hint: ${escapeTerminal(error.hint)}\n`);
  if (!expected) notes.write('    hint: this is a bug in problems; --verbose shows the stack trace\n');
  if (verbose && error instanceof Error) notes.write(`${stackOf(error)}\n`);
}

function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  return words.some(
    (word, at) => word === '--json' || word === '--format=json' || (word === 'json' && words[at - 1] === '--format'),
  );
}

/** The failure as programs read it. A bug in this program has the code `internal`. */
function errorObject(error: unknown): {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
} {
  if (error instanceof ProblemsError) return { code: error.code, message: error.message, hint: error.hint ?? null };
  return { code: 'internal', message: errorText(error), hint: null };
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return (error.stack ?? '').split('\n').map(escapeTerminal).join('\n') + cause;
}

async function readAll(input: Streams['stdin']): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of input) {
    chunks.push(Buffer.from(chunk));
    length += chunks.at(-1)?.length ?? 0;
    if (length > largestFile) throw new ProblemsError('file-unreadable', 'Standard input is larger than 64 MB.');
  }
  return Buffer.concat(chunks);
}
