import { posix } from 'node:path';
import type { BackupChanger, BackupReader } from '../backups/types.ts';
import type { ComposeChanger, ComposeReader } from '../host/compose/types.ts';
import type { DockerChanger, DockerReader } from '../host/docker/types.ts';
import type { Instance } from '../host/instance.ts';
import { findDeclarations, findInstances, uniqueInstance } from '../host/instances.ts';
import type { SqlChanger, SqlOptions, SqlResult, SqlRow, TableToRead } from '../host/postgres/types.ts';
import type { Probes } from '../host/probes/types.ts';
import type {
  ExpectedInstance,
  Host,
  Json,
  LeaseChanger,
  OpenHost,
  PortLease,
  ReadonlyHost,
} from '../remediation/contract.ts';
import { compareBy } from '../util/compare.ts';
import { missing, testBackupChanges, testBackups, testCompose, testLeaseChanges, testProbes } from './declared.ts';
import { changeContainers, changeMemoryFiles, type Memory, readContainers, readMemoryFiles } from './memory.ts';
import {
  containerOf,
  instanceContainer,
  plain,
  sqlAnswer,
  type TestContainer,
  type TestInstance,
} from './test-containers.ts';

/** Some functions of an interface, as the test wants them. A call of any other fails and says what to declare. */
export type TestPart<Methods> = Partial<Methods>;

export interface TestHostOptions {
  readonly instances?: readonly TestInstance[];
  /** Containers that are no instances, such as clients. */
  readonly containers?: readonly TestContainer[];
  /** Absolute paths below `roots`, with their text. Others do not exist. */
  readonly files?: Readonly<Record<string, string>>;
  /** Default `['/project']`. */
  readonly roots?: readonly string[];
  /** `remediation.settings` of the config, by name of the remediator. */
  readonly settings?: Readonly<Record<string, Json>>;
  readonly leases?: readonly PortLease[];
  /** Instances that must exist, beside those with an `instance.conf`. */
  readonly expected?: readonly ExpectedInstance[];
  /** Answers of Docker beyond info and containers: `logs: async () => []`. */
  readonly docker?: TestPart<DockerReader>;
  /** What the Compose client says. Default: files may be edited, and there is no client. */
  readonly compose?: TestPart<ComposeReader>;
  readonly probes?: TestPart<Probes>;
  readonly backups?: TestPart<BackupReader>;
  /** Changes beyond those of files, restart policies, names and states of containers. */
  readonly change?: {
    readonly docker?: TestPart<DockerChanger>;
    readonly compose?: TestPart<ComposeChanger>;
    readonly sql?: TestPart<SqlChanger>;
    readonly backups?: TestPart<BackupChanger>;
    readonly leases?: TestPart<LeaseChanger>;
  };
}

export interface TestHost {
  /** For `detect`, `plan` and `verify`: it cannot change anything. */
  readonly reader: ReadonlyHost;
  /** For actions: its changes of files and containers happen, in memory. */
  readonly acting: Host;
  /** For `openRemediation({ host })`: the real engine on this host. */
  readonly open: OpenHost;
  /** Everything that actions can change in memory: files and containers. */
  readonly world: () => Json;
}

/**
 * A host in memory, without Docker. It knows what is declared, and nothing else: a question about anything else fails with
 * words that say what to declare, so that no test passes by accident.
 *
 * @example
 * const { reader } = createTestHost({
 *   instances: [{ name: 'orders', sql: { 'select 1 as one': [{ one: '1' }] } }],
 *   files: { '/project/NOTE': 'text' },
 * });
 * const { findings } = await myRemediator.detect(reader);
 */
export function createTestHost(options: TestHostOptions = {}): TestHost {
  const { instances = [], roots = ['/project'], leases = [] } = options;
  const containers = [...instances.map(instanceContainer), ...(options.containers ?? []).map(containerOf)];
  const memory: Memory = {
    containers: new Map(containers.map((container) => [container.id, container])),
    files: new Map(Object.entries(options.files ?? {})),
    leases: new Map(leases.map((lease) => [lease.port, lease])),
    roots,
  };
  const files = readMemoryFiles(memory);
  const docker = readContainers(memory, options.docker);
  const folders = roots.map((root) => posix.join(root, 'instances'));
  const all = (): Promise<readonly Instance[]> => findInstances({ docker, files, folders });
  const reader: OpenHost['reader'] = {
    docker,
    files,
    compose: testCompose(options.compose),
    sql: {
      query: async (instance, statement, sqlOptions) => answerOf(instances, instance.name, statement, sqlOptions),
      readTables: async (instance, tables, sqlOptions) => tablesOf(instances, instance.name, tables, sqlOptions),
    },
    probes: testProbes(options.probes),
    backups: testBackups(options.backups),
    instances: all,
    instance: async (name) => uniqueInstance(await all(), name),
    declaredInstances: () => findDeclarations({ files, folders }),
    signal: new AbortController().signal,
  };
  const changer: OpenHost['changer'] = {
    docker: changeContainers(memory, options.change?.docker),
    files: changeMemoryFiles(memory, files),
    compose: { up: options.change?.compose?.up ?? missing('change.compose.up') },
    sql: {
      execute: options.change?.sql?.execute ?? missing('change.sql.execute'),
      openSession: options.change?.sql?.openSession ?? missing('change.sql.openSession'),
      endBackend: options.change?.sql?.endBackend ?? missing('change.sql.endBackend'),
      takeSlot: options.change?.sql?.takeSlot ?? missing('change.sql.takeSlot'),
    },
    backups: testBackupChanges(options.change?.backups),
  };
  const readonlyHost: ReadonlyHost = {
    ...reader,
    leases: { list: async () => [...memory.leases.values()].toSorted((a, b) => a.port - b.port) },
    expected: async () => options.expected ?? [],
    settings: options.settings ?? {},
  };
  return {
    reader: readonlyHost,
    acting: {
      ...readonlyHost,
      change: { ...changer, leases: testLeaseChanges(options.change?.leases) },
      run: { id: 'r-test', token: 1, labels: { 'problems.run': 'r-test', 'problems.token': '1' } },
    },
    open: {
      reader,
      changer,
      withSignal: (signal) => ({ reader: { ...reader, signal }, changer }),
      secrets: () => [],
    },
    world: () => worldOf(memory),
  };
}

function answerOf(
  instances: readonly TestInstance[],
  name: string,
  statement: string,
  options: SqlOptions = {},
): SqlResult {
  const answer = sqlAnswer(instances.find((one) => one.name === name)?.sql ?? {}, statement, options);
  if (answer !== undefined) return answer;
  const declare = `instances: [{ name: '${name}', sql: { '<statement>': [{ column: 'value' }] } }]`;
  throw new Error(`The test host has no answer of ${name} to: ${plain(statement)}\nDeclare it: ${declare}`);
}

/** Tables are declared as the statement `TABLE schema.name`. */
function tablesOf(
  instances: readonly TestInstance[],
  name: string,
  tables: readonly TableToRead[],
  options?: SqlOptions,
): SqlResult {
  const rows: SqlRow[] = [];
  for (const table of tables) {
    const answer = answerOf(instances, name, `TABLE ${table.schema}.${table.name}`, options);
    if (!answer.ok) return answer;
    rows.push(...answer.rows.map((row) => ({ ...row, table: table.name })));
  }
  return { ok: true, rows, truncated: false, via: 'published' };
}

function worldOf({ containers, files }: Memory): Json {
  return {
    files: Object.fromEntries([...files].toSorted(compareBy(([path]) => path))),
    containers: [...containers.values()]
      .toSorted(compareBy(({ id }) => id))
      .map(({ id, name, state, restartPolicy, memory }) => ({
        id,
        name,
        running: state.running,
        restartPolicy: restartPolicy.name,
        memory,
      })),
  };
}
