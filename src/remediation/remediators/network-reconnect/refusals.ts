import { quoteIdentifier } from '../../../util/quote.ts';
import type { Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import type { Condition } from './diagnose.ts';
import { answering, type Client, networksOf, type World } from './clients.ts';

/**
 * Troubles that a connection to a network cures; all others are a person's to decide.
 * See docs/engineering/safety.md#who-may-decide and docs/engineering/safety.md#when-to-escalate.
 */
export type Curable = 'no-common-network' | 'default-bridge' | 'missing-alias';

export function isCurable(trouble: Condition): trouble is Curable {
  return trouble === 'no-common-network' || trouble === 'default-bridge' || trouble === 'missing-alias';
}

/** Troubles of a client that was told a wrong place: a new one is told the right one, with approval. */
export function isToldWrong(trouble: Condition): trouble is 'asks-itself' | 'wrong-port' | 'stale-address' {
  return trouble === 'asks-itself' || trouble === 'wrong-port' || trouble === 'stale-address';
}

/** What a person can do about what no program should, with the exact commands. */
export function escalation(trouble: Exclude<Condition, Curable>, client: Client, world: World): Refusal {
  const { container, instance, address } = client;
  const server = instance.container.name;
  const { host, port, user = instance.user, database = user, source } = address;
  switch (trouble) {
    case 'server-stopped':
      return refusal(
        `${server} does not run, so no network would help.`,
        `docker logs --tail 50 ${server}; when it may run: docker start ${server}`,
      );
    case 'server-paused':
      return refusal(`${server} was paused by somebody.`, `docker unpause ${server}`);
    case 'server-restarting':
      return refusal(
        `${server} does not stay up, so no network would help.`,
        `docker logs --tail 50 ${server} says why.`,
      );
    case 'asks-itself':
    case 'wrong-port':
    case 'stale-address':
      return refusal(
        `${container.name} was told ${host}:${port} in ${source}, which only a new container can be told otherwise.`,
        `Create it again with ${server}:${instance.port} in ${source}, on the network ${networksOf(instance.container)[0] ?? 'of the instance'}. A container's address changes with every start: never write one.`,
      );
    case 'duplicate-alias':
    case 'wrong-server':
      return refusal(
        `Which of the servers behind the name ${host} has the right data is not for a program to say.`,
        `Look at both (the evidence names them). ${withoutName(client, world)}Better: create ${container.name} again with ${server} in ${source}, since a container's own name is unique.`,
      );
    case 'listen-address':
      return refusal(
        `${server} would have to listen on its network, which opens it to all that is there and takes a restart.`,
        `psql: ALTER SYSTEM SET listen_addresses = '*'; then docker restart ${server}. If the value is from the command line or a mounted file, change it there.`,
      );
    case 'hba-refused':
      return refusal(
        `Who may log in is decided in pg_hba.conf of ${server}, by a person.`,
        `Add a line for this database, user and network: host ${quoted(database)} ${quoted(user)} samenet scram-sha-256; then SELECT pg_reload_conf(), and look for errors in pg_hba_file_rules. Never trust, never 0.0.0.0/0.`,
      );
    case 'tls-refused':
      return refusal(
        `${container.name} wants TLS and ${server} has none.`,
        `Give ${server} a certificate and ssl = on, or create ${container.name} again with sslmode=disable in ${source} if their network is private.`,
      );
    case 'password-refused':
      return refusal(
        `Passwords are a person's to give. POSTGRES_PASSWORD has no effect on data that is there already.`,
        `Create ${container.name} again with the right password in ${source}, or set the role's: \\password ${quoted(user)} in psql on ${server}.`,
      );
    case 'database-missing':
      return refusal(
        `${server} has no database ${database}: it was never made, or the client means another instance.`,
        `Create ${container.name} again with the right database in ${source}, or create the database: createdb ${quoted(database)}`,
      );
    case 'unreachable':
      return refusal(
        `${container.name} and ${server} share a network, and something else keeps them apart: a firewall, the client's own DNS settings, or the network itself.`,
        `docker network inspect ${networksOf(container).join(' ')}; iptables -L DOCKER-USER; docker exec ${container.name} cat /etc/resolv.conf`,
      );
  }
}

/** How another container loses a name on the networks of a client: only along with its connection. */
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
    : `To take the name from the other one, which ends its sessions: ${commands.join('; ')}. `;
}

/** A name of another program's in a command: as it is when plain, else as an identifier. */
function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : quoteIdentifier(name);
}
