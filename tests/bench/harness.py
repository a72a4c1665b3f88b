# SPDX-License-Identifier: GPL-2.0-or-later
"""Measurements that can be compared: the sides take turns (A B A B ...), so that what disturbs the
machine disturbs all of them, and a figure is the ratio of two sides of the same round. Everything
goes into a table as it is measured, and with each round into build/bench.json."""
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
DATA = ROOT / os.environ.get("DATA", "../shared/data")
TOOLS = BUILD / "bench"
SYNPRINT = str(BUILD / "synprint")
ROUNDS = int(os.environ.get("ROUNDS", "7"))


def tool(name, *arguments, prefix=(), timeout=300):
    """What one of the benchmark's programs prints, as words."""
    command = [*prefix, str(TOOLS / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.split()


def short(value):
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def spread(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


class Part:
    """One part of the benchmark: says what it measures, and collects its figures."""

    def __init__(self, name, text):
        self.name, self.figures, self.began = name, [], time.time()
        self.text = " ".join(text.split())
        print(f"\n== {name}: {self.text}")
        print(f"{'case':<34} {'of':<22} {'figure':<16} {'min':>11} {'median':>11} {'max':>11}"
              f"   ratio (min-max)", flush=True)

    def rounds(self, case, sides, rounds=None, goals=None, turned=(), of_medians=False):
        """Runs every side in each round. `sides` are (name, function) with the reference first;
        a function returns {figure: number}. `goals` are {figure: goal of the ratio}; the ratio of
        a figure in `turned` is reference / side: how many times as fast. `of_medians`: the ratio is
        that of the two medians, for what jumps from round to round so that a pair says little."""
        sides = list(sides)
        # What else the machine does grows and falls: so nobody is always the first of a round.
        runs = [{name: function(number) for name, function in sides[::-1 if number % 2 else 1]}
                for number in range(rounds or ROUNDS)]
        reference = sides[0][0]
        for name, _ in sides:
            for figure in runs[0][name]:
                values = [run[name][figure] for run in runs]
                ratios = ratio = None
                if name != reference and all(run[reference].get(figure) for run in runs):
                    pairs = [(run[name][figure], run[reference][figure]) for run in runs]
                    ratios = [(b / a if figure in turned else a / b) for a, b in pairs if a and b]
                    if of_medians:
                        ratio = statistics.median(values) / statistics.median(b for _, b in pairs)
                self.add(case, name, figure, values, ratios or None, reference,
                         (goals or {}).get((name, figure)), ratio)
        return runs

    def add(self, case, name, figure, values, ratios=None, reference=None, goal=None, ratio=None):
        """@ratio: the one that counts, where it is not the median of @ratios."""
        entry = {"case": case, "of": name, "figure": figure, "rounds": values, **spread(values)}
        line = "".join(f" {short(entry[key]):>11}" for key in ("min", "median", "max"))
        if ratios:
            entry["ratio"] = {"to": reference, "rounds": ratios, **spread(ratios)}
            entry["ratio"]["median"] = ratio or entry["ratio"]["median"]
            line += f"   {short(entry['ratio']['median'])} ({short(min(ratios))}-{short(max(ratios))})"
        if goal:
            entry["goal"] = goal
            line += f"  goal {goal}"
        self.figures.append(entry)
        print(f"{case:<34} {name:<22} {figure:<16}{line}", flush=True)

    def write(self):
        """Parts that ran before stay in the file."""
        path = BUILD / "bench.json"
        try:
            content = json.loads(path.read_text())
        except (OSError, ValueError):
            content = {}
        content["machine"] = machine()
        content.setdefault("parts", {})[self.name] = {
            "text": self.text, "began": int(self.began), "seconds": round(time.time() - self.began),
            "figures": self.figures}
        path.write_text(json.dumps(content, indent=1) + "\n")


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo") if "MemTotal" in line)
    revision = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
                              capture_output=True, text=True).stdout.strip()
    return {"cpu": model, "cpus": os.cpu_count(), "memory_mib": memory // 1024,
            "kernel": platform.release(), "revision": revision, "load": os.getloadavg()[0]}


def stop(number, _frame):
    sys.exit(128 + number)
