import { ownOption } from '../postgres/client.ts';
import { countedTables, fingerprintLines, pinned, sequenceLines } from './fingerprint.ts';

/**
 * One database: psql holds the snapshot open while pg_dump reads by it, and then reads the same rows itself. The tables
 * are locked before the snapshot is taken: one that is emptied in between would be read as empty by an older snapshot.
 */
const oneDatabase = String.raw`
\set ON_ERROR_STOP on
SELECT current_setting('server_version_num')::int >= 170000 AS v17 \gset
\if :v17
SET transaction_timeout = 0;
\endif
SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '60s';
${pinned}
SELECT coalesce('LOCK TABLE ' || string_agg(format('ONLY %I.%I', n.nspname, o.relname), ', ') || ' IN ACCESS SHARE MODE', 'SET LOCAL lock_timeout = 60000') AS lock
${countedTables} \gset
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
:lock;
SELECT pg_catalog.pg_export_snapshot() AS snapshot \gset
${sequenceLines}
\setenv PROBLEMS_SNAPSHOT :snapshot
\! pg_dump -Fc --no-password --lock-wait-timeout=60s --snapshot="$PROBLEMS_SNAPSHOT" -f "/to/$PROBLEMS_FILE" >/dev/null 2>/to/.work/dump.err; echo $? >/to/.work/dump.status
${sequenceLines}
${fingerprintLines}
COMMIT;
`;

/**
 * Runs in the server's network namespace, where the rules for replication admit it, by the server's own image, and
 * writes straight to the new folder. Arguments name files alone: who asks, and with which password, comes on stdin.
 */
export const takeScript = String.raw`
set -u
IFS= read -r PGPORT; IFS= read -r PGUSER; IFS= read -r PGPASSWORD; IFS= read -r PGDATABASE; IFS= read -r label; IFS= read -r physical
export PGPORT PGUSER PGPASSWORD PGDATABASE PGHOST=127.0.0.1 PGCONNECT_TIMEOUT=10 PGAPPNAME=problem-registry PGOPTIONS='-c search_path=${ownOption}' PGPASSFILE=/dev/null HOME=/to TMPDIR=/to/.work LC_MESSAGES=C
umask 077
mkdir /to/.work && cd /to/.work && cat >one.sql || exit 1
stop() { echo "stop $1"; [ ! -f "$2" ] || grep . "$2" | tail -n 20 | cut -c1-400 | sed 's/^/words /'; exit 1; }
ask() { psql -X -q -w -At -v ON_ERROR_STOP=1 -c "$1" 2>ask.err; }
echo "system $(ask 'SELECT system_identifier FROM pg_control_system()')"
[ ! -s ask.err ] || stop 'the server could not be asked' ask.err
echo "version $(ask 'SHOW server_version')"
echo "at $(ask "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')")"
if [ "$physical" = 1 ]; then
  pg_basebackup -D /to/base -X stream -c fast --manifest-checksums=SHA256 -l "$label" --no-password >base.out 2>base.err || stop 'pg_basebackup' base.err
fi
main=$PGDATABASE
ask "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate AND datname !~ '[\r\n]' ORDER BY datname <> current_database(), datname" >databases
number=0
while IFS= read -r PGDATABASE; do
  if [ "$PGDATABASE" = postgres ] && [ "$main" != postgres ]; then
    [ "$(ask "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'" </dev/null)" != 0 ] || continue
  fi
  number=$((number + 1)); PROBLEMS_FILE=full.dump; [ $number = 1 ] || PROBLEMS_FILE=full-$number.dump
  export PGDATABASE PROBLEMS_FILE
  for attempt in 1 2 3; do
    rm -f "/to/$PROBLEMS_FILE" dump.status; : >dump.err
    psql -X -q -w -At -f one.sql >prints 2>prints.err </dev/null && [ "$(cat dump.status 2>/dev/null)" = 0 ] && break
    [ $attempt != 3 ] || { [ -s dump.err ] || cat prints.err >dump.err; stop "pg_dump of database $number" dump.err; }
    sleep 1
  done
  echo "file $PROBLEMS_FILE"
  echo "database $(ask 'SELECT json_build_array(current_database())' </dev/null)"
  sed 's/^/print /' prints
done <databases
PGDATABASE=$main
pg_dumpall --globals-only --no-password -f /to/globals.sql 2>globals.err || stop 'pg_dumpall' globals.err
cd /to && rm -rf /to/.work
sync -f /to 2>/dev/null || sync
echo over
`;

export const takeInput: string = oneDatabase;
