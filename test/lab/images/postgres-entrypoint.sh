#!/bin/bash
# Entrypoint of the lab's PostgreSQL images. It honours what the official image promises (variables, owner, order of
# events, the two lines that tools look for in the log), written anew.
set -Eeo pipefail
shopt -s nullglob

die() {
  printf 'Error: %s\n' "$*" >&2
  exit 1
}

# NAME [DEFAULT]: the variable NAME takes its value from the file that NAME_FILE names, from itself, or from the default.
settle() {
  local name=$1 file=$1_FILE value
  [ -z "${!name-}" ] || [ -z "${!file-}" ] || die "both $name and $file are set (but are exclusive)"
  value=${!name-${2-}}
  [ -z "${!file-}" ] || value=$(<"${!file}")
  export "$name=${value:-${2-}}"
  unset "$file"
}

ask() { PGHOST='' PGHOSTADDR='' psql -X -q -w -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" "$@"; }

# As root: the folders are made and whatever has another owner is given to the postgres user, then the rest runs as that.
own_and_step_down() {
  local folders=("$PGDATA" /var/run/postgresql ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"})
  find "${folders[@]}" ! -user postgres -exec chown postgres {} +
  exec gosu postgres "${BASH_SOURCE[0]}" "$@"
}

make_folders() {
  mkdir -p "$PGDATA" /var/run/postgresql || :
  chmod 0700 "$PGDATA" || :
  chmod 3775 /var/run/postgresql || :
  [ -z "${POSTGRES_INITDB_WALDIR-}" ] || { mkdir -p "$POSTGRES_INITDB_WALDIR" && chmod 0700 "$POSTGRES_INITDB_WALDIR"; }
}

# initdb wants a name for the uid it runs as; --user may have brought one that no account has.
name_this_user() {
  local library
  getent passwd "$(id -u)" >/dev/null && return
  for library in /usr/lib/*/libnss_wrapper.so; do
    NSS_WRAPPER_PASSWD=$(mktemp) NSS_WRAPPER_GROUP=$(mktemp)
    printf 'postgres:x:%s:%s:PostgreSQL:%s:/bin/false\n' "$(id -u)" "$(id -g)" "$PGDATA" >"$NSS_WRAPPER_PASSWD"
    printf 'postgres:x:%s:\n' "$(id -g)" >"$NSS_WRAPPER_GROUP"
    export LD_PRELOAD=$library NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
  done
}

make_cluster() {
  local extra=()
  [ -z "${POSTGRES_INITDB_WALDIR-}" ] || extra=(--waldir "$POSTGRES_INITDB_WALDIR")
  name_this_user
  # The arguments are split as a shell would, which is how the official image takes them.
  eval 'initdb --username="$POSTGRES_USER" --pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD") "${extra[@]}" '"$POSTGRES_INITDB_ARGS"
  unset LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
  printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption "$@")}" >>"$PGDATA/pg_hba.conf"
}

run_file() {
  case $1 in
    *.sh)
      if [ -x "$1" ]; then
        echo "$0: running $1"
        "$1"
      else
        echo "$0: sourcing $1"
        . "$1"
      fi
      ;;
    *.sql) echo "$0: running $1" && ask -d "$POSTGRES_DB" -f "$1" ;;
    *.sql.gz) echo "$0: running $1" && gunzip -c "$1" | ask -d "$POSTGRES_DB" ;;
    *.sql.xz) echo "$0: running $1" && xzcat "$1" | ask -d "$POSTGRES_DB" ;;
    *.sql.zst) echo "$0: running $1" && zstd -dc "$1" | ask -d "$POSTGRES_DB" ;;
    *) echo "$0: ignoring $1" ;;
  esac
}

# A server that listens on its socket alone creates the database and runs the files of /docker-entrypoint-initdb.d.
fill_cluster() {
  local file
  export PGPASSWORD=${PGPASSWORD:-$POSTGRES_PASSWORD}
  PGUSER=${PGUSER:-$POSTGRES_USER} pg_ctl -D "$PGDATA" -w start -o "$(printf '%q ' "$@" -c listen_addresses= -p "${PGPORT:-5432}")"
  if [ -z "$(ask -d postgres -At -v db="$POSTGRES_DB" <<<"select 1 from pg_database where datname = :'db'")" ]; then
    ask -d postgres -v db="$POSTGRES_DB" <<<'create database :"db"'
  fi
  for file in /docker-entrypoint-initdb.d/*; do run_file "$file"; done
  pg_ctl -D "$PGDATA" -m fast -w stop
  unset PGPASSWORD
}

serves() {
  [ "$1" = postgres ] || return 1
  local argument
  for argument in "$@"; do
    case $argument in '-?' | --help | --describe-config | -V | --version) return 1 ;; esac
  done
}

[ "${1:0:1}" != - ] || set -- postgres "$@"
if serves "$@"; then
  make_folders
  [ "$(id -u)" != 0 ] || own_and_step_down "$@"
  if [ -s "$PGDATA/PG_VERSION" ]; then
    printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
  else
    settle POSTGRES_PASSWORD
    settle POSTGRES_USER postgres
    settle POSTGRES_DB "$POSTGRES_USER"
    settle POSTGRES_INITDB_ARGS
    [ -n "$POSTGRES_PASSWORD" ] || [ "${POSTGRES_HOST_AUTH_METHOD-}" = trust ] ||
      die 'Database is uninitialized and superuser password is not specified: POSTGRES_PASSWORD must have a value.'
    make_cluster "${@:2}"
    fill_cluster "${@:2}"
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
  fi
fi
exec "$@"
