#!/bin/bash
# Makes sure that tests of metrics and alerts can start Prometheus and Alertmanager: installs Debian's own if there are none.
set -euo pipefail

missing=()
command -v prometheus >/dev/null && command -v promtool >/dev/null || missing+=(prometheus)
command -v prometheus-alertmanager >/dev/null || missing+=(prometheus-alertmanager)
[ "${#missing[@]}" -gt 0 ] || exit 0
command -v apt-get >/dev/null || {
  echo "There is no ${missing[*]}, and no apt-get to install it with." >&2
  exit 1
}
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -qy --no-install-recommends "${missing[@]}"
