import type { IncomingMessage, OutgoingHttpHeaders, request as httpRequest } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { ProblemsError } from '../../errors.ts';
import type { Json } from '../../util/json.ts';
import { errorCode, errorText } from '../../util/text.ts';
import type { EngineAddress, EngineConnection } from './address.ts';

/** One HTTP request to the Docker Engine, with a deadline and a limit of the answer. */

export interface EngineRequest {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Default 30,000. */
  readonly timeoutMs?: number;
  /** Of the answer. Default 32 MiB; a longer answer is an error. */
  readonly maxBytes?: number;
  /** Aborts this request. */
  readonly signal?: AbortSignal;
  /** Sent even if the signal of the client is aborted: it removes what must not be left behind. */
  readonly isCleanup?: true;
}

/** What goes with a POST: JSON, `{}` by default, or a tar archive. */
export interface Sent {
  readonly body?: Json;
  readonly archive?: Uint8Array;
}

export type Outgoing = EngineRequest & Sent & { readonly method: 'GET' | 'POST' | 'DELETE' };

export interface EngineReply {
  readonly status: number;
  readonly body: Buffer;
}

export interface Connection extends EngineConnection {
  readonly request: typeof httpRequest;
}

/**
 * Node's HTTP client is loaded at the first request: commands that only read the journal need none. An import would read all
 * exports, and with the one named WebSocket load undici, which takes twice as long as the start of Node.
 */
export async function connect(address: EngineAddress): Promise<Connection> {
  const connection = await address.connection();
  const { request } = process.getBuiltinModule(connection.secure ? 'node:https' : 'node:http');
  return { ...connection, request };
}

export interface Deadline {
  /** Aborted when the time is up, when the request is aborted, or with the whole client. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Why it was aborted, if it was not for the time. */
  readonly abortReason: () => { readonly reason: unknown } | undefined;
}

export function deadlineOf(request: EngineRequest, clientSignal: AbortSignal): Deadline {
  const timeoutMs = request.timeoutMs ?? 30_000;
  const aborting = [request.signal, request.isCleanup === true ? undefined : clientSignal].filter(
    (signal) => signal !== undefined,
  );
  return {
    signal: AbortSignal.any([...aborting, AbortSignal.timeout(timeoutMs)]),
    timeoutMs,
    abortReason: () => aborting.find(({ aborted }) => aborted),
  };
}

/** The answer as soon as it begins. */
export async function send(connection: Connection, outgoing: Outgoing, deadline: Deadline): Promise<IncomingMessage> {
  const answer = await dispatch(connection, outgoing, deadline, {});
  if (answer.type === 'response') return answer.response;
  answer.stream.destroy();
  throw new ProblemsError('engine-refused', `The Docker Engine sent no answer to ${outgoing.method} ${outgoing.path}.`);
}

export type Answer =
  | { readonly type: 'response'; readonly response: IncomingMessage }
  | { readonly type: 'stream'; readonly stream: Duplex };

/** Asks the engine to turn the connection into a stream in both directions. A refusal is a response. */
export async function upgrade(connection: Connection, outgoing: Outgoing, deadline: Deadline): Promise<Answer> {
  const answer = await dispatch(connection, outgoing, deadline, { Connection: 'Upgrade', Upgrade: 'tcp' });
  if (answer.type === 'stream') destroyAtDeadline(answer.stream, deadline);
  return answer;
}

function dispatch(
  connection: Connection,
  { method, path, query = {}, body = {}, archive }: Outgoing,
  { signal }: Deadline,
  headers: OutgoingHttpHeaders,
): Promise<Answer> {
  const sent = method === 'POST' ? (archive ?? Buffer.from(JSON.stringify(body))) : undefined;
  const type = archive === undefined ? 'application/json' : 'application/x-tar';
  const search = new URLSearchParams(query).toString();
  return new Promise((resolve, reject) => {
    const request = connection.request({
      ...connection.options,
      method,
      path: `${connection.basePath}${path}${search === '' ? '' : `?${search}`}`,
      headers: {
        ...headers,
        ...(sent === undefined ? {} : { 'Content-Type': type, 'Content-Length': sent.length }),
      },
      signal,
    });
    request.on('error', reject);
    request.on('response', (response) => resolve({ type: 'response', response }));
    request.on('upgrade', (_, stream, head) => {
      if (head.length > 0) stream.unshift(head);
      resolve({ type: 'stream', stream });
    });
    request.end(sent);
  });
}

/** Node's own signal of a request ends where the stream begins. */
function destroyAtDeadline(stream: Duplex, { signal, timeoutMs, abortReason }: Deadline): void {
  const destroy = (): void => {
    const words =
      abortReason() === undefined ? `did not finish within ${timeoutMs / 1000} s` : 'stopped before the end';
    stream.destroy(new Error(words));
  };
  signal.addEventListener('abort', destroy);
  stream.once('close', () => signal.removeEventListener('abort', destroy));
}

export async function readReply(
  response: Readable & { readonly statusCode?: number | undefined },
  { path, maxBytes }: EngineRequest & { readonly maxBytes: number },
): Promise<EngineReply> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    size += chunk.length;
    if (size > maxBytes)
      throw new ProblemsError('engine-refused', `The Docker Engine's answer to ${path} exceeds ${maxBytes} bytes.`);
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks) };
}

function hintFor(code: string): string {
  return code === 'EACCES' || code === 'EPERM'
    ? 'Your user may not use the socket. Join its group with `sudo usermod -aG docker "$USER"` and log in again, or use sudo.'
    : 'Start the engine, or set DOCKER_HOST to its address; `docker info` shows whether it answers.';
}

/** What to throw when a request failed. */
export function requestError(error: unknown, address: string, { signal, timeoutMs, abortReason }: Deadline): unknown {
  const aborted = abortReason();
  if (aborted !== undefined) return aborted.reason;
  if (error instanceof ProblemsError) return error;
  const message = signal.aborted
    ? `The Docker Engine at ${address} did not answer within ${timeoutMs / 1000} s.`
    : `The Docker Engine at ${address} cannot be reached: ${errorText(error)}`;
  return new ProblemsError('engine-unreachable', message, { hint: hintFor(errorCode(error)), cause: error });
}
