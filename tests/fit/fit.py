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
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tables as T

BEGIN = "; ---- fitted by tests/fit/fit.py: begin ----"
END = "; ---- fitted by tests/fit/fit.py: end ----"

# A year counts this many times as much as the one before it, and a table of so many SYNs half as
# much as a large one.
YEAR_GROWTH = 1.03
SMALL_TABLE = 100
CLASS_MIN = 30  # SYNs of a class, below which a year says nothing about it

# A label of another family than the one whose stack has this layout: a lie, or a relay that
# sends its own SYN for somebody behind it. Years whose liars were filtered out are silent about
# them, so that the mean over the years tells about half of them.
LIES_BELIEVED = 1.75
LIES_FEW = 3  # SYNs of a shape, below which a lie may be one visitor's: it counts half
HOME_MIN = 20  # SYNs of a layout, of which
HOME_SHARE = 0.8  # are of one family, which is then at home there
UNFILTERED = {2021}  # years whose liars were not filtered out count half in this

# Phones that ask for desktop pages call themselves Linux. 2025's visitors have no Linux at all
# among these shapes, 2021's nearly none.
def is_android_window(shape):
    return shape.layout == "mss,sok,ts,nop,ws" and shape.window in ("65535", "42340") and \
        5 <= shape.scale <= 14


DESKTOP_MODE_YEARS = {2023}
DESKTOP_MODE = 0.85  # of them

# What a Linux with options switched off sends too: visitors hardly do that, but servers may, so
# that neither is ever said for sure. In permille of Windows.
SHARED_SHAPE = T.Shape(64, True, "64240", 0, "mss,nop,nop,sok", False, False)
SHARED_MOST = 0.85

# One stack, whose shapes are shared: SYNs that the split of a shape between them leans on.
TWINS = ("macOS", "iOS")
NEAR = 300

# The matcher takes a permille for so many SYNs.
SYNS_PER_PERMILLE = 2.5
LOUD = 1.0
FEW = 2

RATE_MIN = 0.1  # less than that is not written
LINUX_LAYOUTS = ("mss,sok,ts,nop,ws", "mss,nop,nop,sok,nop,ws")
APPLE_LAYOUT = "mss,nop,ws,nop,nop,ts,sok,eol+1"


# ---- rates ----

def home_families(tables):
    """Who sends a layout, for the layouts that nearly nobody else sends."""
    layouts = collections.defaultdict(collections.Counter)
    for table in tables:
        for shape, counts in table.rows.items():
            for cls, count in counts.items():
                layouts[shape.layout][T.FAMILY[cls]] += count / (1 + (table.year in UNFILTERED))
    homes = {}
    for layout, families in layouts.items():
        family, count = families.most_common(1)[0]
        if count >= HOME_MIN and count >= HOME_SHARE * sum(families.values()):
            homes[layout] = family
    return homes


def believed(shape, cls, count, year, homes):
    """Whom a count is taken for, as (class, SYNs)."""
    if cls == "Linux" and year in DESKTOP_MODE_YEARS and is_android_window(shape):
        yield "Android", count * DESKTOP_MODE
        yield cls, count * (1 - DESKTOP_MODE)
    elif homes.get(shape.layout, T.FAMILY[cls]) != T.FAMILY[cls]:
        yield cls, count * LIES_BELIEVED * count / (count + LIES_FEW)
    else:
        yield cls, count


class Rates:
    """What is fitted: how often each class sends each shape, in 1/1000 of the class."""

    def __init__(self):
        self.permille = {cls: collections.Counter() for cls in T.CLASSES}
        self.seen = {cls: collections.Counter() for cls in T.CLASSES}  # SYNs
        self.years = {cls: collections.defaultdict(set) for cls in T.CLASSES}
        self.weights = collections.Counter()  # of the years that know a class
        self.class_years = {cls: set() for cls in T.CLASSES}

    def add(self, table, weight, homes):
        totals = T.class_totals(table)
        for cls in T.CLASSES:
            if totals[cls] >= CLASS_MIN:
                self.weights[cls] += weight
                self.class_years[cls].add(table.year)
        for shape, counts in table.rows.items():
            for cls, count in counts.items():
                for taken, syns in believed(shape, cls, count, table.year, homes):
                    self.count(taken, shape, syns, weight / totals[taken], table.year)

    def count(self, cls, shape, syns, weight, year):
        if year not in self.class_years[cls]:
            return
        self.permille[cls][shape] += weight * 1000 * syns
        self.seen[cls][shape] += syns
        self.years[cls][shape].add(year)

    def settle(self):
        """Means over the years; a shape speaks no louder than the SYNs that were seen of it."""
        said, seen = collections.Counter(), collections.Counter()
        for cls in T.CLASSES:
            for shape in self.permille[cls]:
                count = self.seen[cls][shape]
                self.permille[cls][shape] *= count / (count + FEW) / self.weights[cls]
                said[shape] += self.permille[cls][shape] * SYNS_PER_PERMILLE
                seen[shape] += self.seen[cls][shape]
        for cls in T.CLASSES:
            for shape in self.permille[cls]:
                self.permille[cls][shape] *= min(1, LOUD * seen[shape] / said[shape])


def loose(shape):
    """What is left of a shape without settings and DF."""
    return shape._replace(ecn=False, ae=False, df=None)


def year_weight(table, tables):
    syns = sum(T.class_totals(table).values())
    return YEAR_GROWTH ** (table.year - tables[0].year) * syns / (syns + SMALL_TABLE)


def twin_rates(tables):
    """{loose shape: {twin: share of the twin's SYNs}}, the mean over the years."""
    pooled, weights = collections.defaultdict(collections.Counter), collections.Counter()
    for table in tables:
        totals, weight = T.class_totals(table), year_weight(table, tables)
        for cls in (cls for cls in TWINS if totals[cls] >= CLASS_MIN):
            weights[cls] += weight
            for shape, counts in table.rows.items():
                pooled[loose(shape)][cls] += weight * counts.get(cls, 0) / totals[cls]
    return {shape: {cls: share / weights[cls] for cls, share in shares.items()}
            for shape, shares in pooled.items()}


def split_twins(rates, tables):
    """What twins send together stays; whose it is, is moved towards what all SYNs say that differ
    in a setting or DF alone, since the few SYNs of one shape are noise."""
    pooled = twin_rates(tables)
    for shape in {shape for cls in TWINS for shape in rates.permille[cls]}:
        near = [pooled[loose(shape)].get(cls, 0) for cls in TWINS]
        together = sum(rates.permille[cls][shape] for cls in TWINS)
        seen = sum(rates.seen[cls][shape] for cls in TWINS)
        if not together or not all(near):
            continue
        for cls, part in zip(TWINS, near):
            own = rates.permille[cls][shape] / together
            share = (seen * own + NEAR * part / sum(near)) / (seen + NEAR)
            rates.permille[cls][shape] = together * share
            rates.years[cls][shape] |= set().union(*(rates.years[c][shape] for c in TWINS))


def fit_rates(tables):
    """Rates by tables that are resolved."""
    rates, homes = Rates(), home_families(tables)
    for table in tables:
        rates.add(table, year_weight(table, tables), homes)
    rates.settle()
    split_twins(rates, tables)
    windows = rates.permille["Windows"]
    windows[SHARED_SHAPE] = min(windows[SHARED_SHAPE], SHARED_MOST)
    return rates


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
    if shape.layout != APPLE_LAYOUT:
        return "iOS or macOS, timestamps removed on the way"
    return APPLE_MEMORY.get(shape.scale, "iOS or macOS")


# The scale follows the largest receive buffer, and that the memory (xnu, tcp_subr.c).
APPLE_MEMORY = {5: "iOS or macOS, under 4 GB or up to 10.13", 6: "iOS or macOS, 4 GB or more"}


NAMES = {"Windows": windows_name, "Linux": linux_name, "Android": android_name,
         "macOS": apple_name, "iOS": apple_name}


def label_of(cls, shape):
    """A class whose stack never sends such options came through somebody else's."""
    version = NAMES[cls](shape)
    name = cls
    if version is None:
        version = "behind a proxy"
    elif T.FAMILY[cls] == "Apple":
        name = cls + " as Apple"  # one stack: the SYN does not tell them apart
    return "s:%s:%s:%s" % ("win" if cls == "Windows" else "unix", name, version)


# ---- text ----

def signature(shape):
    """The sig text of a shape. No table recorded the IP ID: Apple's is zero since 2018."""
    quirks = ["df"] if shape.df else []
    if apple_name(shape) is None:
        quirks += ["id+"] if shape.df else []
    elif not shape.df:
        quirks.append("id-")
    quirks += ["ecn"] if shape.ecn or shape.ae else []
    quirks += ["ae"] if shape.ae else []
    return "*:%d:0:*:%s,%d:%s:%s:0" % (shape.ttl, shape.window, shape.scale, shape.layout,
                                       ",".join(quirks))


def fitted_lines(rates):
    for cls in T.CLASSES:
        blocks = collections.defaultdict(list)
        for shape, rate in rates.permille[cls].items():
            years = tuple(sorted(rates.years[cls][shape]))
            if rate >= RATE_MIN:
                blocks[(label_of(cls, shape), years)].append((rate, signature(shape)))
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
    rates = fit_rates(T.resolve(tables))
    return "%s%s\n%s\n\n%s%s" % (head, BEGIN, "\n".join(fitted_lines(rates)), END, tail)


def write(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.replace(path + ".new", path)


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
    if is_write:
        write(arguments[0], text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
