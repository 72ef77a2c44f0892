import type { Duplex, Readable } from 'node:stream';
import { ProblemsError } from '../../errors.ts';
import { type Json, parseJson, getString } from '../../util/json.ts';
import type { LogLine } from './types.ts';

/**
 * The content of a tar archive's first entry, where that is an ordinary file: what the engine answers when it is asked
 * for one file of a container. Undefined for a folder, a link and anything else.
 */
export function fileInArchive(archive: Uint8Array): Uint8Array | undefined {
  const type = archive[156];
  const isFile = type === 0 || type === '0'.charCodeAt(0);
  const size = Number.parseInt(Buffer.from(archive.subarray(124, 136)).toString('latin1'), 8);
  if (!isFile || !Number.isInteger(size) || 512 + size > archive.length) return undefined;
  return archive.subarray(512, 512 + size);
}

interface Frame {
  readonly stream: LogLine['stream'];
  readonly text: Buffer;
}

const headerBytes = 8;

/**
 * The lines of a container's log, the newest of them up to a number of bytes. Docker sends frames of
 * `[stream, 0, 0, 0, size as 4 bytes]`; a container with a terminal sends plain text instead. What does not
 * fit is left out by whole frames and lines from the beginning: a part of one has no time, and no header to go on by.
 */
export function logLines(body: Buffer, maxBytes: number): readonly LogLine[] {
  if (!isHeader(body, 0)) {
    const text = body.subarray(-maxBytes);
    const start = text.length < body.length ? text.indexOf('\n') + 1 : 0;
    return linesOf({ stream: 'stdout', text: text.subarray(start) });
  }
  const frames = framesOf(body);
  let room = maxBytes;
  let first = frames.length;
  while (first > 0) {
    room -= headerBytes + (frames[first - 1]?.text.length ?? 0);
    if (room < 0) break;
    first -= 1;
  }
  return frames.slice(first).flatMap(linesOf);
}

function framesOf(body: Buffer): readonly Frame[] {
  const frames: Frame[] = [];
  let offset = 0;
  while (offset + headerBytes <= body.length) {
    const end = offset + headerBytes + body.readUInt32BE(offset + 4);
    frames.push({ stream: body[offset] === 2 ? 'stderr' : 'stdout', text: body.subarray(offset + headerBytes, end) });
    offset = end;
  }
  return frames;
}

function isHeader(body: Buffer, offset: number): boolean {
  return (
    body.length >= offset + headerBytes &&
    (body[offset] ?? 9) <= 2 &&
    body[offset + 1] === 0 &&
    body[offset + 2] === 0 &&
    body[offset + 3] === 0
  );
}

function linesOf({ stream, text }: Frame): readonly LogLine[] {
  return text
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => logLine(stream, line));
}

function logLine(stream: LogLine['stream'], line: string): LogLine {
  const stamp = /^\d{4}-\d\d-\d\dT\S+Z /.exec(line)?.[0] ?? '';
  return { at: stamp.trimEnd(), stream, text: line.slice(stamp.length).replace(/\r$/, '') };
}

/** The only file that knows dockerode: it finds the engine and carries requests to it, each with a deadline. */

export interface EngineRequest {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Default 30,000. */
  readonly timeoutMs?: number;
  /** Of the answer. Default 32 MiB; a longer one is an error. */
  readonly maxBytes?: number;
}

export interface EngineReply {
  readonly status: number;
  readonly body: Buffer;
}

export interface BegunReply {
  readonly reply: Promise<EngineReply>;
  /** The reply is no longer wanted. */
  leave(): void;
}

/** Can only GET: what everything read-only is built on. */
export interface ReadingEngine {
  /** As a person would name it: `unix:///var/run/docker.sock`, `tcp://…`. */
  readonly address: string;
  /** Whether it runs on this machine. */
  readonly local: boolean;
  get(request: EngineRequest): Promise<EngineReply>;
}

export interface ChangingEngine extends ReadingEngine {
  post(request: EngineRequest & { readonly body?: Json }): Promise<EngineReply>;
  delete(request: EngineRequest): Promise<EngineReply>;
  /** A POST that the engine begins to answer at once, and ends later: the wait for a container. */
  begin(request: EngineRequest): Promise<BegunReply>;
  /** A POST that turns into a two-way stream: exec and attach. */
  hijack(request: EngineRequest & { readonly body?: Json }): Promise<Duplex>;
}

interface DialOptions {
  readonly path: string;
  readonly method: string;
  readonly isStream: boolean;
  readonly hijack?: boolean;
  readonly openStdin?: boolean;
  readonly allowEmpty?: boolean;
  readonly abortSignal?: AbortSignal;
  readonly statusCodes: Readonly<Record<number, true>>;
  readonly options?: { readonly _query?: Readonly<Record<string, string>>; readonly _body?: Json };
}

type Dial = (options: DialOptions, callback: (error: Error | null, data: unknown) => void) => void;

const anyStatus = Object.fromEntries(
  [101, 200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 406, 409, 413, 500, 501, 502, 503].map((status) => [
    status,
    true as const,
  ]),
);

/** The engine of `DOCKER_HOST` or the usual socket. Does not connect yet. */
export function openEngine(signal: AbortSignal): {
  readonly reading: ReadingEngine;
  readonly changing: ChangingEngine;
} {
  let dialling: Promise<Dial> | undefined;
  const host = process.env['DOCKER_HOST'] ?? '';
  const local = host === '' || host.startsWith('unix://') || host.startsWith('npipe://');
  const address = host === '' ? 'unix:///var/run/docker.sock' : host;

  async function send(method: string, request: EngineRequest & { readonly body?: Json }): Promise<EngineReply> {
    const reply = await asked(method, request);
    await requireWell(reply.status);
    return reply;
  }

  /**
   * A refusal with a status of 500 and above may be about the request, as that of a start whose port is taken, or about
   * the engine. One that does not even answer `/_ping` is away, and is waited for as one that cannot be reached.
   */
  async function requireWell(status: number): Promise<void> {
    if (status < 500) return;
    const ping = await asked('GET', { path: '/_ping', timeoutMs: 10_000, maxBytes: 2 ** 16 });
    if (ping.status < 500) return;
    throw new ProblemsError('engine-unreachable', `The Docker engine at ${address} answers nothing but errors.`, {
      hint: 'Look at its log, and start it again if need be; `docker info` shows whether it answers.',
    });
  }

  async function asked(method: string, request: EngineRequest & { readonly body?: Json }): Promise<EngineReply> {
    const { deadline, timeoutMs } = deadlineOf(request, signal);
    const response = await connect(method, request, deadline, timeoutMs, false);
    if (!isResponse(response))
      throw new ProblemsError('engine-refused', `The engine gave no answer to ${method} ${request.path}.`);
    try {
      return {
        status: response.statusCode,
        body: await readBounded(response, request.maxBytes ?? 32 * 2 ** 20, request.path),
      };
    } catch (error) {
      throw explain(error, address, timeoutMs, signal, deadline);
    }
  }

  async function connect(
    method: string,
    request: EngineRequest & { readonly body?: Json },
    deadline: AbortSignal,
    timeoutMs: number,
    hijack: boolean,
  ): Promise<unknown> {
    signal.throwIfAborted();
    dialling ??= openDial();
    const dial = await dialling;
    return new Promise((resolve, reject) => {
      dial(
        {
          path: `${request.path}?`,
          method,
          isStream: true,
          allowEmpty: true,
          abortSignal: deadline,
          statusCodes: anyStatus,
          ...(hijack ? { hijack: true, openStdin: true } : {}),
          options: { _query: request.query ?? {}, ...(method === 'POST' ? { _body: request.body ?? {} } : {}) },
        },
        (error, data) => {
          if (error === null) resolve(data);
          else reject(explain(error, address, timeoutMs, signal, deadline));
        },
      );
    });
  }

  const reading: ReadingEngine = { address, local, get: (request) => send('GET', request) };
  return {
    reading,
    changing: {
      ...reading,
      post: (request) => send('POST', request),
      delete: (request) => send('DELETE', request),
      async begin(request) {
        const { deadline, timeoutMs } = deadlineOf(request, signal);
        const response = await connect('POST', request, deadline, timeoutMs, false);
        if (!isResponse(response))
          throw new ProblemsError('engine-refused', `The engine gave no answer to POST ${request.path}.`);
        const body = readBounded(response, request.maxBytes ?? 2 ** 16, request.path);
        const reply = body.then(
          async (bytes) => {
            await requireWell(response.statusCode);
            return { status: response.statusCode, body: bytes };
          },
          (error: unknown) => {
            throw explain(error, address, timeoutMs, signal, deadline);
          },
        );
        reply.catch(() => undefined);
        return { reply, leave: () => void response.destroy() };
      },
      async hijack(request) {
        const { deadline, timeoutMs } = deadlineOf(request, signal);
        const stream = await connect('POST', request, deadline, timeoutMs, true);
        if (isDuplex(stream)) return stream;
        const reply = isResponse(stream) ? await readBounded(stream, 2 ** 16, request.path) : Buffer.alloc(0);
        if (isResponse(stream)) await requireWell(stream.statusCode);
        throw new ProblemsError(
          'engine-refused',
          getString(parseJson(reply.toString()), 'message') || `The engine refused ${request.path}.`,
        );
      },
    },
  };
}

/** Loaded at the first request: what only reads the journal never pays for the driver. */
async function openDial(): Promise<Dial> {
  const { default: Docker } = await import('dockerode');
  const docker = new Docker();
  return docker.modem.dial.bind(docker.modem);
}

/** What the engine says, or an error with its words. */
export function jsonOf(reply: EngineReply, doing: string): Json {
  if (reply.status >= 400) throw refusal(reply, doing);
  return parseJson(reply.body.toString()) ?? null;
}

export function refusal(reply: EngineReply, doing: string): ProblemsError {
  const message = getString(parseJson(reply.body.toString()), 'message') || `HTTP ${reply.status}`;
  return new ProblemsError('engine-refused', `${doing}: ${message}`);
}

function deadlineOf(
  request: EngineRequest,
  signal: AbortSignal,
): { readonly deadline: AbortSignal; readonly timeoutMs: number } {
  const timeoutMs = request.timeoutMs ?? 30_000;
  return { deadline: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]), timeoutMs };
}

async function readBounded(response: Readable, maxBytes: number, path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!(chunk instanceof Uint8Array)) continue;
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBytes)
      throw new ProblemsError('engine-refused', `The engine's answer to ${path} is longer than ${maxBytes} bytes.`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function explain(
  error: unknown,
  address: string,
  timeoutMs: number,
  signal: AbortSignal,
  deadline: AbortSignal,
): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof ProblemsError) return error;
  const words = error instanceof Error ? error.message : String(error);
  const message = deadline.aborted
    ? `The Docker engine at ${address} did not answer within ${timeoutMs / 1000} s.`
    : `The Docker engine at ${address} cannot be reached: ${words}`;
  return new ProblemsError('engine-unreachable', message, {
    hint: 'Start the engine, or set DOCKER_HOST to where it listens; `docker info` shows whether it answers.',
    cause: error,
  });
}

function isResponse(value: unknown): value is Readable & { readonly statusCode: number } {
  return typeof value === 'object' && value !== null && 'statusCode' in value && typeof value.statusCode === 'number';
}

function isDuplex(value: unknown): value is Duplex {
  return typeof value === 'object' && value !== null && !('statusCode' in value) && 'write' in value && 'read' in value;
}
