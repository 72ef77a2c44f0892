#!/bin/bash
# Makes sure that a Docker Engine answers: installs Debian's own where there is none and starts it where it sleeps.
# Says on its last line where the engine is. Calling it again, or from two places at once, does no harm.
#
#   DOCKER_HOST              an engine of your own: it is asked, never started
#   PROBLEMS_LAB_CACHE       where the engine's log goes (default: ~/.cache/problem-registry-lab)
set -euo pipefail

cache=${PROBLEMS_LAB_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/problem-registry-lab}
log=$cache/dockerd.log
packages=(docker.io ca-certificates curl iptables procps util-linux)
socket=/var/run/docker.sock

say() { printf 'lab engine: %s\n' "$*"; }
fail() {
  printf 'lab engine: %s\n' "$*" >&2
  exit 1
}

# Asked over the socket itself where there is one: the client is not needed for the lab.
answers() {
  local host=${DOCKER_HOST:-unix://$socket}
  case $host in
    unix://*) timeout 5 curl -fsS -o /dev/null --unix-socket "${host#unix://}" http://engine/_ping 2>/dev/null ;;
    *) timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1 ;;
  esac
}

install_missing() {
  command -v dockerd >/dev/null && command -v curl >/dev/null && return 0
  command -v apt-get >/dev/null || fail 'no dockerd here and no apt-get to install it with: install Docker yourself, then call again'
  say "installing ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  {
    # The package would start a service of its own; here the script does.
    apt-get update -q && apt-get install -y -q --no-install-recommends "${packages[@]}"
  } >"$cache/install.log" 2>&1 || fail "the packages did not install, see $cache/install.log"
}

# The scenario compose-port needs a Compose client, which an engine alone does not bring.
install_compose() {
  command -v docker-compose >/dev/null && return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say 'no Compose client: the tests of Compose projects need docker-compose on PATH'
    return 0
  fi
  say 'installing docker-compose'
  export DEBIAN_FRONTEND=noninteractive
  {
    apt-get install -y -q --no-install-recommends docker-compose ||
      { apt-get update -q && apt-get install -y -q --no-install-recommends docker-compose; }
  } >"$cache/install-compose.log" 2>&1 || fail "docker-compose did not install, see $cache/install-compose.log"
}

# A killed dockerd leaves its containerd's pid file behind, and the next start waits for that containerd in vain.
forget_dead_engine() {
  local file pid
  for file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do
    [ -s "$file" ] || continue
    pid=$(cat "$file")
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == @(dockerd|containerd) ]] || rm -f "$file"
  done
}

# $1: the folder to look for iptables in first, or nothing.
start() {
  # One that a package or a service manager started a moment ago only needs time.
  for _ in $(seq 50); do
    pgrep -x dockerd >/dev/null || break
    answers && return 0
    sleep 0.1
  done
  forget_dead_engine
  printf '\n=== %s: dockerd %s\n' "$(date -u +%FT%TZ)" "${1:+with iptables from $1}" >>"$log"
  # 9 is the lock: an engine that inherited it would hold it for ever.
  PATH=${1:+$1:}$PATH setsid nohup dockerd --storage-driver overlay2 </dev/null >>"$log" 2>&1 9>&- &
  local engine=$!
  for _ in $(seq 300); do
    answers && return 0
    kill -0 "$engine" 2>/dev/null || return 1
    sleep 0.1
  done
  kill "$engine" 2>/dev/null || true
  return 1
}

# On some kernels only the older tables work. Chosen for this engine alone: the machine's alternatives stay as they are.
legacy_iptables() {
  local folder=$cache/iptables-legacy tool
  mkdir -p "$folder"
  for tool in iptables ip6tables; do
    command -v "$tool-legacy" >/dev/null || return 1
    ln -sfn "$(command -v "$tool-legacy")" "$folder/$tool"
  done
  printf '%s' "$folder"
}

mkdir -p "$cache"
if ! { command -v curl >/dev/null && answers; }; then
  [ -z "${DOCKER_HOST:-}" ] || fail "DOCKER_HOST=$DOCKER_HOST does not answer: start that engine, or unset DOCKER_HOST to have one started here"
  [ "$(id -u)" = 0 ] || fail 'no engine answers, and only root can start one: start Docker, or call this as root'
  exec 9>/var/lock/problems-lab-engine
  flock -w 300 9 || fail 'another call has been starting the engine for five minutes'
  if ! { command -v curl >/dev/null && answers; }; then
    install_missing
    answers || start || { folder=$(legacy_iptables) && start "$folder"; } || fail "dockerd did not start, see $log"
  fi
fi
exec 8>"$cache/compose.lock"
flock -w 300 8 || fail 'another call has been installing docker-compose for five minutes'
install_compose
say "answers at ${DOCKER_HOST:-unix://$socket}, log of an engine started here: $log"
