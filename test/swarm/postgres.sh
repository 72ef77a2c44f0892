#!/bin/bash
# Makes sure that tests of the queue can start a PostgreSQL server: installs Debian's own, without a cluster, if there is none.
set -euo pipefail

compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && exit 0
command -v apt-get >/dev/null || {
  echo 'There is no PostgreSQL in /usr/lib/postgresql, and no apt-get to install it with.' >&2
  exit 1
}
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -qy --no-install-recommends postgresql-common
# Tests make clusters of their own.
mkdir -p /etc/postgresql-common/createcluster.d
echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/problems-tests.conf
apt-get install -qy --no-install-recommends postgresql
