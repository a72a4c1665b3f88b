#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the documents name is there: files, folders, functions, keys, targets and commands. And the
code map of ARCHITECTURE.md is the one that tests/layers.py proves."""
import os
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
sys.path.insert(0, str(TOP / "tests"))
import layers  # noqa: E402  pylint: disable=wrong-import-position

PAGES = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"]
MADE = ("build/",)  # by make, and not in the tree
SOURCES = sorted((TOP / "src").rglob("*.[ch]")) + sorted((TOP / "include").rglob("*.h"))
CODE = "\n".join(path.read_text() for path in SOURCES)
NAMES = {path.name for path in SOURCES}
wrong = []


def read(name):
    return (TOP / name).read_text()


def quoted(page):
    """What stands in backticks, blocks of code left out."""
    text = re.sub(r"^```.*?^```", "", read(page), flags=re.M | re.S)
    return re.findall(r"`([^`\n]+)`", text)


def exists(path):
    return any(TOP.glob(path.rstrip("/"))) if "*" in path else (TOP / path).exists()


def files(page):
    """A path from the top, or the bare name of a source file."""
    count = 0
    for word in quoted(page):
        if not re.fullmatch(r"[\w.*/{},\[\]-]+", word) or word.startswith(("/", "-", *MADE)):
            continue
        first = word.split("/")[0]
        is_path = "/" in word and (TOP / first).is_dir()
        if is_path and not exists(re.sub(r"\[ch\]$", "c", word)):
            wrong.append(f"{page}: there is no {word}")
        elif not is_path and re.fullmatch(r"[\w*]+\.(\[ch\]|[ch])", word):
            pattern = word.replace(".[ch]", ".c").replace(".", r"\.").replace("*", r"\w*")
            if not any(re.fullmatch(pattern, name) for name in NAMES):
                wrong.append(f"{page}: no source file is called {word}")
        count += is_path
    return count


def functions(page):
    count = 0
    for name in re.findall(r"\b([a-z]\w+)\(\)", " ".join(quoted(page))):
        count += 1
        if not re.search(rf"^[a-z][^;{{}}=]*\b{name}\(", CODE, re.M) and f"#define {name}(" not in CODE:
            wrong.append(f"{page}: there is no function {name}()")
    for name in re.findall(r"\bstruct (\w+)", " ".join(quoted(page))):
        count += 1
        if not re.search(rf"\bstruct {name}\b", CODE):
            wrong.append(f"{page}: there is no struct {name}")
    return count


def keys(page):
    known = re.findall(r'^\t(?:\w+\(|\{\.path = )"([a-z0-9_.]+)"', read("src/config/config_keys.c"), re.M)
    groups = {key.split(".")[0] for key in known if "." in key}
    count = 0
    for word in quoted(page):
        group, _, key = word.partition(".")
        if group in groups and re.fullmatch(r"[a-z0-9_]+", key) and f"{word}" not in NAMES and key != "c":
            count += 1
            if word not in known:
                wrong.append(f"{page}: synprint.conf has no key {word}")
    return count


def targets(page):
    makefile = read("Makefile")
    found = [word for word in quoted(page) if word.startswith("make ")]
    for target in re.findall(r"(?<= )[a-z][a-z0-9-]*(?= |$)", "\n".join(found), re.M):
        if not re.search(rf"^[a-z0-9 -]*\b{target}\b[a-z0-9 -]*:", makefile, re.M) and \
                not re.search(rf"^bench-{target.removeprefix('bench-')}:", makefile, re.M):
            wrong.append(f"{page}: there is no make {target}")
    return len(found)


def commands(page):
    table = subprocess.run([BUILD / "synprint", "help"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"^  (\w+) ", table.split("Commands:")[1], re.M))
    named = set(re.findall(r"^ {4}synprint ([a-z]+)", read(page), re.M))
    named |= {name for word in quoted(page) for name in re.findall(r"^synprint ([a-z]+)", word)}
    for name in sorted(named - known):
        wrong.append(f"{page}: there is no synprint {name}")
    return len(named)


def code_map():
    """| `src/room/` | what it is | stands on |: the rooms, and what layers.py has for each."""
    section = read("ARCHITECTURE.md").split("## Code map")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `src/([a-z0-9/]+)/` \|.*\| ([^|]*) \|$", section, re.M))
    there = [room for room in layers.ROOMS if (TOP / "src" / room).is_dir()]
    for room in sorted(set(there) ^ set(rows)):
        wrong.append(f"ARCHITECTURE.md: the code map and the tree differ in src/{room}")
    for room, cell in rows.items():
        if room in layers.HOST and set(re.findall(r"`([a-z0-9/]+)`", cell)) != set(layers.HOST[room].split()):
            wrong.append(f"ARCHITECTURE.md: src/{room} stands on {layers.HOST[room]!r}, not on {cell!r}")
    if [room for room in rows if room in layers.ROOMS] != there:
        wrong.append(f"ARCHITECTURE.md: the code map's order is {there}")
    return len(rows)


def where_to_change():
    """Each row of the table says at least one place."""
    section = read("ARCHITECTURE.md").split("## Where do I change X?")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", section, re.M)[1:]
    for what, where in rows:
        if not any(exists(word) for word in re.findall(r"`((?:src|conf|tests|man)/[^`]+)`", where)):
            wrong.append(f"ARCHITECTURE.md: no place is named for '{what}'")
    return len(rows)


def library():
    """The manual of libsynprint-client has every function of its headers, and no other."""
    headers = "".join(path.read_text() for path in (TOP / "include").rglob("*.h"))
    there = set(re.findall(r"^(?!typedef)(?:\w[\w ]*[ *])(synprint_\w+)\(", headers, re.M))
    named = set(re.findall(r"^\.F[no] (synprint_\w+)", read("man/libsynprint-client.3"), re.M))
    for name in sorted(there ^ named):
        wrong.append(f"man/libsynprint-client.3: {name}() is only in one of it and the headers")
    return len(there)


def stand_in():
    """What SAN=thread and foreign builds have in criterion's place has all that the tests use."""
    header = read("tests/tsan/criterion/criterion.h")
    used = set()
    for path in (TOP / "tests/unit").rglob("*.[ch]"):
        used |= set(re.findall(r"\bcr_\w+(?=\()", path.read_text()))
    for name in sorted(used - set(re.findall(r"#define (cr_\w+)\(", header))):
        wrong.append(f"tests/tsan/criterion/criterion.h: there is no {name}")
    return len(used)


def main():
    counts = {check.__name__: sum(check(page) for page in PAGES)
              for check in (files, functions, keys, targets, commands)}
    counts |= {check.__name__: check() for check in (code_map, where_to_change, library, stand_in)}
    wrong.extend(f"{name}: found none; this test no longer reads the documents"
                 for name, count in counts.items() if not count)
    print("\n".join(wrong) or ", ".join(f"{count} {name}" for name, count in counts.items()))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
