import type { Instance } from '../../../host/instance.ts';
import { isValue } from '../../../postgres/settings.ts';
import { readableSize } from '../../../postgres/tuning/index.ts';
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
import { signsIn } from './log-patterns.ts';
import type { MemoryExpected } from './types.ts';

/**
 * Checks the settings in effect, then runs a load that fills buffers and spills sorts: no OOM without load proves nothing
 * (docs/engineering/memory.md#proving-a-fix).
 */
export async function verify(
  { target, expected, steps }: Plan<MemoryExpected>,
  host: ReadonlyHost,
): Promise<Verification> {
  const first = await waitUntilReady(target.instance, host);
  const { instance, answeredAt } = first;
  if (instance === undefined || instance.container.name !== expected.name)
    return {
      result: 'not-verified',
      checks: [{ name: 'the container is there', ok: false, seen: instance?.container.name ?? 'none' }],
    };
  const checks: Check[] = [answerCheck(first)];
  if (first.answer?.ok !== true) return { result: withoutAnswer(first), checks };
  const { container } = instance;
  // A container that was not restarted may still have its first start in its log.
  const starts = steps.some(({ action }) => action === 'container.start' || action === 'compose.change');
  checks.push(
    sameClusterCheck(first, expected.systemIdentifier),
    ...(starts ? [await notInitialisedCheck(instance, expected.systemIdentifier !== null, host)] : []),
    policyCheck(container, expected.restartPolicy),
    { name: 'the memory limit', ok: container.memory === expected.limit, seen: readableSize(container.memory) },
    { name: '/dev/shm', ok: container.shmSize === expected.shmSize, seen: readableSize(container.shmSize) },
    ...(await settingChecks(instance, expected, host)),
    ...(expected.aside === null ? [] : await asideChecks(instance, expected.aside, host)),
    ...(expected.composeHash === undefined ? [] : [composeCheck(container, expected.composeHash)]),
  );
  if (checks.every(({ ok }) => ok)) checks.push(...(await underLoad(instance, expected, host)));
  return { result: checks.every(({ ok }) => ok) ? 'verified' : 'not-verified', answeredAt, checks };
}

/** Checks value and source: `pending_restart` can be wrong (docs/engineering/settings.md#precedence). */
async function settingChecks(
  instance: Instance,
  { settings, aside, composeHash }: MemoryExpected,
  host: ReadonlyHost,
): Promise<readonly Check[]> {
  const names = Object.keys(settings);
  if (names.length === 0) return [];
  const answer = await host.sql.query(
    instance,
    `SELECT name, setting, unit, source, coalesce(sourcefile, '') AS file FROM pg_catalog.pg_settings
     WHERE name = ANY (pg_catalog.string_to_array($1, ','))`,
    { values: [names.join(',')] },
  );
  if (!answer.ok) return [{ name: 'the settings', ok: false, seen: answer.message }];
  return names.map((name) => {
    const row = answer.rows.find((one) => one['name'] === name);
    const value = settings[name] ?? null;
    const altered = row?.['file']?.endsWith('/postgresql.auto.conf') === true;
    const source = row?.['source'] ?? '';
    const isRecreated = aside !== null || composeHash !== undefined;
    const isThere = altered || (isRecreated && source === 'command line');
    const ok =
      row !== undefined &&
      (value === null ? !altered : isThere && isValue(name, value, row['setting'] ?? '', row['unit'] ?? null));
    return {
      name,
      ok,
      seen: `${row?.['setting'] ?? 'unknown'} × ${row?.['unit'] ?? '1'} from ${altered ? 'postgresql.auto.conf' : source}`,
    };
  });
}

async function asideChecks({ container }: Instance, aside: string, host: ReadonlyHost): Promise<readonly Check[]> {
  const old = await host.docker.container(aside);
  if (old === undefined) return [asideCheck(old)];
  const differences = unexpectedDifferences(old, container, { fields: ['HostConfig.ShmSize', 'Config.Cmd'] });
  return [
    asideCheck(old),
    {
      name: 'everything else is as before',
      ok: differences.length === 0,
      seen: differences.join(', ') || 'no difference',
    },
  ];
}

async function underLoad(
  instance: Instance,
  { load, limit }: MemoryExpected,
  host: ReadonlyHost,
): Promise<readonly Check[]> {
  const { id, state } = instance.container;
  const since = new Date().toISOString();
  const before = await host.probes.memoryUse(instance);
  const done = await host.probes.memoryLoad(instance, load);
  const after = await host.probes.memoryUse(instance);
  const now = await host.docker.container(id);
  const killed = signsIn(await host.docker.logs(id, { since, tail: 1_000 })).filter(
    ({ sign }) => sign === 'child-killed' || sign === 'startup-killed',
  );
  const used = after === undefined ? 0 : after.usage - after.inactiveFile;
  const share = limit === 0 ? 0 : used / limit;
  return [
    {
      name: `${load.clients} clients sort and hash${load.seconds === 0 ? '' : ` for ${load.seconds} s`}`,
      ok: done.ok && done.transactions > 0,
      seen: done.ok ? `${done.transactions} transactions` : done.message,
    },
    {
      name: 'nothing was killed meanwhile',
      ok: before?.oomKills === after?.oomKills && killed.length === 0 && now?.state.startedAt === state.startedAt,
      seen: killed[0]?.text ?? `oom_kill ${before?.oomKills ?? 'unknown'}, then ${after?.oomKills ?? 'unknown'}`,
    },
    {
      name: 'less than 85% of the limit is used',
      ok: share < 0.85,
      seen: `${readableSize(used)} without inactive file cache${limit === 0 ? '' : `, ${Math.round(share * 100)}%`}`,
    },
  ];
}
