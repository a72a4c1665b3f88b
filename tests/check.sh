#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check.sh BUILD all|unit|golden|netns|fuzz: run tests, and close with one line of counts.
# A scenario exits 0 (passed), 77 (some of it was skipped: lines "SKIP ..." say what and why) or anything else (failed).
set -u
build=$1 what=$2
passed=0 failed=0 skipped=0
failures=()
# Daemon and tool under LeakSanitizer cannot be traced once they gave up their privileges.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0} BUILD=$build

note() { # STATUS NAME
	case $1 in
	0) passed=$((passed + 1)) ;;
	77) skipped=$((skipped + 1)) ;;
	*) failed=$((failed + 1)); failures+=("$2") ;;
	esac
}

run_unit() { # PROGRAM
	ASAN_OPTIONS=detect_leaks=1 timeout -k 5 600 "$1" --color=never 2>&1
}

unit() {
	local test out tested failing
	for source in $(find tests/unit -name 'test_*.c' | sort); do
		test=${source#tests/}
		test=$build/${test%.c}
		out=$(run_unit "$test")
		# Criterion itself, once in some thousand runs: a test was not even started.
		[[ $out != *"Could not spawn test instance"* ]] || out=$(run_unit "$test")
		read -r tested failing < <(sed -nE \
			's/.*Tested: ([0-9]+) \| Passing: [0-9]+ \| Failing: ([0-9]+).*/\1 \2/p' <<<"$out")
		if [ -z "${tested:-}" ]; then
			echo "$out"; note 1 "${test##*/}"; continue
		fi
		# It speaks when a test's process ends: Criterion has its result by then.
		failing=$((failing + $(grep -c 'LeakSanitizer: detected' <<<"$out")))
		passed=$((passed + tested - failing))
		failed=$((failed + failing))
		if [ "$failing" != 0 ]; then
			echo "$out"; failures+=("${test##*/}")
		else
			# A skip is told by the test itself, on a line of its own.
			grep -h '^SKIP ' <<<"$out" && skipped=$((skipped + $(grep -c '^SKIP ' <<<"$out")))
			echo "ok      ${test##*/} ($tested)"
		fi
		tested=
	done
}

scenarios() { # FOLDER
	local test log status start
	log=$(mktemp)
	for test in tests/"$1"/test_*; do
		[ -x "$test" ] || { echo "FAILED  $test cannot be run: chmod +x"; note 1 "$test"; continue; }
		start=$SECONDS
		timeout -k 5 600 "$test" >"$log" 2>&1
		status=$?
		note $status "$test"
		case $status in
		0) echo "ok      $test ($((SECONDS - start)) s)"; grep -h '^FIGURE ' "$log" ;;
		77) sed -n "s|^SKIP |SKIP    $test: |p; /^FIGURE /p" "$log" ;;
		*) echo "FAILED  $test (status $status)"; cat "$log" ;;
		esac
	done
	rm -f "$log"
}

fuzz() {
	local harness name
	for harness in "$build"/fuzz/fuzz_*; do
		[ -x "$harness" ] || continue
		name=${harness##*/fuzz_}
		if "$harness" tests/fuzz/corpus/"$name"; then
			echo "ok      fuzz corpus $name"; note 0 "$harness"
		else
			echo "FAILED  fuzz corpus $name"; note 1 "$harness"
		fi
	done
}

need_root() {
	if [ "$(id -u)" != 0 ]; then
		echo "these tests need root: they make network namespaces and netfilter rules" >&2
		exit 1
	fi
}

case $what in
unit) unit ;;
golden) scenarios golden ;;
netns) need_root; scenarios netns ;;
fuzz) fuzz ;;
all)
	need_root
	unit
	scenarios golden
	scenarios netns
	out=$(mktemp)
	make --no-print-directory check-fuzz >"$out" 2>&1
	status=$?
	[ $status = 0 ] && grep -h '^ok ' "$out" || cat "$out"
	note $status fuzz
	rm -f "$out"
	;;
esac

for failure in "${failures[@]}"; do
	echo "failed: $failure"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
