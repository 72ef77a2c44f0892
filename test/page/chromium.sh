#!/bin/bash
# Makes sure that tests of the page find Chromium: installs Debian's if there is none.
set -euo pipefail

[ -x "${CHROMIUM:-/usr/bin/chromium}" ] && exit 0
command -v apt-get >/dev/null || {
  echo 'There is no /usr/bin/chromium, and no apt-get to install it with.' >&2
  exit 1
}
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -qy --no-install-recommends chromium
