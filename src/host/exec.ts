import { setTimeout as sleep } from 'node:timers/promises';
import { getNumber, getString } from '../util/json.ts';
import { type ChangingEngine, jsonOf, refusal } from './docker/client.ts';
import type { HelperResult, HelperSpec } from './docker/types.ts';
import { ownLabels, removeHelper, sweepOnce } from './helper-cleanup.ts';

/** Processes near a container: exec in it, or a short-lived container of our own beside it. Output is bounded. */

export interface ExecSpec {
  readonly command: readonly string[];
  readonly user?: string;
  /** Nothing secret: it shows in `docker inspect`. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

/** Runs a command in a running container. What must stay secret goes through stdin: arguments show up in events. */
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
      },
    }),
    `exec in ${container}`,
  );
  const id = getString(created, 'Id');
  const output = await converse(
    engine,
    `/exec/${id}/start`,
    { Detach: false, Tty: false },
    spec.stdin,
    timeoutMs,
    spec.maxBytes,
  );
  const ended = jsonOf(await engine.get({ path: `/exec/${id}/json` }), 'inspect exec');
  return { ...output, exitCode: getNumber(ended, 'ExitCode') };
}

/** Creates, starts, awaits and removes a labelled container that has no more than the spec gives it. */
export async function runHelper(engine: ChangingEngine, spec: HelperSpec): Promise<HelperResult> {
  const timeoutMs = spec.timeoutMs ?? 60_000;
  await sweepOnce(engine);
  spec.signal?.throwIfAborted();
  const { network = 'none' } = spec;
  const created = jsonOf(
    await engine.post({
      path: '/containers/create',
      body: {
        Image: spec.image,
        Entrypoint: [...spec.command],
        Cmd: [],
        User: spec.user ?? '0:0',
        Labels: { ...spec.labels, ...(await ownLabels(spec)) },
        AttachStdin: spec.stdin !== undefined,
        AttachStdout: true,
        AttachStderr: true,
        OpenStdin: spec.stdin !== undefined,
        StdinOnce: spec.stdin !== undefined,
        Healthcheck: { Test: ['NONE'] },
        HostConfig: {
          NetworkMode: networkMode(network),
          ReadonlyRootfs: true,
          CapDrop: ['ALL'],
          CapAdd: [...(spec.capabilities ?? [])],
          SecurityOpt: ['no-new-privileges'],
          PidsLimit: 128,
          // Should this process end first, nothing of it stays behind.
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
        },
      },
    }),
    'create a helper container',
  );
  const id = getString(created, 'Id');
  try {
    return await runCreated(engine, id, spec, timeoutMs);
  } finally {
    await removeHelper(engine, id);
  }
}

function networkMode(network: NonNullable<HelperSpec['network']>): string {
  if (typeof network === 'string') return network;
  return 'name' in network ? network.name : `container:${network.container}`;
}

async function runCreated(
  engine: ChangingEngine,
  id: string,
  { stdin, maxBytes, signal }: HelperSpec,
  timeoutMs: number,
): Promise<HelperResult> {
  const query = { stream: '1', stdout: '1', stderr: '1', ...(stdin === undefined ? {} : { stdin: '1' }) };
  // The engine removes it at its end, and then it can be asked no more. This is answered as soon as the engine waits.
  const end = engine.begin({
    path: `/containers/${id}/wait`,
    query: { condition: 'next-exit' },
    timeoutMs: timeoutMs + 10_000,
  });
  await soon(end);
  async function start(): Promise<void> {
    signal?.throwIfAborted();
    const started = await engine.post({ path: `/containers/${id}/start` });
    if (started.status >= 400) throw refusal(started, 'start a helper container');
  }
  try {
    const output = await converse(
      engine,
      `/containers/${id}/attach`,
      {},
      stdin,
      timeoutMs,
      maxBytes,
      query,
      start,
      signal,
    );
    return {
      ...output,
      exitCode: getNumber(jsonOf(await (await end).reply, 'wait for a helper container'), 'StatusCode'),
    };
  } finally {
    void end.then(
      (begun) => begun.leave(),
      () => undefined,
    );
  }
}

/** A proxy before the engine may keep the beginning of an answer until its end, which comes after the start alone. */
async function soon(begun: Promise<unknown>): Promise<void> {
  const waiting = new AbortController();
  try {
    await Promise.race([begun, sleep(2_000, undefined, { signal: waiting.signal, ref: false })]);
  } finally {
    waiting.abort();
  }
}

/** Attaches before the start, so that nothing is lost, and leaves when the container has taken it all and says so. */
export async function startContainerWith(engine: ChangingEngine, ref: string, stdin: string): Promise<void> {
  const timeoutMs = 30_000;
  const path = `/containers/${encodeURIComponent(ref)}/attach`;
  const stream = await engine.hijack({ path, query: { stream: '1', stdin: '1', stdout: '1', stderr: '1' }, timeoutMs });
  const said = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${ref} says nothing within ${timeoutMs / 1000} s`)), timeoutMs);
    for (const event of ['data', 'end', 'close'])
      stream.once(event, () => {
        clearTimeout(timer);
        resolve();
      });
    stream.once('error', reject);
  });
  try {
    const started = await engine.post({ path: `/containers/${encodeURIComponent(ref)}/start`, timeoutMs });
    if (started.status >= 400) throw refusal(started, `start ${ref}`);
    stream.end(stdin);
    await said;
  } finally {
    said.catch(() => undefined);
    stream.destroy();
  }
}

async function converse(
  engine: ChangingEngine,
  path: string,
  body: { readonly [key: string]: boolean },
  stdin: string | undefined,
  timeoutMs: number,
  maxBytes = 2 ** 20,
  query: Readonly<Record<string, string>> = {},
  begin?: () => Promise<void>,
  signal?: AbortSignal,
): Promise<Omit<HelperResult, 'exitCode'>> {
  const stream = await engine.hijack({ path, query, body, timeoutMs });
  const abort = (): void => void stream.destroy(new Error('it was ended before its time'));
  signal?.addEventListener('abort', abort);
  const collected = collect(maxBytes);
  const ended = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => stream.destroy(new Error(`no end within ${timeoutMs / 1000} s`)), timeoutMs);
    stream.on('data', (chunk: Buffer) => collected.take(chunk));
    stream.once('error', reject);
    stream.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    stream.once('end', () => {
      clearTimeout(timer);
      stream.destroy();
      resolve();
    });
  });
  try {
    try {
      await begin?.();
    } catch (error) {
      stream.destroy();
      await ended.catch(() => undefined);
      throw error;
    }
    if (stdin === undefined) stream.end();
    else stream.end(stdin);
    await ended;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
  return collected.result();
}

/** Takes Docker's frames apart as they come, and keeps no more than the bound of each stream. */
function collect(maxBytes: number): { take(chunk: Buffer): void; result(): Omit<HelperResult, 'exitCode'> } {
  const kept: { readonly stdout: Buffer[]; readonly stderr: Buffer[] } = { stdout: [], stderr: [] };
  const sizes = { stdout: 0, stderr: 0 };
  let truncated = false;
  let header = Buffer.alloc(0);
  let stream: 'stdout' | 'stderr' = 'stdout';
  let remaining = 0;

  function keep(bytes: Buffer): void {
    const room = Math.max(0, maxBytes - sizes[stream]);
    if (bytes.length > room) truncated = true;
    kept[stream].push(bytes.subarray(0, room));
    sizes[stream] += Math.min(room, bytes.length);
  }

  return {
    take(chunk) {
      let rest = chunk;
      while (rest.length > 0) {
        if (remaining === 0) {
          const wanted = 8 - header.length;
          header = Buffer.concat([header, rest.subarray(0, wanted)]);
          rest = rest.subarray(wanted);
          if (header.length < 8) return;
          stream = header[0] === 2 ? 'stderr' : 'stdout';
          remaining = header.readUInt32BE(4);
          header = Buffer.alloc(0);
        }
        const part = rest.subarray(0, remaining);
        keep(part);
        remaining -= part.length;
        rest = rest.subarray(part.length);
      }
    },
    result: () => ({
      stdout: Buffer.concat(kept.stdout).toString(),
      stderr: Buffer.concat(kept.stderr).toString(),
      truncated,
    }),
  };
}
