#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Fits how far each kind of match is doubted, on years that the rates do not know.

    doubts.py [--write] MATCHER DATABASE YEAR=TABLE...

Each year is judged by a database fitted to the others, with no doubt at all. What is then said
too much of a family, on the mean over the years, is the doubt: the share of SYNs behind which
something else stands, be it a relay, a device on the path or a label that lied.
"""

import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "bench")]
import accuracy as A
import accuracy_data as D
import fit as F
import tables as T

KIND_MIN = 10  # SYNs of a kind, below which a year says nothing of it
FAMILY_PRIOR = 0.35  # what the prior gives to a family, in which a doubt ends

# A generic signature stands for many systems, and on visitors whose liars were not filtered out it
# was right less often than not: never sure, whatever the years say.
LEAST = {"specific": 0.03, "generic": 0.5, "fuzzy": 0.3}
# Lies about whole signatures are among the rates once all years are known (fit.LIES_BELIEVED).
MOST = {"specific": 0.03, "generic": 0.6, "fuzzy": 0.6}


def without_doubts(text):
    return re.sub(r"(?m)^doubt = .*\n", "", text)


def year_figures(matcher, text, tables, year, scratch):
    """{kind: (said, true, SYNs)} of a year that is left out."""
    kept = [table for table in tables if table.year != year]
    test = next(table for table in T.resolve(tables) if table.year == year)
    samples = D.drawn(test)
    answers = A.run_synprint(matcher, F.fit(without_doubts(text), kept), samples, scratch)
    figures = {}
    for kind in LEAST:
        pairs = [(a.fconf, A.is_family_right(s, a)) for s, a in zip(samples, answers)
                 if a.kind == kind]
        if len(pairs) >= KIND_MIN:
            figures[kind] = (A.share(p[0] for p in pairs), A.share(p[1] for p in pairs),
                             len(pairs))
    return figures


def fit_doubts(matcher, text, tables):
    with tempfile.TemporaryDirectory(prefix="synprint-doubts-") as scratch:
        years = [year_figures(matcher, text, tables, table.year, scratch) for table in tables]
    doubts = {}
    for kind, least in LEAST.items():
        said = A.share(year[kind][0] for year in years if kind in year)
        true = A.share(year[kind][1] for year in years if kind in year)
        doubt = (said - true) / (said - FAMILY_PRIOR) if said > FAMILY_PRIOR else 0
        doubts[kind] = (min(max(doubt, least), MOST[kind]), true,
                        sum(year[kind][2] for year in years if kind in year))
    return doubts


def with_doubts(text, doubts):
    lines = "".join("doubt = %s, %.2f, %.3f, %d\n" % ((kind,) + doubt)
                    for kind, doubt in sorted(doubts.items()))
    return without_doubts(text).replace("\n[tcp:request]\n", lines + "\n[tcp:request]\n", 1)


def main():
    arguments = sys.argv[1:]
    is_write = arguments[:1] == ["--write"]
    arguments = arguments[is_write:]
    if len(arguments) < 3:
        raise SystemExit(__doc__)
    with open(arguments[1]) as f:
        text = f.read()
    text = with_doubts(text, fit_doubts(arguments[0], text, T.read_tables(arguments[2:])))
    if is_write:
        F.write(arguments[1], text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
