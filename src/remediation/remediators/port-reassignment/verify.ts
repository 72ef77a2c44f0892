import { setTimeout as sleep } from 'node:timers/promises';
import type { Instance, SqlResult } from '../../../host/types.ts';
import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import { unexpectedDifferences } from './comparison.ts';
import { databasesQuery, type PortExpected, restartPolicyOf } from './details.ts';
import { isWithin, parsePorts } from './port-range.ts';

type Check = Verification['checks'][number];

const readyLine = 'database system is ready to accept connections';
const initLine = 'PostgreSQL init process complete';

/** From the client's place: a query with a password through the new port. Then that everything else is as it was. */
export async function verify(plan: Plan<PortExpected>, host: ReadonlyHost): Promise<Verification> {
  const { expected, target } = plan;
  const instance = await host.instance(target.instance);
  if (instance === undefined || instance.container.name !== expected.name) {
    return {
      result: 'not-verified',
      checks: [{ name: 'the container is there', ok: false, seen: instance?.container.name ?? 'none' }],
    };
  }
  const { container } = instance;
  const answer = await firstAnswer(instance, host);
  const answeredAt = new Date().toISOString();
  const checks: Check[] = [
    {
      name: 'it runs',
      ok: container.state.running && container.state.error === '',
      seen: container.state.error || container.state.status,
    },
    published(instance, expected),
    {
      name: `it answers through port ${expected.port}`,
      ok: answer.ok,
      seen: answer.ok ? 'yes' : `${answer.sqlstate ?? ''} ${answer.message}`.trim(),
    },
  ];
  if (!answer.ok) return { result: answer.sqlstate?.startsWith('28') === true ? 'impossible' : 'not-verified', checks };
  checks.push(
    sameData(answer.rows[0]?.['system_identifier'] ?? '', expected),
    await sameDatabases(instance, expected, host),
    await notInitialised(instance, expected, host),
    policyOf(instance, expected),
  );
  if (!expected.same) checks.push(...(await likeTheOld(instance, plan, host)));
  return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', answeredAt, checks };
}

/**
 * A connection that reaches Docker's proxy before the container answers hangs for a second (TESTBED §3), so the server's
 * own word is waited for first. Where it does not speak, the query is tried all the same.
 */
async function firstAnswer(instance: Instance, host: ReadonlyHost): Promise<SqlResult> {
  const until = performance.now() + 90_000;
  await ready(instance, host, Math.min(until, performance.now() + 10_000));
  for (;;) {
    const answer = await host.sql.query(
      instance,
      'SELECT system_identifier::text FROM pg_catalog.pg_control_system()',
      { via: 'published', timeoutMs: 3_000 },
    );
    const refused = !answer.ok && answer.sqlstate?.startsWith('28') === true;
    if (answer.ok || refused || performance.now() > until || !(await runs(instance, host))) return answer;
    await sleep(100, undefined, { signal: host.signal });
  }
}

async function ready({ container }: Instance, host: ReadonlyHost, until: number): Promise<void> {
  while (performance.now() < until) {
    const lines = await host.docker.logs(container.id, { since: container.state.startedAt, tail: 20 });
    if (lines.some(({ text }) => text.includes(readyLine)) || !(await runs({ container }, host))) return;
    await sleep(25, undefined, { signal: host.signal });
  }
}

async function runs({ container }: Pick<Instance, 'container'>, host: ReadonlyHost): Promise<boolean> {
  return (await host.docker.container(container.id))?.state.running === true;
}

function published({ container }: Instance, { bindings }: PortExpected): Check {
  const missing = bindings.filter(({ containerPort, protocol, hostIp, hostPort }) => {
    const wanted = parsePorts(hostPort);
    const addresses = container.publishedPorts
      .filter((one) => one.containerPort === containerPort && one.protocol === protocol)
      .filter((one) => wanted !== undefined && isWithin(Number(one.hostPort), wanted))
      .map((one) => one.hostIp);
    return hostIp === ''
      ? !addresses.some((address) => address === '0.0.0.0' || address === '')
      : !addresses.includes(hostIp);
  });
  return {
    name: 'the ports are published',
    ok: missing.length === 0,
    seen: container.publishedPorts.map(({ hostIp, hostPort }) => `${hostIp}:${hostPort}`).join(', '),
  };
}

function sameData(seen: string, { systemIdentifier }: PortExpected): Check {
  return {
    name: 'the same data (system_identifier)',
    ok: systemIdentifier === null || seen === systemIdentifier,
    seen: systemIdentifier === null ? `${seen}, new` : seen,
  };
}

async function sameDatabases(instance: Instance, { databases }: PortExpected, host: ReadonlyHost): Promise<Check> {
  const name = 'the same databases';
  const answer = await host.sql.query(instance, databasesQuery, { via: 'published' });
  if (!answer.ok) return { name, ok: false, seen: answer.message };
  const seen = answer.rows.map((row) => row['datname'] ?? '');
  return {
    name,
    ok: databases === null || databases.join('\0') === seen.join('\0'),
    seen: databases === null ? `${seen.join(', ')}; not known before` : seen.join(', '),
  };
}

/** On an instance with a history an init is the sign of a wrong mount (PGOPS §0.3); one that never ran has its first. */
async function notInitialised(
  { container }: Instance,
  { systemIdentifier }: PortExpected,
  host: ReadonlyHost,
): Promise<Check> {
  const lines = await host.docker.logs(container.id, { since: container.state.startedAt, tail: 1_000 });
  const made = lines.some(({ text }) => text.includes(initLine));
  return {
    name: 'no new cluster was made',
    ok: !made || systemIdentifier === null,
    seen: made ? initLine : 'no such line in the log',
  };
}

function policyOf({ container }: Instance, { restartPolicy: wanted }: PortExpected): Check {
  const seen = restartPolicyOf(container);
  const ok = seen.name === wanted.name && seen.maximumRetryCount === wanted.maximumRetryCount;
  return { name: 'the restart policy is as before', ok, seen: seen.name };
}

async function likeTheOld(
  { container }: Instance,
  { target, expected }: Plan<PortExpected>,
  host: ReadonlyHost,
): Promise<readonly Check[]> {
  const old = await host.docker.container(target.container);
  if (old === undefined) return [{ name: 'the old container is kept', ok: false, seen: 'it is gone' }];
  const moved = expected.bindings.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`);
  const differences = unexpectedDifferences(old, container, moved);
  const policy = old.restartPolicy.name || 'no';
  return [
    {
      name: 'everything else is as before',
      ok: differences.length === 0,
      seen: differences.join(', ') || 'no difference',
    },
    {
      name: 'the old container stays stopped',
      ok: !old.state.running && policy === 'no',
      seen: `${old.state.status}, restart ${policy}`,
    },
  ];
}
