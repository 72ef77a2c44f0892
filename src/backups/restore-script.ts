import { unpackedFunction } from './packing.ts';

/** The scratch volume of the container: a folder that every image has, and that every user may write to. */
export const restoreScratch = '/tmp';

/** Where the restore works. */
export const place = `${restoreScratch}/restore`;

/**
 * Fills a folder that belongs to the image's postgres from a backup, in a container without a network: with the files of a server,
 * recovered to a point in time if requested, or with a new cluster that the dumps are restored into. There is no process of root and
 * no capability, and the backup comes on standard input. If the disk gets full, the server is stopped and what was written is
 * removed. The file `restoring` is in the data directory from before the first byte until after the last.
 */
export const restoreScript = String.raw`${unpackedFunction}
set -u
IFS= read -r data; IFS= read -r kind; IFS= read -r target; IFS= read -r role; IFS= read -r need; IFS= read -r packed
IFS= read -r globals; IFS= read -r password; IFS= read -r whole; IFS= read -r dumps
export TMPDIR=${place} HOME=${place} PGHOST=${place} PGCONNECT_TIMEOUT=30 PGAPPNAME=problem-registry LC_MESSAGES=C
unset PGPASSWORD PGUSER PGDATABASE PGPORT PGDATA POSTGRES_PASSWORD
umask 077
mkdir ${place} && cd ${place} || exit 1
: >list
while [ "$dumps" -gt 0 ]; do for _ in 1 2 3; do IFS= read -r line; printf '%s\n' "$line" >>list; done; dumps=$((dumps - 1)); done
note() { grep -E "$1" "$2" | cut -c1-400 | head -n 10 | sed 's/^/fault /'; }
stop() { pg_ctl -D "$data" -m fast -w -t 86400 -s stop >/dev/null 2>&1; }
empty() { find "$data" -mindepth 1 -maxdepth 1 ! -name restoring -exec rm -rf {} +; }
full=
trap 'full=1' USR1
fail() {
  [ ! -f "$data/postmaster.pid" ] || stop
  [ -z "$full" ] || { touch "$data/restoring" && empty; echo "full $reserve"; }
  exit 0
}

if [ -n "$(ls -A "$data" 2>/dev/null)" ] && [ ! -e "$data/restoring" ]; then echo 'fault the volume is not empty'; exit 0; fi
mkdir -p "$data" || { echo 'fault the folder of the data cannot be made'; exit 0; }
read -r size room < <(df -Pk "$data" | awk 'NR == 2 { print $2, $4 }')
# Other servers may write to the same disk: a twentieth of it, at most 1 GiB, stays free.
reserve=$((size / 20 < 1048576 ? size / 20 : 1048576)); need=$((need + reserve))
scratch=$(df -Pk ${place} | awk 'NR == 2 { print $4 }')
[ "$scratch" -gt $((packed + reserve)) ] || { echo "no-room $((packed + reserve)) $scratch"; exit 0; }
[ "$room" -gt "$need" ] || { echo "no-room $need $room"; exit 0; }
touch "$data/restoring" && sync "$data/restoring"
empty
guard() {
  while sleep 0.2; do
    [ "$(df -Pk "$data" | awk 'NR == 2 { print $4 }')" -lt "$reserve" ] || continue
    kill -USR1 $$
    pg_ctl -D "$data" -m immediate -s stop >/dev/null 2>&1
  done
}
guard &
serve() {
  pg_ctl -D "$data" -l ${place}/log -t 86400 -w -s -o "-c listen_addresses='' -c unix_socket_directories=${place} -c port=5432 -c ssl=off -c logging_collector=off -c log_destination=stderr -c log_min_messages=log -c archive_mode=off -c archive_command='' -c primary_conninfo='' -c primary_slot_name='' -c max_logical_replication_workers=0 -c shared_buffers=64MB -c jit=off $*" start >/dev/null 2>&1
}
asks() { PGOPTIONS='-c lock_timeout=2000 -c statement_timeout=60000' psql -X -q -At -U "$super" -d "$1" -c "$2" 2>>${place}/asked.err; }

# Whether all of it came: a sender that was killed ends the stream anywhere.
take() {
  tar -xf - -C "$1" 2>copy.err || { note . copy.err; fail; }
  [ -e "$1/$whole" ] || { echo 'fault the backup did not come to its end'; fail; }
  rm -f "$1/$whole"
}

case $kind in
base-backup)
  take "$data"
  rm -f "$data/postmaster.pid" "$data/postmaster.opts" "$data/standby.signal" "$data/recovery.signal"
  : >drill.conf; echo 'local all all trust' >hba.conf; : >ident.conf
  chmod 700 "$data"
  setting() { pg_controldata "$data" | sed -n "s/^$1 setting: *//p"; }
  preload=$(sed -n "s/^ *shared_preload_libraries *=* *'\([A-Za-z0-9_, ]*\)'.*/\1/p" "$data/postgresql.conf" 2>/dev/null | tail -n 1)
  # A standby refuses values below those of its primary.
  least="-c max_connections=$(setting max_connections) -c max_worker_processes=$(setting max_worker_processes) -c max_wal_senders=$(setting max_wal_senders) -c max_prepared_transactions=$(setting max_prepared_xacts) -c max_locks_per_transaction=$(setting max_locks_per_xact)"
  cat >>"$data/postgresql.auto.conf" <<'END'
# The source may be running: the copy neither archives, nor replicates, nor subscribes.
archive_mode = 'off'
archive_command = ''
restore_command = ''
recovery_target = ''
recovery_target_lsn = ''
recovery_target_name = ''
recovery_target_time = ''
recovery_target_xid = ''
primary_conninfo = ''
primary_slot_name = ''
max_logical_replication_workers = '0'
END
  cp "$data/postgresql.auto.conf" auto.conf && : >"$data/postgresql.auto.conf"
  goal=
  if [ -n "$target" ]; then
    touch "$data/recovery.signal"
    [ -r /archive ] || { echo 'fault the user postgres of the image cannot read the archive'; fail; }
    if [ "$target" = newest ]; then
      newest=$(ls /archive | grep -E '^[0-9A-F]{24}$' | sort | tail -n 1)
      [ -n "$newest" ] || { echo 'fault the archive is empty'; fail; }
      bytes=$(pg_controldata "$data" | sed -n 's/^Bytes per WAL segment: *//p')
      where="recovery_target_lsn='$(printf '%X/%X' $((16#$(echo "$newest" | cut -c9-16))) $((16#$(echo "$newest" | cut -c17-24) * bytes)))'"
    else where="recovery_target_time='$target'"; fi
    goal="-c restore_command='cp /archive/%f %p' -c $where -c recovery_target_action=pause -c hot_standby=on"
  fi
  if ! serve "-c config_file=${place}/drill.conf -c hba_file=${place}/hba.conf -c ident_file=${place}/ident.conf -c shared_preload_libraries='$preload' $least $goal"; then
    sed -n 's/.*last completed transaction was at log time /last /p' log | tail -n 1
    note 'FATAL|PANIC|could not' log; fail
  fi
  super=
  for one in "$role" postgres; do psql -X -q -At -U "$one" -d template1 -c 'select 1' >/dev/null 2>&1 && { super=$one; break; }; done
  if [ -n "$target" ]; then
    paused=
    while [ -z "$paused" ] && pg_ctl -D "$data" status >/dev/null 2>&1; do
      [ "$(asks template1 'select pg_is_in_recovery() and pg_is_wal_replay_paused()')" = t ] && paused=1 || sleep 0.2
    done
    if [ -z "$paused" ]; then
      sed -n 's/.*last completed transaction was at log time /last /p' log | tail -n 1
      note 'FATAL|PANIC|could not' log; fail
    fi
    sed -n 's/.*LOG:  *\(recovery stopping .*\)/stopped \1/p;s/.*LOG:  *\(pausing at the end of recovery.*\)/stopped \1/p' log
    # While recovery is paused, locks of unfinished transactions remain: do not wait for them.
    asks template1 "select datname from pg_database where datallowconn and datname <> 'template0' order by 1" >databases
    while IFS= read -r one; do echo "database $(asks "$one" 'select count(*) from pg_class' </dev/null)"; done <databases
    echo "replayed $(asks template1 'select coalesce(pg_last_xact_replay_timestamp()::text, $$none$$)')"
    asks template1 'select pg_wal_replay_resume()' >/dev/null
    while pg_ctl -D "$data" status >/dev/null 2>&1 && [ "$(asks template1 'select pg_is_in_recovery()')" != f ]; do sleep 0.2; done
  fi
  [ "$(asks template1 'select pg_is_in_recovery()')" = f ] || { note 'FATAL|PANIC|could not' log; echo 'fault the server did not leave recovery'; fail; }
  stop
  cp auto.conf "$data/postgresql.auto.conf"
  rm -f "$data/recovery.signal" ;;
dumps)
  mkdir backup && take backup
  chmod 700 "$data"
  super=$role
  mv "$data/restoring" ${place}/restoring.mark
  initdb -D "$data" -U "$super" -A trust -E UTF8 --data-checksums >initdb.out 2>&1 || { touch "$data/restoring"; note . initdb.out; fail; }
  touch "$data/restoring"
  echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
  # A dump with large objects or many tables takes more locks than a server has by default.
  serve '-c max_locks_per_transaction=1024' || { note . log; fail; }
  sql() { psql -X -q -U "$super" "$@"; }
  : >faults
  # An older server refuses a setting of a newer pg_dump, which is at its default anyway.
  knows=$(sql -At -d postgres -c 'show transaction_timeout' 2>/dev/null)
  text() { if [ -n "$knows" ]; then unpacked "backup/$1"; else unpacked "backup/$1" | sed '1,60{/^SET transaction_timeout = 0;$/d}'; fi; }
  [ -z "$globals" ] || text "$globals" | sql -d postgres 2>&1 >/dev/null | grep -v "role \"$super\" already exists" >>faults
  while IFS= read -r sort; do
    IFS= read -r file; IFS= read -r database
    case $sort in
    plain|plain-gzip)
      # A dump that creates its database is read from another one; rows go into the database of their schema.
      if text "$file" 2>/dev/null | head -c 65536 | grep -q '^CREATE DATABASE'; then database=postgres; fi
      there=$(printf "select count(*) from pg_database where datname = :'d'" | sql -At -v d="$database" -d postgres)
      [ "$there" = 1 ] || createdb -U "$super" -T template0 -E UTF8 -- "$database" 2>>faults </dev/null
      text "$file" 2>>faults | sql -v ON_ERROR_STOP=1 -d "$database" >/dev/null 2>>faults
      status=$? ;;
    cluster) text "$file" 2>>faults | sql -d postgres 2>&1 >/dev/null | grep -v "role \"$super\" already exists" >>faults; status=0 ;;
    directory)
      pg_restore -U "$super" -C --clean --if-exists --no-tablespaces -d template1 "backup/$file" 2>>faults </dev/null; status=$? ;;
    *)
      archive() { pg_restore -U "$super" -C --clean --if-exists --no-tablespaces -d template1 2>>faults; }
      # pg_restore seeks in a file that it can seek in.
      if [ "$(packer "backup/$file")" = cat ]; then archive <"backup/$file"; else unpacked "backup/$file" 2>>faults | archive; fi
      status=$? ;;
    esac
    [ $status = 0 ] || echo "error: restoring $file ended with $status" >>faults
  done <list
  if grep -qE 'ERROR|FATAL|error:|^needs ' faults; then note 'ERROR|FATAL|error:|^needs ' faults; fail; fi
  if [ -n "$password" ] && [ "$(printf "select rolpassword is null from pg_authid where rolname = :'u'" | sql -At -v u="$super" -d postgres)" = t ]; then
    printf "\\getenv secret RESTORED_PASSWORD\nalter role :\"u\" password :'secret';\n" | RESTORED_PASSWORD=$password sql -v u="$super" -d postgres >/dev/null 2>&1
  fi
  stop ;;
esac
[ -z "$full" ] || fail
[ ! -f "$data/postmaster.pid" ] || { echo 'fault the server did not stop'; fail; }
rm -f "$data/restoring"
sync -f "$data" 2>/dev/null || sync
echo over
`;
