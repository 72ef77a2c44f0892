import type { BackupChanger, BackupReader } from '../backups/types.ts';
import type { ComposeReader } from '../host/compose/types.ts';
import type { Probes } from '../host/probes/types.ts';
import type { LeaseChanger } from '../remediation/contract.ts';

/** The parts of a test host that have no memory: what the test declares is answered, everything else fails. */

/** Fails with what to declare: `probes.survey` becomes `createTestHost({ probes: { survey: async () => … } })`. */
export function missing(path: string): () => Promise<never> {
  return async () => {
    const keys = path.split('.');
    const declaration = keys
      .slice(0, -1)
      .reduceRight((inner, key) => `${key}: { ${inner} }`, `${keys.at(-1)}: async () => …`);
    throw new Error(`The test host does not know ${path}.\nDeclare it: createTestHost({ ${declaration} })`);
  };
}

export function testProbes(declared: Partial<Probes> = {}): Probes {
  return {
    portsFree: missing('probes.portsFree'),
    reach: missing('probes.reach'),
    httpGet: missing('probes.httpGet'),
    survey: missing('probes.survey'),
    imageUser: missing('probes.imageUser'),
    baseBackup: missing('probes.baseBackup'),
    referenceSchema: missing('probes.referenceSchema'),
    holdSessions: missing('probes.holdSessions'),
    serverProcesses: missing('probes.serverProcesses'),
    sessionMemory: missing('probes.sessionMemory'),
    dataSpace: missing('probes.dataSpace'),
    diskUse: missing('probes.diskUse'),
    memoryUse: missing('probes.memoryUse'),
    fileSettings: missing('probes.fileSettings'),
    memoryLoad: missing('probes.memoryLoad'),
    amcheck: missing('probes.amcheck'),
    readRows: missing('probes.readRows'),
    ...declared,
  };
}

export function testCompose(declared: Partial<ComposeReader> = {}): ComposeReader {
  return { mode: 'edit', clients: async () => [], config: missing('compose.config'), ...declared };
}

export function testBackups(declared: Partial<BackupReader> = {}): BackupReader {
  return {
    folders: ['/project/.vrooli/backups/postgres'],
    list: missing('backups.list'),
    read: missing('backups.read'),
    expired: missing('backups.expired'),
    fingerprints: missing('backups.fingerprints'),
    check: missing('backups.check'),
    ...declared,
  };
}

export function testBackupChanges(declared: Partial<BackupChanger> = {}): BackupChanger {
  return {
    take: missing('change.backups.take'),
    record: missing('change.backups.record'),
    quarantine: missing('change.backups.quarantine'),
    release: missing('change.backups.release'),
    putBack: missing('change.backups.putBack'),
    expire: missing('change.backups.expire'),
    unexpire: missing('change.backups.unexpire'),
    removeExpired: missing('change.backups.removeExpired'),
    ...declared,
  };
}

export function testLeaseChanges(declared: Partial<LeaseChanger> = {}): LeaseChanger {
  return {
    take: missing('change.leases.take'),
    bind: missing('change.leases.bind'),
    release: missing('change.leases.release'),
    put: missing('change.leases.put'),
    ...declared,
  };
}
