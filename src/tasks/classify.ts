import type { ProblemClass } from './types.ts';

/** One topic that problems are about: the class it belongs to, the remediator that can repair it, and how it is spoken of. */
export interface TriageRule {
  /** Short, for reasons: "its title speaks of port conflicts". */
  readonly topic: string;
  readonly class: ProblemClass;
  /** Name of a remediator for PostgreSQL instances; absent where there is none. */
  readonly remediator?: string;
  /** Their words count in this order, with at most two others between; a word of five letters or more also begins longer ones. */
  readonly phrases: readonly string[];
}

/** The table of docs/tasks.md. Where two rules fit a record equally well, the first one counts. */
export const triageRules: readonly TriageRule[] = [
  {
    topic: 'port conflicts',
    class: 'resource-conflict',
    remediator: 'port-reassignment',
    phrases: [
      'port conflict',
      'port allocation',
      'port assignment',
      'port reassignment',
      'port collision',
      'port clash',
      'port already',
      'port in use',
      'port taken',
      'duplicate port',
      'port exhaustion',
      'port run out',
      'free port',
      'port binding',
      'port range',
    ],
  },
  {
    topic: 'connection pools',
    class: 'performance',
    remediator: 'connection-pool',
    phrases: [
      'connection pool',
      'pool exhaustion',
      'connection exhaustion',
      'connection limit',
      'connection slot',
      'connection leak',
      'max connections',
      'too many clients',
      'too many connections',
      'idle in transaction',
    ],
  },
  {
    topic: 'memory',
    class: 'performance',
    remediator: 'memory',
    phrases: ['memory', 'oom', 'out of memory', 'memory allocation', 'shared buffers', 'work mem'],
  },
  {
    topic: 'damaged data and backups',
    class: 'data-integrity',
    remediator: 'backup-repair',
    phrases: [
      'data corruption',
      'corrupt',
      'data integrity',
      'data loss',
      'lost data',
      'backup',
      'restore',
      'checksum',
      'integrity',
    ],
  },
  {
    topic: 'volume permissions',
    class: 'permissions',
    remediator: 'volume-permissions',
    phrases: [
      'volume permission',
      'permission volume',
      'directory permission',
      'volume ownership',
      'wrong ownership',
      'directory ownership',
    ],
  },
  { topic: 'permissions', class: 'permissions', phrases: ['permission', 'ownership', 'access denied', 'privilege'] },
  {
    topic: 'migrations',
    class: 'migration',
    remediator: 'migration-lock',
    phrases: ['migration', 'schema migration', 'migration lock', 'migration race', 'schema version', 'schema change'],
  },
  {
    topic: 'network connections',
    class: 'network',
    remediator: 'network-reconnect',
    phrases: [
      'network',
      'connection timeout',
      'connection refused',
      'connection reset',
      'connection lost',
      'unreachable',
      'dns',
      'name resolution',
      'host not found',
    ],
  },
  {
    topic: 'conflicts over resources',
    class: 'resource-conflict',
    phrases: ['resource conflict', 'conflict', 'contention', 'collision', 'name clash', 'deadlock'],
  },
  {
    topic: 'performance',
    class: 'performance',
    phrases: ['performance', 'slow', 'latency', 'exhaustion', 'high cpu', 'bottleneck', 'throughput'],
  },
  {
    topic: 'configuration',
    class: 'configuration',
    phrases: ['config', 'misconfig', 'setting', 'environment variable', 'template'],
  },
];
