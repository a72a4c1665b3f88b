#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""layers.py BUILD: the house stands as ARCHITECTURE.md draws it. Includes, and the symbols that the
linker resolves, go only from a room to those that it stands on; no files call each other in a circle;
the core does no I/O; and each file keeps to the house's measures."""
import os
import re
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
BUILD = Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
SOURCES = sorted(path.relative_to(TOP / "src") for path in (TOP / "src").rglob("*.[ch]")
                 if "example" not in path.parts)

# The core's folders, from the ground up: each may use those on the lines above it.
CORE = ["base", "syn", "sig link", "match", "verdict", "baseline clients learn report reported clocks synack",
        "state"]

# Everybody else, and what each stands on beside itself. A folder that is not named here belongs to
# the one around it; one that is stands apart from it.
HOST = {
    "sys": "",
    "nl": "sys",
    "ruleset": "core nl sys",
    "input": "core nl sys ruleset",
    "publish": "core nl sys",
    "listen": "core/base sys",
    "control": "core sys listen",
    "knowledge": "core sys",
    "fields": "core/base core/verdict",
    "config": "core sys input ruleset knowledge fields",
    "daemon/packets": "core sys nl input ruleset publish knowledge config",
    "daemon/answers": "core sys control input ruleset publish knowledge config daemon/packets",
    "daemon": "core sys nl listen control input ruleset publish knowledge config daemon/packets daemon/answers",
    "client": "",
    "cli": "core sys nl control client input ruleset knowledge config",
    "web": "core/base core/verdict sys listen client fields",
    "share": "core sys client fields",
}

LINES_MAX = 40
PARAMETERS_MAX = 6
FOREIGN = {"talk_handle"}  # as libmicrohttpd calls it
FILES_MAX = 14
MANY_FILES = {"cli"}  # a command each

PURE = re.compile(r"""(memp?(chr|cmp|cpy|mem|move|set)|str[a-z]*|stpcpy|__(mem|str|vsnprintf|snprintf|stack|isoc|ctype)\w*
    |v?snprintf|malloc|calloc|realloc|free|aligned_alloc|qsort|bsearch|abort|inet_(pton|ntop)
    |(log|exp|pow|floor|ceil|lround|fabs|sqrt|round|fmin|fmax)[0-9a-z]*|pthread_mutex(attr)?_[a-z]*
    |__(a|ub|t)san_\w*|_GLOBAL_OFFSET_TABLE_|__popcountdi2|__errno_location
    |nettle_(sha1_(init|update|digest)|base64_encode_raw)|__assert_fail|__gcov_\w*)$""",
                  re.X)

faults = []


def stands_on():
    """Room to the rooms that it may use."""
    rooms, below = {}, []
    for line in CORE:
        names = [f"core/{name}" for name in line.split()]
        rooms |= {name: set(below) for name in names}
        below += names
    for room, words in HOST.items():
        rooms[room] = {other for word in words.split()
                       for other in rooms if other == word or other.startswith(word + "/")}
        if len(words.split()) > len(rooms[room]):
            sys.exit(f"layers.py: what {room} stands on comes before it in HOST")
    return rooms


ROOMS = stands_on()


def room_of(path):
    parts = Path(path).parts[:-1]
    for n in range(len(parts), 0, -1):
        if "/".join(parts[:n]) in ROOMS:
            return "/".join(parts[:n])
    return None


def check_arrow(source, target, how):
    here, there = room_of(source), room_of(target)
    if here and there and there != here and there not in ROOMS[here]:
        faults.append(f"src/{source} {how}: {here} does not stand on {there}")


def check_includes():
    for path in SOURCES:
        if not room_of(path):
            faults.append(f"src/{path}: say in tests/layers.py what its folder stands on")
        text = (TOP / "src" / path).read_text()
        for included in re.findall(r'^#include "([^"]+)"', text, re.M):
            if included != "synprint/client.h" and (TOP / "src" / included).exists():
                check_arrow(path, included, f"includes {included}")


def read_symbols():
    """For each object the names that it has, and those that it wants."""
    objects = [path.with_suffix(".o") for path in SOURCES if path.suffix == ".c"]
    text = subprocess.run(["nm", "-A", *(BUILD / "obj/src" / path for path in objects)],
                          capture_output=True, text=True, check=True).stdout
    has, wants = defaultdict(set), defaultdict(set)
    for name, kind, symbol in re.findall(r"/obj/src/(\S+)\.o:[ 0-9a-f]* ([A-Za-z]) (\S+)$", text, re.M):
        if kind == "U":
            wants[name].add(symbol)
        elif kind in "TDBRVWC":
            has[name].add(symbol)
    return has, wants


def check_purity(has, wants):
    own = set().union(*(symbols for name, symbols in has.items() if name.startswith("core/")))
    for name, symbols in sorted(wants.items()):
        for symbol in sorted(symbols - own):
            if name.startswith("core/") and not PURE.match(symbol):
                faults.append(f"src/{name}.c uses {symbol}(): a pure core does not")


def link_arrows(has, wants):
    """Object to the objects whose names it wants. Programs may have the same names apart from each
    other: of several the one in the same room is meant, else one that the room may use."""
    owners = defaultdict(list)
    for name, symbols in has.items():
        for symbol in symbols - {"main"}:
            owners[symbol].append(name)
    arrows = defaultdict(dict)
    for name, symbols in wants.items():
        here = room_of(name)
        for symbol in symbols:
            found = sorted(owners.get(symbol, []), key=lambda other: (
                room_of(other) != here, room_of(other) not in ROOMS.get(here, ()), other))
            if found and found[0] != name:
                arrows[name].setdefault(found[0], symbol)
    return arrows


def circles(arrows):
    """Strongly connected components of more than one object (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(name):
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in arrows.get(name, {}):
            if other not in index:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            at = stack.index(name)
            found.append(stack[at:])
            del stack[at:]

    for name in list(arrows):
        if name not in index:
            visit(name)
    return [circle for circle in found if len(circle) > 1]


def check_links():
    has, wants = read_symbols()
    check_purity(has, wants)
    arrows = link_arrows(has, wants)
    for name, others in sorted(arrows.items()):
        for other, symbol in sorted(others.items()):
            check_arrow(f"{name}.c", f"{other}.c", f"calls {symbol}() of {other}.c")
    for circle in circles(arrows):
        calls = [f"{a}.c calls {arrows[a][b]}() of {b}.c" for a in sorted(circle)
                 for b in sorted(arrows[a]) if b in circle]
        faults.append("a circle of files: " + "; ".join(calls))
    return len(has), sum(map(len, arrows.values()))


def check_packet_daemon():
    """What comes in from outside over HTTP or MQTT is never in the process with CAP_NET_ADMIN."""
    needed = subprocess.run(["readelf", "-d", BUILD / "synprintd"], capture_output=True, text=True,
                            check=True).stdout
    for library in re.findall(r"\[(lib(?:microhttpd|curl|mosquitto|websockets|h2o|nghttp)\S*)\]", needed):
        faults.append(f"synprintd is linked with {library}")


def check_functions(path, text):
    """As clang-format leaves them: a head that begins a line, and braces that begin one too."""
    for found in re.finditer(r"^(?![#/ \t}{])([^;{}]*?\b(\w+)\(((?:[^(){};]|\([^()]*\))*)\))\n\{\n(.*?)^\}",
                             text, re.M | re.S):
        lines = found[4].count("\n")
        flat = re.sub(r"\([^()]*\)", "", found[3])
        if lines > LINES_MAX:
            faults.append(f"{path}: {found[2]}() has {lines} lines, more than {LINES_MAX}")
        if flat.count(",") + 1 > PARAMETERS_MAX and found[2] not in FOREIGN:
            faults.append(f"{path}: {found[2]}() has more than {PARAMETERS_MAX} parameters")


def check_files():
    counts = defaultdict(int)
    for path in SOURCES:
        text = (TOP / "src" / path).read_text()
        if not re.match(r"/\* SPDX-License-Identifier: [^\n]+ \*/\n/\*", text):
            faults.append(f"src/{path} begins with no SPDX line and no word on what it is for")
        if path.suffix == ".c":
            counts[str(path.parent)] += 1
            check_functions(f"src/{path}", text)
    for folder, count in counts.items():
        if count > FILES_MAX and folder not in MANY_FILES:
            faults.append(f"src/{folder} has {count} .c files, more than {FILES_MAX}")


def check_header(path):
    """It compiles alone, for whoever includes it first."""
    done = subprocess.run([*os.environ.get("CC", "cc").split(), "-std=gnu11", "-D_GNU_SOURCE",
                           '-DSYNPRINT_VERSION=""', '-DSYNPRINT_SYSCONFDIR=""', "-Iinclude", "-iquote",
                           "src", "-fsyntax-only", "-x", "c", "-include", path, "/dev/null"],
                          cwd=TOP, capture_output=True, text=True, check=False)
    wrong = re.search(r"error: (.*)", done.stderr)
    return f"{path} does not compile alone: {wrong[1] if wrong else done.stderr}" if done.returncode else ""


def check_headers():
    headers = [f"src/{path}" for path in SOURCES if path.suffix == ".h"]
    headers += [str(path.relative_to(TOP)) for path in (TOP / "include").rglob("*.h")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        faults.extend(filter(None, pool.map(check_header, headers)))
    return len(headers)


def main():
    check_includes()
    objects, arrows = check_links()
    check_packet_daemon()
    check_files()
    headers = check_headers()
    if faults:
        sys.exit("\n".join(faults))
    print(f"layers: {objects} objects in {len(ROOMS)} rooms, {arrows} arrows between them, no circle, "
          f"none upwards; the core is pure; {headers} headers compile alone")


if __name__ == "__main__":
    main()
