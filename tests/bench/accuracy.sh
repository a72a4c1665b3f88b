#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Prints how often the classification is right: accuracy.sh [BUILD [DATA [DATABASE]]].
set -eu

build=${1:-build}
data=${2:-${SYNPRINT_DATA:-../shared/data}}
database=${3:-conf/signatures.db}
cd "$(dirname "$0")/../.."

if [ ! -e "$data/stack_facts.csv" ]; then
	echo "accuracy.sh: no $data/stack_facts.csv; name its folder in SYNPRINT_DATA" >&2
	exit 1
fi
make --no-print-directory BUILD="$build" "$build/libsynprint.a"
${CC:-cc} -std=gnu11 -O2 -Iinclude -Isrc -D_GNU_SOURCE -o "$build/accuracy_match" \
	tests/bench/accuracy_match.c "$build/libsynprint.a" -lm
exec python3 -B tests/bench/accuracy.py "$build/accuracy_match" "$database" \
	2021="$data/stack_counts_2021.csv" 2023="$data/stack_facts.csv" \
	2025="$data/stack_counts_2025.csv" "$data/labelled_syns.jsonl"
