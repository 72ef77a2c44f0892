import type { Instance } from '../../../host/instance.ts';
import { type Ceiling, connectionCeiling, readableSize } from '../../../postgres/tuning/index.ts';
import type { Finding, Plan, ReadonlyHost, Refusal, Step } from '../../contract.ts';
import { poolerFolder, poolerOf } from '../../shared/availability.ts';
import { refusal } from '../../shared/for-each-instance.ts';
import { measureBackends, memoryFor, memoryOf, memorySettingNames } from '../../shared/memory.ts';
import { keptContainer, recreateSteps, refusalToRecreate } from '../../shared/recreate.ts';
import { readServerSettings, type ServerSettings } from '../../shared/server-settings.ts';
import { settingSteps } from '../../shared/settings-steps.ts';
import { lastSample, type Observation, ordinarySlots, type PoolDetails, type PoolExpected, spared } from './types.ts';

export interface ServerCeiling {
  readonly ceiling: Ceiling;
  /** Bytes: the container's limit, or its share of the machine. */
  readonly memory: number;
  readonly isLimited: boolean;
  readonly settings: ServerSettings;
}

/**
 * How many connections the memory of a server allows, from its own figures.
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
 * A container's command with another max_connections; undefined where the command does not name it in a form that can
 * be told with certainty. A value on the command line goes before every file.
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

/** The bounds that `setting.alter-stopped` keeps to. */
const most = 5_000;

/**
 * How many connections to allow: a quarter more than are asked for, or all that memory allows if that is less.
 * Undefined where memory allows fewer than are asked for: a pooler is the answer then, and no raise.
 * See docs/engineering/memory.md#connection-ceiling.
 */
export function wantedConnections(demand: number, reserved: number, ceiling: number): number | undefined {
  const least = demand + reserved + spared;
  const wanted = Math.ceil((demand * 1.25 + reserved + spared) / 10) * 10;
  const allowed = Math.min(ceiling, most);
  return least > allowed ? undefined : Math.min(wanted, allowed);
}

/** A higher max_connections, which takes a restart; through a new container where the command line says the value. */
export async function planRaise(
  finding: Finding<PoolDetails>,
  instance: Instance,
  measured: Observation,
  wanted: number,
  { ceiling, memory, isLimited, settings }: ServerCeiling,
  host: ReadonlyHost,
): Promise<Plan<PoolExpected> | Refusal> {
  const { name, container, volumeKey, dataMount } = instance;
  const { maxConnections } = measured.limits;
  const refused = refusalToRaise(instance, measured);
  if (refused !== undefined) return refused;
  const known = settings.values.get('max_connections');
  const byCommand = known?.source === 'command line';
  const why = `${readableSize(memory)} ${isLimited ? 'of its limit' : 'as its share of the machine'} allow at most ${ceiling.connections}, by its settings and ${readableSize(ceiling.terms.total)} in the worst case.`;
  let steps: readonly Step[];
  if (byCommand) {
    const command = withMaxConnections(container.command, wanted);
    if (command === undefined)
      return refusal(
        `max_connections of ${name} comes from the command line of ${container.name}, in a form that is not changed with certainty: ${container.command.join(' ').slice(0, 300)}.`,
        `Create the container again with max_connections=${wanted}.`,
      );
    const recreate = await refusalToRecreate(instance, host, {
      compose: (file) => `Set max_connections to ${wanted} in ${file}, and run docker compose up -d.`,
    });
    if (recreate !== undefined) return recreate;
    steps = recreateSteps({
      instance,
      edits: { command },
      why: `The command line says ${maxConnections}, which goes before every file. ${why}`,
    });
  } else {
    if (dataMount === undefined)
      return refusal(
        `The data of ${name} is in the container itself: its postgresql.auto.conf could not be put back while it is stopped.`,
        `ALTER SYSTEM SET max_connections = ${wanted}, and a restart.`,
      );
    steps = settingSteps(instance, { max_connections: String(wanted) }, `${whereItStands(known?.file ?? null)} ${why}`);
  }
  const systemIdentifier = await systemIdentifierOf(instance, host);
  if (systemIdentifier === undefined) return refusal(`${name} does not say which cluster it is.`, 'Detect again.');
  const holdsBack = await canHoldBack(instance, host);
  return {
    type: 'plan',
    remediator: finding.remediator,
    finding,
    target: { instance: name, container: container.id, volumes: [volumeKey] },
    summary: `Allow ${wanted} connections on ${name} in place of ${maxConnections}, which takes a restart.`,
    steps: holdsBack
      ? [
          { action: 'pooler.pause', params: { instance: name }, why: 'Its clients wait, and lose no transaction.' },
          ...steps,
          { action: 'pooler.resume', params: { instance: name } },
        ]
      : steps,
    cleanup: [],
    leftovers: byCommand ? [keptContainer(container)] : [],
    risk: 'restart',
    downtime: {
      seconds: 5,
      why: 'The server shuts down and starts again: all sessions end, and their clients must connect anew.',
    },
    unpredictable: ['A client that does not connect again by itself stays away until somebody restarts it.'],
    undo: byCommand
      ? 'The old container takes its name again and is started.'
      : 'The old text of postgresql.auto.conf comes back while the server is stopped, and it is started again.',
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

/** A server that starts again must do so on the same data: docs/engineering/data-directory.md#new-cluster. */
async function systemIdentifierOf(instance: Instance, host: ReadonlyHost): Promise<string | undefined> {
  const answer = await host.sql.query(instance, 'SELECT system_identifier::text FROM pg_catalog.pg_control_system()');
  return answer.ok ? (answer.rows[0]?.['system_identifier'] ?? undefined) : undefined;
}

/** Whether a pooler of ours can: in session mode it would wait for clients to leave. */
async function canHoldBack(instance: Instance, host: ReadonlyHost): Promise<boolean> {
  const pooler = await poolerOf(instance, host);
  if (pooler?.state.running !== true) return false;
  const bytes = await host.docker.file(pooler.id, `${poolerFolder}/pgbouncer.ini`);
  return /^pool_mode = transaction$/m.test(new TextDecoder().decode(bytes));
}

/**
 * Which shared-memory settings a standby has must not be less than those of its primary:
 * docs/engineering/settings.md#standbys.
 */
function refusalToRaise({ name }: Instance, { limits }: Observation): Refusal | undefined {
  if (limits.standby)
    return refusal(
      `${name} is a standby.`,
      'Raise max_connections on every standby first, then on the primary; a lower value than the primary has stops replay.',
    );
  if (limits.replicas > 0)
    return refusal(
      `${limits.replicas} standbys follow ${name}. With a higher max_connections here than there they stop replaying.`,
      'Raise max_connections on the standbys first, then here.',
    );
  return undefined;
}

/** What the file says stays as it is; postgresql.auto.conf goes before it. */
function whereItStands(file: string | null): string {
  if (file === null) return 'No file says it so far.';
  return file.endsWith('/postgresql.auto.conf')
    ? 'postgresql.auto.conf says it already.'
    : `${file} says it and is left as it is: postgresql.auto.conf goes before it.`;
}
