import type { Client } from './observe.ts';
import type { Trouble } from './diagnose.ts';

/** One sentence for people. */
export function summaryOf(trouble: Trouble, { container, instance, address }: Client): string {
  const client = container.name;
  const server = instance.container.name;
  const { host, port, user = instance.user, database = user, source } = address;
  switch (trouble) {
    case 'server-stopped':
      return `${client} does not reach ${server}, which does not run: its name has left the DNS.`;
    case 'server-paused':
      return `${client} does not reach ${server}, which is paused.`;
    case 'server-restarting':
      return `${client} does not reach ${server}, which the engine keeps restarting.`;
    case 'asks-itself':
      return `${client} looks for ${instance.name} on ${host}:${port}, which inside its container is ${client} itself.`;
    case 'no-common-network':
      return `${client} does not reach ${server}: the two are on no common network.`;
    case 'default-bridge':
      return `${client} does not reach ${server}: they share the default bridge alone, which knows no names.`;
    case 'missing-alias':
      return `${client} looks for ${instance.name} under the name ${host}, which ${server} does not have on their common network.`;
    case 'duplicate-alias':
      return `Several containers answer ${client} to the name ${host}: it gets ${server} or another by chance.`;
    case 'wrong-server':
      return `${client} looks for ${instance.name} under the name ${host} and gets another server.`;
    case 'stale-address':
      return `${client} looks for ${instance.name} at the address ${host}, which ${server} does not have.`;
    case 'wrong-port':
      return `${client} asks ${server} on port ${port}; on a Docker network it is ${instance.port}.`;
    case 'listen-address':
      return `${server} listens on its own loopback address alone, so ${client} is refused.`;
    case 'hba-refused':
      return `The access rules of ${server} (pg_hba.conf) have no entry that lets ${client} in as ${user}.`;
    case 'tls-refused':
      return `${client} asks ${server} for TLS, which it does not offer.`;
    case 'password-refused':
      return `${server} refuses the user or password that ${client} has in ${source} (user ${user}).`;
    case 'database-missing':
      return `${client} asks ${server} for the database ${database}, which does not exist.`;
    case 'unreachable':
      return `${client} does not reach ${server} at ${host}:${port}, though both are on one network.`;
  }
}
