#!/bin/sh
# pack.sh OUT LOADER KERNEL INITRD CMDLINE: appends kernel, initial files and
# command line to the loader as PE sections, each on a page of its own behind
# the last, as a unified kernel image has them.
set -eu
out=$1 loader=$2

round() { echo $((($1 + 4095) / 4096 * 4096)); }

# Section headers: index, name, size, VMA. The image's base is 0.
end=0
for pair in $(objdump -h "$loader" | awk '$1 ~ /^[0-9]+$/ { print $3 "+" $4 }'); do
    last=$(round $((0x${pair%+*} + 0x${pair#*+})))
    [ "$last" -le "$end" ] || end=$last
done

set -- .kernel "$3" .initrd "$4" .cmdline "$5"
sections=
while [ $# -gt 0 ]; do
    sections="$sections --add-section $1=$2 --change-section-vma $1=$end"
    sections="$sections --set-section-flags $1=alloc,load,readonly,data,contents"
    end=$(round $((end + $(stat -c %s "$2") + 1)))
    shift 2
done
# shellcheck disable=SC2086 # the words are ours
objcopy $sections "$loader" "$out"
