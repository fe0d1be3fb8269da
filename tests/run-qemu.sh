#!/bin/sh
# Boots build/nvmetal.iso with the controller and its disk, in the foreground,
# the serial port on this terminal. Settings come from the Makefile, by the
# environment. With "debug" the machine waits for gdb.
set -eu

die() {
    echo "make run: $*" >&2
    exit 1
}

case $ACCEL in
tcg) cpu=max ;;
kvm)
    # The device file proves nothing: let a machine of no devices try to execute.
    [ -w /dev/kvm ] || die "ACCEL=kvm: /dev/kvm is missing or not yours to use; leave ACCEL out to emulate"
    reason=$(echo 'quit' | timeout 10 "$QEMU" -accel kvm -cpu host -machine q35 -nodefaults -display none \
        -monitor stdio 2>&1 > /dev/null) ||
        die "ACCEL=kvm does not work on this host (${reason:-QEMU hung}); leave ACCEL out to emulate"
    cpu=host
    ;;
*) die "ACCEL=$ACCEL: tcg or kvm" ;;
esac

case $MACHINE in
q35) devices="-vga none -nic none" address= ;;
pc) devices= address=,addr=4 ;; # QEMU's default devices around it
*) die "MACHINE=$MACHINE: q35 or pc" ;;
esac

if [ "$DISK" = "$BUILD/disk.img" ] && [ ! -e "$DISK" ]; then
    truncate -s "$DISK_SIZE" "$DISK"
fi
debug=
if [ "${1:-}" = debug ]; then
    socket=$BUILD/gdb.sock
    rm -f "$socket"
    debug="-S -chardev socket,id=gdb,path=$socket,server=on,wait=off -gdb chardev:gdb"
    cat > "$BUILD/debug.gdb" <<EOF
# The kernel runs where it was linked, so its file is all that gdb needs.
file $BUILD/kernel.elf
target remote $socket
hbreak kernel_main
continue
EOF
    echo "Waiting for gdb. In another terminal, here: gdb -x $BUILD/debug.gdb"
fi

set -- -drive "file=$BUILD/nvmetal.iso,media=cdrom,if=none,id=cd,readonly=on,format=raw" \
    -device ide-cd,drive=cd,bootindex=0
case $DISK in
driver=*) set -- "$@" -blockdev "$DISK,node-name=disk" ;;
*) set -- "$@" -drive "file=$(echo "$DISK" | sed 's/,/,,/g'),if=none,id=disk,format=raw" ;;
esac
if [ -n "$CMDLINE" ]; then
    printf '%s' "$CMDLINE" > "$BUILD/cmdline.run"
    set -- "$@" -fw_cfg "name=opt/nvmetal/cmdline,file=$BUILD/cmdline.run"
fi

# isa-debug-exit: a panic ends QEMU with a failing status.
# shellcheck disable=SC2086 # lists of words
exec "$QEMU" -machine "$MACHINE" -accel "$ACCEL" -cpu "$cpu" -smp "$SMP" -m "$MEM" \
    -bios "$OVMF" -nographic $devices "$@" \
    -device "nvme,serial=nvmetal,drive=disk$address${NVME:+,$NVME}" \
    -device isa-debug-exit,iobase=0xf4,iosize=4 $debug
