#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh BUILD: the daemon with the default configuration and a live view of it, until it ends.
set -u
build=$1
config=$build/run/synprint.conf
daemon=

if [ "$(id -u)" != 0 ]; then
	echo "make run needs root: it diverts this host's inbound SYNs to an NFQUEUE" >&2
	exit 5
fi

# The shipped configuration, but for what would be left behind.
mkdir -p "$build/run" && cp conf/*.db conf/synprint.conf "$build/run/" || exit 1
sed -i '/^state:/,/^}/s/enabled = true/enabled = false/' "$config"
# Clients are to be confirmed, whoever else uses conntrack here.
sed -i 's/conntrack = false/conntrack = true/' "$config"

tool() {
	"$build/synprint" --config "$config" "$@"
}

stop() {
	trap '' INT TERM HUP QUIT PIPE
	if [ -n "$daemon" ]; then
		kill "$daemon" 2>/dev/null
		wait "$daemon" 2>/dev/null
		daemon=
		tool rules remove >/dev/null || exit 1
		echo "synprint: stopped, every rule removed"
	fi
}
if tool status >/dev/null 2>&1; then
	echo "a synprintd is running already: stop it first, or look on with: $build/synprint watch" >&2
	exit 7
fi

trap 'stop; exit 0' INT TERM HUP QUIT PIPE
trap stop EXIT

# Should this shell be killed outright, the daemon ends as well and takes its rules away.
setpriv --pdeathsig TERM "$build/synprintd" -c "$config" &
daemon=$!
tries=0
until tool status --json 2>/dev/null | grep -q "\"pid\":$daemon,"; do # and no other one
	tries=$((tries + 1))
	if ! kill -0 "$daemon" 2>/dev/null || [ $tries -gt 100 ]; then
		wait "$daemon"
		status=$?
		daemon=
		exit $status
	fi
	sleep 0.1
done
cat <<TEXT
synprint: inbound SYNs of this host are diverted, classified and let through. Try it:
  from another host   curl http://$(hostname)/      any port, open or closed
  on this host        curl http://127.0.0.1:22/     loopback is inbound too
  in another terminal $build/synprint status; $build/synprint clients; nft list table inet synprint
Conntrack is on meanwhile (rules.conntrack), so that clients are confirmed by their handshakes.
Ctrl-C ends it and removes every rule.
TEXT
"$build/synprint" --config "$config" watch &
watch=$!
wait "$watch"
exit $?
