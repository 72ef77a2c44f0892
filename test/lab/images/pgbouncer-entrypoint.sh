#!/bin/bash
# PgBouncer in front of one server. DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD name the server and the one user;
# POOL_MODE, DEFAULT_POOL_SIZE, MAX_CLIENT_CONN and LISTEN_PORT do what their names say. A configuration that is mounted
# at /etc/pgbouncer/pgbouncer.ini is left as it is.
set -euo pipefail
folder=/etc/pgbouncer

if [ ! -e "$folder/pgbouncer.ini" ]; then
  mkdir -p "$folder"
  : "${DB_HOST:?}" "${DB_USER:?}" "${DB_PASSWORD:?}"
  printf '"%s" "%s"\n' "${DB_USER//\"/\"\"}" "${DB_PASSWORD//\"/\"\"}" >"$folder/userlist.txt"
  cat >"$folder/pgbouncer.ini" <<INI
[databases]
${DB_NAME:-*} = host=$DB_HOST port=${DB_PORT:-5432}
[pgbouncer]
listen_addr = *
listen_port = ${LISTEN_PORT:-6432}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $folder/userlist.txt
admin_users = $DB_USER
pool_mode = ${POOL_MODE:-transaction}
default_pool_size = ${DEFAULT_POOL_SIZE:-20}
max_client_conn = ${MAX_CLIENT_CONN:-100}
ignore_startup_parameters = extra_float_digits
INI
  chmod 0600 "$folder"/*
  chown -R postgres:postgres "$folder"
fi
exec gosu postgres pgbouncer "$@" "$folder/pgbouncer.ini"
