#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fits the rates of the signature database to tables of what was seen, one for each year.

    fit.py DATABASE YEAR=TABLE...          prints the database with the fitted part made anew
    fit.py --write DATABASE YEAR=TABLE...  writes it

The fitted part stands between two lines that name this program; everything else is written by
hand and stays. A rate is the mean over the years, newer ones counting more; each block says in
`from` which years its rows were seen in. What is doubted of the tables stands below, with why.
"""

import collections
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tables as T

BEGIN = "; ---- fitted by tests/fit/fit.py: begin ----"
END = "; ---- fitted by tests/fit/fit.py: end ----"

# A year counts this many times as much as the one before it.
YEAR_GROWTH = 1.15

# What a year not filtered for liars says against the family that the shape has in the others:
# one in three of such labels is believed, since relays do send foreign stacks' SYNs.
UNFILTERED = {2021}
LIES_BELIEVED = 0.33

# Phones that ask for desktop pages call themselves Linux. 2025's visitors have no Linux at all
# among these shapes, 2021's nearly none.
def is_android_window(shape):
    return shape.layout == "mss,sok,ts,nop,ws" and shape.window == "65535" and \
        6 <= shape.scale <= 12


DESKTOP_MODE_YEARS = {2023}
DESKTOP_MODE_LIES = 0.85

# Apple's IP ID is zero since 2018; no table recorded it, and some paths set one.
APPLE_ID_KEPT = 0.04

# The matcher takes a permille for 2.5 SYNs: so a rate says no more than what was seen.
PERMILLE_PER_SYN = 0.4

RATE_MIN = 0.1  # less than that is not written
LINUX_LAYOUTS = ("mss,sok,ts,nop,ws", "mss,nop,nop,sok,nop,ws")
APPLE_LAYOUT = "mss,nop,ws,nop,nop,ts,sok,eol+1"


# ---- rates ----

def home_family(shape, tables):
    """The family that sends a shape, by the tables that were filtered; None without any."""
    families = collections.Counter()
    for table in tables:
        if table.year not in UNFILTERED:
            for cls, count in table.rows.get(shape, {}).items():
                families[T.FAMILY[cls]] += count
    return families.most_common(1)[0][0] if families else None


def believed(shape, cls, count, year, tables):
    """How much of a count is taken as it is labelled."""
    if cls == "Linux" and year in DESKTOP_MODE_YEARS and is_android_window(shape):
        return count * (1 - DESKTOP_MODE_LIES)
    if year in UNFILTERED and home_family(shape, tables) not in (None, T.FAMILY[cls]):
        return count * LIES_BELIEVED
    return count


def fit_rates(tables):
    """{class: {Shape: (permille of the class, years seen)}}; tables are resolved."""
    rates = {cls: collections.defaultdict(float) for cls in T.CLASSES}
    seen = {cls: collections.Counter() for cls in T.CLASSES}
    years = {cls: collections.defaultdict(set) for cls in T.CLASSES}
    weights = collections.Counter()
    for table in tables:
        totals = T.class_totals(table)
        weight = YEAR_GROWTH ** (table.year - tables[0].year)
        for cls in T.CLASSES:
            if totals[cls] >= T.CLASS_SAMPLES_MIN:
                weights[cls] += weight
        for shape, counts in table.rows.items():
            for cls, count in counts.items():
                if totals[cls] < T.CLASS_SAMPLES_MIN:
                    continue
                count = believed(shape, cls, count, table.year, tables)
                rates[cls][shape] += weight * 1000 * count / totals[cls]
                seen[cls][shape] += count
                years[cls][shape].add(table.year)
    return {cls: {shape: (min(rate / weights[cls], PERMILLE_PER_SYN * seen[cls][shape]),
                          sorted(years[cls][shape])) for shape, rate in rates[cls].items()}
            for cls in T.CLASSES}


# ---- names ----

def is_stripped(layout):
    return "nop,nop,nop" in layout


def windows_name(shape):
    if shape.layout == "mss,nop,ws,sok,ts" and shape.ttl == 128:
        return "with timestamps"
    if shape.layout == "mss,nop,nop,sok":
        return "7 or Server 2008 R2" if shape.window == "8192" else "without window scaling"
    if not shape.layout.endswith("mss,nop,ws,nop,nop,sok") and "eol+6" not in shape.layout:
        return None
    if shape.window == "8192" and shape.scale != 8:
        return "7 or Server 2008 R2"
    if shape.window in ("8192", "8760", "17520"):
        return "7 to 10 1703"
    return "10 1709 or newer"


def linux_name(shape):
    if shape.layout not in LINUX_LAYOUTS and not shape.layout.startswith("mss,sok,nop"):
        return None
    if shape.window in ("29200", "mss*20"):
        return "3.11 to 4.19"
    if shape.window in ("14600", "mss*10"):
        return "2.6.39 to 3.10"
    if shape.window in ("5840", "mss*4"):
        return "2.6.x"
    if shape.window == "65535" or shape.window in ("42340", "mss*29", "mss*33"):
        return "with tuned buffers"
    return "4.20 or newer"


def android_name(shape):
    if linux_name(shape) is None or shape.ttl == 128:
        return None
    if is_stripped(shape.layout):
        return "timestamps removed on the way"
    return {"14600": "4 or 5", "5840": "2 or 3"}.get(shape.window, "5 or newer")


def apple_name(shape):
    if not shape.layout.startswith("mss,nop,ws") or "eol+1" not in shape.layout or \
            shape.window != "65535":
        return None
    return "" if shape.layout == APPLE_LAYOUT else "timestamps removed on the way"


NAMES = {"Windows": windows_name, "Linux": linux_name, "Android": android_name,
         "macOS": apple_name, "iOS": apple_name}


def label_of(cls, shape):
    """A class whose stack never sends such options came through somebody else's."""
    version = NAMES[cls](shape)
    return "s:%s:%s:%s" % ("win" if cls == "Windows" else "unix", cls,
                           "behind a proxy" if version is None else version)


# ---- text ----

def signatures(shape):
    """The sig texts of a shape, each with its share of the rate."""
    quirks = ["ecn"] if shape.ecn or shape.ae else []
    if shape.ae:
        quirks.append("ae")
    is_apple = apple_name(shape) is not None
    ids = [([], 1.0)]
    if is_apple:
        ids = [(["df"], 1 - APPLE_ID_KEPT), (["df", "id+"], APPLE_ID_KEPT)] if shape.df else \
            [(["id-"], 1 - APPLE_ID_KEPT), ([], APPLE_ID_KEPT)]
    elif shape.df:
        ids = [(["df", "id+"], 1.0)]
    return [("*:%d:0:*:%s,%d:%s:%s:0" % (shape.ttl, shape.window, shape.scale, shape.layout,
                                         ",".join(i + quirks)), share) for i, share in ids]


def fitted_lines(rates):
    for cls in T.CLASSES:
        blocks = collections.defaultdict(list)
        for shape, (rate, years) in rates[cls].items():
            for sig, share in signatures(shape):
                if rate * share >= RATE_MIN:
                    blocks[(label_of(cls, shape), tuple(years))].append((rate * share, sig))
        order = sorted(blocks, key=lambda b: -sum(rate for rate, _ in blocks[b]))
        for label, years in order:
            yield ""
            yield "from = web %s" % ", ".join(str(year) for year in years)
            yield "label = %s" % label
            for rate, sig in sorted(blocks[(label, years)], key=lambda line: (-line[0], line[1])):
                yield "sig = %s @ %.1f" % (sig, rate)


def fit(text, tables):
    """The database's text with the fitted part made of these tables."""
    head, rest = text.split(BEGIN, 1)
    _, tail = rest.split(END, 1)
    tables = T.resolve(tables)
    body = "\n".join(fitted_lines(fit_rates(tables)))
    return "%s%s\n%s\n\n%s%s" % (head, BEGIN, body, END, tail)


def main():
    arguments = sys.argv[1:]
    is_write = arguments[:1] == ["--write"]
    arguments = arguments[is_write:]
    if len(arguments) < 2:
        raise SystemExit(__doc__)
    with open(arguments[0]) as f:
        text = f.read()
    if BEGIN not in text or END not in text:
        raise SystemExit("%s has no fitted part" % arguments[0])
    text = fit(text, T.read_tables(arguments[1:]))
    if not is_write:
        sys.stdout.write(text)
        return
    with open(arguments[0] + ".new", "w") as f:
        f.write(text)
    os.replace(arguments[0] + ".new", arguments[0])


if __name__ == "__main__":
    main()
