#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# depends.sh DEB...: the names of what these packages depend on, but for themselves.
own=$(for deb in "$@"; do dpkg-deb -f "$deb" Package; done)
for deb in "$@"; do
	dpkg-deb -f "$deb" Depends
done | tr ',' '\n' | sed -E 's/^ *([^ |(]+).*/\1/' | grep -vxF "$own" | sort -u
