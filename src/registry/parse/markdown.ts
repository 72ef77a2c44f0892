import type { MessagePort, Worker } from 'node:worker_threads';
import type { Span } from '../position.ts';
import { BYTE_ORDER_MARK, containerMarkers, lineEnd, nextLine } from './lines.ts';
import type { MarkdownAnswer, MarkdownChannel, MarkdownQuestion } from './markdown-worker.ts';
import type { MarkerScan } from './marker.ts';
import type { OutlineResult } from './outline.ts';

/*
 * What remark may be given: so much that no record comes near it, so little that its slowest inputs stay far below
 * the deadline of markdown-thread.ts: a second or two on a busy machine.
 */
const MAX_LENGTH = 65_536;

const MAX_LINES = 2_000;

/** Lists, quotes and footnotes that are begun, in all and on one line: remark recurses over the latter. */
const MAX_CONTAINERS = 4_000;

const MAX_CONTAINERS_OF_LINE = 16;

/** Why remark is not given this part of a text, undefined where it may be. Looks at no more than it allows. */
function exceededBound(text: string, span: Span): string | undefined {
  if (span.end - span.start > MAX_LENGTH) return `it is longer than ${MAX_LENGTH} characters`;
  let lines = 0;
  let containers = 0;
  for (let at = span.start; at < span.end;) {
    const end = lineEnd(text, at, span.end);
    const opened = containerMarkers(text, at, end, MAX_CONTAINERS_OF_LINE);
    lines += 1;
    containers += opened;
    if (opened > MAX_CONTAINERS_OF_LINE) return `it is nested more than ${MAX_CONTAINERS_OF_LINE} deep`;
    if (lines > MAX_LINES) return `it has more than ${MAX_LINES} lines`;
    if (containers > MAX_CONTAINERS) return `it has more than ${MAX_CONTAINERS} list items, quotes and footnotes`;
    at = nextLine(text, end, span.end);
  }
  return undefined;
}

/**
 * The last resort, for what the bounds on size and depth do not foresee: an answer must not depend on how fast a
 * machine is, so this is many times what the worst input within the bounds takes, the start of the thread included.
 */
const DEADLINE_MS = 30_000;

interface Thread {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly answered: Int32Array;
}

let thread: Thread | undefined;

/**
 * Asks remark, in a thread of its own that is started at the first question, and waits for the answer: reading is
 * synchronous. Undefined where none came in time; then the next question starts a new thread. An idle thread does not
 * keep the process alive. A bundle must hold `markdown-worker` as a file of its own, beside the URL below.
 */
function askMarkdown(question: MarkdownQuestion): MarkdownAnswer | undefined {
  const { receiveMessageOnPort } = process.getBuiltinModule('node:worker_threads');
  thread ??= startThread();
  const { worker, port, answered } = thread;
  Atomics.store(answered, 0, 0);
  port.postMessage(question);
  Atomics.wait(answered, 0, 0, DEADLINE_MS);
  const answer: unknown = receiveMessageOnPort(port)?.message;
  if (isAnswer(answer)) return answer;
  thread = undefined;
  port.close();
  void worker.terminate();
  return undefined;
}

function startThread(): Thread {
  const { MessageChannel, Worker } = process.getBuiltinModule('node:worker_threads');
  const { port1, port2 } = new MessageChannel();
  // Without the options of this process: some, such as --input-type, would keep the worker from starting.
  const worker = new Worker(new URL('./markdown-worker.ts', import.meta.url), { execArgv: [] });
  const answered = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  worker.unref();
  // Nobody listens while this thread waits; a worker that dies gives no answer, which is answer enough.
  worker.on('error', () => undefined);
  worker.postMessage({ port: port2, answered } satisfies MarkdownChannel, [port2]);
  return { worker, port: port1, answered };
}

function isAnswer(value: unknown): value is MarkdownAnswer {
  return typeof value === 'object' && value !== null && 'type' in value;
}

type Refusal = OutlineResult & { readonly type: 'too-complex' };

/**
 * The outline of a block as remark makes it, with the tables and footnotes of GFM: the reference. What remark is given
 * is bounded in size, depth and time; `reason` says which bound the block exceeds. Loads remark at the first call.
 */
export function readMarkdown(text: string, block: Span): OutlineResult {
  const answer = ask('outline', text, block);
  return answer.type === 'markers' ? noAnswer : answer;
}

/** The markers in a part of a text that begins and ends between two blocks of the document, as remark sees it, within the same bounds. */
export function readMarkdownMarkers(text: string, part: Span): (MarkerScan & { readonly type: 'markers' }) | Refusal {
  const answer = ask('markers', text, part);
  return answer.type === 'outline' ? noAnswer : answer;
}

const noAnswer: Refusal = { type: 'too-complex', reason: 'remark does not answer in time' };

function ask(
  about: MarkdownQuestion['about'],
  text: string,
  span: Span,
): Exclude<MarkdownAnswer, { type: 'failed' }> | Refusal {
  const reason = exceededBound(text, span);
  if (reason !== undefined) return { type: 'too-complex', reason };
  const start = span.start === 0 && text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : span.start;
  // The line end in front keeps remark from dropping U+FEFF where it is no byte-order mark, and all offsets with it.
  const answer = askMarkdown({ about, source: `\n${text.slice(start, span.end)}`, shift: start - 1 });
  if (answer === undefined) return noAnswer;
  return answer.type === 'failed' ? { type: 'too-complex', reason: answer.reason } : answer;
}
