import { describe, expect, it } from 'vitest';
import type { Fleet, Tuning } from '../../src/app/remediation.ts';
import { plain } from '../../src/reporters/escape-terminal.ts';
import { plainTable } from '../../src/reporters/table.ts';
import {
  fleetFoot,
  fleetTable,
  tuningFoot,
  tuningHead,
  tuningReasons,
  tuningTable,
} from '../../src/reporters/text/tuning.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;

const tuning: Tuning = {
  instance: 'orders',
  container: 'vrooli-postgres-orders',
  running: true,
  postgres: 17,
  profile: 'web',
  disk: 'ssd',
  memory: { bytes: 512 * MiB, is: 'limit' },
  cpus: { count: 0.5, is: 'quota' },
  backends: { backends: 12, p95: 6.25 * MiB },
  settings: [
    {
      name: 'max_connections',
      current: '150',
      recommended: '20',
      changes: true,
      reason: '200 would not fit',
      rule: 'connections',
      pgtune: '200',
      source: 'command line',
      takes: 'recreate',
      pendingRestart: false,
    },
    {
      name: 'work_mem',
      current: null,
      recommended: '4MB',
      changes: true,
      reason: 'the least',
      rule: 'pgtune',
      pgtune: null,
      source: '/data/postgresql.auto.conf',
      takes: 'reload',
      pendingRestart: true,
    },
  ],
  containerSettings: [{ name: 'shm-size', current: '64MB', recommended: '128MB', reason: 'hashes lie in it' }],
  worstCase: 400 * MiB,
  usable: 409.6 * MiB,
  fits: true,
  ceiling: 5,
  needsPooler: false,
  warnings: ['it is a standby'],
  unknown: ['the disk \u001b[31m'],
};

describe('a recommendation as text', () => {
  it('shows its facts, a line for each setting, and a summary', () => {
    const text = tuningHead(tuning, plain) + plainTable(tuningTable(tuning)) + tuningFoot(tuning, plain);
    expect(text).toBe(`orders  PostgreSQL 17, profile web, ssd
  512 MiB of memory (its limit), 0.5 CPUs (its quota)
  6.3 MiB per backend, measured over 12
SETTING          CURRENT  RECOMMENDED  CHANGE           SET BY                WHY
max_connections      150           20  recreate         command line          200 would not fit (PGTune: 200)
work_mem               ?          4MB  restart pending  postgresql.auto.conf  the least
2 settings to change, 1 of them with a restart.
At worst 400 MiB of 409.6 MiB that may be used.
warning: it is a standby
container: --shm-size 128MB instead of 64MB: hashes lie in it
note: the disk \\u{1b}[31m
`);
  });

  it('shows the reasons for changes below the table on a narrow terminal', () => {
    expect(plainTable(tuningTable(tuning, 80)) + tuningReasons(tuning, 80))
      .toBe(`SETTING          CURRENT  RECOMMENDED  CHANGE
max_connections      150           20  recreate
work_mem               ?          4MB  restart pending
max_connections (command line): 200 would not fit (PGTune: 200)
work_mem (postgresql.auto.conf): the least
`);
    expect(tuningReasons(tuning, 120)).toBe('');
  });

  it('says that there is not enough memory, or that no change is recommended', () => {
    expect(tuningFoot({ ...tuning, fits: false }, plain)).toContain('not enough memory.');
    expect(tuningFoot({ ...tuning, settings: [] }, plain)).toMatch(/^No changes recommended\.\n/);
  });
});

const fleet: Fleet = {
  instances: [
    {
      instance: 'free',
      container: 'vrooli-postgres-free',
      running: true,
      limit: 0,
      sharedBuffers: 128 * MiB,
      maxConnections: 100,
      worstCase: 1.5 * GiB,
      usable: 0,
      share: 0.25,
      findings: ['no-limit'],
      unknown: [],
    },
    {
      instance: 'orders',
      container: 'vrooli-postgres-orders',
      running: false,
      limit: 5 * GiB,
      sharedBuffers: 2 * GiB,
      maxConnections: 700,
      worstCase: 8 * GiB,
      usable: 4 * GiB,
      share: 0.833,
      findings: ['worst-case', 'shared-buffers'],
      unknown: ['settings are those of its files'],
    },
  ],
  others: [
    { container: 'cache', limit: GiB },
    ...['a', 'b', 'c', 'd', 'e', 'f'].map((container) => ({ container, limit: 0 })),
  ],
  host: {
    memory: 8 * GiB,
    reserve: 2 * GiB,
    budget: 6 * GiB,
    promised: 7.5 * GiB,
    left: -1.5 * GiB,
    within: false,
    unlimited: ['vrooli-postgres-free'],
  },
};

describe('a fleet as text', () => {
  it('shows a line for each instance, and the machine', () => {
    expect(plainTable(fleetTable(fleet)) + fleetFoot(fleet, plain)).toBe(
      `INSTANCE  STATE    LIMIT  SHARED BUFFERS  CONNECTIONS  AT WORST  SHARE  FINDINGS
free      running   none         128 MiB          100   1.5 GiB    25%  no limit, on a machine with other containers
orders    stopped  5 GiB           2 GiB          700     8 GiB    83%  worst case above 4 GiB, 80% of the limit; shared_buffers above a quarter of the limit
Machine: 8 GiB, of which 2 GiB are reserved for itself; containers may use 7.5 GiB, 1.5 GiB more than available
Also counted: cache
Without a limit, not counted: a, b, c, d, e and 1 more
note: orders: settings are those of its files
`,
    );
  });
});
