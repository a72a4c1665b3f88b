#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# image.sh DIR PACKAGE...: a Debian 12 with its own kernel, systemd and these packages, as DIR/disk,
# DIR/kernel and DIR/initrd. Made from Debian's archive, and only where the list or this file changed.
# At its boot it unpacks the tar archive on its second disk and runs the script `run` in it.
# VM_LATER: packages that the machine can install with apt and without a network, which is not there.
set -euo pipefail
umask 022
directory=$1
shift
base="systemd-sysv udev dbus kmod procps iproute2 python3 nftables linux-image-cloud-amd64"
later=${VM_LATER:-}
key=$(sha256sum "$0" - <<<"$base $* later $later" | sha256sum | cut -d' ' -f1)
[ "$(cat "$directory/key" 2>/dev/null)" != "$key" ] || exit 0

rm -rf "$directory"
mkdir -p "$directory"
work=$(mktemp -d "$directory/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
packages="$base $*"
fetch() { # each by itself: some of them do not go together
	echo 'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get clean'
	for package in $later; do
		echo "APT_CONFIG=\"\$MMDEBSTRAP_APT_CONFIG\" apt-get -qq -y --no-install-recommends --download-only install $package"
	done
}
mmdebstrap --quiet --mode=root --variant=minbase --include="${packages// /,}" \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' ${later:+--skip=cleanup/apt} \
	${later:+--customize-hook="$(fetch)"} bookworm "$root"

version=$(ls "$root/lib/modules")
cp "$root/boot/vmlinuz-$version" "$directory/kernel"
rm -rf "$root"/boot/*
rm -rf "$root"/var/lib/apt/lists/*
if [ -n "$later" ]; then
	(cd "$root/var/cache/apt/archives" && dpkg-scanpackages -m . >Packages 2>/dev/null)
	echo 'deb [trusted=yes] file:/var/cache/apt/archives ./' >"$root/etc/apt/sources.list"
	printf '%s\n' 'APT::Install-Recommends "false";' 'APT::Get::Assume-Yes "true";' 'quiet "2";' \
		'Dpkg::Options:: "--force-confold";' >"$root/etc/apt/apt.conf.d/90unasked"
else
	rm -rf "$root"/var/cache/apt/archives/*.deb
fi

# Nothing that takes time at a boot and is of no use in a machine that lives for a minute.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer \
	e2scrub_reap.service getty@tty1.service serial-getty@ttyS0.service systemd-pstore.service; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
echo synprint-vm >"$root/etc/hostname"
echo '/dev/vda / ext4 rw,noatime 0 0' >"$root/etc/fstab"
: >"$root/etc/machine-id"
cat >"$root/etc/systemd/system/payload.service" <<'UNIT'
[Unit]
Description=What the second disk brings
After=basic.target dbus.socket
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mkdir -p /payload && tar -xf /dev/vdb -C /payload && exec /payload/run'
ExecStopPost=/bin/systemctl --no-block poweroff
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
TimeoutStartSec=infinity
UNIT
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../payload.service "$root/etc/systemd/system/multi-user.target.wants/"

# The initial RAM disk has the modules for the disk, in the order in which they are needed.
early=$work/early
mkdir -p "$early"/{bin,dev,mnt,modules}
cp /bin/busybox "$early/bin/"
number=100
for module in virtio_pci virtio_blk ext4; do
	while read -r verb path _; do
		[ "$verb" = insmod ] || continue
		number=$((number + 1))
		cp "$path" "$early/modules/$number-${path##*/}"
	done < <(modprobe -d "$root" -S "$version" --show-depends "$module")
done
cat >"$early/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do /bin/busybox insmod "$module" 2>/dev/null; done
until [ -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 -o noatime /dev/vda /mnt
/bin/busybox mount --move /dev /mnt/dev
exec /bin/busybox switch_root /mnt /sbin/init
INIT
chmod 755 "$early/init"
(cd "$early" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$directory/initrd"

truncate -s "$([ -n "$later" ] && echo 4G || echo 2G)" "$work/disk"
mkfs.ext4 -q -F -O ^has_journal -d "$root" "$work/disk"
mv "$work/disk" "$directory/disk"
echo "$key" >"$directory/key"
