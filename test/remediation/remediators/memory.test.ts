import { describe, expect, it } from 'vitest';
import { parseMemoryUse } from '../../../src/host/probes/memory.ts';
import { type MemoryFacts, sharedMemoryOf, worstCaseOf } from '../../../src/postgres/tuning/index.ts';
import {
  changesFor,
  limitFor,
  shmSizeFor,
  withValues,
} from '../../../src/remediation/remediators/memory/plan-values.ts';
import { diagnose, checksMissingLimits } from '../../../src/remediation/remediators/memory/diagnose.ts';
import { saysReady, type Sign, signOf, signsIn } from '../../../src/remediation/remediators/memory/log-patterns.ts';
import {
  memorySettings,
  type Observation,
  type ServerMemory,
} from '../../../src/remediation/remediators/memory/types.ts';

const MiB = 2 ** 20;

const GiB = 2 ** 30;

/** PostgreSQL's own defaults on two CPUs: a worst case of 1.5 GiB, most of it for a hundred connections. */
function server(stated: { readonly sharedBuffers?: number; readonly connections?: number } = {}): ServerMemory {
  const { sharedBuffers = 128 * MiB, connections = 100 } = stated;
  const facts: MemoryFacts = {
    cpus: 2,
    sharedMemory: sharedMemoryOf(sharedBuffers),
    workMem: 4 * MiB,
    hashMemMultiplier: 2,
    maintenanceWorkMem: 64 * MiB,
    autovacuumWorkMem: 64 * MiB,
    autovacuumMaxWorkers: 3,
    perBackend: undefined,
  };
  return {
    maxConnections: connections,
    sharedBuffers,
    facts,
    worstCase: worstCaseOf(facts, connections),
    parallelWorkersPerGather: 2,
    standby: false,
  };
}

function seen(changes: Partial<Observation> & { readonly words?: readonly Sign[] } = {}): Observation {
  const { words = [], ...rest } = changes;
  return {
    limit: 2 * GiB,
    shmSize: 64 * MiB,
    running: true,
    memory: server(),
    use: undefined,
    signs: words.map((sign) => ({ sign, at: '', stream: 'stderr', text: sign })),
    events: [],
    oomKilled: false,
    exitCode: 0,
    ...rest,
  };
}

function used(oomKills: number, peak: number): NonNullable<Observation['use']> {
  return { usage: 0, limit: 0, peak, inactiveFile: 0, anonymous: 0, shared: 0, oomKills, shmSize: 0, shmUsed: 0 };
}

const oom = { at: '2026-01-01T00:00:00.000Z', type: 'container', action: 'oom', actor: 'c', attributes: {} };

describe('log lines about memory', () => {
  it.for([
    [
      '2026-01-01 10:00:00.000 UTC [1] LOG:  server process (PID 43) was terminated by signal 9: Killed',
      'child-killed',
    ],
    ['LOG:  autovacuum worker (PID 7) was terminated by signal 9: Killed', 'child-killed'],
    ['LOG:  startup process (PID 21) was terminated by signal 9: Killed', 'startup-killed'],
    ['LOG:  redo starts at 0/1992178', 'recovering'],
    ['FATAL:  could not map anonymous shared memory: Cannot allocate memory', 'start-refused'],
    [
      'ERROR:  could not resize shared memory segment "/PostgreSQL.2846" to 8388608 bytes: No space left on device',
      'shm-full',
    ],
  ] as const)('%s', ([line, sign]) => {
    expect(signOf(line)).toBe(sign);
  });

  it.for([
    'LOG:  server process (PID 43) was terminated by signal 11: Segmentation fault',
    'ERROR:  could not extend file "base/5/1": No space left on device',
    "STATEMENT:  select 'terminated by signal 9'",
    'LOG:  database system is ready to accept connections',
  ])('are ignored: %s', (line) => {
    expect(signOf(line)).toBeUndefined();
  });

  it('count from the last successful start if the server does not come up', () => {
    const lines = [
      'LOG:  startup process (PID 2) was terminated by signal 9: Killed',
      'LOG:  database system is ready to accept connections',
      'LOG:  redo starts at 0/1',
    ].map((text) => ({ at: '', stream: 'stderr' as const, text }));
    expect(signsIn(lines, { sinceReady: true }).map(({ sign }) => sign)).toEqual(['recovering']);
    expect(signsIn(lines)).toHaveLength(2);
    expect(saysReady('LOG:  database system is ready to accept read-only connections')).toBe(true);
  });
});

describe('a diagnosis', () => {
  it('finds nothing in an instance that fits, or without a limit', () => {
    expect(diagnose(seen())).toBeUndefined();
    expect(diagnose(seen({ limit: 0, memory: undefined }))).toBeUndefined();
    expect(diagnose(seen({ limit: 0, memory: server({ sharedBuffers: 64 * GiB }) }))).toBeUndefined();
  });

  it('finds chosen buffers that fill the limit before a process is killed', () => {
    expect(diagnose(seen({ limit: 256 * MiB, memory: server({ sharedBuffers: GiB }) }))).toEqual({
      kind: 'shared-buffers-over-limit',
      cause: 'shared-buffers',
    });
  });

  it.for([
    ['nothing with the usual settings, far from the limit', 512, 60, 40, undefined],
    ['nothing with the usual settings, whose buffers would fill the limit', 128, 20, 30, undefined],
    ['nothing just below four fifths', 1000, 400, 399, undefined],
    ['a worst case above the limit at four fifths', 1000, 400, 400, 'worst-case-over-limit'],
    ['usual buffers that fill the limit at four fifths', 128, 20, 90, 'shared-buffers-over-limit'],
    ['nothing if the worst case fits, however much is held', 2048, 1000, 900, undefined],
  ] as const)('finds %s', ([, limit, anonymous, shared, kind]) => {
    const use = { ...used(0, limit * MiB), usage: limit * MiB, anonymous: anonymous * MiB, shared: shared * MiB };
    expect(diagnose(seen({ limit: limit * MiB, use }))?.kind).toBe(kind);
  });

  it('does not report a worst case if the use is unknown', () => {
    expect(diagnose(seen({ limit: GiB }))).toBeUndefined();
  });

  it('finds nothing in an instance that an operator has stopped', () => {
    const tight = { limit: 256 * MiB, memory: server({ sharedBuffers: GiB }), running: false };
    expect(diagnose(seen(tight))).toBeUndefined();
    expect(diagnose(seen({ ...tight, exitCode: 137 }))).toBeUndefined();
  });

  it('reports an OOM kill at the limit, but not a kill below a limit that was raised since', () => {
    const words = ['child-killed'] as const;
    expect(diagnose(seen({ words, use: used(1, 2 * GiB) }))).toEqual({ kind: 'oom-killed', cause: 'work' });
    expect(diagnose(seen({ words, use: used(1, GiB) }))).toBeUndefined();
    // Killed by an operator: the kernel's counter does not count it.
    expect(diagnose(seen({ words, use: used(0, 2 * GiB) }))).toBeUndefined();
  });

  it('reports an OOM kill in recovery if the kernel or Docker confirms it, or after the second kill', () => {
    const down = { running: false, limit: 2 * GiB };
    expect(diagnose(seen({ ...down, words: ['recovering', 'startup-killed'] }))).toBeUndefined();
    expect(diagnose(seen({ ...down, words: ['startup-killed', 'startup-killed'] }))?.kind).toBe('oom-in-recovery');
    expect(diagnose(seen({ ...down, words: ['recovering'], oomKilled: true }))?.kind).toBe('oom-in-recovery');
    expect(diagnose(seen({ ...down, words: ['startup-killed'], events: [oom] }))?.kind).toBe('oom-in-recovery');
    // A backend was killed once, and an operator has stopped the server since.
    expect(diagnose(seen({ ...down, words: [], oomKilled: true }))).toBeUndefined();
    expect(diagnose(seen({ ...down, words: [], oomKilled: true, exitCode: 137 }))?.kind).toBe('oom-killed');
  });

  it('reports a start that requests too much, and a full /dev/shm that is still in use', () => {
    expect(diagnose(seen({ running: false, limit: 0, words: ['start-refused'] }))?.kind).toBe('start-refused');
    expect(diagnose(seen({ words: ['shm-full'] }))?.kind).toBe('shm-too-small');
    const alone = { ...server(), parallelWorkersPerGather: 0 };
    expect(diagnose(seen({ words: ['shm-full'], memory: alone }))).toBeUndefined();
  });
});

describe('a memory plan', () => {
  it('raises the limit so that the worst case is four fifths of it, or by half if that was not enough', () => {
    const { worstCase: worst } = server();
    const limit = limitFor(server(), 256 * MiB);
    expect(worst.total / limit).toBeLessThanOrEqual(0.8);
    expect(worst.total / limit).toBeGreaterThan(0.78);
    expect(limitFor(server(), 4 * GiB)).toBe(6 * GiB);
  });

  it('sets shared_buffers to a quarter of the limit, and makes room for active sessions', () => {
    const changes = changesFor(
      512 * MiB,
      { kind: 'oom-killed', cause: 'shared-buffers' },
      server({ sharedBuffers: GiB }),
    );
    expect(changes).toMatchObject({ shared_buffers: '128MB' });
    expect(Object.keys(changes ?? {})).not.toContain('max_connections');
  });

  it('is empty if no setting of memory helps: a hundred connections do not fit into 256 MB', () => {
    expect(changesFor(256 * MiB, { kind: 'worst-case-over-limit', cause: 'work' }, server())).toBeUndefined();
  });

  it('changes only maintenance and sort memory if that is enough', () => {
    const changes = changesFor(
      Math.ceil(server().worstCase.total * 1.1),
      { kind: 'worst-case-over-limit', cause: 'work' },
      server(),
    );
    expect(Object.keys(changes ?? {})).toContain('autovacuum_work_mem');
    expect(Object.keys(changes ?? {})).not.toContain('shared_buffers');
  });

  it('sets /dev/shm to at least 256 MB and at most a quarter of the limit', () => {
    expect(shmSizeFor(0, 64 * MiB, server())).toBe(256 * MiB);
    expect(shmSizeFor(512 * MiB, 64 * MiB, server())).toBe(128 * MiB);
    expect(shmSizeFor(0, 256 * MiB, server())).toBe(512 * MiB);
  });
});

describe('a command line', () => {
  const command = ['postgres', '-c', 'shared_buffers=1GB', '--work-mem=4MB', '-cport=5433', '-N', '100'];

  it('is changed only in the named values', () => {
    expect(
      withValues(command, { shared_buffers: '128MB', work_mem: '2MB', max_connections: '10', fsync: 'off' }),
    ).toEqual(['postgres', '-c', 'shared_buffers=128MB', '--work-mem=2MB', '-cport=5433', '-N', '10']);
  });
});

describe('an instance without a limit', () => {
  it('is a problem if the memory is promised to others, or if the config says so', () => {
    expect(checksMissingLimits({ noLimit: 'when-overcommitted' }, 0, 5)).toBe(false);
    expect(checksMissingLimits({ noLimit: 'when-overcommitted' }, 1, 5)).toBe(true);
    expect(checksMissingLimits({ noLimit: 'always' }, 0, 1)).toBe(true);
    expect(checksMissingLimits({ noLimit: 'never' }, 1, 5)).toBe(false);
  });
});

describe('the counters of a cgroup', () => {
  it('are read from version 1 and from version 2, with and without a limit', () => {
    const first =
      'usage 100\nlimit 9223372036854771712\npeak 200\ninactive_file 7\nanon 8\nshmem 9\noom_kill 1\nshm_size 64\nshm_used 2\n';
    expect(parseMemoryUse(first)).toEqual({
      usage: 100,
      limit: 0,
      peak: 200,
      inactiveFile: 7,
      anonymous: 8,
      shared: 9,
      oomKills: 1,
      shmSize: 65_536,
      shmUsed: 2_048,
    });
    expect(parseMemoryUse('usage 100\nlimit max\npeak 0\noom_kill 0\n')).toMatchObject({ limit: 0, oomKills: 0 });
    expect(parseMemoryUse('cat: no such file')).toBeUndefined();
  });
});

describe('the config', () => {
  it('is validated, and errors name the key', () => {
    expect(memorySettings({ settings: {} })).toMatchObject({ raise: 'within-budget', noLimit: 'when-overcommitted' });
    expect(() => memorySettings({ settings: { memory: { raise: 'always' } } })).toThrow(
      /remediation\.settings\.memory/,
    );
  });
});
