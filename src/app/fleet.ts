import type { Instance } from '../host/instance.ts';
import { type HostBudget, instanceBudget } from '../postgres/tuning/index.ts';
import type { ReadonlyHost } from '../remediation/contract.ts';
import { notFound } from '../remediation/engine/not-found.ts';
import type { Remediation } from './open-remediation.ts';
import {
  budgetOf,
  machineMemory,
  measureBackends,
  memoryOf,
  memorySettingNames,
} from '../remediation/shared/memory.ts';
import { readServerSettings } from '../remediation/shared/server-settings.ts';
import type { Reading } from '../remediation/store/store.ts';
import { creationOf, noteSamples } from './samples.ts';

/** The memory limit of an instance, and its worst-case use. Sizes in bytes. */
export interface FleetInstance {
  readonly instance: string;
  readonly container: string;
  readonly running: boolean;
  /** 0: no limit. */
  readonly limit: number;
  readonly sharedBuffers: number;
  readonly maxConnections: number;
  readonly worstCase: number;
  /** 80% of the limit; 0 without one. */
  readonly usable: number;
  /** Share of the machine's budget: of the limit, or of the worst case without one. Above 1 if it exceeds the budget. */
  readonly share: number;
  readonly findings: readonly FleetFinding[];
  /** What could not be determined, one sentence each. */
  readonly unknown: readonly string[];
}

/**
 * `no-limit`: on a machine with others. `worst-case`: more than 80% of the limit. `shared-buffers`: more than a quarter
 * of it.
 */
export type FleetFinding = 'no-limit' | 'worst-case' | 'shared-buffers';

export interface Fleet {
  /** Sorted by name, running or not. */
  readonly instances: readonly FleetInstance[];
  /** Other running containers, sorted by name. `limit` 0: no limit, not counted. */
  readonly others: readonly { readonly container: string; readonly limit: number }[];
  readonly host: HostBudget;
}

/**
 * Every instance's memory limit and worst case, and whether the machine has enough memory for all limits.
 * See docs/engineering/memory.md#host-budget. Notes in the state file what each uses, for forecasts.
 */
export async function fleet({ session }: Remediation): Promise<Fleet> {
  const { reader, store } = session;
  const engine = await reader.docker.info();
  const machine = await machineMemory(reader);
  const { members } = machine;
  const looked = await Promise.all(
    members.flatMap(({ container, instance }) =>
      instance === undefined ? [] : [lookAt(reader, instance, container.cpus || engine.cpus, members.length > 1)],
    ),
  );
  const host = budgetOf(machine, new Map(looked.map(({ id, worstCase }) => [id, worstCase])));
  await noteSamples(store, engine.id, {
    readings: looked.flatMap(({ reading }) => reading ?? []),
    creations: members.flatMap(({ container, instance }) =>
      instance === undefined ? [] : [creationOf(instance.name, container, looked.length - 1)],
    ),
    at: session.at(),
  });
  return {
    instances: looked
      .map(({ id: _, reading: __, ...one }) => ({ ...one, share: shareOf(one, host) }))
      .sort((a, b) => (a.instance < b.instance ? -1 : 1)),
    others: members
      .filter(({ instance }) => instance === undefined)
      .map(({ container: { name, memory } }) => ({ container: name, limit: memory }))
      .sort((a, b) => (a.container < b.container ? -1 : 1)),
    host,
  };
}

/** What `forgetInstance` did. */
export interface Forgotten {
  /** Why it is still expected; null if nothing expects it. */
  readonly still: string | null;
}

/**
 * Stops expecting an instance that was checked before and whose container is gone on purpose.
 * @throws ProblemsError `not-found`: no such instance is expected.
 */
export async function forgetInstance({ session }: Remediation, name: string): Promise<Forgotten> {
  const { reader, seenInstances } = session;
  const expected = await reader.expected();
  if (!expected.some((one) => one.name === name)) {
    const names = expected.map((one) => one.name);
    throw notFound(`No instance ${name} is expected.`, name, names);
  }
  await seenInstances.forget(name, session.at());
  if ((await reader.instances()).some((instance) => instance.name === name))
    return { still: 'it has a container, so the next check will see it again' };
  const left = (await reader.expected()).find((one) => one.name === name);
  return { still: left?.because ?? null };
}

async function lookAt(
  reader: ReadonlyHost,
  instance: Instance,
  cpus: number,
  shared: boolean,
): Promise<FleetInstance & { readonly id: string; readonly reading: Reading | undefined }> {
  const { container, name } = instance;
  const [settings, backends, use] = await Promise.all([
    readServerSettings(reader, instance, memorySettingNames),
    measureBackends(reader, instance),
    container.state.running ? reader.probes.memoryUse(instance).catch(() => undefined) : undefined,
  ]);
  const { maxConnections, sharedBuffers, worstCase } = memoryOf(settings, cpus, backends?.p95);
  const { usable, over } = instanceBudget({ limit: container.memory, worstCase: worstCase.total, sharedBuffers });
  const reading: Reading | undefined = use && {
    instance: name,
    container: container.id,
    startedAt: container.state.startedAt,
    limit: container.memory,
    memory: use.anonymous + use.shared,
    oomKills: use.oomKills,
    sessions: backends?.backends ?? null,
    maxConnections,
  };
  return {
    id: container.id,
    reading,
    instance: name,
    container: container.name,
    running: container.state.running,
    limit: container.memory,
    sharedBuffers,
    maxConnections,
    worstCase: worstCase.total,
    usable,
    share: 0,
    findings: over.flatMap((one) => (one === 'limit' ? (shared ? (['no-limit'] as const) : []) : [one])),
    unknown: settings.unknown,
  };
}

function shareOf({ limit, worstCase }: FleetInstance, { budget }: HostBudget): number {
  const taken = limit > 0 ? limit : worstCase;
  return budget === 0 ? 1 : Math.round((taken / budget) * 1000) / 1000;
}
