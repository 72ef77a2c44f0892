/** Whether an operation may run unattended: it runs, waits for approval, or never runs automatically. */
export type Floor = 'auto' | 'approve' | 'never';

/** What an action does to its target, for the policy. Declared by the action; a plugin may declare its own. */
export interface Operation {
  /** kebab-case; used in `allow` in the config. */
  readonly name: string;
  /** The minimum that a plan with this operation requires. */
  readonly floor: Floor;
  /** Completes the sentence "<name> (<description>) needs approval". */
  readonly description: string;
}

/**
 * The rule table: what may run unattended, what needs approval, and what never runs. The config can lower an `approve`
 * by naming it under `allow`, but never a `never`.
 */
const table = {
  'read-only-diagnosis': { floor: 'auto', description: 'reading only' },
  'port-lease': { floor: 'auto', description: 'holding a port for an instance' },
  'move-stopped-port': { floor: 'auto', description: 'moving the port of a stopped instance' },
  'restart-stopped': { floor: 'auto', description: 'starting or recreating an instance that is down' },
  'connect-client-network': { floor: 'auto', description: 'connecting a client to a network' },
  'chown-stopped-volume': {
    floor: 'auto',
    description: 'changing owner and mode on a stopped volume that holds only expected files',
  },
  'update-dependant-file': {
    floor: 'auto',
    description: 'changing the port in a file of a client; the old text is kept',
  },
  'reload-setting': { floor: 'auto', description: 'changing a setting within bounds that needs only a reload' },
  'end-idle-session': {
    floor: 'auto',
    description: 'ending a session that has been idle in transaction for a long time and has written nothing',
  },
  'new-backup': { floor: 'auto', description: 'taking, checking and test-restoring a new backup' },
  'quarantine-backup': { floor: 'auto', description: 'moving a bad backup to quarantine' },
  'raise-memory': { floor: 'auto', description: 'raising a memory limit within the budget' },
  'retry-migration': { floor: 'auto', description: 'running a transactional migration again' },
  'drop-own-invalid-index': {
    floor: 'auto',
    description: 'dropping an invalid index that a migration of this program left',
  },
  'restart-policy': { floor: 'auto', description: 'changing the restart policy of a container' },
  'rename-aside': { floor: 'auto', description: 'renaming a replaced container' },

  'restart-running': { floor: 'approve', description: 'restarting a running instance' },
  'recreate-running': { floor: 'approve', description: 'recreating a running instance' },
  'shared-memory-setting': {
    floor: 'approve',
    description: 'changing max_connections, shared_buffers or a similar setting',
  },
  'insert-pooler': { floor: 'approve', description: 'inserting a connection pooler' },
  'terminate-session': {
    floor: 'approve',
    description: 'ending a session that has written or that its client may still use',
  },
  'set-lock-file-aside': {
    floor: 'approve',
    description: 'renaming a lock file that names no process and that no server can own',
  },
  'comment-out-setting': {
    floor: 'approve',
    description: 'commenting out a line of a config file that the server refuses; the old text is kept',
  },
  'end-session-for-slot': {
    floor: 'approve',
    description: 'ending one idle session of a server that accepts no other, known by its process title alone',
  },
  'edit-hba': { floor: 'approve', description: 'changing access rules in pg_hba.conf' },
  'expire-backup': { floor: 'approve', description: 'removing a backup that newer good backups replace' },
  'record-migration': { floor: 'approve', description: 'recording a migration as applied that ran outside the ledger' },
  reindex: { floor: 'approve', description: 'rebuilding indexes' },
  'record-collation-version': {
    floor: 'approve',
    description: 'recording that a database was built with the version of a library that sorts its text now',
  },
  'edit-compose': {
    floor: 'approve',
    description: 'changing a Compose file and recreating the container of its service',
  },
  'drop-slot': { floor: 'approve', description: 'dropping a replication slot that nothing reads' },
  'recreate-dependant': { floor: 'approve', description: 'recreating an application' },
  'switch-volume': { floor: 'approve', description: 'moving data to another volume' },
  'restore-switch-over': { floor: 'approve', description: 'switching to restored data' },
  'change-image': { floor: 'approve', description: 'changing the image' },

  'delete-data': { floor: 'never', description: 'deleting a volume or the last good backup' },
  'reset-wal': { floor: 'never', description: 'pg_resetwal, zero_damaged_pages, deleting WAL or postmaster.pid' },
  'disable-durability': { floor: 'never', description: 'turning off fsync or full_page_writes' },
  'kill-server': { floor: 'never', description: 'kill -9 on a server process' },
  'open-access': { floor: 'never', description: 'allowing `trust` or every address in pg_hba.conf' },
  'restore-over-live': { floor: 'never', description: 'restoring over live data' },
  'restart-engine': { floor: 'never', description: 'restarting the Docker engine or the machine' },
  'share-volume': { floor: 'never', description: 'two running containers on one volume' },
} as const satisfies Readonly<Record<string, Omit<Operation, 'name'>>>;

/** The standard operations by name: `operations['restart-running']`. */
export const operations = namedOperations(table);

function namedOperations<Name extends string>(
  declared: Readonly<Record<Name, Omit<Operation, 'name'>>>,
): Readonly<Record<Name, Operation>> {
  const named: Partial<Record<Name, Operation>> = {};
  for (const name in declared) named[name] = { name, ...declared[name] };
  return { ...declared, ...named };
}
