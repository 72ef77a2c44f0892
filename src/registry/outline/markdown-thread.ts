import type { MessagePort, Worker } from 'node:worker_threads';
import type { MarkdownAnswer, MarkdownChannel, MarkdownQuestion } from '../parse/markdown-worker.ts';

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
export function askMarkdown(question: MarkdownQuestion): MarkdownAnswer | undefined {
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
  const worker = new Worker(new URL('../parse/markdown-worker.ts', import.meta.url), { execArgv: [] });
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
