#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# crowdsec.sh DIR: Debian's crowdsec unpacked into DIR. It is not installed: its installation registers
# the machine online, starts a service, and reads this machine's logs.
set -eu
directory=$1
[ -x "$directory/usr/bin/crowdsec" ] && exit 0
echo "fetching: crowdsec"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get -qq update && apt-get -qq -o APT::Sandbox::User=root download crowdsec)
mkdir -p "$directory"
dpkg-deb -x "$work"/crowdsec_*.deb "$directory"
