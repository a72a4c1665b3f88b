#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How often the classification is right, beside p0f and others who know as much.

    accuracy.py MATCHER DATABASE YEAR=TABLE... [SYNS...]

Each table is drawn as SYNs and judged by a database that was fitted to the others alone; so are
the kNN, the naive Bayes and the article's algorithm. Files of SYNs are judged by the database as
it is. Labels are User-Agents and may lie, in 2021's table most.
"""

import collections
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "fit")]
import accuracy_data as D
import accuracy_peers as P
import fit as F
import tables as T

BUCKETS = [0, .5, .6, .7, .8, .9, .95, .99, 1.01]
BUCKET_MIN = 50  # fewer samples say nothing about a bucket
BUCKET_OFF = .10
COVERED = .9
TWINS = ("macOS", "iOS")  # one stack: their probabilities are added up for the buckets


def run_synprint(matcher, database, samples, scratch):
    path = os.path.join(scratch, "signatures.db")
    with open(path, "w") as f:
        f.write(database)
    text = "".join(raw.hex() + "\n" for raw, _ in samples)
    lines = subprocess.run([matcher, path], input=text, capture_output=True, text=True,
                           check=True).stdout.splitlines()
    answers = []
    for line in lines:
        field = line.split("\t")
        if len(field) < 8 or field[4] == "none":
            answers.append(P.NO_ANSWER)
            continue
        conf = float(field[5]) if field[0] in TWINS else float(field[1])
        answers.append(P.Answer(field[0], conf, field[2], float(field[3]), field[4]))
    return answers


# ---- figures ----

def is_right(sample, answer):
    return answer.cls == sample.cls


def is_right_twin(sample, answer):
    return answer.cls == sample.cls or (answer.cls in TWINS and sample.cls in TWINS)


def is_family_right(sample, answer):
    return answer.family == D.family_of(sample.cls)


def share(flags):
    flags = list(flags)
    return sum(flags) / len(flags) if flags else 0.0


def print_systems(samples, systems):
    print("  %-22s family  five classes" % "")
    classes = [i for i, s in enumerate(samples) if s.cls in T.CLASSES]
    figures = {}
    for name, answers in systems.items():
        family = share(is_family_right(s, a) for s, a in zip(samples, answers))
        five = share(is_right(samples[i], answers[i]) for i in classes)
        figures[name] = (family, five)
        print("  %-22s %.3f   %.3f" % (name, family, five))
    return figures


def print_covered(samples, answers):
    sure = [(s, a) for s, a in zip(samples, answers) if a.fconf >= COVERED]
    print("  family confidence of %.1f or more: %.3f of all, right %.3f" % (
        COVERED, len(sure) / len(samples), share(is_family_right(s, a) for s, a in sure)))


def print_buckets(title, pairs):
    print("  %-7s from  samples   said   true" % title)
    for low, high in zip(BUCKETS, BUCKETS[1:]):
        inside = [(said, right) for said, right in pairs if low <= said < high]
        if not inside:
            continue
        said, true = share(s for s, _ in inside), share(r for _, r in inside)
        is_off = len(inside) >= BUCKET_MIN and abs(said - true) > BUCKET_OFF
        print("          %.2f %8d  %.3f  %.3f%s" % (low, len(inside), said, true,
                                                    "  <-- off" if is_off else ""))


def print_kinds(samples, answers):
    kinds = collections.defaultdict(list)
    for sample, answer in zip(samples, answers):
        kinds[answer.kind].append((answer.fconf, is_family_right(sample, answer)))
    for kind, pairs in sorted(kinds.items()):
        print("  kind %-9s %6d  said %.3f  true %.3f" % (
            kind, len(pairs), share(s for s, _ in pairs), share(r for _, r in pairs)))


def print_confusion(samples, answers):
    table = collections.defaultdict(collections.Counter)
    for sample, answer in zip(samples, answers):
        table[sample.cls][answer.cls or "unknown"] += 1
    columns = T.CLASSES + ["unknown", "other"]
    print("  said against true (rows):".ljust(28) + "".join("%9s" % c for c in columns))
    for label in sorted(table):
        counts = [table[label][c] for c in columns[:-1]]
        rest = sum(table[label].values()) - sum(counts)
        print("    %-24s" % label + "".join("%9d" % n for n in counts + [rest]))


def print_set(title, samples, systems):
    print("\n== %s: %d SYNs" % (title, len(samples)))
    figures = print_systems(samples, systems)
    ours = systems["synprint"]
    print_covered(samples, ours)
    print_kinds(samples, ours)
    print_buckets("family", [(a.fconf, is_family_right(s, a))
                             for s, a in zip(samples, ours) if a.family])
    print_buckets("class", [(a.conf, is_right_twin(s, a))
                            for s, a in zip(samples, ours) if a.cls and s.cls in T.CLASSES])
    print_confusion(samples, ours)
    return figures


# ---- sets ----

def run_all(matcher, text, rates, samples, scratch):
    guess, majority = P.run_article(rates, samples)
    return {"synprint": run_synprint(matcher, text, samples, scratch),
            "p0f": P.run_p0f(samples, scratch), "article, best guess": guess,
            "article, majority": majority, "kNN": P.run_neighbours(rates, samples),
            "naive Bayes": P.run_bayes(rates, samples)}


def left_out(matcher, text, tables, year, scratch):
    kept = [table for table in tables if table.year != year]
    # Unknown fields are filled in from all years: that is about the packet and not its sender.
    test = next(table for table in T.resolve(tables) if table.year == year)
    samples = D.drawn(test)
    systems = run_all(matcher, F.fit(text, kept), F.fit_rates(T.resolve(kept)), samples, scratch)
    return print_set("%d, by what the other years say" % year, samples, systems)


def print_means(figures):
    print("\n== mean of the years left out\n  %-22s family  five classes" % "")
    for name in figures[0]:
        print("  %-22s %.3f   %.3f" % (name, share(f[name][0] for f in figures),
                                       share(f[name][1] for f in figures)))


def main():
    matcher, database, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
    random.seed(20231)
    with open(database) as f:
        text = f.read()
    tables = T.read_tables(a for a in arguments if "=" in a)
    with tempfile.TemporaryDirectory(prefix="synprint-accuracy-") as scratch:
        print_means([left_out(matcher, text, tables, table.year, scratch) for table in tables])
        rates = F.fit_rates(T.resolve(tables))
        for path in (a for a in arguments if "=" not in a):
            samples = D.read_syns(path)
            print_set(os.path.basename(path), samples,
                      run_all(matcher, text, rates, samples, scratch))


if __name__ == "__main__":
    main()
