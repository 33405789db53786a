# shellcheck shell=bash disable=SC2034
# What the scripts beside this folder have in common. Sourced, never run.

# Every script works from any folder, so paths start here and not at the caller's.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=Scripts/$(basename "$0")
images=$root/Images/build
# Another build's command can be put in its place, to compare two.
rvkvm=${RVKVM:-$root/.build/release/rvkvm}
guest_append="console=ttyS0 panic=-1"

say() { printf '==> %s\n' "$*"; }
fail() {
    printf '%s: %s\n' "$program" "$*" >&2
    exit 1
}

# A script's help is the comment at its top, so that there is one text to keep true.
show_help() {
    awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"
}

usage_error() {
    printf '%s: %s (see %s --help)\n' "$program" "$*" "$program" >&2
    exit 64
}

has() { command -v "$1" >/dev/null 2>&1; }

# Root is asked for here and nowhere else, and only when there is something to do.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        fail "root is needed for '$*', and sudo isn't installed: run it as root, then start again"
    fi
}

# Runs a command quietly; what it said is shown only if it fails, since that is when it matters.
# It goes to standard output: standard error is for the one sentence that says what failed.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 15 "$log"
    fi
    rm -f "$log"
    return "$status"
}

package_installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# apt_install [apt options --] PACKAGE...
apt_install() {
    local options=()
    if [[ " $* " == *" -- "* ]]; then
        while [ "$1" != -- ]; do
            options+=("$1")
            shift
        done
        shift
    fi
    # The lock is waited for: a machine that has just started often runs an upgrade of its own.
    quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" \
        -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" </dev/null
}

# need_packages PACKAGE=REASON...: installs those that are missing, and says which and why.
need_packages() {
    local entry missing=()
    has apt-get || fail "apt-get isn't here: these scripts install what they need on Debian 12 and 13"
    for entry in "$@"; do
        if ! package_installed "${entry%%=*}"; then
            say "${entry%%=*} is missing: ${entry#*=}"
            missing+=("${entry%%=*}")
        fi
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]} (asks for root)"
    # The machine's package lists may be absent (a fresh container) or point at versions that are
    # gone; both show only when the installation fails, and both are cured by reading them again.
    if ! apt_install "${missing[@]}" >/dev/null; then
        if ! quietly as_root apt-get -o DPkg::Lock::Timeout=300 update; then
            fail "apt-get update failed, see above"
        fi
        apt_install "${missing[@]}" || fail "could not install ${missing[*]}, see above"
    fi
}

# Where the machine's own apt finds Debian's archive, best candidate first. apt reads its sources
# itself, deb822 and one-line, mirror lists and options included. Where the machine has fetched its
# lists, their Release files say whose archive each is; where it hasn't (a fresh container), only the
# address hints at it. A wrong candidate is harmless: whatever it serves has to carry Debian's
# signature.
debian_mirrors() {
    # shellcheck disable=SC2016 # apt expands these
    local format='$(REPO_URI)|$(ORIGIN)|$(LABEL)|$(COMPONENT)' option
    for option in --release-info --no-release-info; do
        apt-get indextargets "$option" --format "$format" 'Created-By: Packages'
    done | awk -F'|' '
        $4 != "main" || $1 ~ /security/ || $3 ~ /Security/ { next }
        $2 == "Debian" && $3 == "Debian"                   { print 0 "|" $1; next }
        $2 ~ /^$|\$/ && $1 ~ /\/debian\/?$/                { print 1 "|" $1; next }
        $2 ~ /^$|\$/                                       { print 2 "|" $1 }' |
        sort -s -t'|' -k1,1n | cut -d'|' -f2- | awk '!seen[$0]++'
}

debian_keyring() {
    local directory name
    for directory in /usr/share/keyrings /etc/apt/keyrings; do
        for name in debian-archive-keyring.gpg debian-archive-keyring.pgp debian-archive-keyring.asc; do
            if [ -r "$directory/$name" ]; then
                printf '%s\n' "$directory/$name"
                return
            fi
        done
    done
    fail "no debian-archive-keyring on this machine, so that nothing downloaded could be verified: install the package debian-archive-keyring"
}

# What the machine's apt needs to reach its mirror (proxies, certificates, time checks, ...), in
# apt.conf form. What would loosen the check of signatures is left behind.
machine_acquire_settings() {
    apt-config dump | grep '^Acquire::' |
        grep -vE '^Acquire::(IndexTargets|Allow|cdrom|Languages)' | grep -v ' "";$'
}

need_swift() {
    has swift || fail "swift isn't on the PATH: install Swift 6.3 or later"
}

# A frame pointer costs a push and a pop in every instruction handler of the interpreter. Tests are
# built the same way, for the flag is part of what SwiftPM compares before it builds anew.
swift_options=(-c release --omit-frame-pointers)

build_rvkvm() {
    if [ -n "${RVKVM:-}" ]; then
        return
    fi
    say "building rvkvm (swift build ${swift_options[*]})"
    (cd "$root" && swift build "${swift_options[@]}")
}

# Packages that building needs, for need_packages.
build_packages=(
    "libfdt-dev=rvkvm writes device trees with libfdt"
    "libelf-dev=rvkvm reads ELF kernels with libelf"
    "zlib1g-dev=rvkvm unpacks gzip-compressed kernels"
    "libzstd-dev=rvkvm unpacks zstd-compressed kernels"
    "liburing-dev=rvkvm's disks use io_uring where the kernel has it"
    "libnbd-dev=rvkvm opens disks that qemu-nbd or nbdkit serves with libnbd"
    "libslirp-dev=rvkvm gives guests a network without root with libslirp"
    "pkgconf=swift build finds the libraries with it"
    "git=swift build fetches its dependencies with it"
    "ca-certificates=and does so over https"
    "libc6-dev=the C library's headers, for linking as well"
)
# A Swift toolchain links against gcc's runtime of whatever version is there, so no package's name
# says whether it is.
if [ -z "$(find /usr/lib/gcc -name libstdc++.so 2>/dev/null)" ]; then
    build_packages+=("g++=swift build links with its run-time libraries")
fi

# Packages that Scripts/images needs.
image_packages=(
    "debian-archive-keyring=the guest's packages are verified with it"
    "ca-certificates=mirrors are often reached over https"
    "cpio=packs the guest's initrd"
    "gzip=compresses the guest's initrd"
    "xz-utils=unpacks the guest's kernel modules"
    "zstd=unpacks kernels and modules compressed with it"
)
# Packages that Scripts/images --rootfs needs beside them.
rootfs_packages=(
    "mmdebstrap=resolves and unpacks the guest's Debian system"
    "fakeroot=gives its files their owners without root"
    "e2fsprogs=makes its file system, and checks it after tests"
    "openssh-client=makes the key that opens it, and logs in"
)
# Packages that Scripts/images --selftests needs beside them and the compiler.
selftest_packages=(
    "make=runs the Makefile of the kernel's KVM selftests"
    "binutils-riscv64-linux-gnu=strips them"
)
# Packages that the programs of Images/bench are compiled with.
bench_packages=(
    "gcc-riscv64-linux-gnu=compiles the bench programs for the guest"
    "libc6-dev-riscv64-cross=their C library"
)
