# What the scripts that start a machine source: where things are kept, how Debian's packages get there, and what a guest starts
# with. As root on Debian. Everything that is slow to get stays in the cache.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kioskd/machine
mkdir -p "$cache"

# need COMMAND:PACKAGE...: installs what is missing
need() {
  local p missing=()
  for p; do command -v "${p%%:*}" >/dev/null || missing+=("${p#*:}"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  "$here/install" "${missing[@]}" >&2
}

# apt ARCH apt-get|apt-cache ARGS...: apt for an architecture, with a state of its own: the machine's own packages are not touched
apt() {
  local arch=$1 tool=$2 d=$cache/apt/$1
  shift 2
  mkdir -p "$d/lists/partial" "$d/archives/partial"; touch "$d/status"
  "$tool" -o APT::Architecture="$arch" -o APT::Architectures::="$arch" -o Dir::State="$d" -o Dir::State::status="$d/status" \
    -o Dir::Cache="$d" -o APT::Sandbox::User=root "$@"
}

# package ARCH NAME: unpacks a Debian package in $cache/ARCH/NAME, once
package() {
  local to=$cache/$1/$2 t
  [ ! -d "$to" ] || return 0
  [ -d "$cache/apt/$1/lists/auxfiles" ] || apt "$1" apt-get -qq update >&2 || true # one index that is being renewed is no reason to stop
  t=$(mktemp -d "$cache/unpack.XXXXXX")
  (cd "$t" && apt "$1" apt-get -qq download "$2" >&2 && dpkg-deb -x ./*.deb x && rm ./*.deb)
  mkdir -p "$cache/$1"; mv "$t/x" "$to"; rmdir "$t"
}

# kernel ARCH METAPACKAGE: prints the package of Debian's kernel, unpacked
kernel() {
  local p
  p=$(cd "$cache" && ls -d "$1"/linux-image-* 2>/dev/null | sort -V | tail -1)
  if [ -z "$p" ]; then
    apt "$1" apt-get -qq update >&2 || true # one index that is being renewed is no reason to stop
    p=$1/$(apt "$1" apt-cache depends "$2" | sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p' | head -1)
    package "$1" "${p#*/}" >&2
  fi
  echo "$cache/$p"
}

# initrd ROOT: the folder as what a kernel starts with
initrd() { (cd "$1" && find . | cpio -o -H newc --quiet | gzip -1); }

# guest ROOT BINARY ARGS...: makes ROOT/init, which mounts what a Linux has, runs lines of its own from standard input, and BINARY,
# which is copied with the FILES
guest() {
  local root=$1 binary=$2 f
  shift 2
  mkdir -p "$root"/{bin,dev,proc,sys,tmp,etc,run}
  cp "$binary" "$root/program"
  for f in ${FILES:-}; do cp "$f" "$root/"; done
  printf 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' > "$root/etc/passwd"
  { cat <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp KIOSKD_GUEST=1
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev; mount -t tmpfs -o mode=1777 t /tmp
mount -t debugfs d /sys/kernel/debug; mount -t tracefs t /sys/kernel/tracing; ifconfig lo up
echo "GUEST UP $(uname -r)"
INIT
    cat
    echo "cd /; /program ${*@Q}; status=\$?; echo; echo \"GUEST STATUS \$status\"; sync; poweroff -f"
  } > "$root/init"
  chmod +x "$root/init"
  initrd "$root"
}

# status FILE: the program's exit status as the guest printed it, 99 if it printed none
status() { local s; s=$(tr -d '\r' < "$1" | sed -n 's/^GUEST STATUS \([0-9]*\)$/\1/p' | tail -1); echo "${s:-99}"; }
