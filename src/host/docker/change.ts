import { ProblemsError } from '../../errors.ts';
import { getString } from '../../util/json.ts';
import { containerOnSameData } from '../instances.ts';
import { runHelper, startContainerWith } from '../exec.ts';
import { endHelpers } from '../helper-cleanup.ts';
import { type ChangingEngine, jsonOf, requireSuccess } from './client.ts';
import type { DockerChanger, DockerReader } from './types.ts';

/** Changes to the engine. A change that is already made is not an error. */
export function changeDocker(engine: ChangingEngine, reader: DockerReader): DockerChanger {
  function path(ref: string, verb: string): string {
    return `/containers/${encodeURIComponent(ref)}/${verb}`;
  }

  async function repeatStopSignal(ref: string): Promise<void> {
    const container = await reader.container(ref);
    if (container?.state.running !== true) return;
    const signal = getString(container.inspect, 'Config', 'StopSignal') || 'SIGTERM';
    await engine.post({ path: path(ref, 'kill'), query: { signal } });
  }

  return {
    async updateRestartPolicy(ref, policy) {
      const body = { RestartPolicy: { Name: policy.name, MaximumRetryCount: policy.maximumRetryCount } };
      requireSuccess(await engine.post({ path: path(ref, 'update'), body }), `update ${ref}`);
    },

    async updateMemory(ref, limits) {
      const body = { Memory: limits.memory, MemorySwap: limits.memorySwap };
      requireSuccess(await engine.post({ path: path(ref, 'update'), body }), `update ${ref}`);
    },

    async stop(ref, { timeoutSeconds }) {
      const query = { t: String(timeoutSeconds) };
      // An entrypoint that has not yet started the server ignores the signal, and the stop would end in SIGKILL after the
      // whole timeout. A server that is shutting down ignores a second signal.
      const reminder = setInterval(() => void repeatStopSignal(ref).catch(() => undefined), 3_000);
      try {
        const timeoutMs = (timeoutSeconds + 15) * 1000;
        requireSuccess(await engine.post({ path: path(ref, 'stop'), query, timeoutMs }), `stop ${ref}`);
      } finally {
        clearInterval(reminder);
      }
    },

    async start(ref) {
      const container = await reader.container(ref);
      if (container === undefined) throw new ProblemsError('step-refused', `Cannot start ${ref}: no such container.`);
      const other = containerOnSameData(container, await reader.containers());
      if (other !== undefined) {
        throw new ProblemsError(
          'step-refused',
          `Cannot start ${container.name}: ${other.name} is running on the same data.`,
        );
      }
      requireSuccess(await engine.post({ path: path(ref, 'start'), timeoutMs: 60_000 }), `start ${container.name}`);
    },

    startWith: (ref, stdin) => startContainerWith(engine, ref, stdin),

    async rename(ref, name) {
      requireSuccess(await engine.post({ path: path(ref, 'rename'), query: { name } }), `rename ${ref}`);
    },

    async create({ config, name }) {
      return getString(
        jsonOf(await engine.post({ path: '/containers/create', query: { name }, body: config }), `create ${name}`),
        'Id',
      );
    },

    async remove(ref) {
      const reply = await engine.delete({
        path: `/containers/${encodeURIComponent(ref)}`,
        query: { force: '0', v: '0' },
      });
      if (reply.status !== 404) requireSuccess(reply, `remove ${ref}`);
    },

    async connect(network, ref, endpoint) {
      const body = {
        Container: ref,
        EndpointConfig: {
          Aliases: [...(endpoint.aliases ?? [])],
          IPAMConfig: {
            ...(endpoint.ipv4 === undefined ? {} : { IPv4Address: endpoint.ipv4 }),
            ...(endpoint.ipv6 === undefined ? {} : { IPv6Address: endpoint.ipv6 }),
          },
        },
      };
      requireSuccess(
        await engine.post({ path: `/networks/${encodeURIComponent(network)}/connect`, body }),
        `connect ${ref} to ${network}`,
      );
    },

    async disconnect(network, ref) {
      const body = { Container: ref, Force: false };
      requireSuccess(
        await engine.post({ path: `/networks/${encodeURIComponent(network)}/disconnect`, body }),
        `disconnect ${ref} from ${network}`,
      );
    },

    async createVolume(name, labels) {
      requireSuccess(
        await engine.post({ path: '/volumes/create', body: { Name: name, Labels: labels } }),
        `create volume ${name}`,
      );
    },

    runHelper: (spec) => runHelper(engine, spec),
    endHelpers: (label, value) => endHelpers(engine, label, value),
  };
}
