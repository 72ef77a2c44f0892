import type { Writable } from 'node:stream';
import { getSystemErrorMessage, styleText } from 'node:util';
import { plain, type Style, type Tone, withoutWorkflowCommands } from '../reporters/escape-terminal.ts';

/** Where a program writes, such as process.stdout and process.stderr. */
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** Such as `process`. */
export interface Streams {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** One of the two outputs. */
export interface Output {
  write(text: string): void;
  /** Writes commands for GitHub Actions, which `write` would escape. */
  writeCommands(text: string): void;
  readonly isTerminal: boolean;
  /** Width in columns: `COLUMNS`, else the terminal's, else 80. */
  readonly columns: number;
  readonly style: Style;
  /** For code that draws by itself, such as a spinner. */
  readonly stream: OutputStream;
}

/** The results and everything else. */
export interface Screen {
  readonly out: Output;
  readonly notes: Output;
}

/** A text, and the output that it belongs to. */
export type Write = readonly [output: keyof Screen, text: string];

export function writeAll(screen: Screen, writes: readonly Write[]): void {
  for (const [output, text] of writes) screen[output].write(text);
}

/** A screen that can tell whether everything was written. */
export interface WatchedScreen extends Screen {
  /** Waits until everything is written. Returns the reason if something failed, else undefined. */
  written(): Promise<string | undefined>;
  /** Whether a result has been written. */
  hasResult(): boolean;
}

/**
 * Streams are opened when something is first written or asked: Node opens them at the first access, and a clean
 * `validate` writes nothing.
 */
export function createScreen(streams: Streams, env: Environment): WatchedScreen {
  const opened: OutputStream[] = [];
  let failure: Error | undefined;
  let results = 0;
  function once(open: () => OutputStream): () => OutputStream {
    let stream: OutputStream | undefined;
    return () => {
      if (stream === undefined) {
        stream = open();
        opened.push(stream);
        stream.on('error', (error) => {
          if (!isClosedPipe(error)) failure ??= error;
        });
      }
      return stream;
    };
  }
  return {
    out: createOutput(
      once(() => streams.stdout),
      env,
      () => (results += 1),
    ),
    notes: createOutput(
      once(() => streams.stderr),
      env,
    ),
    hasResult: () => results > 0,
    async written() {
      if (opened.length === 0) return undefined;
      for (const stream of opened) await emptied(stream);
      // Errors are emitted a few ticks later, and process streams do not keep them.
      await new Promise(setImmediate);
      return failure === undefined ? undefined : reasonOf(failure);
    },
  };
}

function createOutput(stream: () => OutputStream, env: Environment, onWrite: () => void = () => {}): Output {
  function send(text: string): void {
    if (text === '') return;
    onWrite();
    stream().write(text);
  }
  return {
    write: (text) => send(withoutWorkflowCommands(text)),
    writeCommands: send,
    get stream() {
      return stream();
    },
    get isTerminal() {
      return stream().isTTY === true && env['TERM'] !== 'dumb';
    },
    get columns() {
      return columnsOf(env['COLUMNS']) ?? (stream().columns || 80);
    },
    get style() {
      return hasColours(stream(), env) ? coloured : plain;
    },
  };
}

/** A write is confirmed after all earlier ones. */
async function emptied(stream: OutputStream): Promise<void> {
  if (stream.writableLength > 0) await new Promise<void>((resolve) => void stream.write('', () => resolve()));
}

/** A reader such as `head` closes the pipe when it has read enough. That is not a failure. */
function isClosedPipe(error: Error): boolean {
  return 'code' in error && error.code === 'EPIPE';
}

function reasonOf(error: Error): string {
  return 'errno' in error && typeof error.errno === 'number' ? getSystemErrorMessage(error.errno) : error.message;
}

function columnsOf(text: string | undefined): number | undefined {
  const columns = Number(text);
  return Number.isInteger(columns) && columns > 0 ? columns : undefined;
}

/** FORCE_COLOR as Node reads it, then NO_COLOR (no-color.org), then whether the stream is a terminal. */
function hasColours(stream: OutputStream, env: Environment): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

const formats = {
  error: 'red',
  warning: 'yellow',
  path: 'bold',
  faint: 'dim',
  strong: 'bold',
  good: 'green',
} as const satisfies Record<Tone, string>;

function coloured(tone: Tone, text: string): string {
  return styleText(formats[tone], text, { validateStream: false });
}
