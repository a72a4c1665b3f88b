#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How often the classification is right, beside p0f and the article's algorithm.

Three sets of SYNs: the labelled ones from public captures; SYNs drawn from the table of how
often stacks send which shape, in five folds, where the rates in the database come from the
other four; and the same table with whole shapes left out, which shows what the back-off is
worth. Labels of the first are User-Agents and may lie; no rate is fitted to that set, though
old systems are in the database because captures like these show them.
"""

import collections
import csv
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

FAMILY = {
    "Windows": "Windows", "Linux": "Linux", "Android": "Linux", "ChromeOS": "Linux",
    "Other:ChromeOS": "Linux", "macOS": "Apple", "iOS": "Apple", "Apple": "Apple",
}
CLASSES = ["Windows", "Linux", "Android", "macOS", "iOS"]
THRESHOLDS = [0.5, 0.8, 0.9, 0.95]
VISITOR_MSS = [1460, 1460, 1460, 1452, 1440, 1412, 1400, 1380, 1360, 1300, 1240]
SAMPLES_PER_CLASS = 2501  # how many SYNs of each class stand behind the table
FOLDS = 5

Answer = collections.namedtuple("Answer", "cls conf family fconf")
NO_ANSWER = Answer(None, 0.0, None, 0.0)


# ---- SYNs ----

OPTION_BYTES = {"nop": b"\x01", "sok": b"\x04\x02", "eol": b"\x00"}


def option_bytes(layout, mss, wscale):
    out = b""
    for name in filter(None, layout.split(",")):
        if name == "mss":
            out += struct.pack("!BBH", 2, 4, mss)
        elif name == "ws":
            out += bytes([3, 3, wscale])
        elif name == "ts":
            out += struct.pack("!BBII", 8, 10, random.randrange(1, 1 << 32), 0)
        elif name.startswith("?U"):
            out += bytes([int(name[2:]), 4, 0, 0])
        else:
            out += OPTION_BYTES[name]
    return out + b"\x00" * (-len(out) % 4)


def make_syn(row, apple):
    """A SYN of a row's shape, some hops away, with an MSS as visitors have them."""
    multiple = int(row["window"][4:]) if row["window"].startswith("mss*") else 0
    mss = random.choice([m for m in VISITOR_MSS if m * multiple <= 65535])
    window = multiple * mss or int(row["window"])
    options = option_bytes(row["options_layout"], mss, int(row["window_scale"] or 0))
    flags = 0xC2 if row["ecn_setup"] == "1" else 0x02
    tcp = struct.pack("!HHIIBBHHH", random.randrange(1024, 65536), 443, random.getrandbits(32), 0,
                      (20 + len(options)) // 4 << 4, flags, window, 0, 0) + options
    ip_id = 0 if apple else random.randrange(1, 65536)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), ip_id,
                     0x4000 if row["df"] == "1" else 0,
                     int(row["initial_ttl"]) - random.randrange(4, 22), 6, 0,
                     bytes([198, 51, 100, 1]), bytes([192, 0, 2, 1]))
    return ip + tcp


def is_apple_shape(row):
    """Apple sends IP ID 0 since about 2018; the table does not tell the ID."""
    return row["options_layout"].startswith("mss,nop,ws") and "eol,eol" in row["options_layout"] \
        and row["initial_ttl"] == "64" and row["window"] == "65535"


def p0f_layout(layout):
    names = layout.split(",") if layout else []
    if "eol" in names:
        at = names.index("eol")
        names = names[:at] + ["eol+%d" % (len(names) - at - 1)]
    return ",".join(n.replace("?U", "?") for n in names)


def row_key(row):
    """What a row and a sig line of the database have in common."""
    return (int(row["initial_ttl"]), row["window"], row["window_scale"] or "0",
            p0f_layout(row["options_layout"]), row["df"] == "1", row["ecn_setup"] == "1")


def sig_key(sig):
    _, ttl, _, _, wsize, layout, quirks, _ = sig.split(":")
    window, scale = wsize.split(",")
    quirks = quirks.split(",")
    return (int(ttl), window, scale, layout, "df" in quirks, "ecn" in quirks)


def read_facts(path):
    facts = []
    with open(path, newline="") as f:
        for row in csv.DictReader(f):
            counts = {c: round(float(row["permille_of_" + c]) * SAMPLES_PER_CLASS / 1000)
                      for c in CLASSES}
            facts.append((row, counts))
    return facts


def read_labelled(path):
    samples = []
    with open(path) as f:
        for line in f:
            record = json.loads(line)
            if record["os"] in FAMILY:
                samples.append((bytes.fromhex(record["raw"]), record["os"]))
    return samples


# ---- synprint ----

SIG_LINE = re.compile(r"^sig = (\S+) @ ([0-9.]+)$")


def database_with(text, rates):
    """The database with the rates of the table replaced; a rate of 0 takes the line out."""
    out, source, cls = [], "", ""
    for line in text.splitlines():
        if line.startswith("from = "):
            source = line[7:]
        elif line.startswith("label = "):
            cls = line.split(":")[2]
        found = SIG_LINE.match(line)
        if found and source == "web2023":
            rate = rates.get((cls, sig_key(found[1])), 0)
            if rate <= 0:
                continue
            line = "sig = %s @ %.1f" % (found[1], max(rate, 0.1))
        out.append(line)
    return "\n".join(out) + "\n"


def run_synprint(matcher, database, samples, scratch):
    path = os.path.join(scratch, "fold.db")
    with open(path, "w") as f:
        f.write(database)
    text = "".join(raw.hex() + "\n" for raw, _ in samples)
    lines = subprocess.run([matcher, path], input=text, capture_output=True, text=True,
                           check=True).stdout.splitlines()
    answers = []
    for line in lines:
        field = line.split("\t")
        known = len(field) == 6 and field[4] != "none"
        answers.append(Answer(field[0], float(field[1]), field[2], float(field[3]))
                       if known else NO_ANSWER)
    return answers


# ---- p0f ----

def write_pcap(path, samples):
    """Each SYN from an address of its own, so that p0f's lines can be told apart."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for i, (raw, _) in enumerate(samples):
            raw = bytearray(raw)
            if raw[0] >> 4 == 4:
                raw[12:16] = struct.pack("!I", 0x0A000000 + i + 1)
            else:
                raw[8:24] = bytes.fromhex("20010db8") + bytes(8) + struct.pack("!I", i + 1)
            f.write(struct.pack("<IIII", 1500000000 + i, 0, len(raw), len(raw)) + raw)


def p0f_class(name):
    for known, cls in (("Windows", "Windows"), ("Android", "Android"), ("Linux", "Linux"),
                       ("iOS", "iOS"), ("Mac", "macOS")):
        if known in name:
            return cls
    return "Other"


def run_p0f(samples, scratch):
    pcap, log = os.path.join(scratch, "syns.pcap"), os.path.join(scratch, "p0f.log")
    if os.path.exists(log):
        os.unlink(log)
    write_pcap(pcap, samples)
    subprocess.run(["p0f", "-r", pcap, "-o", log], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=True)
    answers = [NO_ANSWER] * len(samples)
    with open(log) as f:
        for line in f:
            field = dict(part.split("=", 1) for part in line.split("] ", 1)[-1].strip().split("|")
                         if "=" in part)
            if field.get("mod") != "syn" or field.get("os", "???") == "???":
                continue
            address = field["cli"].split("/")[0]
            if ":" in address:
                index = int("".join(p.zfill(4) for p in address.split(":")[-2:]), 16) \
                    if "::" not in address[-5:] else int(address.rsplit(":", 1)[1] or "0", 16)
            else:
                octets = [int(o) for o in address.split(".")]
                index = octets[1] << 16 | octets[2] << 8 | octets[3]
            cls = p0f_class(field["os"])
            answers[index - 1] = Answer(cls, 1.0, FAMILY.get(cls, "Other"), 1.0)
    return answers


# ---- the article's algorithm ----

# What an equal field is worth.
WEIGHTS = {"ttl": 1, "df": 1, "mf": 1, "window": 1.5, "flags": 1, "ack": 1, "header": 1, "urp": 1,
           "options": 4, "wscale": 1.5, "echo": 1, "mss": 1}


def article_fields(raw):
    v4 = raw[0] >> 4 == 4
    tcp = raw[(raw[0] & 15) * 4 if v4 else 40:]
    ttl = raw[8] if v4 else raw[7]
    frag = struct.unpack("!H", raw[6:8])[0] if v4 else 0x4000
    fields = {"ttl": next(t for t in (32, 64, 128, 255) if ttl <= t), "df": frag >> 14 & 1,
              "mf": frag >> 13 & 1, "window": struct.unpack("!H", tcp[14:16])[0],
              "flags": tcp[13], "ack": struct.unpack("!I", tcp[8:12])[0],
              "header": tcp[12] >> 4, "urp": struct.unpack("!H", tcp[18:20])[0],
              "wscale": None, "echo": None, "mss": None}
    names, options, i = [], tcp[20:(tcp[12] >> 4) * 4], 0
    while i < len(options):
        kind = options[i]
        if kind < 2:
            names.append("EN"[kind])
            i += 1
            continue
        size = options[i + 1] if i + 1 < len(options) else 0
        if size < 2 or i + size > len(options):
            break
        data = options[i + 2:i + size]
        names.append({2: "M", 3: "W", 4: "S", 8: "T"}.get(kind, str(kind)))
        if kind == 2:
            fields["mss"] = int.from_bytes(data, "big")
        elif kind == 3:
            fields["wscale"] = data[0] if data else None
        elif kind == 8:
            fields["echo"] = int.from_bytes(data[4:], "big")
        i += size
    fields["options"] = ",".join(names)
    return fields


def make_os_guess(references, raw):
    """Every reference is scored by its equal fields; the class with the best average wins."""
    fields = article_fields(raw)
    sums = collections.Counter()
    totals = collections.Counter()
    for reference, counts in references:
        score = sum(w for name, w in WEIGHTS.items() if reference[name] == fields[name])
        for cls, count in counts.items():
            sums[cls] += score * count
            totals[cls] += count
    best = max(CLASSES, key=lambda c: sums[c] / totals[c] if totals[c] else 0)
    return Answer(best, 1.0, FAMILY[best], 1.0)


def run_article(facts, samples):
    references = [(article_fields(make_syn(row, is_apple_shape(row))), counts)
                  for row, counts in facts]
    seen = {}
    answers = []
    for raw, _ in samples:
        key = json.dumps(article_fields(raw), sort_keys=True)
        if key not in seen:
            seen[key] = make_os_guess(references, raw)
        answers.append(seen[key])
    return answers


# ---- figures ----

def share(part, whole):
    return "%5.1f %%" % (100.0 * part / whole) if whole else "    -  "


def five_class(samples, answers):
    return [(s, a) for s, a in zip(samples, answers) if s[1] in CLASSES]


def print_summary(name, samples, answers):
    answered = [(s, a) for s, a in zip(samples, answers) if a.family]
    right = sum(a.family == FAMILY[s[1]] for s, a in answered)
    classes = five_class(samples, answers)
    class_right = sum(a.cls == s[1] for s, a in classes)
    print("  %-12s  family right %s of all, %s of the %s answered;  class right %s of all"
          % (name, share(right, len(samples)), share(right, len(answered)),
             share(len(answered), len(samples)).strip(), share(class_right, len(classes))))


def print_confusion(samples, answers):
    table = collections.defaultdict(collections.Counter)
    for (_, label), answer in zip(samples, answers):
        table[label][answer.cls or "unknown"] += 1
    columns = CLASSES + ["unknown", "other"]
    print("  said against true (rows):".ljust(28) + "".join("%9s" % c for c in columns))
    for label in sorted(table):
        counts = [table[label][c] for c in columns[:-1]]
        rest = sum(table[label].values()) - sum(counts)
        print("    %-24s" % label + "".join("%9d" % n for n in counts + [rest]))


def print_per_class(samples, answers):
    by_class, by_family = collections.defaultdict(list), collections.defaultdict(list)
    for (_, label), answer in zip(samples, answers):
        by_family[FAMILY[label]].append(answer.family == FAMILY[label])
        if label in CLASSES:
            by_class[label].append(answer.cls == label)
    for title, groups in (("class", by_class), ("family", by_family)):
        print("  right by %-7s" % title + "  ".join(
            "%s %s (%d)" % (k, share(sum(v), len(v)).strip(), len(v))
            for k, v in sorted(groups.items())))


def print_coverage(samples, answers):
    print("  confidence at least:  by family (covered, right)      by class (covered, right)")
    classes = five_class(samples, answers)
    for threshold in THRESHOLDS:
        fam = [(s, a) for s, a in zip(samples, answers) if a.family and a.fconf >= threshold]
        cls = [(s, a) for s, a in classes if a.cls and a.conf >= threshold]
        print("    %.2f                 %s   %s                  %s   %s" % (
            threshold, share(len(fam), len(samples)),
            share(sum(a.family == FAMILY[s[1]] for s, a in fam), len(fam)),
            share(len(cls), len(classes)), share(sum(a.cls == s[1] for s, a in cls), len(cls))))


def reliability(pairs):
    buckets = collections.defaultdict(list)
    for said, right in pairs:
        buckets[min(int(said * 10), 9)].append((said, right))
    return [(b / 10, len(v), sum(s for s, _ in v) / len(v), sum(r for _, r in v) / len(v))
            for b, v in sorted(buckets.items())]


def print_reliability(samples, answers):
    """Return the worst difference in a bucket of 50 or more."""
    worst = 0.0
    fam = [(a.fconf, a.family == FAMILY[s[1]]) for s, a in zip(samples, answers) if a.family]
    cls = [(a.conf, a.cls == s[1]) for s, a in five_class(samples, answers) if a.cls]
    for title, pairs in (("family", fam), ("class", cls)):
        print("  reliability by %s: from, samples, said, true" % title)
        for start, count, said, true in reliability(pairs):
            flag = ""
            if count >= 50:
                worst = max(worst, abs(said - true))
                flag = "  <-- off" if abs(said - true) >= 0.07 else ""
            print("    %.1f %7d   %.3f   %.3f%s" % (start, count, said, true, flag))
    return worst


def print_set(title, samples, systems, detailed=True):
    print("\n== %s: %d SYNs" % (title, len(samples)))
    for name, answers in systems.items():
        print_summary(name, samples, answers)
    if not detailed:
        return 0.0
    ours = systems["synprint"]
    print_confusion(samples, ours)
    print_per_class(samples, ours)
    print_coverage(samples, ours)
    return print_reliability(samples, ours)


# ---- sets ----

def drawn_samples(facts):
    samples = []
    for row, counts in facts:
        for cls, count in counts.items():
            samples += [(row, cls)] * count
    random.shuffle(samples)
    return samples


def rates_of(samples):
    totals = collections.Counter(cls for _, cls in samples)
    counts = collections.Counter((cls, row_key(row)) for row, cls in samples)
    return {key: 1000.0 * n / totals[key[0]] for key, n in counts.items()}


def make_samples(drawn):
    return [(make_syn(row, is_apple_shape(row)), cls) for row, cls in drawn]


def run_folds(matcher, text, facts, scratch):
    drawn = drawn_samples(facts)
    samples, systems = [], collections.defaultdict(list)
    for fold in range(FOLDS):
        test = make_samples(drawn[fold::FOLDS])
        train = [d for i, d in enumerate(drawn) if i % FOLDS != fold]
        by_row = collections.defaultdict(collections.Counter)
        for row, cls in train:
            by_row[row_key(row)][cls] += 1
        samples += test
        systems["synprint"] += run_synprint(matcher, database_with(text, rates_of(train)), test,
                                            scratch)
        systems["p0f"] += run_p0f(test, scratch)
        systems["makeOsGuess"] += run_article(
            [(row, by_row[row_key(row)]) for row, _ in facts], test)
    return samples, systems


def run_unseen(matcher, text, facts, scratch):
    """Each shape once for each SYN of up to 20, by a database that never saw the shape."""
    samples, answers = [], []
    order = facts[:]
    random.shuffle(order)
    for fold in range(2 * FOLDS):
        test_rows = order[fold::2 * FOLDS]
        held = {row_key(row) for row, _ in test_rows}
        kept = [(row, counts) for row, counts in facts if row_key(row) not in held]
        drawn = []
        for row, counts in test_rows:
            total = sum(counts.values())
            for cls, count in counts.items():
                drawn += [(row, cls)] * round(20 * count / total)
        test = make_samples(drawn)
        samples += test
        answers += run_synprint(matcher, database_with(text, rates_of(drawn_samples(kept))), test,
                                scratch)
    return samples, {"synprint": answers}


def main():
    matcher, data, database = sys.argv[1:4]
    random.seed(20231)
    with open(database) as f:
        text = f.read()
    facts = read_facts(os.path.join(data, "stack_facts.csv"))
    with tempfile.TemporaryDirectory(prefix="synprint-accuracy-") as scratch:
        labelled = read_labelled(os.path.join(data, "labelled_syns.jsonl"))
        print_set("labelled captures, 2004 to 2025", labelled, {
            "synprint": run_synprint(matcher, text, labelled, scratch),
            "p0f": run_p0f(labelled, scratch),
            "makeOsGuess": run_article(facts, labelled)})
        samples, systems = run_folds(matcher, text, facts, scratch)
        worst = print_set("drawn from stack_facts.csv, five folds", samples, systems)
        print("  largest difference between said and true, of 50 or more: %.3f" % worst)
        samples, systems = run_unseen(matcher, text, facts, scratch)
        print_set("shapes that the database never saw", samples, systems)


if __name__ == "__main__":
    main()
