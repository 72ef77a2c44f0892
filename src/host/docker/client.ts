import type { Duplex, Readable } from 'node:stream';
import { ProblemsError } from '../../errors.ts';
import { type Json, parseJson, getString } from '../../util/json.ts';
import { engineAddress } from './address.ts';
import {
  type Connection,
  connect,
  type Deadline,
  deadlineOf,
  type EngineReply,
  type EngineRequest,
  type Outgoing,
  readReply,
  requestError,
  type Sent,
  send,
  upgrade,
} from './transport.ts';

/** Can only GET: everything that only reads is built on it. */
export interface ReadingEngine {
  /** As DOCKER_HOST gives it: `unix:///var/run/docker.sock`, `tcp://…`. */
  readonly address: string;
  /** The engine runs on this machine. */
  readonly local: boolean;
  /** The machine whose ports the engine publishes. */
  readonly hostname: string;
  get(request: EngineRequest): Promise<EngineReply>;
  /** A GET whose answer is read as it comes, for as long as the engine sends. `timeoutMs` is for all of it. */
  openAnswer(request: EngineRequest): Promise<Readable>;
}

export interface ChangingEngine extends ReadingEngine {
  /** For tasks that need no program of the instance's image, instead of that image. Undefined: there is none. */
  helperImage?(): Promise<string | undefined>;
  post(request: EngineRequest & Sent): Promise<EngineReply>;
  delete(request: EngineRequest): Promise<EngineReply>;
  /** A POST that the engine answers when something ends, such as the wait for a container. */
  startPost(request: EngineRequest): StartedPost;
  /**
   * A POST that becomes a stream in both directions: exec and attach. When the deadline passes or `signal` is aborted,
   * the stream is destroyed with an error.
   */
  openStream(request: EngineRequest & { readonly body?: Json }): Promise<Duplex>;
}

export interface StartedPost {
  /** Resolves when the answer begins. */
  readonly accepted: Promise<void>;
  /** Resolves when the answer is complete. */
  readonly reply: Promise<EngineReply>;
}

/**
 * The engine at an address, by default that of `DOCKER_HOST` or the default socket. Does not connect yet. `signal` aborts all
 * requests.
 */
export function openEngine(
  signal: AbortSignal,
  address = engineAddress(),
): {
  readonly reading: ReadingEngine;
  readonly changing: ChangingEngine;
} {
  let connecting: Promise<Connection> | undefined;

  function connection(): Promise<Connection> {
    connecting ??= connect(address);
    return connecting;
  }

  async function ask(outgoing: Outgoing): Promise<EngineReply> {
    const reply = await askOnce(outgoing);
    await requireHealthy(reply.status);
    return reply;
  }

  function askOnce(outgoing: Outgoing): Promise<EngineReply> {
    const deadline = deadlineOf(outgoing, signal);
    return explained(deadline, async () => {
      const response = await send(await connection(), outgoing, deadline);
      return readReply(response, { maxBytes: 32 * 2 ** 20, ...outgoing });
    });
  }

  async function explained<Result>(deadline: Deadline, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw requestError(error, address.text, deadline);
    }
  }

  /**
   * A status of 500 and above may be about the request (its port is taken, say) or about the engine. An engine that
   * does not answer `/_ping` either counts as unreachable, and callers wait for it.
   */
  async function requireHealthy(status: number): Promise<void> {
    if (status < 500) return;
    const ping = await askOnce({ method: 'GET', path: '/_ping', timeoutMs: 10_000, maxBytes: 2 ** 16 });
    if (ping.status < 500) return;
    throw new ProblemsError('engine-unreachable', `The Docker Engine at ${address.text} answers only with errors.`, {
      hint: 'Check its log and restart it if necessary; `docker info` shows whether it answers.',
    });
  }

  function startPost(request: EngineRequest): StartedPost {
    const deadline = deadlineOf(request, signal);
    const response = explained(deadline, async () =>
      send(await connection(), { ...request, method: 'POST' }, deadline),
    );
    const accepted = response.then(() => undefined);
    const reply = explained(deadline, async () => {
      const whole = await readReply(await response, { maxBytes: 2 ** 16, ...request });
      await requireHealthy(whole.status);
      return whole;
    });
    // A caller that has given up waits for neither.
    for (const promise of [accepted, reply]) promise.catch(() => undefined);
    return { accepted, reply };
  }

  function openStream(request: EngineRequest & { readonly body?: Json }): Promise<Duplex> {
    const deadline = deadlineOf(request, signal);
    return explained(deadline, async () => {
      const answer = await upgrade(await connection(), { ...request, method: 'POST' }, deadline);
      if (answer.type === 'stream') return answer.stream;
      const reply = await readReply(answer.response, { maxBytes: 2 ** 16, ...request });
      await requireHealthy(reply.status);
      throw refusal(reply, `open a stream for ${request.path}`);
    });
  }

  function openAnswer(request: EngineRequest): Promise<Readable> {
    const deadline = deadlineOf(request, signal);
    return explained(deadline, async () => {
      const response = await send(await connection(), { ...request, method: 'GET' }, deadline);
      if (response.statusCode === 200) return response;
      throw refusal(await readReply(response, { maxBytes: 2 ** 16, ...request }), `read ${request.path}`);
    });
  }

  const reading: ReadingEngine = {
    address: address.text,
    local: address.local,
    hostname: address.hostname,
    get: (request) => ask({ ...request, method: 'GET' }),
    openAnswer,
  };
  const changing: ChangingEngine = {
    ...reading,
    post: (request) => ask({ ...request, method: 'POST' }),
    delete: (request) => ask({ ...request, method: 'DELETE' }),
    startPost,
    openStream,
  };
  return { reading, changing };
}

/** The answer, or an error with the engine's words. `doing` names the request: `inspect orders`. */
export function jsonOf(reply: EngineReply, doing: string): Json {
  requireSuccess(reply, doing);
  return parseJson(reply.body.toString()) ?? null;
}

/** A request that changes nothing because nothing is left to change succeeds: the engine answers 304. */
export function requireSuccess(reply: EngineReply, doing: string): void {
  if (reply.status >= 300 && reply.status !== 304) throw refusal(reply, doing);
}

function refusal(reply: EngineReply, doing: string): ProblemsError {
  const message = getString(parseJson(reply.body.toString()), 'message') || `HTTP ${reply.status}`;
  return new ProblemsError('engine-refused', `${doing}: ${message}`);
}
