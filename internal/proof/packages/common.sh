# What the proofs of the packages share.
. internal/proof/machine/common.sh
work=$(mktemp -d "${TMPDIR:-/tmp}/kioskd-packages.XXXXXX")
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

promise() { printf -- '--- %s\n' "$*"; }
fail() { echo "FAIL: $*" >&2; exit 1; }

# root DIR: a small Debian as a Pi has it, unpacked
root() {
  local tar=$cache/packages-root.tar.gz
  need mmdebstrap:mmdebstrap
  (
    flock 9
    [ -e "$tar" ] || { echo "making a root of Debian's bookworm"; mmdebstrap --quiet --variant=minbase \
      --include=systemd,udev,kmod,ca-certificates,init-system-helpers bookworm "$tar.new.tar.gz"; mv "$tar.new.tar.gz" "$tar"; }
  ) 9> "$tar.lock"
  mkdir "$1"
  tar -C "$1" -xzf "$tar" --exclude='./dev/*'
  mknod -m 666 "$1/dev/null" c 1 3
  printf '#!/bin/sh\n[ "$1" != -u ] || shift 2\nexec "$@"\n' > "$1/usr/local/bin/sudo"
  chmod 755 "$1/usr/local/bin/sudo"
}
in_root() { # DIR COMMAND…
  local r=$1; shift
  unshare --mount --pid --fork --mount-proc="$r/proc" chroot "$r" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 "$@"
}

# serve DIR: by HTTP on this machine, at $at
serve() {
  python3 -u -m http.server --bind 127.0.0.1 --directory "$1" 0 > "$work/server" 2>&1 & server=$!
  until at=$(grep -om1 'http://127[^/]*' "$work/server"); do kill -0 "$server" || fail "no server: $(cat "$work/server")"; sleep 0.1; done
}

# deb NAME: a package's file, by its name, for this machine's architecture
deb() { ls "$debs/$1"_*_"$(dpkg --print-architecture)".deb; }
