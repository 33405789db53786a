# shellcheck shell=bash disable=SC2154
# Linux's own KVM selftests, built for the guest. Sourced by Scripts/images, whose variables and
# functions it uses.

# The sources that the tests are made of: kept, so that another compiler or a change of ours needs no
# network. Their stamp says which recipe they were taken by, and for which kernel.
selftests_parts=$images/selftests-parts
selftests_recipe=1
selftests_folder=tools/testing/selftests/kvm
# What of the kernel's sources they are compiled from.
selftests_sources=(
    "$selftests_folder" tools/testing/selftests/rseq tools/testing/selftests/lib.mk "tools/testing/selftests/*.h"
    tools/include tools/arch/riscv/include tools/build/Build.include "tools/lib/*.c" tools/scripts
    scripts/subarch.include
)

# The version of PACKAGE that the running kernel is of, or else the newest: a test belongs to its kernel.
selftests_version() { # PACKAGE UPSTREAM
    run_apt apt-cache madison "$1" | awk -F ' *[|] *' -v upstream="$2" '
        { newest = newest ? newest : $2 }
        index($2, upstream "-") == 1 { same = same ? same : $2 }
        END { print same ? same : newest }'
}

fetch_selftests() { # STAMP
    local release upstream source headers name tree=$work/selftests-parts patterns=()
    release=$(cat "$parts/release")
    upstream=${release%%[+-]*}
    source=linux-source-${upstream%.*}
    open_archive
    headers=$(selftests_version linux-libc-dev "$upstream")
    name=$(selftests_version "$source" "$upstream")
    [ -n "$headers" ] && [ -n "$name" ] || fail "$suite has no $source, of which the KVM selftests are a part"
    say "downloading $source $name (150 MB)"
    rm -f "$apt_home"/debs/*
    if ! (cd "$apt_home/debs" && quietly run_apt apt-get -qq download "$source=$name" "linux-libc-dev=$headers"); then
        fail "the download failed, see above"
    fi

    say "unpacking the KVM selftests"
    mkdir -p "$tree/usr/include" "$work/headers"
    for name in "${selftests_sources[@]}"; do
        patterns+=("$source/$name")
    done
    # Two archives, one in the other.
    if ! dpkg-deb --fsys-tarfile "$apt_home/debs/$source"_*.deb | tar -xO --wildcards "*/$source.tar.xz" |
        xz -dc | tar -x -C "$tree" --strip-components=1 --wildcards "${patterns[@]}"; then
        fail "$source doesn't hold the KVM selftests as expected, see above"
    fi
    # What `make headers` would make of the sources, had one those of all of the kernel.
    dpkg-deb -x "$apt_home"/debs/linux-libc-dev_*.deb "$work/headers"
    name=$(find "$work/headers" -path '*riscv*/asm/kvm.h' -type f | sed -n 1p)
    [ -n "$name" ] || fail "linux-libc-dev $headers has no headers for riscv"
    cp -r "$work/headers/usr/include"/{linux,asm-generic} "${name%/kvm.h}" "$tree/usr/include/"
    printf '%s\n' "$1" >"$tree/stamp"
    rm -rf "$selftests_parts"
    mv "$tree" "$selftests_parts"
}

selftests_inputs() {
    "$compiler" --version | sed -n 1p
    cat "$selftests_parts/stamp"
    (cd "$root" && sha256sum Scripts/lib/selftests.sh Images/selftests/*)
    sha256sum <"$images/initrd.cpio.gz"
}

# compile_selftests TEST... -- [make's arguments]
compile_selftests() {
    local tests=()
    while [ "$1" != -- ]; do
        tests+=("$1")
        shift
    done
    shift
    # The kernel's build would take the folder for its own from these.
    quietly env -u MAKEFLAGS -u KBUILD_OUTPUT -u O make -j "$(nproc)" -C "$selftests_parts/$selftests_folder" \
        ARCH=riscv CROSS_COMPILE="${compiler%gcc}" OUTPUT="$work/selftests-build" \
        LDFLAGS="-static -pthread -no-pie" TEST_GEN_PROGS_riscv="${tests[*]}" "$@" ||
        fail "the KVM selftests don't compile, see above"
}

# The programs that the kernel's Makefile lists for riscv, or the common ones that our list adds.
selftests_listed() { # kernel|common
    case $1 in
        kernel) sed -n 's/^TEST_GEN_PROGS_riscv *+= *//p' "$selftests_parts/$selftests_folder/Makefile" ;;
        common) sed -n 's/^+ *\([^ ]*\).*/\1/p' "$root/Images/selftests/tests" ;;
    esac
}

build_selftests() { # STAMP
    local tree=$work/selftests/selftests name kernel common
    mapfile -t kernel < <(selftests_listed kernel)
    mapfile -t common < <(selftests_listed common)
    [ "${#kernel[@]}" -gt 0 ] || fail "the Makefile of the KVM selftests lists none for riscv"
    say "building the KVM selftests"
    mkdir -p "$work/selftests-build" "$tree"
    compile_selftests "${kernel[@]}" --
    # They rely on a header that other architectures' headers happen to include.
    compile_selftests "${common[@]}" -- EXTRA_CFLAGS="-include ucall_common.h"
    # What runs: our lines, and a line for each of the kernel's programs that has none.
    sed '/^#/d; s/^+ *//' "$root/Images/selftests/tests" >"$tree/tests"
    for name in "${kernel[@]}" "${common[@]}"; do
        "${compiler%gcc}strip" -o "$tree/${name##*/}" "$work/selftests-build/$name"
        grep -qE "^${name##*/}( |\$)" "$tree/tests" || printf '%s\n' "${name##*/}" >>"$tree/tests"
    done
    install -m 755 "$root/Images/selftests/run" "$tree/run"
    find "$work/selftests" -exec touch -h -d @0 {} +
    (cd "$work/selftests" && find . -mindepth 1 | LC_ALL=C sort |
        cpio --quiet --reproducible -o -H newc -R +0:+0) >"$work/selftests.cpio"
    # BusyBox and kvm.ko are in the initrd.
    cat "$images/initrd.cpio.gz" >>"$work/selftests.cpio"
    rm -f "$images/.selftests-stamp"
    mv "$work/selftests.cpio" "$images/selftests.cpio"
    printf '%s\n' "$1" >"$images/.selftests-stamp"
    say "Images/build holds selftests.cpio"
}

make_selftests() {
    local stamp
    has "$compiler" || fail "$compiler is needed for the KVM selftests: install gcc-riscv64-linux-gnu and libc6-dev-riscv64-cross (Scripts/test does), then start again"
    stamp="$selftests_recipe $suite $(cat "$parts/release") ${selftests_sources[*]}"
    if [ "$force" = yes ] || [ "$(cat "$selftests_parts/stamp" 2>/dev/null)" != "$stamp" ]; then
        fetch_selftests "$stamp"
    fi
    stamp=$(selftests_inputs | sha256sum)
    if [ "$force" = no ] && [ "$(cat "$images/.selftests-stamp" 2>/dev/null)" = "$stamp" ] &&
        [ -s "$images/selftests.cpio" ]; then
        say "Images/build/selftests.cpio is up to date"
        return
    fi
    build_selftests "$stamp"
}
