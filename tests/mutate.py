#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the tests notice when the code is wrong? One change at a time (a comparison, a boundary, `&&` for
`||`, a constant) in a copy of one file, against every unit and golden test that links it. A change
that compiles to the same object is none. The survivors show what no test looks at.

mutate.py --seed 1 --sample 120 [FILE...] draws from src/core and src/control, or from FILEs;
without --sample it tries every change. Everything has to be built (make mutate does that)."""
import argparse
import functools
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
BUILD = os.environ.get("BUILD", "build")
FOLDERS = ("src/core", "src/control")
WORKERS = 2
# Golden tests of manuals, installation and completion: they run synprint, but not for what it finds.
OF_TEXTS = ("test_completion", "test_docs", "test_named", "test_systemd")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-U_FORTIFY_SOURCE")

# ---- the changes of a file ----

# What is no code to be changed; a #define is, but no other directive.
BLANKS = re.compile(r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' |
                        calloc\(1, | ^[ \t]*\#[ \t]*(?!define)(?:\\\n|[^\n])* | ^[ \t]*\#[ \t]*define[ \t]+\w+""",
                    re.X | re.S | re.M)
# The sizes of declared arrays are room, not behaviour: the sanitizers look after that.
SIZES = re.compile(r"^[ \t]*(?!return|else|case)(?:(?:static|const|struct|enum|unsigned|signed)[ \t]+)*"
                   r"[a-z]\w*[ \t]+\**\w+(?:,[ \t]*\**\w+)*\[[^;=({\n]*", re.M)
# Fetching ahead changes nothing but time.
PREFETCH = re.compile(r"^\w[^\n;]*prefetch\w*\([^;{]*\)\n\{.*?^\}|__builtin_prefetch\([^;]*;|"
                      r"^#define (?:PREFETCH_|CACHE_LINE\b)[^\n]*", re.M | re.S)
TOKENS = re.compile(r"->|<<=?|>>=?|&&|\|\||[=!<>]=|[<>]|\b(?:true|false)\b|"
                    r"(?<![\w.])(?:0[xX][0-9a-fA-F]+|\d+\.\d*(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|\d+)[uUlLfF]*")
OPERATORS = {"&&": ["||"], "||": ["&&"], "==": ["!="], "!=": ["=="], "<": ["<=", ">="],
             "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "true": ["false"],
             "false": ["true"], "->": [], "<<": [], ">>": [], "<<=": [], ">>=": []}


@functools.cache
def source(path):
    return (TOP / path).read_text()


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def blank_sizes(match):
    return re.sub(r"\[[^\]]*\]", blank, match.group())


def changed_number(text):
    digits, suffix = re.fullmatch(r"(.*?)([uUlL]*)", text).groups()
    if re.search(r"[.eE]", digits) and not digits.lower().startswith("0x"):
        number = float(digits.rstrip("fF"))
        return [repr(number * 1.5) if number else "1.0"]
    number = int(digits, 8 if re.fullmatch(r"0[0-7]+", digits) else 0)
    return [f"{other}{suffix}" for other in ([1] if number == 0 else [number + 1, number - 1])]


def changes(path):
    """Every (path, offset, old, new), in the order of the text."""
    code = BLANKS.sub(blank, SIZES.sub(blank_sizes, PREFETCH.sub(blank, source(path))))
    for token in TOKENS.finditer(code):
        old = token.group()
        if code[:token.start()].endswith("return ") and code[token.end()] == ";" and old == "0":
            yield path, token.start(), old, "-1" # not 1, which is success too
            continue
        for new in OPERATORS[old] if old in OPERATORS else changed_number(old):
            yield path, token.start(), old, new


# ---- what make would run ----

def make_commands(marker, *arguments):
    """The lines with `marker` that make would run to build all of it again, each as arguments."""
    listing = subprocess.run(["make", "-n", "--no-print-directory", f"BUILD={BUILD}", *arguments],
                             cwd=TOP, capture_output=True, text=True, check=True).stdout
    return [shlex.split(line) for line in listing.splitlines() if marker in line]


def output_of(command):
    return command[command.index("-o") + 1]


def with_output(command, path, *more):
    at = command.index("-o") + 1
    return [*command[:at], str(path), *command[at + 1:], *more]


def compilers(files):
    """file -> its command, with paths that hold from everywhere, and without debug information."""
    found = {}
    touched = [argument for file in files for argument in ("-W", file)]
    objects = [f"{BUILD}/obj/{file[:-2]}.o" for file in files]
    for command in make_commands(" -c -o ", *touched, *objects):
        command = [part for part in command if part not in ("-g", "-MMD", "-MP")]
        at = command.index("-iquote") + 1
        command[at] = str(TOP / command[at])
        command = [re.sub(r"^-I(?=[^/])", f"-I{TOP}/", part) for part in command]
        found[command[-1]] = command
    return found


class Program:
    """A linked program, and the sources that are in it."""

    def __init__(self, command, scratch):
        self.path = output_of(command)
        self.command = command
        listing = scratch / "map"
        subprocess.run(with_output(command, scratch / "program", f"-Wl,-Map={listing}"), cwd=TOP,
                       check=True)
        used = listing.read_text().split("Discarded input sections")[0]
        self.objects = set(re.findall(r"^\S+\.a\((\S+\.o)\)", used, re.M))

    def holds(self, file):
        return Path(file).stem + ".o" in self.objects

    def relink(self, mutant, output, flags):
        """The mutant's object goes before the archives, which then have nothing left to give for it."""
        at = next(i for i, part in enumerate(self.command) if part.endswith(".a"))
        command = with_output(self.command, output, *flags)
        subprocess.run([*command[:at], str(mutant), *command[at:]], cwd=TOP, check=True)


# ---- running tests ----

# A mutant may write or allocate without end (the sanitizers' shadow is larger than any sensible limit).
LIMITS = "ulimit -c 0; ulimit -f 500000; [ -n '{sanitized}' ] || ulimit -d 4000000; exec {command}"


def passes(command, build, limit_s, sanitized=False):
    """Return: how long it took, in seconds; None where it failed or was too slow."""
    start = time.monotonic()
    line = LIMITS.format(sanitized="yes" if sanitized else "", command=shlex.join(command))
    test = subprocess.Popen(["sh", "-c", line], cwd=TOP, env={**os.environ, "BUILD": str(build)},
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        status = test.wait(limit_s)
    except subprocess.TimeoutExpired:
        status = None
    try:
        os.killpg(test.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    test.wait()
    return time.monotonic() - start if status == 0 else None


def furnish(folder):
    """The rest of what was built, beside the programs that are linked anew."""
    for built in (TOP / BUILD).iterdir():
        if built.is_file() and not (folder / built.name).exists():
            (folder / built.name).symlink_to(built)


class Test:
    def __init__(self, program, scratch, script=None):
        self.program = program
        self.script = script
        self.name = script or program.path
        self.seconds = self.run(self.unchanged(scratch / "unchanged"), 120)
        if self.seconds is None: # or it would "notice" each mutant
            sys.exit(f"mutate: {self.name} fails without any change")

    def unchanged(self, folder):
        """A folder as a mutant's, with the program as it is."""
        copy = folder / Path(self.program.path).relative_to(BUILD)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            shutil.copy(TOP / self.program.path, copy)
        furnish(folder)
        return folder

    def run(self, build, limit_s, sanitized=False):
        if self.script:
            return passes([sys.executable, "-B", self.script], build, limit_s)
        return passes([str(build / Path(self.program.path).relative_to(BUILD)), "--fail-fast"], build,
                      limit_s, sanitized)

    def is_near(self, file):
        """Is it a test of that folder?"""
        return Path(self.name).parent == Path(BUILD, "unit", *Path(file).parent.parts[1:])

    def distance(self, file):
        """The file's own test is 0, and the first to be run."""
        return 0 if Path(self.name).name == f"test_{Path(file).stem}" else 1 if self.is_near(file) else 2


def build_tests(scratch):
    archives = [part for name in ("synprint", "synprint-host", "synprint-client")
                for part in ("-W", f"{BUILD}/lib{name}.a")]
    links = make_commands(" -o ", *archives, "unit-build", f"{BUILD}/synprint")
    programs = [Program(command, scratch) for command in links if not output_of(command).endswith(".so")]
    tool = next(program for program in programs if program.path == f"{BUILD}/synprint")
    tests = [Test(program, scratch) for program in programs if program is not tool]
    for script in sorted(TOP.glob("tests/golden/test_*.py")):
        if script.stem not in OF_TEXTS and "synprint" in script.read_text().lower():
            tests.append(Test(tool, scratch, str(script.relative_to(TOP))))
    return sorted(tests, key=lambda test: (test.script is not None, test.seconds))


# ---- a mutant ----

class Mutant:
    def __init__(self, change, number, scratch):
        self.path, self.offset, self.old, self.new = change
        self.folder = scratch / f"{number}"

    def text(self):
        text = source(self.path)
        return text[:self.offset] + self.new + text[self.offset + len(self.old):]

    def describe(self):
        text = source(self.path)
        line = text.count("\n", 0, self.offset)
        return f"{self.path}:{line + 1}: {self.old} became {self.new}: {text.splitlines()[line].strip()}"

    def compile(self, command, flags=()):
        """Return: the object's bytes; None where it is no C any more."""
        copy = self.folder / self.path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(self.text())
        done = subprocess.run(with_output(command, self.folder / "mutant.o", *flags), cwd=self.folder,
                              stderr=subprocess.DEVNULL, check=False)
        return (self.folder / "mutant.o").read_bytes() if done.returncode == 0 else None

    def killer(self, tests, flags=()):
        """Return: the first test that notices; None where none does."""
        linked = set()
        for test in tests:
            output = self.folder / Path(test.program.path).relative_to(BUILD)
            if output not in linked:
                output.parent.mkdir(parents=True, exist_ok=True)
                test.program.relink(self.folder / "mutant.o", output, flags)
                linked.add(output)
                furnish(self.folder)
            if test.run(self.folder, 10 + (20 if flags else 10) * test.seconds, bool(flags)) is None:
                return test.name
            if not test.script:
                output.unlink()
        return None

    def judge(self, file, tests):
        """Return: (self, the test that killed it or None); None where it is no other program."""
        try:
            compiled = self.compile(file.command)
            if compiled is None or compiled == file.object:
                return None
            killer = self.killer(tests)
            if not killer: # once more, as make check-unit SAN=1 does
                self.compile(file.command, SANITIZERS)
                killer = self.killer(file.sane_tests(tests), SANITIZERS)
            return self, killer
        finally:
            self.clear()

    def clear(self):
        subprocess.run(["rm", "-rf", str(self.folder)], check=True)


class File:
    """A file that is to be changed, as it is."""

    def __init__(self, path, command, scratch):
        self.path, self.command, self.scratch = path, command, scratch
        self.unchanged = Mutant((path, 0, "", ""), f"original-{Path(path).stem}", scratch)
        self.object = self.unchanged.compile(command)
        self.sane = None
        self.lock = threading.Lock()

    def sane_tests(self, tests):
        """The unit tests of its folder, once it is sure that they pass with sanitizers."""
        with self.lock:
            if self.sane is None:
                self.sane = [test for test in tests if test.is_near(self.path)]
                self.unchanged.compile(self.command, SANITIZERS)
                failed = self.unchanged.killer(self.sane, SANITIZERS)
                if failed:
                    sys.exit(f"mutate: {failed} fails with sanitizers without any change")
        return self.sane


def tests_of(tests, file, near):
    """Those that link the file, its own folder's first, or only these."""
    linking = sorted((test for test in tests if test.program.holds(file)),
                     key=lambda test: test.distance(file))
    return [test for test in linking if test.is_near(file)] if near else linking


def judge_all(paths, arguments, scratch):
    """Return: the list of (mutant, name of the test that killed it or None)."""
    files = {path: File(path, command, scratch) for path, command in compilers(paths).items()}
    tests = build_tests(scratch)
    linking = {path: tests_of(tests, path, arguments.near) for path in paths}
    drawn = [change for path in paths for change in changes(path)]
    if arguments.sample:
        random.Random(arguments.seed).shuffle(drawn)
    waiting = [Mutant(change, i, scratch) for i, change in enumerate(drawn)]
    wanted = arguments.sample or len(waiting)

    judged = []
    with ThreadPoolExecutor(WORKERS) as pool:
        while waiting and len(judged) < wanted:
            batch, waiting = waiting[:wanted - len(judged)], waiting[wanted - len(judged):]
            for result in pool.map(
                    lambda mutant: mutant.judge(files[mutant.path], linking[mutant.path]), batch):
                if result:
                    judged.append(result)
                    report(*result, arguments.verbose)
    return judged


def report(mutant, killer, verbose):
    if not killer or verbose:
        print(f"{'killed by ' + killer if killer else 'survived'}  {mutant.describe()}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=0, help="how many; 0 for every one")
    parser.add_argument("--floor", type=float, default=92, help="per cent that must be killed")
    parser.add_argument("--near", action="store_true", help="only the tests of the file's own folder")
    parser.add_argument("--verbose", action="store_true", help="print the killed ones too")
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    files = arguments.files or [str(path.relative_to(TOP)) for folder in FOLDERS
                                for path in sorted((TOP / folder).rglob("*.c"))]
    with tempfile.TemporaryDirectory(prefix="synprint-mutate-") as scratch:
        judged = judge_all(files, arguments, Path(scratch))
    killed = sum(1 for _, killer in judged if killer)
    print(f"mutate: {killed} of {len(judged)} killed")
    return 0 if judged and killed * 100 >= arguments.floor * len(judged) else 1


if __name__ == "__main__":
    sys.exit(main())
