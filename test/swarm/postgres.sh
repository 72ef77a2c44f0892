#!/bin/bash
# Makes sure that tests of the queue can start a PostgreSQL server and PgBouncer: installs Debian's own, without a cluster, if there
# are none.
set -euo pipefail

compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && [[ -x /usr/sbin/pgbouncer ]] && exit 0
command -v apt-get >/dev/null || {
  echo 'There is no PostgreSQL in /usr/lib/postgresql or no /usr/sbin/pgbouncer, and no apt-get to install it with.' >&2
  exit 1
}
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -qy --no-install-recommends postgresql-common
# Tests make clusters of their own.
mkdir -p /etc/postgresql-common/createcluster.d
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/problems-tests.conf
apt-get install -qy --no-install-recommends postgresql pgbouncer
