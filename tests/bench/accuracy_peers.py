# SPDX-License-Identifier: GPL-2.0-or-later
"""What synprint is measured beside: p0f, the article's algorithm, a kNN and a naive Bayes.

All but p0f know what our own database was fitted to (fit.Rates).
"""

import collections
import math
import os
import struct
import subprocess

import accuracy_data as D
import tables as T

Answer = collections.namedtuple("Answer", "cls conf family fconf kind")
NO_ANSWER = Answer(None, 0.0, None, 0.0, "none")


def sure(cls):
    return Answer(cls, 1.0, D.family_of(cls), 1.0, "none")


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


def p0f_index(address):
    if ":" not in address:
        octets = [int(o) for o in address.split(".")]
        return octets[1] << 16 | octets[2] << 8 | octets[3]
    if "::" in address[-5:]:
        return int(address.rsplit(":", 1)[1] or "0", 16)
    return int("".join(p.zfill(4) for p in address.split(":")[-2:]), 16)


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
            if field.get("mod") == "syn" and field.get("os", "???") != "???":
                answers[p0f_index(field["cli"].split("/")[0]) - 1] = sure(p0f_class(field["os"]))
    return answers


# ---- fields of a packet, for the others ----

def walk_options(options):
    i = 0
    while i < len(options):
        if options[i] < 2:
            yield options[i], b""
            i += 1
            continue
        size = options[i + 1] if i + 1 < len(options) else 0
        if size < 2 or i + size > len(options):
            return
        yield options[i], options[i + 2:i + size]
        i += size


OPTION_LETTER = {0: "E", 1: "N", 2: "M", 3: "W", 4: "S", 8: "T"}


def fields_of(raw):
    """The fields that the article compares."""
    v4 = raw[0] >> 4 == 4
    tcp = raw[(raw[0] & 15) * 4 if v4 else 40:]
    ttl = raw[8] if v4 else raw[7]
    frag = struct.unpack("!H", raw[6:8])[0] if v4 else 0x4000
    fields = {"ttl": next(t for t in (32, 64, 128, 255) if ttl <= t), "df": frag >> 14 & 1,
              "mf": frag >> 13 & 1, "window": struct.unpack("!H", tcp[14:16])[0],
              "flags": struct.unpack("!H", tcp[12:14])[0] & 0xFFF,
              "ack": struct.unpack("!I", tcp[8:12])[0],
              "header": tcp[12] >> 4, "urp": struct.unpack("!H", tcp[18:20])[0],
              "wscale": None, "echo": None, "mss": None}
    names = []
    for kind, data in walk_options(tcp[20:(tcp[12] >> 4) * 4]):
        names.append(OPTION_LETTER.get(kind, str(kind)))
        if kind == 2:
            fields["mss"] = int.from_bytes(data, "big")
        elif kind == 3:
            fields["wscale"] = data[0] if data else None
        elif kind == 8:
            fields["echo"] = int.from_bytes(data[4:], "big")
    fields["options"] = ",".join(names)
    return fields


def each_once(samples, key_of, answer_of):
    """Answers, asking for equal packets once."""
    seen, answers = {}, []
    for raw, _ in samples:
        key = key_of(raw)
        if key not in seen:
            seen[key] = answer_of(key)
        answers.append(seen[key])
    return answers


def references(rates, make):
    """(fields, {class: permille}) for each shape that any class sends."""
    shapes = collections.defaultdict(dict)
    for cls in T.CLASSES:
        for shape, rate in rates.permille[cls].items():
            shapes[shape][cls] = rate
    return [(make(shape), counts) for shape, counts in shapes.items()]


# ---- the article's algorithm ----

# What an equal field is worth.
WEIGHTS = {"ttl": 1, "df": 1, "mf": 1, "window": 1.5, "flags": 1, "ack": 1, "header": 1, "urp": 1,
           "options": 4, "wscale": 1.5, "echo": 1, "mss": 1}


def run_article(rates, samples):
    """Two variants: the best reference's class, and the majority of all that are as good."""
    known = references(rates, lambda shape: fields_of(D.make_syn(shape)))
    known.sort(key=lambda reference: -sum(reference[1].values()))

    def scored(key):
        fields = dict(key)
        scores = [(sum(w for name, w in WEIGHTS.items() if fields[name] == reference[name]),
                   counts) for reference, counts in known]
        best = max(score for score, _ in scores)
        return [counts for score, counts in scores if score == best]

    def guess(key):
        return sure(max(scored(key)[0].items(), key=lambda item: item[1])[0])

    def majority(key):
        votes = collections.Counter()
        for counts in scored(key):
            votes.update(counts)
        return sure(votes.most_common(1)[0][0])

    def key_of(raw):
        return tuple(sorted(fields_of(raw).items(), key=lambda item: item[0]))

    return each_once(samples, key_of, guess), each_once(samples, key_of, majority)


# ---- kNN and naive Bayes ----

FEATURES = ["ttl", "df", "ecn", "window", "multiple", "wscale", "options", "skeleton"]
DISTANCE = {"ttl": 1, "df": .5, "ecn": .5, "window": 1, "multiple": 1, "wscale": 1.5, "options": 3,
            "skeleton": 3}
NEIGHBOURS = 5
ALPHA = 0.5  # pseudo-counts of every value


def features_of(raw):
    fields = fields_of(raw)
    window, mss = fields["window"], fields["mss"] or 1
    return (fields["ttl"], fields["df"], fields["flags"] >> 6, window,
            window // mss if window % mss == 0 else 0, fields["wscale"], fields["options"],
            fields["options"].replace("N,", "").replace("E", ""))


def run_neighbours(rates, samples):
    """The nearest shapes vote, each class by how often it sends them."""
    known = references(rates, lambda shape: features_of(D.make_syn(shape)))
    weights = list(DISTANCE.values())

    def nearest(features):
        near = sorted(((sum(w for w, a, b in zip(weights, features, reference) if a != b), i)
                       for i, (reference, _) in enumerate(known)))[:NEIGHBOURS]
        votes = collections.Counter()
        for distance, i in near:
            for cls, rate in known[i][1].items():
                votes[cls] += rate / 100 ** distance
        return sure(votes.most_common(1)[0][0])

    return each_once(samples, features_of, nearest)


def run_bayes(rates, samples):
    """Every field for itself, given the class."""
    values = [collections.defaultdict(collections.Counter) for _ in FEATURES]
    totals = collections.Counter()
    for features, counts in references(rates, lambda shape: features_of(D.make_syn(shape))):
        for cls, rate in counts.items():
            totals[cls] += rate
            for i, value in enumerate(features):
                values[i][cls][value] += rate

    def most_likely(features):
        def log_prob(cls):
            return sum(math.log((values[i][cls][value] + ALPHA) / (totals[cls] + 100 * ALPHA))
                       for i, value in enumerate(features))
        return sure(max(T.CLASSES, key=log_prob))

    return each_once(samples, features_of, most_likely)
