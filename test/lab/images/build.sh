#!/bin/bash
# Builds the layers of the lab's images from Debian packages alone, as root, without a Docker Engine:
#
#   build.sh SUITE MAJOR FOLDER      e.g. build.sh bookworm 15 /tmp/layers-15
#
# leaves in FOLDER: root.tar (PostgreSQL and the official image's contract), uid70.tar (the same cluster owner as the
# Alpine image), seeded.tar (a cluster made beforehand), pgbouncer.tar, webgui.tar, and packages.txt (what went in).
# The packages come from wherever this machine's own apt gets them, with the suite's name put in.
set -euo pipefail

suite=$1 major=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
root=$out/root
mkdir -p "$out"/{apt/lists/partial,apt/cache/archives/partial,apt/etc,debs} "$root"
: >"$out/apt/status"

wanted=(
  "postgresql-$major" "postgresql-client-$major" gosu libnss-wrapper tzdata
  # Essential packages are in no dependency closure: what the entrypoint and initdb call is named.
  base-files bash coreutils dash findutils grep gzip hostname libc-bin locales mawk sed tar xz-utils zstd
)
# What these bring is for managing a Debian machine, for JIT compilation or for perl; 500 MB, and nothing here needs it.
unneeded='^(adduser|base-passwd|debconf|dpkg|gcc-.*-base|init-system-helpers|libaudit-common|libdb5.*|libdebconfclient0|libgdbm.*|libllvm.*|libncursesw6|libpam-modules.*|libperl.*|libproc2.*|libsemanage.*|libsepol2|libz3-4|login.defs|lsb-base|netbase|openssl.*|passwd|perl.*|.*-perl|postgresql(-client)?-common(-dev)?|procps|readline-common|ssl-cert|sysvinit-utils|ucf|usrmerge|sensible-utils)$'

say() { printf 'lab images (%s): %s\n' "$suite" "$*"; }

# The machine's own sources tell the addresses; its release's name gives way to the wanted one.
configure_apt() {
  local release
  release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  apt-get indextargets --format '$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)' |
    awk -v old="$release" -v new="$suite" '$1 == "Packages" && $4 == "main" && ($3 == old || index($3, old "-") == 1) {
      sub("^" old, new, $3); print "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] " $2 " " $3 " main" }' |
    sort -u >"$out/apt/etc/sources.list"
  [ -s "$out/apt/etc/sources.list" ] || { say 'no Debian package source on this machine' >&2; exit 1; }
  cat >"$out/apt/apt.conf" <<APT
Dir::State "$out/apt"; Dir::State::lists "$out/apt/lists"; Dir::State::status "$out/apt/status";
Dir::Cache "$out/apt/cache"; Dir::Etc::sourcelist "$out/apt/etc/sources.list"; Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "amd64"; APT::Architectures { "amd64"; }; APT::Install-Recommends "false"; APT::Sandbox::User "root";
Acquire::Languages "none"; Acquire::Retries "3";
APT
  export APT_CONFIG=$out/apt/apt.conf
  apt-get update -qq
}

# Names and versions of what the arguments need, themselves included.
closure() {
  apt-get install -y -qq --print-uris "$@" | sed -nE "s/^'[^']*' ([^_]+)_.*/\1/p" | { grep -Ev "$unneeded" || true; } | sort -u
}

# $1: where to; the rest: packages.
unpack() {
  local target=$1 deb
  shift
  (cd "$out/debs" && rm -f ./*.deb && apt-get download -qq "$@")
  for deb in "$out"/debs/*.deb; do
    basename "$deb" .deb >>"$out/packages.txt"
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$target" --keep-directory-symlink \
      --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/info/*' --exclude='./usr/share/locale/*' \
      --exclude='./usr/share/lintian/*' --exclude='./usr/share/bug/*' --exclude='./usr/share/postgresql/*/man/*' \
      --exclude='./usr/share/zoneinfo/right/*' --exclude='./usr/share/zoneinfo/posix/*' --exclude='./usr/lib/postgresql/*/lib/bitcode/*' \
      --exclude='./usr/lib/postgresql/*/lib/pgxs/*' --exclude='*/llvmjit*' --exclude='*/gconv/*'
  done
}

folders() {
  mkdir -p "$1"/usr/{bin,sbin,lib,lib64}
  local name
  for name in bin sbin lib lib64; do ln -s "usr/$name" "$1/$name"; done
}

accounts() { # folder uid
  mkdir -p "$1/etc"
  printf 'root:x:0:0:root:/root:/bin/bash\npostgres:x:%s:%s::/var/lib/postgresql:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n' "$2" "$2" >"$1/etc/passwd"
  printf 'root:x:0:\npostgres:x:%s:\nnogroup:x:65534:\n' "$2" >"$1/etc/group"
}

cluster_folders() { # folder uid
  mkdir -p "$1"/var/lib/postgresql/data "$1"/run/postgresql
  chown "$2:$2" "$1"/var/lib/postgresql "$1"/var/lib/postgresql/data "$1"/run/postgresql
  chmod 1777 "$1"/var/lib/postgresql "$1"/var/lib/postgresql/data
  chmod 3777 "$1"/run/postgresql
}

# Runs a command inside the new root, with /dev, /proc and a /dev/shm of its own, all gone afterwards.
inside() {
  unshare --mount --pid --fork --kill-child --uts bash -c '
    set -e
    mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" && mount -t tmpfs shm "$1/dev/shm"
    cd / && exec env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin chroot "$@"' inside "$root" "$@"
}

# The same files give the same bytes: sorted, no times, numbers for names.
layer() { # folder name
  tar -C "$1" --sort=name --mtime=@0 --numeric-owner --format=gnu -cf "$out/$2.tar" .
}

build_root() {
  folders "$root"
  mapfile -t packages < <(closure "${wanted[@]}")
  unpack "$root" "${packages[@]}"
  mkdir -p "$root"/{root,tmp,proc,sys,dev/shm,docker-entrypoint-initdb.d,usr/local/bin,usr/lib/locale,var/tmp,var/cache}
  # A folder in the package; its installation script, which does not run here, makes it a link.
  rm -rf "$root/var/run" && ln -s /run "$root/var/run"
  chmod 1777 "$root"/tmp "$root"/var/tmp
  accounts "$root" 999
  printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$root/etc/nsswitch.conf"
  printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
  install -m 755 "$here/postgres-entrypoint.sh" "$root/usr/local/bin/docker-entrypoint.sh"
  [ -e "$root/usr/bin/sh" ] || ln -s dash "$root/usr/bin/sh"
  [ -e "$root/usr/bin/awk" ] || ln -s mawk "$root/usr/bin/awk"
  # Debian's sample has the line commented out; the official image listens on every address.
  sed -i -E "s/^#?(listen_addresses) *=[^#]*/\1 = '*' /" "$root/usr/share/postgresql/$major/postgresql.conf.sample"
  cluster_folders "$root" 999
  chroot "$root" ldconfig
  inside localedef -i en_US -f UTF-8 --no-archive /usr/lib/locale/en_US.utf8
  rm -rf "$root"/usr/share/i18n "$root"/var/cache/ldconfig
}

# A cluster of the user, database and password below, outside any volume: an instance that is ready in a third of a second.
build_seeded() {
  local data=/var/lib/postgresql/seeded
  inside env PATH="/usr/lib/postgresql/$major/bin:/usr/local/bin:/usr/sbin:/usr/bin" LANG=en_US.utf8 PGDATA=$data \
    POSTGRES_USER=vrooli POSTGRES_PASSWORD=lab-password POSTGRES_DB=vrooli POSTGRES_INITDB_ARGS='--wal-segsize=1 --no-sync' \
    bash -euc '
      docker-entrypoint.sh postgres -c fsync=off >/tmp/seeded.log 2>&1 &
      for _ in $(seq 300); do
        # Once for the server that only fills the cluster, once for the real one.
        [ "$(grep -c "ready to accept connections" /tmp/seeded.log)" = 2 ] && break
        kill -0 $! || { cat /tmp/seeded.log >&2; exit 1; }
        sleep 0.1
      done
      kill -INT $!
      wait $!'
  printf '\n# A seeded cluster is thrown away with its container: it need not outlive the machine.\nfsync = off\n' >>"$root$data/postgresql.conf"
  mkdir -p "$out/seeded/var/lib"
  cp -a "$root/var/lib/postgresql" "$out/seeded/var/lib/"
  rmdir "$out/seeded/var/lib/postgresql/data"
  rm -rf "${root:?}$data" "$root"/run/postgresql/.s.* "$root/tmp/seeded.log"
}

build_uid70() {
  accounts "$out/uid70" 70
  cluster_folders "$out/uid70" 70
}

# $1: name, then packages beyond the root's.
build_addition() {
  local name=$1 folder=$out/$1
  shift
  mkdir -p "$folder/usr/local/bin"
  folders "$folder"
  comm -13 <(printf '%s\n' "${packages[@]}" | sort) <(closure "$@") >"$out/$name.list"
  unpack "$folder" $(<"$out/$name.list")
  install -m 755 "$here/$name-entrypoint.sh" "$folder/usr/local/bin/$name-entrypoint.sh"
  # Links to the merged /usr belong to the root layer, and a configuration of the package would pass for a mounted one.
  find "$folder" -maxdepth 1 -type l -delete
  rm -rf "$folder"/etc "$folder"/usr/share
}

configure_apt
say 'package lists read'
build_root
say "root: $(du -sm "$root" | cut -f1) MB, ${#packages[@]} packages"
layer "$root" root
build_seeded && layer "$out/seeded" seeded
build_uid70 && layer "$out/uid70" uid70
if [ "$suite" = bookworm ]; then
  build_addition pgbouncer pgbouncer && layer "$out/pgbouncer" pgbouncer
  build_addition webgui busybox-static && install -m 755 "$here/webgui-answer.sh" "$out/webgui/usr/local/bin/webgui-answer.sh" && layer "$out/webgui" webgui
fi
sort -u -o "$out/packages.txt" "$out/packages.txt"
say 'layers written'
