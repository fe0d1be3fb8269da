#!/bin/sh
# linux.sh DIRECTORY: makes the Linux guest there from Debian's packages, which are only unpacked:
# vmlinuz (the kernel for virtual machines, with NVMe built in), base.cpio (busybox and our init)
# and fio.cpio (fio and what it is linked with). Both archives together are an initial RAM disk.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/packages"
cd "$1"

fetch() {
    (cd packages && apt-get download -q=2 -o APT::Sandbox::User=root "$@")
}

# fio and what it depends on; of that, what can be a library.
libraries() {
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances fio | grep -E '^(fio|zlib1g|lib[a-z0-9.+-]*)$' |
        grep -vE '^lib(perl|python|file|text|number|pam|semanage)' | sort -u
}

# copy ROOT FILE: a program, and the libraries that it and they are linked with.
copy() {
    case " $copied " in *" $2 "*) return ;; esac
    copied="$copied $2"
    file=$(find unpacked/usr/bin unpacked/lib unpacked/usr/lib -name "$2" | head -n 1)
    [ -n "$file" ] || { echo "linux.sh: $2 is in none of the packages" >&2; exit 1; }
    install -D "$(readlink -f "$file")" "$1/$2"
    for needed in $(objdump -p "$file" | awk '$1 == "NEEDED" { print $2 }'); do
        copy "$1" "$needed"
    done
}

archive() {
    (cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0) > "$1.cpio"
}

kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ { print $2; exit }')
rm -rf packages/* unpacked base fio
echo "Fetching $kernel, busybox and fio for the Linux guest"
# shellcheck disable=SC2046 # a list of words
fetch "$kernel" busybox-static $(libraries)
for package in packages/*.deb; do
    dpkg-deb -x "$package" unpacked
done
cp unpacked/boot/vmlinuz-* vmlinuz

mkdir -p base/bin base/dev base/proc base/sys base/tmp
cp unpacked/bin/busybox base/bin/busybox
install -m 755 "$here/init" base/init
archive base

mkdir -p fio/lib64 fio/lib fio/bin
copied=
copy fio/lib fio
mv fio/lib/fio fio/bin/fio
mv fio/lib/ld-linux-x86-64.so.2 fio/lib64/
archive fio
rm -rf unpacked packages base fio
