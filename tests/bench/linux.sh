#!/bin/sh
# linux.sh DIRECTORY system: makes the Linux guest there from Debian's packages, which are only
# unpacked: vmlinuz (the kernel for virtual machines, with NVMe built in) and base.cpio (busybox and
# our init).
# linux.sh DIRECTORY PACKAGE: makes PACKAGE.cpio: the program of a package (fio, nvme-cli) and what
# it is linked with. Archives behind one another are an initial RAM disk.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/$2.work"
cd "$1/$2.work"
what=$2

# With new lists from the beginning, once: old ones name packages that are gone, or none.
renew() {
    [ -z "${LISTS_ARE_NEW:-}" ] || exit 1
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    $as_root apt-get -q update
    LISTS_ARE_NEW=1 exec sh "$here/linux.sh" "${PWD%/*}" "$what"
}

fetch() {
    rm -rf packages unpacked root
    mkdir packages
    [ $# -gt 0 ] || renew
    (cd packages && apt-get download -q=2 -o APT::Sandbox::User=root "$@") || renew
    for package in packages/*.deb; do
        dpkg-deb -x "$package" unpacked
    done
}

# A package and what it depends on; of that, what can be a library.
libraries() {
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances "$1" | grep -E "^($1|zlib1g|lib[a-z0-9.+-]*)\$" |
        grep -vE '^lib(perl|python|file|text|number|pam|semanage)' | sort -u
}

# copy ROOT FILE: a program, and the libraries that it and they are linked with.
copied=
copy() {
    case " $copied " in *" $2 "*) return ;; esac
    copied="$copied $2"
    file=$(find unpacked/usr/bin unpacked/usr/sbin unpacked/lib unpacked/usr/lib -name "$2" \
        2> /dev/null | head -n 1)
    [ -n "$file" ] || { echo "linux.sh: $2 is in none of the packages" >&2; exit 1; }
    install -D "$(readlink -f "$file")" "$1/$2"
    for needed in $(objdump -p "$file" | awk '$1 == "NEEDED" { print $2 }'); do
        copy "$1" "$needed"
    done
}

archive() {
    (cd root && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0) > "../$1"
}

if [ "$what" = system ]; then
    kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ { print $2; exit }')
    echo "Fetching $kernel and busybox for the Linux guest"
    fetch ${kernel:+"$kernel" busybox-static}
    mkdir -p root/bin root/dev root/proc root/sys root/tmp
    cp unpacked/bin/busybox root/bin/busybox
    install -m 755 "$here/init" root/init
    archive base.cpio
    cp unpacked/boot/vmlinuz-* ../vmlinuz
else
    program=${what%-cli}
    echo "Fetching $what for the Linux guest"
    # shellcheck disable=SC2046 # a list of words
    fetch $(libraries "$what")
    mkdir -p root/lib64 root/lib root/bin
    copy root/lib "$program"
    mv "root/lib/$program" root/bin/
    mv root/lib/ld-linux-x86-64.so.2 root/lib64/
    archive "$what.cpio"
fi
cd ..
rm -rf "$what.work"
