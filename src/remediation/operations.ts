/** How far an operation may go unattended: runs by itself, waits for an approval, or is never done by a program. */
export type Floor = 'auto' | 'approve' | 'never';

/** What an action does to its target, as the policy sees it. Declared by the action; a plugin may declare its own. */
export interface Operation {
  /** kebab-case; what `allow` in the config names. */
  readonly name: string;
  /** The least that every decision about a plan with this operation requires. */
  readonly floor: Floor;
  /** What is done, for the sentence "<name> (<description>) needs approval". */
  readonly description: string;
}

/**
 * The rule table: what may run unattended, what needs approval, what is never done. A configuration lowers an `approve`
 * by naming it under `allow`; a `never` cannot be lowered.
 */
const table = {
  'read-only-diagnosis': { floor: 'auto', description: 'looking, without changing anything' },
  'port-lease': { floor: 'auto', description: 'holding a port for an instance' },
  'move-stopped-port': { floor: 'auto', description: 'moving the port of an instance that does not run' },
  'restart-stopped': { floor: 'auto', description: 'starting or recreating an instance that is already down' },
  'connect-client-network': { floor: 'auto', description: 'connecting a client to a network' },
  'chown-stopped-volume': { floor: 'auto', description: 'owner and mode on a stopped volume after a clean survey' },
  'update-dependant-file': { floor: 'auto', description: 'the port in a file of a client, the old text kept' },
  'reload-setting': { floor: 'auto', description: 'a setting within bounds that needs only a reload' },
  'end-idle-session': {
    floor: 'auto',
    description: 'ending a session that has been idle in a transaction for long and has written nothing',
  },
  'new-backup': { floor: 'auto', description: 'a new backup, its check and its drill' },
  'quarantine-backup': { floor: 'auto', description: 'setting a bad backup aside' },
  'raise-memory': { floor: 'auto', description: 'a higher memory limit within the budget' },
  'retry-migration': { floor: 'auto', description: 'running a transactional migration again' },
  'drop-own-invalid-index': { floor: 'auto', description: 'dropping an invalid index that our own migration left' },
  'restart-policy': { floor: 'auto', description: 'when the engine starts a container by itself' },
  'rename-aside': { floor: 'auto', description: 'keeping a replaced container under another name' },

  'restart-running': { floor: 'approve', description: 'restarting an instance that runs' },
  'recreate-running': { floor: 'approve', description: 'recreating an instance that runs' },
  'shared-memory-setting': { floor: 'approve', description: 'max_connections, shared_buffers and their like' },
  'insert-pooler': { floor: 'approve', description: 'putting a pooler in front' },
  'terminate-session': { floor: 'approve', description: 'ending a session that has written' },
  'edit-hba': { floor: 'approve', description: 'access rules' },
  'expire-backup': { floor: 'approve', description: 'removing a backup that newer good ones have replaced' },
  'record-migration': { floor: 'approve', description: 'recording as applied what was made without the ledger' },
  reindex: { floor: 'approve', description: 'building indexes anew' },
  'recreate-dependant': { floor: 'approve', description: 'recreating an application' },
  'switch-volume': { floor: 'approve', description: 'moving data to another volume' },
  'restore-switch-over': { floor: 'approve', description: 'switching to restored data' },
  'change-image': { floor: 'approve', description: 'another image' },

  'delete-data': { floor: 'never', description: 'deleting a volume or the last good backup' },
  'reset-wal': { floor: 'never', description: 'pg_resetwal, zero_damaged_pages, deleting WAL or postmaster.pid' },
  'disable-durability': { floor: 'never', description: 'fsync or full_page_writes off' },
  'kill-server': { floor: 'never', description: 'kill -9 on a server process' },
  'open-access': { floor: 'never', description: '`trust` or every address in pg_hba.conf' },
  'restore-over-live': { floor: 'never', description: 'restoring over live data' },
  'restart-engine': { floor: 'never', description: 'restarting the engine or the machine' },
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
