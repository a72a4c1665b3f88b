#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command takes the options that its --help lists, and refuses every other one that any command
has: none is passed over in silence."""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
SYNPRINT = str(BUILD / "synprint")
NOBODY = "/nonexistent/control.sock"


def run(*words):
    return subprocess.run([SYNPRINT, *words], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)


def listed(command):
    """option -> whether it takes a value, as the lines of the command's help begin."""
    text = run(command, "--help").stdout.split("Exit status:")[0]
    options = {}
    for line in re.findall(r"^  (-.*)", text, re.M):
        long = re.compile(r"(--[a-z0-9-]+)(?: ([A-Z]\S*))?")
        letter = re.match(r"-\w(?=, )", line)
        name, value = long.search(line).groups()
        options[name] = bool(value)
        if letter:
            options[letter[0]] = bool(value)
        for name, value in long.findall(line.split(", ", 1)[1] if re.match("--.*, --", line) else ""):
            options[name] = bool(value)
    return options


def table():
    text = run("help").stdout.split("Commands:")[1].split("Options")[0]
    return {name: listed(name) for name in re.findall(r"^  (\w+) ", text, re.M) if name != "help"}


def is_refused(done):
    return done.returncode == 2 and re.search("bad option|has no use for", done.stderr)


def both_ways(commands):
    known = {}
    for options in commands.values():
        known |= options
    letters = {"-v": False, "-Z": False}  # some that none has
    for command, options in commands.items():
        for name, has_value in {**letters, **known}.items():
            words = [command, name] + (["1"] if has_value else [])
            if name in options:  # help at the end: that the option is taken is all that is asked
                done = run(*words, "--help")
                is_taken = done.returncode == 0 or not re.search("bad option|no use|needs a value", done.stderr)
                assert is_taken, (words, done.stderr)
            else:
                assert is_refused(run(*words)), (words, run(*words))


def json_is_json(commands):
    """Who lists it prints it, as far as that needs no daemon; who does not says so, wherever it stands."""
    with tempfile.TemporaryDirectory() as place:
        capture = Path(place) / "empty.pcap"
        capture.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
        for words in (["link", "1460"], ["db", "check"], ["db", "stats"], ["db", "show"],
                      ["classify", "--summary", str(capture)], ["unknown", str(capture)]):
            done = run("--json", *words)
            assert done.returncode == 0, (words, done.stderr)
            for line in done.stdout.splitlines():
                json.loads(line)
    for command, options in commands.items():
        if "--json" not in options:
            assert is_refused(run("--json", command, "bash")), command


def of_some_only():
    """Options that belong to some actions, forms or arguments of a command alone."""
    for words, what in (("db check --label x", "db check has no use for --label"),
                        ("db show -o x", "db show has no use for --output"),
                        ("db merge --json x", "db merge has no use for --json"),
                        ("rules print --json", "no JSON form"),
                        ("rules apply --format nft", "rules apply has no use for --format"),
                        ("rules apply --sets", "rules apply has no use for --sets"),
                        ("rules remove --queues 1", "rules remove has no use for --queues"),
                        ("rules status --interface lo", "rules status has no use for --interface"),
                        ("classify --json --csv x", "--json is one form"),
                        ("classify --summary --format p0f x", "forms of SYNs"),
                        ("classify --plot x.svg --csv x", "forms of SYNs"),
                        ("classify --explain --csv x", "--explain goes with"),
                        ("classify --explain --clocks x", "--explain goes with"),
                        (f"watch --socket {NOBODY} --changes --confirmed", "exclude each other"),
                        (f"unknown --socket {NOBODY} x", "captures need none"),
                        ("baseline --forget 192.0.2.0/24 --limit 3", "takes no --limit")):
        done = run(*words.split())
        assert done.returncode == 2 and what in done.stderr, (words, done)


def words_before_a_command():
    usage = run("help").stdout
    assert usage.startswith("Usage: synprint [")
    for words in ("--help", "-h", "help help", "help --help", "help -h"):
        assert run(*words.split()).stdout == usage, words
    assert run("help", "rules").stdout == run("rules", "-h").stdout == run("rules", "print", "--help").stdout
    assert re.fullmatch(r"synprint [0-9.]+\n", run("-V").stdout) and run("-V").stdout == run("--version").stdout
    for words, what in (("help nothing", "no command 'nothing'"), ("help rules db", "takes one command"),
                        ("help -x", "no command '-x'"), ("forget all", "neither an address nor a network")):
        done = run(*words.split())
        assert done.returncode == 2 and what in done.stderr and not done.stdout, (words, done)
    done = run("--socket", "", "status")
    assert done.returncode == 2 and "a socket's path has 1 to 107 bytes" in done.stderr, done


if __name__ == "__main__":
    everything = table()
    assert len(everything) == 18 and everything["completion"] == {"-h": False, "--help": False}, everything
    both_ways(everything)
    json_is_json(everything)
    of_some_only()
    words_before_a_command()
    print(f"{len(everything)} commands, {sum(map(len, everything.values()))} options")
    sys.exit(0)
