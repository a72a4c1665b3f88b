#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# trixie.sh DIR [MAKE-TARGET]: `make check` in a Debian 13 of its own, on this machine's kernel. The
# tree DIR/root is made once; what trixie does not have, such as p0f, is left out, and tests say so.
set -euo pipefail
dir=$1 target=${2:-check-all}
shift 2 || shift
root=$PWD/$dir/root
packages=("$@")

make_root() {
	local mirror key
	key=$(sha256sum "$0" - <<<"${packages[*]}" | sha256sum | cut -d' ' -f1)
	[ "$(cat "$dir/key" 2>/dev/null)" != "$key" ] || return 0
	rm -rf "$dir"
	mkdir -p "$dir"
	# From where this machine's own packages come.
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
	mmdebstrap --quiet --mode=root --variant=minbase --include=apt trixie "$root" "deb $mirror trixie main"
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	cp /etc/resolv.conf /etc/hosts "$root/etc/"
	inside 'apt-get -qq update
		for package in "$@"; do
			if apt-cache show "$package" >/dev/null 2>&1; then have="$have $package"; else echo "trixie has no $package"; fi
		done
		DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends $have >/tmp/apt.log 2>&1 || {
			tail -n 20 /tmp/apt.log; exit 1; }' "${packages[@]}"
	echo "$key" >"$dir/key"
}

# In a mount namespace of its own, which ends with it: nothing stays mounted.
inside() {
	unshare --mount --propagation private sh -ec '
		root=$1; script=$2; shift 2
		mount --bind "$root" "$root" # what ip-netns(8) mounts in needs a mount point as its root
		for place in proc sys dev; do mount --rbind /$place "$root/$place"; done
		mount -t tmpfs -o mode=0755 run "$root/run"
		mkdir -p "$root/run/netns" "$root/src"
		exec chroot "$root" sh -c "$script" sh "$@"' sh "$root" "$@"
}

make_root
rm -rf "$root/src"
mkdir -p "$root/src"
tar -cf - --exclude=./build --exclude=./.git . | tar -xf - -C "$root/src"
inside 'cd /src && exec make --no-print-directory -j"$(nproc)" "$1"' "$target"
