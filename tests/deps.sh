#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# deps.sh [--no-services] PACKAGE...: install the Debian packages that are missing; calls apt only
# where one is. With --no-services nothing that comes with them is started, now or at boot.
set -u
no_services=
if [ "$1" = --no-services ]; then
	no_services=1
	shift
fi
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

exec 9<"$0" && flock 9 # of several that a parallel make runs, one after the other
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
made_policy=
enabled() {
	find /etc/systemd/system -path '*.wants/*' -name '*.service' -printf '%f\n' 2>/dev/null | sort -u
}
cleanup() {
	rm -f "$log" "$log.enabled" "$log.after"
	[ -z "$made_policy" ] || rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
if [ -n "$no_services" ]; then
	enabled >"$log.enabled"
	if [ ! -e "$policy" ]; then # 101: invoke-rc.d(8) is not to start anything
		made_policy=1
		printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
	fi
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# A mirror may be away for a moment, and a timer's apt has its locks.
for pause_s in 10 30 ''; do
	{ # nothing that it starts keeps the lock
		apt-get -qq update && apt-get -qq -y -o DPkg::Lock::Timeout=300 install \
			--no-install-recommends $missing >"$log" 2>&1
	} 9>&-
	status=$?
	[ $status != 0 ] && [ -n "$pause_s" ] || break
	sleep "$pause_s"
done
[ $status = 0 ] || cat "$log" >&2
if [ -n "$no_services" ]; then
	enabled >"$log.after"
	for unit in $(comm -13 "$log.enabled" "$log.after"); do
		systemctl -q disable "$unit" 2>/dev/null
	done
fi
exit $status
