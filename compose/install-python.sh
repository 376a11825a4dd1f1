#!/bin/sh
# A Debian that was made with nothing but the essentials has no python3, which all the rest starts from.
set -e

if ! command -v apt-get >/dev/null; then
    echo "Python 3.11 is needed and this machine has no python3; install it first." >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    echo "This machine has no python3. Install the package python3 as root, then try again." >&2
    exit 1
fi
echo "Installing python3"
$as_root apt-get update -qq </dev/null
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 </dev/null >/dev/null
