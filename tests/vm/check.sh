#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check.sh DIR PACKAGE...: boot the image in DIR twice and run guest.py in it, with the Debian package
# that is given and a newer version of the same. On hardware where some model of a processor boots there, else
# emulated: hardware that cannot do it says so by hanging, or QEMU aborts. VM_CPU=kvm:MODEL or tcg:MODEL takes that one.
# VM_ONLY=a,b runs these scenarios alone.
set -u
directory=$1
shift
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d "$directory/run.XXXXXX")
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

newer() { # DEB OUT: the same with a higher version, to upgrade to
	rm -rf "$work/newer"
	dpkg-deb -R "$1" "$work/newer"
	sed -i -E 's/^(Version: .*)/\1+vm1/; s/(\(= [^)]*)\)/\1+vm1)/' "$work/newer/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$work/newer" "$2" >/dev/null
}

mkdir -p "$work/payload/packages/newer"
cp -r "$here/../../tests" "$work/payload/"
for deb in "$@"; do
	cp "$deb" "$work/payload/packages/"
	newer "$deb" "$work/payload/packages/newer/${deb##*/}"
done
cat >"$work/payload/run" <<'RUN'
#!/bin/sh
exec python3 -B /payload/tests/vm/guest.py </dev/null
RUN
chmod 755 "$work/payload/run"
tar -C "$work/payload" --owner=0 --group=0 -cf "$work/payload.tar" .
truncate -s %512 "$work/payload.tar"
cp --sparse=always "$directory/disk" "$work/disk"

machine() { # SECONDS CPU COMMAND_LINE ARGUMENT...: CPU as in VM_CPU
	local seconds=$1 accel=${2%%:*} model=${2#*:} line=$3
	shift 3
	# Without no_timer_check the kernel may panic where the host is busy.
	timeout -k 5 "$seconds" qemu-system-x86_64 -accel "${accel/tcg/tcg,thread=multi}" -cpu "$model" -smp 2 -m 1024 \
		-nodefaults -no-reboot -display none -serial stdio -kernel "$directory/kernel" -initrd "$directory/initrd" \
		-append "console=ttyS0 panic=-1 no_timer_check $line" "$@" </dev/null 2>&1
}

boots() { # CPU: the kernel comes as far as its root file system, which is not there
	machine 20 "$1" "rdinit=/none root=none" | grep -a 'Unable to mount root fs' >/dev/null
}

choose() { # the first that boots; what was found stays true for this kernel and this QEMU
	local key cpu
	key="$(uname -rv) $(qemu-system-x86_64 --version | head -n 1)"
	if [ "$(sed 1d "$directory/cpu" 2>/dev/null)" != "$key" ]; then
		for cpu in kvm:max kvm:host,-arch-capabilities kvm:EPYC-v1 kvm:Skylake-Server-v1 tcg:max; do
			if [ "${cpu%%:*}" = tcg ] || { [ -w /dev/kvm ] && boots "$cpu"; } 2>/dev/null; then break; fi
		done
		printf '%s\n%s\n' "$cpu" "$key" >"$directory/cpu"
	fi
	sed -n 1p "$directory/cpu"
}

cpu=${VM_CPU:-$(choose)}
[ "${cpu%%:*}" = kvm ] && patience=2 || patience=20 # times as long as here
boot_seconds=${VM_TIMEOUT:-$((600 + patience * 90))}
echo "the machine's processor: $cpu"

boot() { # NUMBER
	machine "$boot_seconds" "$cpu" \
		"root=/dev/vda rw quiet loglevel=3 systemd.show_status=0 vm.boot=$1 vm.patience=$patience${VM_ONLY:+ vm.only=$VM_ONLY}" \
		-drive "file=$work/disk,format=raw,if=virtio,cache=unsafe" \
		-drive "file=$work/payload.tar,format=raw,if=virtio,readonly=on" |
		sed -u 's,\r,,g' | tee "$work/log" | grep -aE --line-buffered '^(ok|FAILED|FIGURE|SKIP|    )'
	passed=$((passed + $(grep -ac '^ok ' "$work/log")))
	failed=$((failed + $(grep -ac '^FAILED ' "$work/log")))
	if ! grep -aq "^END OF BOOT $1\$" "$work/log"; then
		failed=$((failed + 1))
		echo "FAILED boot $1: the machine did not come to its end; its console:"
		tail -n 60 "$work/log"
		return 1
	fi
}

boot 1 && boot 2
cp "$work/log" "$directory/last.log"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
