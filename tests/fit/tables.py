# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of how often each class of system was seen to send each shape of SYN.

A table is a CSV file of one year. Two forms are read: counts of visitors (count_of_CLASS) and
rates (permille_of_CLASS, of SAMPLES_PER_CLASS each). What a table did not record is filled in
from the other tables: a field that is not known stands for what the same shape shows elsewhere.
"""

import collections
import csv
import re

CLASSES = ["Windows", "Linux", "Android", "macOS", "iOS"]
FAMILY = {"Windows": "Windows", "Linux": "Linux", "Android": "Linux", "macOS": "Apple",
          "iOS": "Apple"}
WINDOWS_LAYOUTS = ("mss,nop,ws,nop,nop,sok", "mss,nop,nop,sok")  # with window scaling, without
SAMPLES_PER_CLASS = 2501  # how many SYNs of each class stand behind a table of rates

# ttl: initial, None where it was not recorded; df, ecn, ae: bool, df None where not recorded;
# window: "64240" or "mss*44"; scale: int, 0 without the option; layout: as p0f writes it.
Shape = collections.namedtuple("Shape", "ttl df window scale layout ecn ae")
Table = collections.namedtuple("Table", "year rows")  # rows: {Shape: {class: count}}


def p0f_layout(layout):
    """The options as p0f writes them: what follows the first EOL is a number of bytes."""
    names = layout.split(",") if layout else []
    if "eol" in names:
        at = names.index("eol")
        names = names[:at] + ["eol+%d" % (len(names) - at - 1)]
    return ",".join(n.replace("?U", "?") for n in names)


def shape_of(row):
    return Shape(int(row["initial_ttl"]) if row["initial_ttl"] else None,
                 row["df"] == "1" if row["df"] else None, row["window"],
                 int(row["window_scale"] or 0), p0f_layout(row["options_layout"]),
                 row["ecn_setup"] == "1", row.get("ae") == "1")


def read_table(year, path):
    rows = collections.defaultdict(collections.Counter)
    with open(path, newline="") as f:
        for row in csv.DictReader(f):
            for cls in CLASSES:
                if "count_of_" + cls in row:
                    count = float(row["count_of_" + cls])
                else:
                    count = float(row["permille_of_" + cls]) * SAMPLES_PER_CLASS / 1000
                if count:
                    rows[shape_of(row)][cls] += count
    return Table(year, dict(rows))


def read_tables(arguments):
    """Tables of YEAR=FILE arguments."""
    tables = []
    for argument in arguments:
        found = re.match(r"^(\d{4})=(.+)$", argument)
        if not found:
            raise SystemExit("%s is not YEAR=FILE" % argument)
        tables.append(read_table(int(found[1]), found[2]))
    return tables


def usual_ttl(shape):
    """Where no table says it: Windows' options mean 128, everybody else counts from 64."""
    return 128 if shape.layout.startswith(WINDOWS_LAYOUTS) else 64


def resolve(tables):
    """The same tables without unknown fields: each unknown is spread as the known ones are."""
    known = collections.defaultdict(collections.Counter)
    for table in tables:
        for shape, counts in table.rows.items():
            loose = shape._replace(ttl=None, df=None, ae=False)
            if shape.ttl is not None and shape.df is not None:
                known[loose][(shape.ttl, shape.df)] += sum(counts.values())
    resolved = []
    for table in tables:
        rows = collections.defaultdict(collections.Counter)
        for shape, counts in table.rows.items():
            places = [(place, n) for place, n in
                      known[shape._replace(ttl=None, df=None, ae=False)].items()
                      if shape.ttl in (None, place[0]) and shape.df in (None, place[1])]
            if not places:
                places = [((usual_ttl(shape) if shape.ttl is None else shape.ttl,
                            True if shape.df is None else shape.df), 1)]
            total = sum(n for _, n in places)
            for (ttl, df), n in places:
                for cls, count in counts.items():
                    rows[shape._replace(ttl=ttl, df=df)][cls] += count * n / total
        resolved.append(Table(table.year, dict(rows)))
    return resolved


def class_totals(table):
    totals = collections.Counter()
    for counts in table.rows.values():
        totals.update(counts)
    return totals
