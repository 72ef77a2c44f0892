import { quoteIdentifier } from '../../../util/quote.ts';
import type { Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import type { Condition } from './diagnose.ts';
import { answering, type Client, isOfProject, networksOf, type World } from './clients.ts';

/**
 * Problems that connecting to a network fixes; all others need your decision.
 * See docs/engineering/safety.md#who-may-decide and docs/engineering/safety.md#when-to-escalate.
 */
export type Curable = 'no-common-network' | 'default-bridge' | 'missing-alias';

export function isCurable(trouble: Condition): trouble is Curable {
  return trouble === 'no-common-network' || trouble === 'default-bridge' || trouble === 'missing-alias';
}

/** Problems of a client with a wrong address: it is recreated with the right one, with approval. */
export function isToldWrong(trouble: Condition): trouble is 'asks-itself' | 'wrong-port' | 'stale-address' {
  return trouble === 'asks-itself' || trouble === 'wrong-port' || trouble === 'stale-address';
}

/** Problems that are not repaired automatically, with the exact commands for you. */
export function escalation(
  trouble: Exclude<Condition, Curable | 'page-silent'>,
  client: Client,
  world: World,
): Refusal {
  const { container, instance, address } = client;
  const server = instance.container.name;
  const { host, port, user = instance.user, database = user, source } = address;
  switch (trouble) {
    case 'server-stopped':
      return refusal(
        `${server} is not running, so a network would not help.`,
        `Check docker logs --tail 50 ${server}, then run: docker start ${server}`,
      );
    case 'server-paused':
      return refusal(`${server} is paused.`, `To resume it, run: docker unpause ${server}`);
    case 'server-restarting':
      return refusal(
        `${server} keeps exiting, so a network would not help.`,
        `Find out why with: docker logs --tail 50 ${server}`,
      );
    case 'asks-itself':
    case 'wrong-port':
    case 'stale-address':
      return refusal(
        `${container.name} has ${host}:${port} in ${source}, which only a new container can change.`,
        `Recreate it with ${server}:${instance.port} in ${source}, on the network ${networksOf(instance.container)[0] ?? 'of the instance'}. Do not use addresses of containers: they change with every start.`,
      );
    case 'duplicate-alias':
    case 'wrong-server':
      return refusal(
        isOfProject(container, instance.container)
          ? `Several servers answer to the name ${host}. ${server} is the one of the client's own Compose project; the other shares the network.`
          : `Several servers answer to the name ${host}; only you can decide which has the right data.`,
        `Check both (see the evidence). ${withoutName(client, world)}Better: recreate ${container.name} with ${server} in ${source}, since container names are unique.`,
      );
    case 'listen-address':
      return refusal(
        `${server} would have to listen on its network, which opens it to all containers there and needs a restart.`,
        `In psql: ALTER SYSTEM SET listen_addresses = '*'; then run: docker restart ${server}. If the command line or a mounted file sets it, change it there.`,
      );
    case 'hba-refused':
      return refusal(
        `Who may log in to ${server} is your decision, in its pg_hba.conf.`,
        `Add a line for this database, user and network: host ${quoted(database)} ${quoted(user)} samenet scram-sha-256; then SELECT pg_reload_conf(), and check pg_hba_file_rules for errors. Never use trust or 0.0.0.0/0.`,
      );
    case 'tls-refused':
      return refusal(
        `${container.name} requires TLS, but ${server} does not offer it.`,
        `Set up a certificate and ssl = on for ${server}, or, if their network is private, recreate ${container.name} with sslmode=disable in ${source}.`,
      );
    case 'password-refused':
      return refusal(
        `Only you can set passwords. POSTGRES_PASSWORD has no effect on existing data.`,
        `Recreate ${container.name} with the right password in ${source}, or change the role's: \\password ${quoted(user)} in psql on ${server}.`,
      );
    case 'role-missing':
      return refusal(
        `${server} has no role ${user} that may log in, whatever the password. POSTGRES_USER has no effect on existing data.`,
        `Recreate ${container.name} with the right user in ${source}, or, on ${server} in psql: CREATE ROLE ${quoted(user)} LOGIN; then \\password ${quoted(user)}. If the data were restored, restore the roles too (globals.sql of the backup).`,
      );
    case 'database-missing':
      return refusal(
        `${server} has no database ${database}: it was never created, or the client should use another instance.`,
        `Recreate ${container.name} with the right database in ${source}, or create the database: createdb ${quoted(database)}`,
      );
    case 'unreachable':
      return refusal(
        `${container.name} and ${server} share a network, but something else separates them: a firewall, the client's DNS settings, or the network itself.`,
        `Check docker network inspect ${networksOf(container).join(' ')}; iptables -L DOCKER-USER; docker exec ${container.name} cat /etc/resolv.conf`,
      );
  }
}

/** Commands that remove a name from another container, which is only possible by reconnecting it. */
function withoutName({ container, instance, address }: Client, { containers }: World): string {
  const commands = networksOf(container).flatMap((network) =>
    answering(address.host, network, containers)
      .filter(({ id }) => id !== instance.container.id)
      .map((other) => {
        const endpoint = other.endpoints.find((one) => one.network === network);
        const kept = (endpoint?.aliases ?? []).filter(
          (alias) => alias !== address.host && alias !== other.id.slice(0, 12),
        );
        const aliases = kept.map((alias) => `--alias ${alias} `).join('');
        return `docker network disconnect ${network} ${other.name} && docker network connect ${aliases}${network} ${other.name}`;
      }),
  );
  return commands.length === 0
    ? ''
    : `To remove the name from the other one, which ends its sessions: ${commands.join('; ')}. `;
}

/** A name for a command: unchanged if plain, else quoted as an identifier. */
function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : quoteIdentifier(name);
}
