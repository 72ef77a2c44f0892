import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { getNumber, getString, type Json } from '../util/json.ts';
import { errorCode } from '../util/text.ts';
import { type ChangingEngine, jsonOf, requireSuccess } from './docker/client.ts';
import { type Output, outputCollector } from './docker/frames.ts';
import { fileInArchive } from './docker/read.ts';
import { type HelperTask, helperTasks, taskLabel } from './docker/helper-tasks.ts';
import type { HelperResult, HelperSpec } from './docker/types.ts';
import { ownLabels, removeAbandonedHelpersOnce, removeHelper } from './helper-cleanup.ts';

/** Runs commands in containers: in one that runs (exec), or in a short-lived helper. The output is bounded. */

export interface ExecSpec {
  readonly command: readonly string[];
  readonly user?: string;
  /** No secrets: `docker inspect` shows them. */
  readonly env?: Readonly<Record<string, string>>;
  /** A text, or parts that are read as fast as the command reads them. An error of the parts ends the command's input. */
  readonly stdin?: string | AsyncIterable<Uint8Array>;
  readonly workingFolder?: string;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

/** Runs a command in a running container. Pass secrets through stdin: the engine's events show arguments. */
export async function execIn(engine: ChangingEngine, container: string, spec: ExecSpec): Promise<HelperResult> {
  const timeoutMs = spec.timeoutMs ?? 60_000;
  const created = jsonOf(
    await engine.post({
      path: `/containers/${encodeURIComponent(container)}/exec`,
      body: {
        Cmd: spec.command,
        Env: Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`),
        AttachStdin: spec.stdin !== undefined,
        AttachStdout: true,
        AttachStderr: true,
        ...(spec.user === undefined ? {} : { User: spec.user }),
        ...(spec.workingFolder === undefined ? {} : { WorkingDir: spec.workingFolder }),
      },
    }),
    `exec in ${container}`,
  );
  const id = getString(created, 'Id');
  const { stdin, maxBytes } = spec;
  const body = { Detach: false, Tty: false };
  const output = await streamOutput(engine, { path: `/exec/${id}/start`, body, stdin, timeoutMs, maxBytes });
  const ended = jsonOf(await engine.get({ path: `/exec/${id}/json` }), 'inspect exec');
  return { ...output, exitCode: getNumber(ended, 'ExitCode') };
}

/** A file of an image, from a container that is never started. Undefined if it is not there, or is no plain file. */
export async function imageFile(engine: ChangingEngine, image: string, path: string): Promise<Uint8Array | undefined> {
  await removeAbandonedHelpersOnce(engine);
  const created = jsonOf(
    await engine.post({
      path: '/containers/create',
      body: { Image: image, Labels: await ownLabels({}), HostConfig: { NetworkMode: 'none' } },
    }),
    'create a helper container',
  );
  const id = getString(created, 'Id');
  try {
    const reply = await engine.get({ path: `/containers/${id}/archive`, query: { path }, maxBytes: 2 ** 21 });
    return reply.status < 300 ? fileInArchive(reply.body) : undefined;
  } finally {
    await removeHelper(engine, id);
  }
}

/** Creates, starts, waits for and removes a labelled container that has no more rights than the spec gives it. */
export async function runHelper(engine: ChangingEngine, spec: HelperSpec): Promise<HelperResult> {
  const timeoutMs = spec.timeoutMs ?? 60_000;
  const id = await createHelper(engine, spec);
  try {
    return await runCreated(engine, id, spec, timeoutMs);
  } finally {
    await removeHelper(engine, id);
  }
}

/** Returns the id. The caller removes the container. */
export async function createHelper(engine: ChangingEngine, spec: HelperSpec): Promise<string> {
  await removeAbandonedHelpersOnce(engine);
  spec.signal?.throwIfAborted();
  const task: HelperTask = helperTasks[spec.task];
  requireTask(spec, task);
  const created = jsonOf(
    await engine.post({
      path: '/containers/create',
      body: {
        Image: (task.anyImage === true ? await engine.helperImage?.() : undefined) ?? spec.image,
        Entrypoint: [...spec.command],
        Cmd: [],
        User: spec.user ?? (task.user === 'root' ? '0:0' : '65534:65534'),
        Labels: { ...spec.labels, ...(await ownLabels(spec)), [taskLabel]: spec.task },
        AttachStdin: spec.stdin !== undefined,
        AttachStdout: true,
        AttachStderr: true,
        OpenStdin: spec.stdin !== undefined,
        StdinOnce: spec.stdin !== undefined,
        Healthcheck: { Test: ['NONE'] },
        HostConfig: {
          NetworkMode: networkMode(spec.network),
          ReadonlyRootfs: true,
          CapDrop: ['ALL'],
          CapAdd: [...task.capabilities],
          SecurityOpt: ['no-new-privileges'],
          PidsLimit: 128,
          Memory: task.memoryBytes,
          MemorySwap: task.memoryBytes,
          ...(task.cpus === undefined ? {} : { CpuPeriod: 100_000, CpuQuota: task.cpus * 100_000 }),
          // The engine removes it even if this process ends first.
          AutoRemove: true,
          Mounts: [
            ...(spec.mounts ?? []).map((mount) => ({
              Type: mount.type,
              Source: mount.source,
              Target: mount.target,
              ReadOnly: mount.readonly,
            })),
            ...(spec.scratch === undefined ? [] : [{ Type: 'volume', Target: spec.scratch }]),
          ],
          ...(spec.closed === undefined
            ? {}
            : { Tmpfs: Object.fromEntries(spec.closed.map((path) => [path, 'ro,size=4k'])) }),
        },
      },
    }),
    'create a helper container',
  );
  return getString(created, 'Id');
}

function networkMode(network: HelperSpec['network']): string {
  if (network === undefined) return 'none';
  return 'name' in network ? network.name : `container:${network.container}`;
}

/** A spec that does not fit its task is a mistake of ours, found before anything starts. */
function requireTask(spec: HelperSpec, task: HelperTask): void {
  const fits =
    (task.user === 'named') === (spec.user !== undefined) &&
    (task.network === 'joined') === (spec.network !== undefined) &&
    (task.writes || (spec.mounts ?? []).every((mount) => mount.readonly));
  if (!fits) throw new Error(`The helper for ${spec.task} has another user, network or mount than its task allows.`);
}

async function runCreated(
  engine: ChangingEngine,
  id: string,
  { stdin, maxBytes, signal }: HelperSpec,
  timeoutMs: number,
): Promise<HelperResult> {
  const over = new AbortController();
  // Asked before the start: the engine removes the container when it ends, and then no longer knows it.
  const end = engine.startPost({
    path: `/containers/${id}/wait`,
    query: { condition: 'next-exit' },
    timeoutMs: timeoutMs + 10_000,
    signal: over.signal,
  });
  await acceptedOrDelayed(end.accepted);
  try {
    const output = await streamOutput(engine, {
      path: `/containers/${id}/attach`,
      query: { stream: '1', stdout: '1', stderr: '1', ...(stdin === undefined ? {} : { stdin: '1' }) },
      stdin,
      timeoutMs,
      maxBytes,
      signal,
      async onAttached() {
        signal?.throwIfAborted();
        requireSuccess(await engine.post({ path: `/containers/${id}/start` }), 'start a helper container');
      },
    });
    const exitCode = getNumber(jsonOf(await end.reply, 'wait for a helper container'), 'StatusCode');
    return { ...output, exitCode };
  } finally {
    over.abort();
  }
}

/** A proxy in front of the engine may hold back the headers until the body comes, and that is after the start only. */
async function acceptedOrDelayed(accepted: Promise<void>): Promise<void> {
  const delay = new AbortController();
  try {
    await Promise.race([accepted, sleep(2_000, undefined, { signal: delay.signal, ref: false })]);
  } finally {
    delay.abort();
  }
}

/** Starts a container and writes to its standard input. Returns as soon as the container answers with any output. */
export async function startContainerWith(engine: ChangingEngine, ref: string, stdin: string): Promise<void> {
  const timeoutMs = 30_000;
  const path = `/containers/${encodeURIComponent(ref)}`;
  const query = { stream: '1', stdin: '1', stdout: '1', stderr: '1' };
  // Attached before the start, so that no output is missed.
  const stream = await engine.openStream({ path: `${path}/attach`, query, timeoutMs });
  const answered = new Promise<void>((resolve, reject) => {
    for (const event of ['data', 'end', 'close']) stream.once(event, resolve);
    stream.once('error', reject);
  });
  // It may fail while the container is being started.
  answered.catch(() => undefined);
  try {
    requireSuccess(await engine.post({ path: `${path}/start`, timeoutMs }), `start ${ref}`);
    stream.end(stdin);
    await answered;
  } finally {
    stream.destroy();
  }
}

interface StreamRequest {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Json;
  readonly stdin: ExecSpec['stdin'];
  readonly timeoutMs: number;
  /** Of stdout and of stderr. Default 1 MiB. */
  readonly maxBytes: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called when the stream is open, before anything is written to it. */
  readonly onAttached?: () => Promise<void>;
}

/** Opens a stream, writes `stdin` to it, and collects the output until its end. */
async function streamOutput(
  engine: ChangingEngine,
  { path, query = {}, body = {}, stdin, timeoutMs, maxBytes = 2 ** 20, signal, onAttached }: StreamRequest,
): Promise<Output> {
  const aborting = signal === undefined ? {} : { signal };
  const stream = await engine.openStream({ path, query, body, timeoutMs, ...aborting });
  const output = outputCollector(maxBytes);
  const isStreamed = typeof stdin === 'object';
  const ended = new Promise<void>((resolve, reject) => {
    stream.on('data', output.take);
    // A command that ends before it has read all of its input closes the stream under the writer.
    stream.once('error', (error) =>
      isStreamed && ['EPIPE', 'ECONNRESET'].includes(errorCode(error)) ? resolve() : reject(error),
    );
    stream.once('end', resolve);
    stream.once('close', resolve);
  });
  // It may fail while the container is being started.
  ended.catch(() => undefined);
  try {
    await onAttached?.();
    if (stdin === undefined || typeof stdin === 'string') stream.end(stdin);
    else await feed(stream, stdin);
    await ended;
  } finally {
    stream.destroy();
  }
  return output.result();
}

/** Stops when the command has ended: it may not read all of its input, and its exit code and messages say why. */
async function feed(stream: Duplex, parts: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const part of parts) {
    if (stream.destroyed || stream.readableEnded) return;
    if (!stream.write(part)) await waitUntilWritable(stream);
  }
  if (!stream.destroyed) stream.end();
}

function waitUntilWritable(stream: Duplex): Promise<void> {
  const events = ['drain', 'end', 'error', 'close'] as const;
  return new Promise((resolve) => {
    function done(): void {
      for (const event of events) stream.off(event, done);
      resolve();
    }
    for (const event of events) stream.once(event, done);
  });
}
