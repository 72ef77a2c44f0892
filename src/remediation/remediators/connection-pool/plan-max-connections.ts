import { serviceOf } from '../../../compose/project.ts';
import { editCommand } from '../../../compose/settings.ts';
import type { Instance } from '../../../host/instance.ts';
import { type Ceiling, connectionCeiling, readableSize } from '../../../postgres/tuning/index.ts';
import type { Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { poolerFolder, poolerOf } from '../../shared/availability.ts';
import { isInCompose, planComposeChange, type PlannedComposeChange } from '../../shared/compose.ts';
import { planOn, refusal } from '../../shared/for-each-instance.ts';
import { measureBackends, memoryFor, memoryOf, memorySettingNames } from '../../shared/memory.ts';
import { keptContainer, recordsToKeep, recreateSteps, refusalToRecreate } from '../../shared/recreate.ts';
import { readServerSettings, type ServerSettings } from '../../shared/server-settings.ts';
import { settingSteps } from '../../shared/settings-steps.ts';
import {
  isFull,
  lastSample,
  type Observation,
  ordinarySlots,
  type PoolDetails,
  type PoolExpected,
  spared,
} from './types.ts';

export interface ServerCeiling {
  readonly ceiling: Ceiling;
  /** Bytes: the container's limit, or its share of the machine. */
  readonly memory: number;
  readonly isLimited: boolean;
  readonly settings: ServerSettings;
}

/**
 * How many connections the memory of a server allows, from its settings and measured sessions.
 * See docs/engineering/memory.md#connection-ceiling.
 */
export async function ceilingOf(instance: Instance, cpus: number, host: ReadonlyHost): Promise<ServerCeiling> {
  const [settings, backends, { bytes: memory }] = await Promise.all([
    readServerSettings(host, instance, memorySettingNames),
    measureBackends(host, instance),
    memoryFor(instance.container, host),
  ]);
  const { facts } = memoryOf(settings, cpus, backends?.p95);
  return {
    ceiling: connectionCeiling({ ...facts, memory }),
    memory,
    isLimited: instance.container.memory > 0,
    settings,
  };
}

/**
 * A container's command with another max_connections; undefined if the command does not set it in a known form. A value
 * on the command line overrides every file.
 * See docs/engineering/settings.md#precedence.
 */
export function withMaxConnections(command: readonly string[], value: number): readonly string[] | undefined {
  let found = false;
  const edited = command.map((word, at) => {
    const before = command[at - 1];
    const named = /^((?:-c|--)?max[_-]connections=)\d+$/i.exec(word)?.[1];
    if (named !== undefined && (named.startsWith('-') || before === '-c')) {
      found = true;
      return `${named}${value}`;
    }
    if (before === '-N' && /^\d+$/.test(word)) {
      found = true;
      return String(value);
    }
    if (/^-N\d+$/.test(word)) {
      found = true;
      return `-N${value}`;
    }
    return word;
  });
  return found ? edited : undefined;
}

/** The bounds of `setting.alter-stopped`. */
const most = 5_000;

/**
 * How many connections to allow: a quarter more than clients need, or what memory allows if that is less. Undefined if
 * memory allows fewer than clients need: the answer is a pooler then.
 * See docs/engineering/memory.md#connection-ceiling.
 */
export function wantedConnections(demand: number, reserved: number, ceiling: number): number | undefined {
  const least = demand + reserved + spared;
  const wanted = Math.ceil((demand * 1.25 + reserved + spared) / 10) * 10;
  const allowed = Math.min(ceiling, most);
  return least > allowed ? undefined : Math.min(wanted, allowed);
}

/** Raises max_connections, which needs a restart, or a new container if the command line sets it. */
export async function planRaise(
  finding: Finding<PoolDetails>,
  instance: Instance,
  measured: Observation,
  wanted: number,
  { ceiling, memory, isLimited, settings }: ServerCeiling,
  host: ReadonlyHost,
): Promise<Plan<PoolExpected> | Refusal> {
  const { name, container, dataMount } = instance;
  const { maxConnections } = measured.limits;
  const refused = refusalToRaise(instance, measured);
  if (refused !== undefined) return refused;
  const known = settings.values.get('max_connections');
  const byCommand = known?.source === 'command line';
  const inCompose = byCommand && isInCompose(container);
  const why = `${isLimited ? 'Its limit' : 'Its share of the machine'} of ${readableSize(memory)} allows at most ${ceiling.connections} connections, which need ${readableSize(ceiling.terms.total)} in the worst case.`;
  let steps: readonly Step[];
  if (byCommand) {
    const command = withMaxConnections(container.command, wanted);
    if (command === undefined)
      return refusal(
        `max_connections of ${name} is set on the command line of ${container.name}, in a form that cannot be changed safely: ${container.command.join(' ').slice(0, 300)}.`,
        `Recreate the container with max_connections=${wanted}.`,
      );
    const recreate = await refusalToRecreate(instance, host, {
      editsCompose: true,
      compose: (file) => `Set max_connections to ${wanted} in ${file}, then run: docker compose up -d`,
    });
    if (recreate !== undefined) return recreate;
    const because = `The command line sets ${maxConnections}, which overrides every file. ${why}`;
    if (inCompose) {
      const change = await raiseInCompose(instance, wanted, because, host);
      if (change.type === 'refusal') return change;
      steps = [change.step];
    } else steps = recreateSteps({ instance, edits: { command }, why: because });
  } else {
    if (dataMount === undefined)
      return refusal(
        `The data of ${name} is in the container itself, so undo could not restore its postgresql.auto.conf while it is stopped.`,
        `Run ALTER SYSTEM SET max_connections = ${wanted}, then restart it.`,
      );
    steps = settingSteps(instance, { max_connections: String(wanted) }, `${whereItStands(known?.file ?? null)} ${why}`);
  }
  const systemIdentifier = await systemIdentifierOf(instance, host);
  if (systemIdentifier === undefined)
    return refusal(`The system identifier of ${name} could not be read.`, 'Run `problems detect` again.');
  const holdsBack = await canHoldBack(instance, host);
  return {
    ...planOn(finding, instance),
    summary: `Raise max_connections of ${name} from ${maxConnections} to ${wanted}, with a restart.`,
    done: `max_connections of ${name} raised from ${maxConnections} to ${wanted}`,
    steps: holdsBack
      ? [
          {
            action: 'pooler.pause',
            params: { instance: name },
            why: 'Clients of the pooler wait and lose no transaction.',
          },
          ...steps,
          { action: 'pooler.resume', params: { instance: name } },
        ]
      : steps,
    leftovers: byCommand && !inCompose ? [keptContainer(container)] : [],
    risk: 'restart',
    ...(isFull(measured)
      ? {}
      : { approval: 'only the log of the server says that slots were missing, and any role can write to the log' }),
    downtime: {
      seconds: 5,
      why: 'The server restarts: all sessions end, and their clients must reconnect.',
    },
    unpredictable: ['A client that does not reconnect by itself must be restarted.'],
    undo: inCompose
      ? 'The file is restored, and Compose creates the container as it says and starts it.'
      : byCommand
        ? 'The old container gets back its name and is started.'
        : 'The server is stopped, the old text of postgresql.auto.conf is restored, and the server is started.',
    expected: {
      name: container.name,
      promised: ordinarySlots({ ...measured.limits, maxConnections: wanted }) - spared,
      clients: lastSample(measured).sessions.length,
      role: instance.user,
      database: instance.database,
      timeout: null,
      maxConnections: wanted,
      systemIdentifier,
      pooler: null,
    },
  };
}

/** The same on the command line that the files of the instance's Compose project state. */
async function raiseInCompose(
  instance: Instance,
  wanted: number,
  why: string,
  host: ReadonlyHost,
): Promise<PlannedComposeChange | Refusal> {
  const { unchanged, alone } = recordsToKeep(instance);
  const values = { max_connections: String(wanted) };
  return planComposeChange(
    {
      ...instance,
      key: 'command',
      edit: (sources) => editCommand(sources, serviceOf(instance.container.labels)?.service ?? '', values),
      inWords: `set max_connections=${wanted} in the command of ${instance.name}`,
      why,
      expects: [unchanged, alone],
    },
    host,
  );
}

/** A restarted server must have the same data: docs/engineering/data-directory.md#new-cluster. */
async function systemIdentifierOf(instance: Instance, host: ReadonlyHost): Promise<string | undefined> {
  const answer = await host.sql.query(instance, 'SELECT system_identifier::text FROM pg_catalog.pg_control_system()');
  return answer.ok ? (answer.rows[0]?.['system_identifier'] ?? undefined) : undefined;
}

/** Whether our pooler can be paused: in session mode it would wait for clients to disconnect. */
async function canHoldBack(instance: Instance, host: ReadonlyHost): Promise<boolean> {
  const pooler = await poolerOf(instance, host);
  if (pooler?.state.running !== true) return false;
  const bytes = await host.docker.file(pooler.id, `${poolerFolder}/pgbouncer.ini`);
  return /^pool_mode = transaction$/m.test(new TextDecoder().decode(bytes));
}

/**
 * Shared-memory settings of a standby must not be lower than those of its primary:
 * docs/engineering/settings.md#standbys.
 */
function refusalToRaise({ name }: Instance, { limits }: Observation): Refusal | undefined {
  if (limits.standby)
    return refusal(
      `${name} is a standby.`,
      'Raise max_connections on every standby first, then on the primary; a lower value than on the primary stops replay.',
    );
  if (limits.replicas > 0)
    return refusal(
      `${name} has ${limits.replicas} standbys. They stop replaying if max_connections is higher here than there.`,
      'Raise max_connections on the standbys first, then here.',
    );
  return undefined;
}

/** The file is unchanged; postgresql.auto.conf overrides it. */
function whereItStands(file: string | null): string {
  if (file === null) return 'No file sets it so far.';
  return file.endsWith('/postgresql.auto.conf')
    ? 'postgresql.auto.conf already sets it.'
    : `${file} sets it and is unchanged: postgresql.auto.conf overrides it.`;
}
