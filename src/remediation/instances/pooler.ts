import type { Container } from '../../host/docker/types.ts';
import type { Instance } from '../../host/instance.ts';
import type { poolerLabel as labelOfHost } from '../../host/labels.ts';
import type { ReadonlyHost } from '../contract.ts';

/** A PgBouncer that `pooler.create` has put in front of an instance. */

/** Its value is the instance's name. The host goes by the same, and remediators only know the host's types. */
export const poolerLabel: typeof labelOfHost = 'problems.pooler';

export const poolerPort = 6432;

/** Looks up other roles' password verifiers for the pooler, and may ask it about itself. */
export const poolerRole = 'problems_pooler';

/** Inside its container: nothing of it is on the machine, in arguments, variables or labels. */
export const poolerFolder = '/tmp/problems-pooler';

/** There once all of it has arrived. */
export const poolerConfigFile = `${poolerFolder}/pgbouncer.ini`;

export function poolerName({ container }: Pick<Instance, 'container'>): string {
  return `${container.name}-pooler`;
}

/** The pooler that stands in front of an instance, running or not. */
export async function poolerOf(instance: Instance, host: ReadonlyHost): Promise<Container | undefined> {
  const found = await host.docker.container(poolerName(instance));
  return found?.labels[poolerLabel] === instance.name ? found : undefined;
}

/** How to log in to a pooler of ours as its own role, from the file that it reads itself. A secret. */
export async function poolerLogin(
  pooler: Container,
  host: ReadonlyHost,
): Promise<{ readonly user: string; readonly password: string } | undefined> {
  const bytes = await host.docker.file(pooler.id, `${poolerFolder}/userlist.txt`);
  const [, password] = /^"problems_pooler" "([0-9a-f]+)"\n$/.exec(new TextDecoder().decode(bytes)) ?? [];
  return password === undefined ? undefined : { user: poolerRole, password };
}
