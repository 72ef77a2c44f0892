import { text } from 'node:stream/consumers';
import { PassThrough } from 'node:stream';

import type Docker from 'dockerode';

/** How a command inside a container ended. */
export interface Executed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  /** Default: the container's own user. */
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** Runs a command in a running container to its end, with `stdin` on its standard input. */
export async function execIn(
  container: Docker.Container,
  command: readonly string[],
  options: ExecOptions = {},
): Promise<Executed> {
  const { user, env = {}, stdin } = options;
  const exec = await container.exec({
    Cmd: [...command],
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    AttachStdin: stdin !== undefined,
    AttachStdout: true,
    AttachStderr: true,
    ...(user === undefined ? {} : { User: user }),
  });
  const stream = await exec.start({ hijack: true, stdin: stdin !== undefined });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  container.modem.demuxStream(stream, stdout, stderr);
  for (const event of ['end', 'close', 'error']) {
    stream.once(event, () => {
      stdout.end();
      stderr.end();
    });
  }
  if (stdin !== undefined) stream.end(stdin);
  const [out, err] = await Promise.all([text(stdout), text(stderr)]);
  const { ExitCode } = await exec.inspect();
  return { code: ExitCode ?? -1, stdout: out, stderr: err };
}

/** The whole log of a container, both streams in order, without times. */
export async function logOf(container: Docker.Container): Promise<string> {
  const buffer = await container.logs({ stdout: true, stderr: true, follow: false });
  return demultiplexed(buffer).toString('utf8');
}

/** What a container's log says of a pattern while `work` runs: each text once, sorted. */
export async function loggedDuring(
  container: Docker.Container,
  pattern: RegExp,
  work: () => Promise<unknown>,
): Promise<readonly string[]> {
  const before = (await logOf(container)).length;
  await work();
  const log = (await logOf(container)).slice(before);
  return [...new Set(log.match(pattern))].sort();
}

/** The payload of what the engine sends without a terminal: frames of eight bytes (the last four the length) and content. */
export function demultiplexed(buffer: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= buffer.length;) {
    const end = at + 8 + buffer.readUInt32BE(at + 4);
    parts.push(buffer.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(parts);
}
