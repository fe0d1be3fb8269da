#!/bin/sh
# install.sh PURPOSE PACKAGE...: installs those Debian packages that are missing,
# saying which and why. Silent when there are none.
set -eu
purpose=$1
shift

if ! command -v dpkg-query > /dev/null; then
    echo "This is not a Debian system: to $purpose, please see that you have the equivalents of:" >&2
    echo "  $*" >&2
    exit 0
fi

missing=
for package; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null) in
    installed) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

echo "To $purpose, these packages are missing and will be installed:$missing"
as_root=
if [ "$(id -u)" -ne 0 ]; then
    as_root=sudo
fi
# A machine that has never asked for the lists has no candidate for the first of them.
set -- $missing
if ! apt-cache policy "$1" 2> /dev/null | grep -q 'Candidate: [^(]'; then
    $as_root apt-get -q update
fi
# shellcheck disable=SC2086 # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing
