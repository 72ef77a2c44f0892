/**
 * The rule table: what may be done unattended, what a person must approve, what is never done. It is the floor of every
 * decision. A configuration lowers an `approve` only by naming it under `allow`; a `never` cannot be lowered.
 */
export const operations = {
  'read-only-diagnosis': { floor: 'auto', about: 'looking, without changing anything' },
  'port-lease': { floor: 'auto', about: 'holding a port for an instance' },
  'move-stopped-port': { floor: 'auto', about: 'moving the port of an instance that does not run' },
  'restart-stopped': { floor: 'auto', about: 'starting or recreating an instance that is already down' },
  'connect-client-network': { floor: 'auto', about: 'connecting a client to a network' },
  'chown-stopped-volume': { floor: 'auto', about: 'owner and mode on a stopped volume after a clean survey' },
  'update-dependant-file': { floor: 'auto', about: 'the port in a file of a client, the old text kept' },
  'reload-setting': { floor: 'auto', about: 'a setting within bounds that needs only a reload' },
  'end-idle-session': {
    floor: 'auto',
    about: 'ending a session that has been idle in a transaction for long and has written nothing',
  },
  'new-backup': { floor: 'auto', about: 'a new backup, its check and its drill' },
  'quarantine-backup': { floor: 'auto', about: 'setting a bad backup aside' },
  'raise-memory': { floor: 'auto', about: 'a higher memory limit within the budget' },
  'retry-migration': { floor: 'auto', about: 'running a transactional migration again' },
  'drop-own-invalid-index': { floor: 'auto', about: 'dropping an invalid index that our own migration left' },
  'restart-policy': { floor: 'auto', about: 'when the engine starts a container by itself' },
  'rename-aside': { floor: 'auto', about: 'keeping a replaced container under another name' },

  'restart-running': { floor: 'approve', about: 'restarting an instance that runs' },
  'recreate-running': { floor: 'approve', about: 'recreating an instance that runs' },
  'shared-memory-setting': { floor: 'approve', about: 'max_connections, shared_buffers and their like' },
  'insert-pooler': { floor: 'approve', about: 'putting a pooler in front' },
  'terminate-session': { floor: 'approve', about: 'ending a session that has written' },
  'edit-hba': { floor: 'approve', about: 'access rules' },
  'expire-backup': { floor: 'approve', about: 'removing a backup that newer good ones have replaced' },
  'record-migration': { floor: 'approve', about: 'recording as applied what was made without the ledger' },
  reindex: { floor: 'approve', about: 'building indexes anew' },
  'recreate-dependant': { floor: 'approve', about: 'recreating an application' },
  'switch-volume': { floor: 'approve', about: 'moving data to another volume' },
  'restore-switch-over': { floor: 'approve', about: 'switching to restored data' },
  'change-image': { floor: 'approve', about: 'another image' },

  'delete-data': { floor: 'never', about: 'deleting a volume or the last good backup' },
  'reset-wal': { floor: 'never', about: 'pg_resetwal, zero_damaged_pages, deleting WAL or postmaster.pid' },
  'disable-durability': { floor: 'never', about: 'fsync or full_page_writes off' },
  'kill-server': { floor: 'never', about: 'kill -9 on a server process' },
  'open-access': { floor: 'never', about: '`trust` or every address in pg_hba.conf' },
  'restore-over-live': { floor: 'never', about: 'restoring over live data' },
  'restart-engine': { floor: 'never', about: 'restarting the engine or the machine' },
  'share-volume': { floor: 'never', about: 'two running containers on one volume' },
} as const satisfies Readonly<Record<string, { readonly floor: 'auto' | 'approve' | 'never'; readonly about: string }>>;

export type Operation = keyof typeof operations;
