import { posix } from 'node:path';
import type { LogLine, Mount } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { SurveyEntry } from '../../../host/probes/types.ts';
import { asideName, type ReadonlyHost } from '../../contract.ts';
import { isRunning } from '../../shared/availability.ts';
import { diagnose, type Observation, type Condition } from './diagnose.ts';
import { below, type ImageUsers, serverUser } from './files.ts';
import { isTraceOfData, signOf } from './log-patterns.ts';

/** The observed state of an instance, and its diagnosis. */
export interface Observed {
  readonly seen: Observation;
  readonly condition: Condition | undefined;
  /** Path of the data directory within its mount, or `.`. */
  readonly folder: string;
  /** Log lines about permissions since the last start. */
  readonly lines: readonly LogLine[];
}

/** Reads state, log and files of one instance. `mount` is its `dataMount`. */
export async function observe(
  instance: Instance,
  mount: Mount,
  host: ReadonlyHost,
  users: ImageUsers,
): Promise<Observed> {
  const { container, dataDirectory } = instance;
  const folder = posix.relative(mount.destination, dataDirectory) || '.';
  const [runtime, survey, log, info] = await Promise.all([
    serverUser(container, users),
    host.probes.survey(mount, container.image, container.state.status === 'running' ? { inside: container.id } : {}),
    logOfLastStart(instance, host),
    host.docker.info(),
  ]);
  if (survey.truncated) throw new Error(`${mount.source} has too many entries to check.`);
  const entries = below(survey.entries, folder);
  const running = isRunning(instance) && hasBegun(log);
  const lines = (log ?? []).filter(({ text }) => signOf(text) !== undefined).slice(-20);
  const seen: Observation = {
    running,
    ...runtime,
    mountWritable: mount.writable,
    entries,
    signs: lines.flatMap(({ text }) => signOf(text) ?? []),
    history: !running && !hasCluster(entries) && (await hasHistory(instance, host)),
    labelled: info.securityOptions.some((option) => option.startsWith('name=selinux')),
  };
  return { seen, condition: diagnose(seen), folder, lines };
}

const lastLines = 500;

/** Before that line the entrypoint may still be fixing owners. An unreadable log counts as ready. */
function hasBegun(log: readonly LogLine[] | undefined): boolean {
  if (log === undefined || log.length >= lastLines) return true;
  return log.some(({ text }) => text.includes('database system is ready to accept'));
}

function hasCluster(entries: readonly SurveyEntry[]): boolean {
  return entries.some(({ path }) => path === 'PG_VERSION');
}

/** Undefined if the log driver does not support reading. */
async function logOfLastStart(instance: Instance, host: ReadonlyHost): Promise<readonly LogLine[] | undefined> {
  const { id, state } = instance.container;
  const { startedAt } = state;
  if (startedAt.startsWith('0001-')) return [];
  // If a process exits at once, the engine records its start after its last line, or even after its exit.
  const since = isRunning(instance) ? startedAt : new Date(Date.parse(startedAt) - 2_000).toISOString();
  try {
    return await host.docker.logs(id, { since, tail: lastLines });
  } catch (error) {
    if (error instanceof Error && /does not support reading/.test(error.message)) return undefined;
    throw error;
  }
}

/** Shown by a replaced container, a declaration older than the container, or the container's own log. */
async function hasHistory({ container, declared }: Instance, host: ReadonlyHost): Promise<boolean> {
  const hour = 3_600_000;
  if (Date.parse(declared['created'] ?? '') < Date.parse(container.created) - hour) return true;
  const aside = asideName({ name: container.name, id: '' });
  if ((await host.docker.containers()).some(({ name }) => name.startsWith(aside))) return true;
  const lines = await host.docker.logs(container.id, { tail: 5_000 }).catch(() => []);
  return lines.some(({ text }) => isTraceOfData(text));
}
