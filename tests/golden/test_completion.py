#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the shells complete, asked of the shells themselves where they are installed: every command, every
option that its --help has, and the values of those that have few."""
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import test_options

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
SYNPRINT = str(BUILD / "synprint")

# The zsh functions that would ask the user's editor say what they were asked instead.
ZSH_ASK = r"""
compdef() { }
_describe() { print -l -- ${(P)${@[-1]}} }
_arguments() {
    if [[ $1 == -C ]]; then
        if (( $#words == 1 )); then state=command; else shift words; state=argument; fi
        return
    fi
    print -l -- "$@"
}
source $1; shift
words=("$@")
_synprint
"""


def out(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, **more).stdout


def script(shell, folder):
    path = Path(folder) / f"synprint.{shell}"
    path.write_text(out(SYNPRINT, "completion", shell))
    return str(path)


@functools.cache
def table():
    """command -> its long options, as the help has them"""
    return {command: {name for name in options if name.startswith("--")}
            for command, options in test_options.table().items()}


@functools.cache
def actions_of():
    """command -> its actions -> their long options"""
    engine = {"--engine", "--queues"}
    own = {"rules": {"print": engine | {"--interface", "--format", "--sets", "--remove"},
                     "apply": engine | {"--interface"}, "remove": set(), "status": engine},
           "db": {"check": set(), "stats": set(), "show": {"--label"}, "merge": {"--output"},
                  "import": {"--output"}, "export": {"--output"}}}
    common = {"--help", "--config", "--json", "--socket"}
    return {command: {action: options | (table()[command] & common) for action, options in actions.items()}
            for command, actions in own.items()}


def bash(folder):
    path = script("bash", folder)

    def ask(*words):
        line = (f'source {path}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _synprint; '
                'printf "%s\\n" "${COMPREPLY[@]}"')
        return set(out("bash", "-c", line, "bash", "synprint", *words).split())

    assert ask("") == set(table()) | {"help"}
    assert ask("ver") == {"verdict"}
    for command, options in table().items():
        assert ask(command, "--") == options, (command, ask(command, "--") ^ options)
    assert ask("rules", "") == {"print", "apply", "remove", "status"}
    assert ask("rules", "print", "--format", "i") == {"iptables", "ipset"}
    assert ask("rules", "--sets", "print", "") == set()
    for command, actions in actions_of().items():
        for action, options in actions.items():
            assert ask(command, action, "--") == options, (command, action, ask(command, action, "--") ^ options)
    assert ask("rules", "--interface", "l") == {"lo"}
    assert ask("--socket", "/x", "stat") == {"status"}
    assert ask("classify", "/etc/host") >= {"/etc/hosts"}
    assert ask("db", "check", "-o", "/etc/host") >= {"/etc/hosts"}
    assert not ask("status", "/etc/host")
    assert ask("watch", "--flag", "sc") == {"scanner"}


def zsh(folder):
    path = script("zsh", folder)

    def ask(*words):
        return out("zsh", "-f", "-c", ZSH_ASK, "zsh", path, *words)

    commands = re.findall(r"^(\w+):", ask("synprint"), re.M)
    assert set(commands) == set(table()) | {"help"}, commands
    for command, options in table().items():
        asked = set(re.findall(r"--[a-z0-9-]+(?=\[)", ask("synprint", command)))
        assert asked == options, (command, asked ^ options)
    for command, actions in actions_of().items():
        for action, options in actions.items():
            asked = set(re.findall(r"--[a-z0-9-]+(?=\[)", ask("synprint", command, action, "")))
            assert asked == options, (command, action, asked ^ options)
    assert re.search(r"^\*--engine\[.*\]:E:\( *auto nft xt none\)$", ask("synprint", "rules"), re.M)
    assert "1:action:(print apply remove status)" in ask("synprint", "rules")
    assert re.search(r"^\*-o\[.*\]:FILE:_files$", ask("synprint", "db"), re.M)
    loaded = "autoload -U compinit; compinit -u -D; source $1; print $_comps[synprint]"
    assert out("zsh", "-f", "-c", loaded, "zsh", path).strip() == "_synprint"


def fish(folder):
    path = script("fish", folder)
    home = {**os.environ, "HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_DATA_HOME": folder}

    def ask(line):
        said = out("fish", "--no-config", "-c", f'source {path}; complete -C "synprint {line}"', env=home)
        return {word.split("\t")[0] for word in said.splitlines()}

    assert ask("") == set(table()) | {"help"}, ask("") ^ (set(table()) | {"help"})
    for command, options in table().items():
        asked = {word for word in ask(f"{command} --") if not word.startswith("-o")}
        assert asked == options, (command, asked ^ options)
    assert {"print", "apply", "remove", "status"} <= ask("rules ")
    for command, actions in actions_of().items():
        for action, options in actions.items():
            asked = {word for word in ask(f"{command} {action} --") if not word.startswith("-o")}
            assert asked == options, (command, action, asked ^ options)
    assert ask("rules --format ") == {"nft", "iptables", "ipset"}
    assert "lo" in ask("rules --interface ")


def refuses():
    for words in ([], ["csh"], ["bash", "zsh"]):
        done = subprocess.run([SYNPRINT, "completion", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "bash, zsh or fish" in done.stderr and not done.stdout, words


if __name__ == "__main__":
    refuses()
    absent = [shell for shell in ("bash", "zsh", "fish") if not shutil.which(shell)]
    with tempfile.TemporaryDirectory() as place:
        for check in (bash, zsh, fish):
            if check.__name__ not in absent:
                check(place)
    print("not installed: " + ", ".join(absent) if absent else "all three shells")
    sys.exit(0)
