import type { Instance } from '../../../host/instance.ts';
import type { Plan, ReadonlyHost, Verification } from '../../contract.ts';
import { waitUntilReady } from '../../shared/availability.ts';
import { unexpectedDifferences } from '../../shared/container-diff.ts';
import {
  answerCheck,
  asideCheck,
  type Check,
  composeCheck,
  notInitialisedCheck,
  policyCheck,
  sameClusterCheck,
  withoutAnswer,
} from '../../shared/settings-steps.ts';
import { databasesQuery, isWithin, parsePorts, type PortExpected } from './types.ts';

/** Queries with a password through the new port, as a client. Then checks that everything else is unchanged. */
export async function verify(plan: Plan<PortExpected>, host: ReadonlyHost): Promise<Verification> {
  const { expected, target } = plan;
  const first = await waitUntilReady(target.instance, host, { via: 'published' });
  const { instance, answeredAt } = first;
  if (instance === undefined || instance.container.name !== expected.name) {
    return {
      result: 'not-verified',
      checks: [{ name: 'the container is there', ok: false, seen: instance?.container.name ?? 'none' }],
    };
  }
  const { container } = instance;
  const checks: Check[] = [
    {
      name: 'it runs',
      ok: container.state.running && container.state.error === '',
      seen: container.state.error || container.state.status,
    },
    published(instance, expected),
    answerCheck(first, `it answers through port ${expected.port}`),
  ];
  if (first.answer?.ok !== true) return { result: withoutAnswer(first), checks };
  checks.push(
    sameClusterCheck(first, expected.systemIdentifier),
    await sameDatabases(instance, expected, host),
    await notInitialisedCheck(instance, expected.systemIdentifier !== null, host),
    policyCheck(container, expected.restartPolicy),
  );
  if (expected.composeHash !== undefined) checks.push(composeCheck(container, expected.composeHash));
  else if (!expected.same) checks.push(...(await likeTheOld(instance, plan, host)));
  return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', answeredAt, checks };
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

async function likeTheOld(
  { container }: Instance,
  { target, expected }: Plan<PortExpected>,
  host: ReadonlyHost,
): Promise<readonly Check[]> {
  const old = await host.docker.container(target.container);
  if (old === undefined) return [{ name: 'the old container is kept', ok: false, seen: 'it no longer exists' }];
  const moved = expected.bindings.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`);
  const differences = unexpectedDifferences(old, container, { ports: moved });
  return [
    {
      name: 'everything else is as before',
      ok: differences.length === 0,
      seen: differences.join(', ') || 'no difference',
    },
    asideCheck(old),
  ];
}
