import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeVerification } from '../../src/backups/sidecar-files.ts';
import type { BackupVerification } from '../../src/backups/types.ts';
import { type ListedEngine, openListedEngine } from '../remediation/listed-engine.ts';
import { golden, openProject, type Project } from './project.ts';

/* What the commands about instances print for an engine that lists its containers, and return for one that is not there. */

const GiB = 2 ** 30;

/** None of them runs, so that everything is known from what the engine lists. */
const containers = [
  { name: 'vrooli-postgres-orders', memory: 2 * GiB, volume: 'orders-data', port: '5440' },
  { name: 'vrooli-postgres-billing', memory: 4 * GiB, volume: 'billing-data', port: '5440' },
  { name: 'vrooli-postgres-orders.pgops-old-1a2b', memory: 8 * GiB, volume: 'orders-data', port: '5440' },
  { name: 'web', memory: GiB, volume: 'web-data', port: '8080' },
].map(({ name, memory, volume, port }, index) => {
  const published = { '5432/tcp': [{ HostIp: '', HostPort: port }] };
  return {
    Id: String(index).repeat(64),
    Name: `/${name}`,
    Image: `sha256:${'f'.repeat(64)}`,
    Created: '2025-12-01T00:00:00Z',
    Config: { Image: 'postgres:17', Labels: {}, Env: ['POSTGRES_USER=app', 'POSTGRES_PASSWORD=secret', 'PG_MAJOR=17'] },
    HostConfig: { Memory: memory, MemorySwap: memory, PortBindings: published, RestartPolicy: { Name: 'always' } },
    State: {
      Running: false,
      Status: 'exited',
      ExitCode: 0,
      StartedAt: '2025-12-01T00:00:00Z',
      FinishedAt: '2025-12-02T00:00:00Z',
    },
    Mounts: [
      { Type: 'volume', Name: volume, Source: `/volumes/${volume}`, Destination: '/var/lib/postgresql/data', RW: true },
    ],
    NetworkSettings: { Networks: {} },
  };
});

let project: Project;
let engine: ListedEngine | undefined;

beforeEach(() => {
  project = openProject();
});
afterEach(async () => {
  engine?.close();
  engine = undefined;
  await project[Symbol.asyncDispose]();
});

async function transcriptOf(commands: readonly (readonly string[])[]): Promise<string> {
  let told = '';
  for (const words of commands) told += (await project.run(words)).text;
  return told;
}

describe('commands about instances', () => {
  it('print the same for the same containers', async () => {
    engine = await openListedEngine(project.path, { MemTotal: 20 * GiB, ServerVersion: '20.10' }, containers);
    const told = await transcriptOf([
      ['fleet', '--json'],
      ['preflight', '--memory', '10g', '--json'],
      ['preflight', '--memory', '11g', '--volume', 'orders-data', '--json'],
      ['preflight', '--memory', '10g', '--volume', 'free-data', '--instance', 'orders', '--json'],
      ['tune', 'orders', '--json'],
      ['tune', 'billing', '--profile', 'oltp', '--connections', '80', '--disk', 'hdd', '--json'],
      ['detect', '--json', '--remediator', 'memory'],
      ['detect', '--json', '--instance', 'orders', '--remediator', 'connection-pool,migration-lock'],
      ['detect', '--json', '--instance', 'billing', '--remediator', 'port-reassignment'],
    ]);
    await expect(told).toMatchFileSnapshot(golden('instances/listed.txt'));
  });

  it('print the same for the backups of a folder, from the files next to them', async () => {
    const check = { at: '2026-01-02T08:30:00Z', says: ['2 files were read'], ms: 12 };
    const records = {
      '20260101_030000': {
        'metadata.json': { created: '2026-01-01T03:00:00Z', status: 'complete', postgres_version: '17.5' },
        'fingerprints.json': {
          schemaVersion: 1,
          at: '2026-01-01T03:00:05Z',
          systemIdentifier: '7000000000000000001',
          serverVersion: '17.5',
          databases: [{ database: 'orders', file: 'full.dump', tables: { 'public.t': { rows: '3', sum: '9' } } }],
        },
      },
      '20260102_030000': {},
      '.20260103_030000.part': {},
      '.quarantined/20251201_030000': {
        'quarantine.json': { schemaVersion: 1, at: '2025-12-02T00:00:00Z', reason: 'L2 truncated', mode: 448 },
      },
    };
    const proofs: Readonly<Record<string, BackupVerification>> = {
      '20260101_030000': {
        schemaVersion: 1,
        checks: [
          { ...check, level: 'L0', result: 'passed' },
          { ...check, level: 'L4', result: 'passed' },
        ],
        files: [{ path: 'full.dump', bytes: 9, sha256: 'a'.repeat(64) }],
        filesAt: '2026-01-01T03:00:05Z',
        filesBy: 'completion',
        tookMs: 5_000,
      },
      '20260102_030000': {
        schemaVersion: 1,
        checks: [{ ...check, level: 'L2', result: 'failed', cause: 'truncated' }],
        files: [],
        filesAt: '',
        filesBy: 'first verification',
      },
    };
    for (const [name, files] of Object.entries(records)) {
      const folder = `.vrooli/backups/postgres/orders/${name}`;
      project.write(`${folder}/full.dump`, 'PGDMP\u0001\u000e\u0000\u0004');
      for (const [file, value] of Object.entries(files)) project.write(`${folder}/${file}`, JSON.stringify(value));
      const proof = proofs[name];
      if (proof !== undefined) await writeVerification(join(project.path, folder), `orders/${name}`, proof);
    }
    project.write('.vrooli/backups/postgres/orders/20260104_030000/schema.sql', 'CREATE TABLE t ();\n');
    project.write('.vrooli/backups/postgres/orders/20260104_030000/data.sql', 'COPY t FROM stdin;\n\\.\n');
    project.write('.vrooli/backups/postgres/billing/20260105_030000/backup_manifest', '{}');
    project.write('.vrooli/backups/postgres/billing/20260105_030000/PG_VERSION', '17\n');
    const told = await transcriptOf([
      ['backups', '--json'],
      ['backups', 'billing', '--json'],
      ['backups', 'nowhere', '--json'],
      ['backups', 'expire', 'orders', '--json'],
    ]);
    await expect(told).toMatchFileSnapshot(golden('instances/backups.txt'));
  });

  it('return the same exit codes without an engine, and for wrong command lines', async () => {
    project.write('migrations/1_first.sql', 'SELECT 1;\n');
    project.write('unknown.yaml', 'remediation:\n  alow: [restart-running]\n');
    project.write('never.yaml', 'remediation:\n  allow: [delete-data]\n');
    project.write('plugin.yaml', 'plugins: [./missing.mjs]\n');
    const commands = [
      ['detect'],
      ['detect', '--json'],
      ['detect', '--remediator', 'nothing'],
      ['detect', '--config', 'unknown.yaml'],
      ['detect', '--config', 'never.yaml'],
      ['detect', '--config', 'plugin.yaml'],
      ['plan', '--json'],
      ['remediate', '--json'],
      ['remediate', '--yes'],
      ['remediate', '--all', '--yes'],
      ['remediate', '--to-named-volume', 'orders', '--json'],
      ['approve'],
      ['approve', 'r0123456789', '--json'],
      ['runs'],
      ['runs', 'r0123456789', '--json'],
      ['runs', 'lift'],
      ['resume'],
      ['resume', 'r0123456789'],
      ['rollback'],
      ['rollback', 'r0123456789', '--json'],
      ['ports', '--json'],
      ['ports', 'leese'],
      ['ports', 'lease'],
      ['ports', 'lease', 'orders', '--json'],
      ['ports', 'lease', 'orders', '--ttl', '0'],
      ['backups'],
      ['backups', 'verify'],
      ['backups', 'verify', 'orders/none', '--json'],
      ['backups', 'take'],
      ['backups', 'take', 'orders', '--json'],
      ['backups', 'restore', 'orders/none', '--into', 'copy', '--json'],
      ['backups', 'expire', '--json'],
      ['backups', 'nothing', 'orders'],
      ['backups', 'verify', 'orders', '--level', 'L9'],
      ['preflight'],
      ['preflight', '--port', '70000'],
      ['preflight', '--memory', 'lots'],
      ['preflight', '--memory', '1g', '--json'],
      ['tune'],
      ['tune', 'orders', '--json'],
      ['tune', 'orders', '--connections', '1'],
      ['fleet', '--json'],
      ['migrate'],
      ['migrate', 'orders'],
      ['migrate', 'orders', 'migrations', '--dry-run', '--json'],
      ['migrate', 'orders', 'missing', '--json'],
      ['migrate', '--all', 'migrations', '--json'],
      ['migrate', '--all', 'orders', 'migrations'],
      ['migrate', 'orders', 'migrations', '--template', 't', '--dry-run'],
      ['migrate', 'orders', 'migrations', '--databases', 'a'],
      ['migrate', 'orders', 'migrations', '--address', 'nowhere'],
    ];
    let lines = '';
    for (const words of commands) {
      const { code, stdout } = await project.run(words);
      lines += `${code} ${stdout === '' ? '-' : 'stdout'} problems ${words.join(' ')}\n`;
    }
    await expect(lines).toMatchFileSnapshot(golden('instances/exit-codes.txt'));
  });
});
