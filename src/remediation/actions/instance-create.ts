import { z } from 'zod';
import { ProblemsError } from '../../errors.ts';
import { dataMount } from '../../host/instances.ts';
import type { Container, ContainerSpec } from '../../host/docker/types.ts';
import { get, isObject, type Json, type JsonObject, getArray, getStrings } from '../../util/json.ts';
import type { Action, ReadonlyHost } from '../contract.ts';
import { requireContainer, shortRef } from './containers.ts';
import { operations } from '../operations.ts';

const params = z.strictObject({
  /** Id of the container to copy. */
  like: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/),
  /** The volume with the data, instead of the original's. */
  volume: z.string(),
  serverPort: z.int(),
  /** Published on 127.0.0.1 only. */
  port: z.int().min(1).max(65_535),
});

type Wanted = z.output<typeof params>;

const madeLikeLabel = 'problems.made-like';

/**
 * A separate server on restored data. It shares no network, alias or writable mount with the original: clients of the
 * original must not reach it, and it must not write into the original's archive.
 */
export const instanceCreate: Action<Wanted, null> = {
  name: 'instance.create',
  description:
    'Creates a container for a new instance, like that of another one, with its own volume and without its networks. Does not start it.',
  params,
  undoState: z.null(),
  operation: operations['port-lease'],
  describe: ({ name, like, volume }) => `create ${name} like ${shortRef(like)} on ${volume}`,
  effect: async ({ name, port }) => [
    { object: `container ${name}`, before: 'none', after: `a new container at 127.0.0.1:${port}` },
  ],
  async prepare({ name }, host) {
    if ((await host.docker.container(name)) !== undefined)
      throw new ProblemsError('step-refused', `Container ${name} already exists.`);
    return null;
  },
  isDone: async (wanted, host) => (await made(wanted, host)) !== undefined,
  async apply(wanted, host) {
    if ((await made(wanted, host)) !== undefined) return;
    await host.change.docker.create(specLike(await requireContainer(host, wanted.like), wanted, host.run.labels));
  },
  async undo(wanted, _before, host) {
    const found = await made(wanted, host);
    if (found === undefined) return;
    if (found.state.running) await host.change.docker.stop(found.id, { timeoutSeconds: 120 });
    await host.change.docker.remove(found.id);
  },
  isUndone: async (wanted, _before, host) => (await made(wanted, host)) === undefined,
};

async function made({ name, like, volume }: Wanted, host: ReadonlyHost): Promise<Container | undefined> {
  const found = await host.docker.container(name);
  if (found?.labels[madeLikeLabel] !== like) return undefined;
  return found.mounts.some((mount) => mount.name === volume) ? found : undefined;
}

function specLike(old: Container, wanted: Wanted, labels: Readonly<Record<string, string>>): ContainerSpec {
  const { Hostname: _hostname, Domainname: _domain, MacAddress: _mac, ...config } = objectAt(old.inspect, 'Config');
  const host = objectAt(old.inspect, 'HostConfig');
  const place = dataMount(old)?.destination ?? '/var/lib/postgresql/data';
  const port = `${wanted.serverPort}/tcp`;
  return {
    name: wanted.name,
    config: {
      ...config,
      Image: old.image,
      Cmd: [...withoutFollowing(old.command)],
      Labels: {
        ...ownLabels(objectAt(config, 'Labels')),
        ...labels,
        [madeLikeLabel]: wanted.like,
      },
      ExposedPorts: { [port]: {} },
      HostConfig: {
        ...host,
        NetworkMode: 'bridge',
        Links: [],
        VolumesFrom: [],
        Binds: [
          `${wanted.volume}:${place}`,
          ...getStrings(host, 'Binds').filter((bind) => isReadOnly(bind) && bind.split(':')[1] !== place),
        ],
        Mounts: getArray(host, 'Mounts').filter((mount) => get(mount, 'ReadOnly') === true),
        PortBindings: { [port]: [{ HostIp: '127.0.0.1', HostPort: String(wanted.port) }] },
        RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
        // With `--rm` Docker would remove it when it stops, before the next step looks at it.
        AutoRemove: false,
      },
    },
  };
}

/** Without the labels of Compose and of our own runs, which would assign it to another owner. */
function ownLabels(labels: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(labels).filter(([name]) => !/^(?:com\.docker\.|problems\.(?!lab))/.test(name)),
  );
}

/** Options override every file, including archiving settings in the restored data directory. */
function withoutFollowing(command: readonly string[]): readonly string[] {
  const follows = /^(?:-c|--)?\s*(?:archive_|restore_command|recovery_|primary_|promote_)\w*\s*=/;
  return command.filter((word, index) => {
    const option = command[index - 1] === '-c';
    if (word === '-c') return !follows.test(command[index + 1] ?? '');
    return !(option || word.startsWith('-')) || !follows.test(word);
  });
}

function isReadOnly(bind: string): boolean {
  return (bind.split(':')[2] ?? '').split(',').includes('ro');
}

function objectAt(value: Json, ...path: readonly string[]): JsonObject {
  const found = get(value, ...path);
  return isObject(found) ? found : {};
}
