import type { Instance } from '../../../host/instance.ts';
import { quoteIdentifier } from '../../../util/quote.ts';
import { type Evidence, type Finding, findingId, type ReadonlyHost, type Refusal } from '../../contract.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import type { HostCondition, NetworkDetails } from './types.ts';

/** The published port of an instance, tried as a client on the host tries it, whether or not there is a client container. */

const facts = `SELECT pg_catalog.current_setting('listen_addresses') AS listen, pg_catalog.current_setting('ssl') AS ssl,
  EXISTS (SELECT FROM pg_catalog.pg_hba_file_rules WHERE type = 'hostssl' AND auth_method <> 'reject') AS tls`;

const remediator = 'network-reconnect';

/** Undefined if a client of the host gets in, or if it is refused for a reason that is found elsewhere. */
export async function findingOfHost(
  instance: Instance,
  host: ReadonlyHost,
): Promise<Finding<NetworkDetails> | undefined> {
  const { container, port } = instance;
  const published = container.publishedPorts.find(
    ({ containerPort, protocol }) => containerPort === port && protocol === 'tcp',
  );
  if (published === undefined || container.state.status !== 'running') return undefined;
  const known = await host.sql.query(instance, facts);
  if (!known.ok || known.via === 'published') return undefined;
  const answer = await host.sql.query(instance, 'SELECT 1', { via: 'published', timeoutMs: 5_000 });
  if (answer.ok) return undefined;
  const { listen = '', ssl, tls } = known.rows[0] ?? {};
  const kind = conditionOf(answer, listen ?? '');
  // With TLS it may be let in, and it was tried without.
  if (kind === undefined || (kind === 'host-refused' && ssl === 'on' && tls === 't')) return undefined;
  const from = /for host "([^"]+)"/.exec(answer.message)?.[1];
  const place = `${container.name} at port ${published.hostPort} of this machine`;
  const evidence: readonly Evidence[] = [
    {
      type: 'message',
      text: answer.message,
      ...(answer.sqlstate === undefined ? {} : { sqlstate: answer.sqlstate }),
    },
    { type: 'query', sql: 'SHOW listen_addresses', result: listen ?? '' },
  ];
  return {
    id: findingId(remediator, instance.name, kind),
    remediator,
    instance: instance.name,
    kind,
    summary:
      kind === 'host-refused'
        ? `A client of the host cannot log in to ${place}: its access rules (pg_hba.conf) have no entry for ${instance.user}${from === undefined ? '' : ` from ${from}`}.`
        : `A client of the host cannot reach ${place}: the server listens on ${listen === '' ? 'its socket only' : listen}.`,
    risk: 'safe',
    evidence,
    details: {
      client: container.id,
      clientName: container.name,
      source: 'published port',
      host: from ?? '',
      port: Number(published.hostPort),
      trouble: kind,
    },
    problem: null,
  };
}

function conditionOf(
  { message, sqlstate }: { readonly message: string; readonly sqlstate: string | undefined },
  listen: string,
): HostCondition | undefined {
  if (sqlstate === '28000' && /pg_hba\.conf/.test(message)) return 'host-refused';
  const isOpen = listen.split(',').some((one) => !['', 'localhost', '127.0.0.1', '::1'].includes(one.trim()));
  return sqlstate === undefined && !isOpen ? 'host-not-heard' : undefined;
}

export function isOfHost(trouble: NetworkDetails['trouble']): trouble is HostCondition {
  return trouble === 'host-refused' || trouble === 'host-not-heard';
}

/** Who may come in from the host is for you to say. */
export function refuseHost(
  { details: { trouble, host: from, port } }: Finding<NetworkDetails>,
  { container, user, database }: Instance,
): Refusal {
  const close = `If nothing on the host needs it, recreate ${container.name} without the published port ${port}.`;
  return trouble === 'host-refused'
    ? refusal(
        `Who may log in to ${container.name} is your decision, in its pg_hba.conf.`,
        `Add a line for the clients of the host, who come from ${from === '' ? "the gateway of the server's network" : from}: host ${quoteIdentifier(database)} ${quoteIdentifier(user)} ${from === '' ? 'samenet' : `${from}${from.includes(':') ? '/128' : '/32'}`} scram-sha-256; then SELECT pg_reload_conf(), and check pg_hba_file_rules for errors. Never use trust or 0.0.0.0/0. ${close}`,
      )
    : refusal(
        `${container.name} would have to listen on its network, which opens it to all containers there and needs a restart.`,
        `In psql: ALTER SYSTEM SET listen_addresses = '*'; then run: docker restart ${container.name}. If the command line or a mounted file sets it, change it there. ${close}`,
      );
}
