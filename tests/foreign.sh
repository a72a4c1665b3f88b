#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# foreign.sh ARCH DIR [unit|netns]...: build for another Debian architecture (i386, arm64, s390x)
# and run tests of it: on i386 here, on others under qemu-user. Nothing of it is installed in this
# machine but the compiler; headers and libraries, the -dev packages among PACKAGES, are a tree of their
# own, DIR/ARCH/root.
set -euo pipefail
arch=$1 dir=$2/$1
shift 2
root=$PWD/$dir/root
case $arch in
i386) triple=i686-linux-gnu gnu=i386-linux-gnu loader=/lib/ld-linux.so.2 qemu= ;;
arm64) triple=aarch64-linux-gnu gnu=$triple loader=/lib/ld-linux-aarch64.so.1 qemu=qemu-aarch64-static ;;
s390x) triple=s390x-linux-gnu gnu=$triple loader=/lib/ld64.so.1 qemu=qemu-s390x-static ;;
*) echo "foreign.sh: no such architecture: $arch" >&2; exit 2 ;;
esac

make_root() { # of the packages' contents alone: none of their scripts runs
	local packages=libc6-dev,linux-libc-dev,libgcc-s1 package
	for package in $PACKAGES; do
		case $package in *-dev) packages+=,$package ;; esac
	done
	[ "$(cat "$dir/key" 2>/dev/null)" != "$packages" ] || return 0
	rm -rf "$dir"
	mkdir -p "$dir"
	# From where this machine's own packages come; headers need no security updates.
	local mirror
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
	mmdebstrap --quiet --mode=root --variant=extract --arch="$arch" --include="$packages" bookworm "$root" \
		"deb $mirror bookworm main"
	# Links to absolute paths lead out of the tree.
	find "$root/usr/lib/$gnu" "$root/lib/$gnu" -lname '/*' 2>/dev/null | while read -r link; do
		ln -sfn "$root$(readlink "$link")" "$link"
	done
	echo "$packages" >"$dir/key"
}

build() { # TARGET...
	# What runs here finds loader and libraries in the tree; qemu-user is told of it.
	local flags="--sysroot=$root" link="--sysroot=$root -Wl,-rpath-link,$root/lib/$gnu"
	if [ -z "$qemu" ]; then
		link+=" -Wl,--disable-new-dtags -Wl,--dynamic-linker=$root$loader -Wl,-rpath,$root/lib/$gnu:$root/usr/lib/$gnu"
	fi
	PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$root/usr/lib/$gnu/pkgconfig:$root/usr/share/pkgconfig \
		CPPFLAGS=-Itests/tsan LDFLAGS=$link \
		make --no-print-directory -j"$(nproc)" BUILD="$dir/build" CC="${CCACHE:-} $triple-gcc $flags" \
		AR="$triple-ar" CRITERION= "$@" >"$dir/make.log" 2>&1 || { tail -n 30 "$dir/make.log"; exit 1; }
}

unit() {
	local test out failed=0 passed=0 left=0
	build unit-build
	export GCONV_PATH=$root/usr/lib/$gnu/gconv # libc's tables of other encodings
	# A test of the kernel's answers needs this machine's own calls; qemu-user knows few of netlink's,
	# of seccomp's, and of a socket's credentials.
	while read -r test; do
		case ${qemu:+$test} in */test_rules_kernel | */test_rules_packets | */publish/* | */sys/test_sandbox | */sys/test_privs | \
			*/test_keeper | */test_foreign | */test_peer | */web/test_confine) left=$((left + 1)); continue ;; esac
		if out=$(timeout 300 ${qemu:+$qemu -L "$root"} "$test" 2>&1); then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			echo "FAILED  $arch ${test#"$dir/build/"}"; tail -n 20 <<<"$out"
		fi
	done < <(find "$dir/build/unit" -name 'test_*' -type f -perm -u+x | sort)
	echo "$arch: $passed unit test programs passed, $failed failed, $left not for qemu-user"
	[ $failed = 0 ]
}

# Whatever starts the daemon, with its own filter of system calls; not what compiles or runs make.
netns() {
	local test log status failed=0 passed=0
	build all
	export SYNPRINT_CONF_DIR=$PWD/conf CC="$triple-gcc --sysroot=$root" # for what is loaded beside the daemon
	log=$(mktemp)
	for test in tests/netns/test_*.py; do
		[ -x "$test" ] || { echo "FAILED  $test is no program"; failed=$((failed + 1)); continue; }
		case $test in */test_client_library.py | */test_make_run.py | */test_readme.py) continue ;; esac
		status=0
		BUILD=$dir/build timeout -k 5 300 "$test" >"$log" 2>&1 || status=$?
		case $status in
		0 | 77) passed=$((passed + 1)) ;;
		*) failed=$((failed + 1)); echo "FAILED  $arch $test"; tail -n 30 "$log" ;;
		esac
	done
	rm -f "$log"
	echo "$arch: $passed scenarios passed, $failed failed"
	[ $failed = 0 ]
}

make_root
for what in "${@:-unit}"; do "$what"; done
