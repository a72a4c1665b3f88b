#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the code has is in the manual: keys, commands, options, requests, codes, flags, reasons."""
import os
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
missing = []


def read(name):
    return (TOP / name).read_text()


def expect(words, pages, what):
    assert words, f"found no {what} in the code: this test no longer reads it"
    for page in pages:
        text = re.sub(r"\\[&-]|\\\(..", "", read(page))
        for word in words:
            if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text):
                missing.append(f"{page}: {what} {word}")


def rows(name, source):
    """The rows of a table in C, one string each."""
    table = re.search(rf"{name}\[\] = \{{\n(.*?)^\}};", read(source), re.S | re.M)[1]
    return re.findall(r"^\t\S.*?(?=^\t\S|\Z)", table, re.S | re.M)


def configuration():
    keys = [(re.search(r'"([a-z0-9_.]+)"', row)[1], "RESTART" in row)
            for row in rows("struct key keys", "src/config/config_keys.c")]
    expect([key for key, _ in keys], ["man/synprint.conf.5"], "key")
    expect([key.split(".")[-1] for key, _ in keys], ["conf/synprint.conf"], "key")
    members = [re.search(r'"(\w+)"', row)[1] for row in rows("} members", "src/config/config_sets.c")]
    expect(members, ["man/synprint.conf.5", "conf/synprint.conf"], "key of a publish rule")
    needs_restart(keys)


def needs_restart(keys):
    """What synprintd(8) says of SIGHUP: whole groups, and single keys."""
    text = read("man/synprintd.8").split("need a restart:")[0].rsplit(".It Dv SIGHUP", 1)[1]
    named = re.findall(r"^\.Cm (\S+)", text, re.M)
    for key, restart in keys:
        if restart != any(key == name or key.startswith(name + ".") for name in named):
            missing.append(f"man/synprintd.8: {key} {'needs' if restart else 'needs no'} restart")


def protocol():
    proto = read("src/control/proto.c")
    page = ["man/synprint-control.7"]
    expect(re.findall(r'\[PROTO_[A-Z_]+\] = "(\w+)"', proto), page, "operation or code")
    expect(re.findall(r'"(\w+)"', re.search(r"flag_names\[.*?\};", read("src/core/verdict/verdict.c"),
                                            re.S)[0]), page, "flag")
    expect(re.findall(r'\[REASON_\w+\]\s*=\s*\{"(\w+)"', read("src/core/base/reason.c")), page, "reason")
    keys = re.findall(r'put_\w+\(buf, "(\w+)"', read("src/core/report/report.c"))
    expect(keys, page, "member of a verdict")
    expect(re.findall(r',\\"(\w+)\\":[{\[]', read("src/daemon/answers/status.c")), page, "status member")
    figures = read("src/daemon/answers/figures.c")
    expect(re.findall(r'^\t\{"(\w+)", \w+, COUNT\(', figures, re.M), page, "status member")
    figures_table(figures)


def figures_table(source):
    """Each row of figures.c is a row of synprint-control(7)'s table of the status reply."""
    rows_of = {name: re.findall(r'\{\s*"(\w+)",\s*(?:"(\w+)"|NULL),', body) for name, body in
               re.findall(r"struct figure (\w+)\[\] = \{\n(.*?)^\};", source, re.M | re.S)}
    groups = re.findall(r'^\t\{"(\w*)", (\w+), COUNT\(', source, re.M)
    groups += [("queues[]", "queue"), ("publish.sets[]", "set")]
    there = {(f"{group}.{member}".lstrip("."), f"synprint_{metric}" if metric else r"\(en")
             for group, name in groups for member, metric in rows_of[name]}
    said = set(re.findall(r"^\.It (\S+) Ta (\S+)$", read("man/synprint-control.7"), re.M))
    for member, metric in sorted(there ^ said):
        missing.append(f"man/synprint-control.7 and figures.c differ in {member} ({metric})")


def help_of(*arguments):
    return subprocess.run([BUILD / "synprint", *arguments], capture_output=True, text=True,
                          check=True).stdout


def commands():
    assert help_of("help", "--help") == help_of("help")
    table = help_of("help").split("Commands:")[1].split("Options")[0]
    names = re.findall(r"^  (\w+) ", table, re.M)
    expect(names, ["man/synprint.1"], "command")
    for name in names:
        if name != "help":
            options = re.findall(r"--([a-z0-9-]+)", help_of(name, "--help"))
            expect([f"-{option}" for option in options], ["man/synprint.1"],
                   f"option of {name}")


def targets():
    makefile = read("Makefile")
    for page in ("README.md", "CONTRIBUTING.md"):
        for line in re.findall(r"make ([a-z][a-z0-9 -]*)", read(page)):
            for target in line.split():
                if f"`make {target}" in read(page) and not re.search(rf"^{target}:", makefile, re.M):
                    missing.append(f"{page}: there is no target {target}")


def release():
    """Makefile, changelogs and the library's list of symbols agree."""
    version = re.search(r"^VERSION := (\S+)", read("Makefile"), re.M)[1]
    for page, form in (("CHANGELOG.md", rf"\A# Changelog\n+## {re.escape(version)}\b"),
                       ("debian/changelog", rf"\Asynprint \({re.escape(version)}\)")):
        if not re.search(form, read(page)):
            missing.append(f"{page}: the Makefile's version {version} at the top")
    library = next(BUILD.glob("libsynprint-client.so.*"))
    exported = set(re.findall(r" T (\w+)", subprocess.run(["nm", "-D", "--defined-only", library], text=True,
                                                          capture_output=True, check=True).stdout))
    listed = set(re.findall(r"^ (\w+)@", read("debian/libsynprint-client0.symbols"), re.M))
    for symbol in exported ^ listed:
        missing.append(f"debian/libsynprint-client0.symbols: {symbol} is in only one of it and the library")


def lint():
    for page in sorted((TOP / "man").glob("*.[1-8]")):
        said = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True,
                              text=True, check=False).stdout
        missing.extend(said.splitlines())


if __name__ == "__main__":
    for check in (configuration, protocol, commands, targets, release, lint):
        check()
    print("\n".join(missing) or "the manual has everything")
    sys.exit(bool(missing))
