import { isIPv4 } from 'node:net';
import type { Instance } from '../instance.ts';
import type { SqlWay } from './types.ts';

/** Where the engine is: on this machine, or the name of its host. */
export interface EnginePlace {
  readonly local: boolean;
  readonly hostname: string;
}

export interface Address {
  readonly way: SqlWay;
  /** Empty for the socket in the container. */
  readonly host: string;
  /** By which a passfile may name it. */
  readonly hosts: readonly string[];
  readonly port: number;
}

/** The addresses at which an instance is reached from here: its published ports, and those of its networks. */
export function addressesOf(instance: Instance, engine: EnginePlace): readonly Address[] {
  return (['published', 'network'] as const).flatMap((way) => addressesBy(way, instance, engine));
}

export function addressesBy(way: SqlWay, { container, port }: Instance, engine: EnginePlace): readonly Address[] {
  // The engine reports both as running: in a restart loop no server is up, and a paused one never answers.
  if (!container.state.running || ['restarting', 'paused'].includes(container.state.status)) return [];
  if (way === 'exec') return [{ way, host: '', hosts: [], port }];
  if (way === 'network') {
    if (!engine.local) return [];
    return container.endpoints
      .filter(({ ipv4 }) => ipv4 !== '')
      .map(({ ipv4 }) => ({ way, host: ipv4, hosts: [ipv4], port }));
  }
  return container.publishedPorts
    .filter((published) => published.containerPort === port && published.protocol === 'tcp')
    .map(({ hostIp, hostPort }) => {
      const host = hostOf(hostIp, engine);
      return { way, host, hosts: isLoopback(host) ? [host, 'localhost'] : [host], port: Number(hostPort) };
    });
}

function hostOf(hostIp: string, engine: EnginePlace): string {
  if (!engine.local) return engine.hostname;
  if (hostIp === '::') return '::1';
  return hostIp === '' || hostIp === '0.0.0.0' ? '127.0.0.1' : hostIp;
}

function isLoopback(host: string): boolean {
  return host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
