#!/bin/sh
# lines.sh: lines by room, as a table: of the files, and of code alone, which
# leaves out comments and blank lines.
set -eu
cd "$(dirname "$0")/.."

count() { # FILE...
    lines=$(cat "$@" | wc -l)
    code=$(cat "$@" | ${CC:-gcc} -fpreprocessed -dD -E -P -w -x c - | grep -c .)
}

echo '| room | lines | of code |'
echo '|---|---|---|'
for room in boot kernel kernel/* kernel/shell/commands kernel/shell/commands/* drivers/* lib; do
    [ -d "$room" ] || continue
    files=$(find "$room" -maxdepth 1 -name '*.[ch]' | sort)
    if [ -n "$files" ]; then
        # shellcheck disable=SC2086 # a list of words
        count $files
        echo "| $room | $lines | $code |"
    fi
done
# shellcheck disable=SC2046 # a list of words
count $(find boot kernel drivers lib -name '*.[ch]')
echo "| all | $lines | $code |"
