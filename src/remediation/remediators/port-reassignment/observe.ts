import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Container } from '../../../host/docker/types.ts';
import type { Instance } from '../../../host/instance.ts';
import type { PortLease, ReadonlyHost } from '../../contract.ts';
import { claimsOf, isAside } from './claims.ts';
import { declaredPort } from './port-files.ts';
import { isWithin, parsePorts, type PortRange, portsOf } from './port-range.ts';
import { type PortSettings, reservedFor } from './settings.ts';

/** Somebody's reason for having a port, or for nobody being given it. */
export interface PortHolder {
  readonly type: 'container' | 'lease' | 'declaration' | 'reservation' | 'ephemeral';
  /** The container's name, the instance, the file, or the config's word for the owner. */
  readonly name: string;
  /** `running`, `stopped`, `kept aside`, `reserved until …`, `bound`. */
  readonly state: string;
  /** The instance that it has the port for; null where it is none of ours. */
  readonly instance: string | null;
}

export interface PortSurvey {
  readonly engine: string;
  readonly instances: readonly Instance[];
  readonly leases: readonly PortLease[];
  /** Names of the folders with an `instance.conf`, whether there is a container or not. */
  readonly declared: ReadonlySet<string>;
  /** Of any port, sorted by type and name. Listeners outside Docker are not among them: only a probe tells. */
  holders(port: number): readonly PortHolder[];
}

/** Who holds which port, as everything that is written down says: PGOPS §1.1, conditions 2 to 4. */
export async function surveyPorts(host: ReadonlyHost, settings: PortSettings): Promise<PortSurvey> {
  // Leases first: whoever has bound one has made its container before, so that container is seen below.
  const leases = await host.leases.list();
  const [{ id, local }, containers, instances] = await Promise.all([
    host.docker.info(),
    host.docker.containers(),
    host.instances(),
  ]);
  const declarations = await declarationsOf(host, instances);
  const ephemeral = await ephemeralPorts(local);
  const instanceOf = new Map(instances.map(({ container, name }) => [container.id, name]));
  const claims = containers.flatMap((container) => claimsOf(container));

  return {
    engine: id,
    instances,
    leases,
    declared: new Set(declarations.map(({ instance }) => instance)),
    holders(port) {
      const holders: PortHolder[] = [];
      for (const { container, ports } of claims) {
        if (!isWithin(port, ports) || holders.some(({ name }) => name === container.name)) continue;
        holders.push({
          type: 'container',
          name: container.name,
          state: stateOf(container),
          instance: instanceOf.get(container.id) ?? null,
        });
      }
      for (const lease of leases) {
        if (lease.port !== port) continue;
        const state = lease.expiresAt === null ? 'bound' : `reserved until ${lease.expiresAt}`;
        holders.push({ type: 'lease', name: lease.instance, state, instance: lease.instance });
      }
      for (const { path, instance, port: stated } of declarations) {
        if (stated === port) holders.push({ type: 'declaration', name: path, state: 'declared', instance });
      }
      const owner = reservedFor(port, settings);
      if (owner !== undefined)
        holders.push({ type: 'reservation', name: owner, state: 'reserved by the config', instance: null });
      if (isWithin(port, ephemeral.range) && !ephemeral.reserved.has(port)) {
        holders.push({ type: 'ephemeral', name: 'any client', state: 'within ip_local_port_range', instance: null });
      }
      return holders;
    },
  };
}

/** In words, for people and for evidence. */
export function describeHolder({ type, name, state }: PortHolder): string {
  switch (type) {
    case 'container':
      return `container ${name} (${state})`;
    case 'lease':
      return `lease of ${name} (${state})`;
    case 'declaration':
      return `declared in ${name}`;
    case 'reservation':
      return `reserved for ${name} in the config`;
    case 'ephemeral':
      return 'in the range that clients take ports from';
  }
}

function stateOf(container: Container): string {
  if (isAside(container)) return 'kept aside';
  return container.state.running ? 'running' : 'stopped';
}

interface Declaration {
  readonly instance: string;
  readonly path: string;
  readonly port: number | undefined;
}

/** Every `<instance>/config/instance.conf` beside the known ones: an instance without a container has its port too. */
async function declarationsOf(host: ReadonlyHost, instances: readonly Instance[]): Promise<readonly Declaration[]> {
  const known = instances.flatMap(({ folder }) => (folder === undefined ? [] : [dirname(folder)]));
  const usual = host.files.roots.flatMap((root) => [
    join(root, 'resources', 'postgres', 'instances'),
    join(root, 'instances'),
  ]);
  const declarations: Declaration[] = [];
  for (const parent of [...new Set([...known, ...usual])].sort((a, b) => (a < b ? -1 : 1))) {
    for (const instance of await host.files.list(parent).catch(() => [])) {
      const path = join(parent, instance, 'config', 'instance.conf');
      const file = await host.files.read(path).catch(() => undefined);
      if (file !== undefined) declarations.push({ instance, path, port: declaredPort(file.text) });
    }
  }
  return declarations;
}

/** Where the system takes ports for outgoing connections from. Linux' own default where it cannot be read. */
async function ephemeralPorts(
  local: boolean,
): Promise<{ readonly range: PortRange; readonly reserved: ReadonlySet<number> }> {
  async function setting(name: string): Promise<string> {
    return local ? readFile(`/proc/sys/net/ipv4/${name}`, 'utf8').catch(() => '') : '';
  }
  const range = parsePorts((await setting('ip_local_port_range')).trim().replace(/\s+/, '-'));
  const reserved = (await setting('ip_local_reserved_ports')).trim().split(',').map(parsePorts);
  return {
    range: range ?? { first: 32_768, last: 60_999 },
    reserved: new Set(reserved.flatMap((one) => (one === undefined ? [] : portsOf(one)))),
  };
}
