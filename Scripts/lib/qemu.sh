# shellcheck shell=bash
# QEMU as a measure and an oracle: needed by tests and benchmarks, never by a user. Sourced after
# common.sh.

qemu=qemu-system-riscv64
qemu_oldest=9

qemu_version() { # major version, or nothing
    if has "$qemu"; then
        "$qemu" --version | sed -n 's/^QEMU emulator version \([0-9]*\)\..*/\1/p'
    fi
}

qemu_usable() {
    local version
    version=$(qemu_version)
    [ -n "$version" ] && [ "$version" -ge "$qemu_oldest" ]
}

# The package's name changed with Debian 13, and backports follow the newer name.
qemu_package() { # apt options...
    local name
    for name in qemu-system-riscv qemu-system-misc; do
        if [[ $(apt-cache "$@" policy "$name") == *"Candidate: "[!\(]* ]]; then
            printf '%s\n' "$name"
            return
        fi
    done
}

# Debian 12 has QEMU 7; its backports have a newer one. The suite is added for this one
# installation only: a copy of the machine's list of sources with backports beside them, and package
# lists kept apart.
install_qemu_from_backports() ( # a subshell, whose end takes the copies with it
    local codename=$1 home parts='' keyring mirror package options
    home=$(mktemp -d)
    # Not by us alone: apt, run as root, leaves files there that are root's.
    trap 'as_root rm -rf "$home"' EXIT
    # apt drops to its own user to download, who has to get in here.
    chmod 755 "$home"
    mkdir -p "$home"/{parts,lists/partial}
    eval "$(apt-config shell parts Dir::Etc::sourceparts/d)"
    if [ -d "$parts" ]; then
        find "$parts" -maxdepth 1 \( -name '*.list' -o -name '*.sources' \) -exec ln -s {} "$home/parts/" \;
    fi
    keyring=$(debian_keyring)
    mirror=$(debian_mirrors | sed -n 1p)
    [ -n "$mirror" ] || fail "this machine's apt configuration names no Debian archive to take QEMU from"
    printf 'deb [signed-by=%s] %s %s-backports main\n' "$keyring" "$mirror" "$codename" \
        >"$home/parts/rvkvm-backports.list"
    options=(-o "Dir::Etc::sourceparts=$home/parts" -o "Dir::State::lists=$home/lists"
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=)
    if ! quietly as_root apt-get "${options[@]}" update; then
        fail "$codename-backports can't be read from this machine's mirror, see above (--no-qemu goes without)"
    fi
    package=$(qemu_package "${options[@]}")
    [ -n "$package" ] || fail "$codename-backports has no QEMU for RISC-V (--no-qemu goes without)"
    if ! apt_install "${options[@]}" -t "$codename-backports" -- "$package"; then
        fail "could not install $package from $codename-backports, see above (--no-qemu goes without)"
    fi
)

install_qemu() {
    local codename package
    if qemu_usable; then
        return
    fi
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    say "QEMU $qemu_oldest or later is missing: it measures and cross-checks rvkvm (asks for root)"
    case $codename in
        bookworm) install_qemu_from_backports "$codename" ;;
        *)
            package=$(qemu_package)
            need_packages "${package:-qemu-system-riscv}=boots the same guest for comparison"
            ;;
    esac
    # The shell remembers where commands were, and that one wasn't.
    hash -r
    qemu_usable || fail "$qemu is still older than version $qemu_oldest (--no-qemu goes without)"
}
