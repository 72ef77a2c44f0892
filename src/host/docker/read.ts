import { ProblemsError } from '../../errors.ts';
import { errorText } from '../../util/text.ts';
import {
  get,
  isList,
  type Json,
  getArray,
  getNumber,
  parseJson,
  getString,
  getStringMap,
  getStrings,
} from '../../util/json.ts';
import { compareBy } from '../../util/compare.ts';
import { jsonOf, type ReadingEngine, requireSuccess } from './client.ts';
import { logLines } from './frames.ts';
import { containerOf, imageOf, listedContainer, networkOf, volumeOf } from './shapes.ts';
import type {
  Change,
  Container,
  ContainerStats,
  DockerReader,
  EngineEvent,
  EngineInfo,
  ListedContainer,
} from './types.ts';

/** Questions to the engine, over a client that can only GET. */
export function readDocker(engine: ReadingEngine): DockerReader {
  async function find(path: string, doing: string): Promise<Json | undefined> {
    const reply = await engine.get({ path });
    return reply.status === 404 ? undefined : jsonOf(reply, doing);
  }

  async function container(ref: string): Promise<Container | undefined> {
    const found = await find(`/containers/${encodeURIComponent(ref)}/json`, `inspect ${ref}`);
    return found === undefined ? undefined : containerOf(found);
  }

  async function list(): Promise<readonly ListedContainer[]> {
    const listed = jsonOf(await engine.get({ path: '/containers/json', query: { all: '1' } }), 'list containers');
    return isList(listed) ? listed.map(listedContainer) : [];
  }

  return {
    container,

    async info() {
      return engineInfo(jsonOf(await engine.get({ path: '/info' }), 'info'), engine.local);
    },

    list,

    async containers() {
      const found = await inBatches(await list(), 8, ({ id }) => container(id));
      return found.filter((one) => one !== undefined).sort(compareBy(({ name }) => name));
    },

    async image(ref) {
      const found = await find(`/images/${encodeURIComponent(ref)}/json`, `inspect image ${ref}`);
      return found === undefined ? undefined : imageOf(found);
    },

    async networks() {
      const listed = jsonOf(await engine.get({ path: '/networks' }), 'list networks');
      return (isList(listed) ? listed.map(networkOf) : []).sort(compareBy(({ name, id }) => name + id));
    },

    async network(ref) {
      const found = await find(`/networks/${encodeURIComponent(ref)}`, `inspect network ${ref}`);
      return found === undefined ? undefined : networkOf(found);
    },

    async volumes() {
      const listed = jsonOf(await engine.get({ path: '/volumes' }), 'list volumes');
      return getArray(listed, 'Volumes')
        .map(volumeOf)
        .sort(compareBy(({ name }) => name));
    },

    async volume(name) {
      const found = await find(`/volumes/${encodeURIComponent(name)}`, `inspect volume ${name}`);
      return found === undefined ? undefined : volumeOf(found);
    },

    async logs(ref, options = {}) {
      const reply = await engine.get({
        path: `/containers/${encodeURIComponent(ref)}/logs`,
        query: {
          stdout: '1',
          stderr: '1',
          timestamps: '1',
          tail: String(options.tail ?? 200),
          ...(options.since === undefined ? {} : { since: unixTime(options.since) }),
        },
      });
      requireSuccess(reply, `logs of ${ref}`);
      return logLines(reply.body, 4 * 2 ** 20);
    },

    async events(window) {
      const reply = await engine.get({
        path: '/events',
        query: { since: unixTime(window.since), until: unixTime(window.until) },
        maxBytes: 64 * 2 ** 20,
      });
      requireSuccess(reply, 'events');
      return eventsOf(reply.body.toString()).slice(-1_000);
    },

    async follow({ since, signal }, onEvent) {
      return followEvents(engine, since, signal, onEvent);
    },

    async stats(ref) {
      const path = `/containers/${encodeURIComponent(ref)}/stats`;
      const reply = await engine.get({ path, query: { stream: 'false', 'one-shot': 'true' } });
      if (reply.status === 404) return undefined;
      return statsOf(jsonOf(reply, `stats of ${ref}`));
    },

    async changes(ref) {
      const listed = jsonOf(
        await engine.get({ path: `/containers/${encodeURIComponent(ref)}/changes` }),
        `changes of ${ref}`,
      );
      return isList(listed) ? listed.map(changeOf) : [];
    },

    async processes(ref) {
      const path = `/containers/${encodeURIComponent(ref)}/top`;
      const listed = jsonOf(await engine.get({ path, query: { ps_args: '-eo pid,args' } }), `processes of ${ref}`);
      return getArray(listed, 'Processes')
        .slice(0, 500)
        .map((row) => (getStrings(row).at(-1) ?? '').slice(0, 4_096));
    },

    async file(ref, path) {
      const reply = await engine.get({
        path: `/containers/${encodeURIComponent(ref)}/archive`,
        query: { path },
        maxBytes: 2 ** 21,
      });
      if (reply.status === 404) return undefined;
      requireSuccess(reply, `read ${path} of ${ref}`);
      return fileInArchive(reply.body);
    },
  };
}

/**
 * The content of the first entry of a tar archive: the engine answers with one if it is asked for a file of a container.
 * Undefined if the entry is a folder, a link or anything else but a file.
 */
export function fileInArchive(archive: Uint8Array): Uint8Array | undefined {
  const type = archive[156];
  const isFile = type === 0 || type === '0'.charCodeAt(0);
  const size = Number.parseInt(Buffer.from(archive.subarray(124, 136)).toString('latin1'), 8);
  if (!isFile || !Number.isInteger(size) || 512 + size > archive.length) return undefined;
  return archive.subarray(512, 512 + size);
}

function engineInfo(info: Json, local: boolean): EngineInfo {
  return {
    id: getString(info, 'ID'),
    version: getString(info, 'ServerVersion'),
    operatingSystem: getString(info, 'OSType'),
    securityOptions: getStrings(info, 'SecurityOptions'),
    memoryBytes: getNumber(info, 'MemTotal'),
    cpus: getNumber(info, 'NCPU'),
    // A virtual machine behind a local socket publishes ports on this machine, but binds them elsewhere.
    local: local && process.platform === 'linux' && getString(info, 'OSType') === 'linux',
  };
}

/** As `docker stats`: docs.docker.com/reference/cli/docker/container/stats. A stopped container has no numbers. */
export function statsOf(stats: Json): ContainerStats | undefined {
  const usage = getNumber(stats, 'memory_stats', 'usage');
  if (usage === 0) return undefined;
  const counters = get(stats, 'memory_stats', 'stats');
  // The first is that of control groups of version 2, the other that of version 1.
  const cache = getNumber(counters, 'inactive_file') || getNumber(counters, 'total_inactive_file');
  return { memory: Math.max(0, usage - cache), memoryLimit: getNumber(stats, 'memory_stats', 'limit') };
}

/** More than any event has; an engine that sends a longer line is not read on. */
const longestEvent = 2 ** 20;

/** So that a connection that died without a word is not believed in for ever. */
const followMs = 3_600_000;

async function followEvents(
  engine: ReadingEngine,
  since: string,
  signal: AbortSignal,
  onEvent: (event: EngineEvent) => void,
): Promise<never> {
  const query = { since: unixTime(since), filters: JSON.stringify({ type: ['container'] }) };
  const answer = await engine.openAnswer({ path: '/events', query, timeoutMs: followMs, signal });
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of answer) {
      if (!(chunk instanceof Uint8Array)) continue;
      const text = rest + decoder.decode(chunk, { stream: true });
      const end = text.lastIndexOf('\n') + 1;
      rest = text.slice(end);
      if (rest.length > longestEvent) break;
      eventsOf(text.slice(0, end)).forEach(onEvent);
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new ProblemsError('engine-unreachable', `The events of ${engine.address} ended: ${errorText(error)}`);
  }
  throw new ProblemsError('engine-unreachable', `The engine at ${engine.address} sends no more events.`);
}

function eventsOf(text: string): readonly EngineEvent[] {
  return text
    .split('\n')
    .map(parseJson)
    .filter((event) => event !== undefined && !getString(event, 'Action').startsWith('exec_'))
    .map((event) => ({
      at: new Date(getNumber(event, 'timeNano') / 1e6).toISOString(),
      type: getString(event, 'Type'),
      action: getString(event, 'Action'),
      actor: getString(event, 'Actor', 'ID'),
      attributes: getStringMap(event, 'Actor', 'Attributes'),
    }));
}

function changeOf(change: Json): Change {
  const kind = getNumber(change, 'Kind');
  return { path: getString(change, 'Path'), kind: kind === 1 ? 'added' : kind === 2 ? 'deleted' : 'changed' };
}

/** Docker takes seconds with a fraction. */
function unixTime(rfc3339: string): string {
  const milliseconds = Date.parse(rfc3339);
  return Number.isFinite(milliseconds) ? (milliseconds / 1000).toFixed(3) : '0';
}

async function inBatches<Item, Result>(
  items: readonly Item[],
  size: number,
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += size) {
    results.push(...(await Promise.all(items.slice(start, start + size).map(run))));
  }
  return results;
}
