#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# deps.sh PACKAGE...: install the Debian packages that are missing; calls apt only where one is.
set -u
missing=
for package in "$@"; do
	case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in
	*"ok installed") ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "missing Debian packages:$missing" >&2
	echo "install them as root: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update && apt-get -qq -y install --no-install-recommends $missing >/tmp/synprint-apt.$$ 2>&1
status=$?
[ $status = 0 ] || cat /tmp/synprint-apt.$$ >&2
rm -f /tmp/synprint-apt.$$
exit $status
