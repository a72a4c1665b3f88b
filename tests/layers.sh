#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# layers.sh LIB: the core does no I/O and reads no clock, and the stages do not include each other.
set -u
failed=0

allowed='^(mem(chr|cmp|cpy|move|set)|str[a-z]*|__(mem|str|vsnprintf|snprintf|stack|isoc|ctype)[a-z_0-9]*|v?snprintf'
allowed="$allowed|malloc|calloc|realloc|free|aligned_alloc|qsort|bsearch|abort|inet_(pton|ntop)"
allowed="$allowed|(log|exp|pow|floor|ceil|lround|fabs|sqrt|round|fmin|fmax)[0-9a-z]*"
allowed="$allowed|pthread_mutex(attr)?_[a-z]*|__asan_[a-z_0-9]*|__ubsan_[a-z_0-9]*|__tsan_[a-z_0-9]*|_GLOBAL_OFFSET_TABLE_"
allowed="$allowed|__popcountdi2|__errno_location|__assert_fail)\$"

own=$(nm --defined-only "$1" 2>/dev/null | awk 'NF == 3 {print $3}' | sort -u)
foreign=$(nm -u "$1" 2>/dev/null | awk 'NF == 2 && $1 == "U" {print $2}' | sort -u |
	grep -vxF "$own" | grep -vE "$allowed")
if [ -n "$foreign" ]; then
	echo "src/core uses what a pure core must not:" $foreign
	failed=1
fi

for stage in input publish control sys; do
	for other in input publish control sys daemon config knowledge cli; do
		[ "$stage" = "$other" ] && continue
		if grep -n "^#include \"$other/" -r src/$stage; then
			echo "src/$stage must not include src/$other"
			failed=1
		fi
	done
done
for other in input publish control sys daemon config knowledge cli; do
	if grep -n "^#include \"$other/" -r src/nl src/core; then
		echo "nl, core and the public headers must not include src/$other"
		failed=1
	fi
done
if grep -nE '^#include "(core|nl|input|publish|control|sys|daemon|cli)/' -r src/client; then
	echo "src/client stands alone"
	failed=1
fi
[ $failed = 0 ] && echo "layers: the core is pure, the stages are apart"
exit $failed
