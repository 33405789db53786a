# shellcheck shell=bash disable=SC2034,SC2154
# Debian's riscv64 archive, with an apt configuration and state of their own. Sourced, after common.sh;
# $apt_home is an empty folder of the caller's.

suite=trixie

run_apt() { APT_CONFIG=$apt_home/apt.conf "$@"; }

# How this machine's apt reaches its mirror, and what both ways of using apt here have in common.
apt_settings() {
    local netrc='' netrcparts=''
    eval "$(apt-config shell netrc Dir::Etc::netrc/f netrcparts Dir::Etc::netrcparts/d)"
    machine_acquire_settings
    cat <<CONF
Dir::Etc::netrc "$netrc";
Dir::Etc::netrcparts "$netrcparts";
APT::Install-Recommends "false";
Acquire::Languages { "none"; };
Acquire::Retries "3";
CONF
}

configure_apt() {
    mkdir -p "$apt_home"/{etc/{apt.conf.d,preferences.d,trusted.gpg.d,sources.list.d},state/lists/partial,cache/archives/partial,debs}
    : >"$apt_home/state/status"
    # apt drops to its own user to download, who has to get in here.
    chmod 755 "$apt_home" "$apt_home/debs"
    if [ "$(id -u)" -eq 0 ] && getent passwd _apt >/dev/null; then
        chown _apt "$apt_home/debs"
    fi
    {
        apt_settings
        cat <<CONF
Dir::State "$apt_home/state";
Dir::State::status "$apt_home/state/status";
Dir::Cache "$apt_home/cache";
Dir::Log "$apt_home";
Dir::Etc "$apt_home/etc";
APT::Architecture "riscv64";
APT::Architectures { "riscv64"; };
CONF
    } >"$apt_home/apt.conf"
}

find_archive() {
    local keyring mirror mirrors
    keyring=$(debian_keyring)
    mirrors=$(debian_mirrors)
    [ -n "$mirrors" ] || fail "this machine's apt configuration names no Debian archive to take the guest from"
    while read -r mirror; do
        say "reading $suite's riscv64 lists from $mirror"
        printf 'deb [arch=riscv64 signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite" \
            >"$apt_home/etc/sources.list"
        if quietly run_apt apt-get -qq -o APT::Update::Error-Mode=any update; then
            return
        fi
    done <<<"$mirrors"
    fail "no mirror of this machine's apt configuration serves $suite for riscv64, see above"
}

# Once in a run, by whoever needs the archive first.
open_archive() {
    if [ ! -e "$apt_home/apt.conf" ]; then
        configure_apt
        find_archive
    fi
}
