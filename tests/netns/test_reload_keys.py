#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A reload is a difference: the table of every key of a set and every kind of target. Whatever is
changed, who belongs in the set is in it again at once, who comes new enters it, nothing fails, and
what was left behind is gone."""
import json
import re

import lab
import traffic

KNOWN = 4  # clients before the reload
CASES = 10  # of each kind at the most
PREFIX = "k"  # of ipsets
FOREIGN, FOREIGN_MAPS = "inet mine", "inet mymaps"

# What stands in front of the other keys, how elements are listed, and which keys it has.
KINDS = {
    "own": ('nftset = "x";', "timeout shorter longer size condition on_change prefix6 key name front"),
    "map": ('nftmap = "x"; value = 0x10;', "timeout size condition on_change value name front"),
    "ports": ('nftset = "x"; key = "addr . port";', "timeout size condition key name front"),
    "foreign": (f'nftset = "x"; table = "{FOREIGN}";', "timeout condition on_change name front"),
    "foreign map": (f'nftmap = "x"; value = 0x10; table = "{FOREIGN_MAPS}";', "timeout value condition front"),
    "ipset": ('ipset = "@x";', "timeout size condition on_change prefix6 comment name front"),
}

# Of each key, what is added to the line before and after the reload, or what is replaced in it.
CHANGES = {
    "timeout": ('timeout = "1h";', 'timeout = "2h";'),
    "shorter": ('timeout = "2h";', 'timeout = "2m";'),
    "longer": ('timeout = "2m";', 'timeout = "2h";'),
    "size": ("size = 2048;", "size = 8192;"),
    "condition": ('families = [ "Linux" ];', ""),
    "on_change": ("", 'on_change = "remove";'),
    "prefix6": ("prefix6 = 128;", "prefix6 = 64;"),
    "comment": ("comment = false;", "comment = true;"),
    "value": ("value = 0x10;", "value = 0x20;"),
    "key": ('key = "addr";', 'key = "addr . port";'),
    "name": ('"x"', '"y"'),
    "front": ("", ""),  # the rule in front of it goes
}
FRONT = 'nftset = "front"; timeout = "1h";'


def lines(kind, key, number, suffix):
    """The rules before or after (number 0 or 1) a change, and the set's name."""
    line, before_after = KINDS[kind][0], CHANGES[key]
    name = f"{'xy'[number] if key == 'name' else 'x'}{suffix}"
    line = line.replace('x"', f'{name}"')
    if key == "value":
        line = line.replace(before_after[0], before_after[number])
    elif key == "key":
        shown = number if kind == "own" else 1 - number
        line = re.sub(r' key = "[^"]*";', "", line) + " " + before_after[shown]
    elif key != "name":
        line += " " + before_after[number]
    if "timeout" not in line:
        line += ' timeout = "1h";'
    line = line.replace("@", PREFIX)
    rules = [line]
    if key == "front" and number == 0:
        rules.insert(0, FRONT)
    return rules, name


def members(lab_, kind, name):
    """IPv4 addresses of a set, each with its timeout in seconds, and the map's value."""
    if kind == "ipset":
        out = lab.sh("ipset", "list", f"{PREFIX}{name}4", namespace=lab_.gateway, check=False).stdout
        return {match[1]: (int(match[2]), None)
                for match in re.finditer(r"^(\d[\d.]*) timeout (\d+)", out, re.M)}
    table = {"foreign": FOREIGN, "foreign map": FOREIGN_MAPS}.get(kind, "inet synprint")
    done = lab.sh("nft", "-j", "list", "map" if "map" in kind else "set", *table.split(), f"{name}4",
                  namespace=lab_.gateway, check=False)
    if done.returncode:
        return {}
    for item in json.loads(done.stdout)["nftables"]:
        for body in (item.get("set"), item.get("map")):
            if body:
                return dict(read_element(element, body) for element in body.get("elem", []))
    return {}


def read_element(element, body):
    value = None
    if isinstance(element, list):
        element, value = element
    inner = element.get("elem", element) if isinstance(element, dict) else {"val": element}
    address = inner["val"]
    if isinstance(address, dict):
        address = address["concat"][0]
    return address, (inner.get("expires", inner.get("timeout", body.get("timeout"))), value)


def listed(lab_, kind, name):
    if kind == "ipset":
        return lab.sh("ipset", "list", "-t", f"{PREFIX}{name}4", namespace=lab_.gateway).stdout
    return lab.sh("nft", "list", "map" if kind == "map" else "set", "inet", "synprint", f"{name}4",
                  namespace=lab_.gateway).stdout


def size_of(lab_, kind, name):
    return int(re.search(r"(?:maxelem|\bsize) (\d+)", listed(lab_, kind, name))[1])


def collected_s(lab_, kind, name):
    """How often the kernel looks for what has timed out; 1: it was told nothing."""
    found = re.search(r"gc-interval (\w+)", listed(lab_, kind, name))
    return {"1m": 60, None: 1}.get(found and found[1]) or int(found[1].rstrip("s"))


def expected_collection(rule):
    """A deletion by packets leaves an element that is in the way until then."""
    return 1 if "on_change" in rule else min(expected_timeout(rule) // 60, 60)


def make_foreign(lab_):
    for table_, kind, data in ((FOREIGN, "set", ""), (FOREIGN_MAPS, "map", " : mark")):
        lab_.nft("\n".join([f"table {table_}", f"delete table {table_}", f"table {table_} {{"] + [
            f"{kind} {letter}{number}{version} {{ type ipv{version}_addr{data}; flags timeout; }}"
            for letter in "xy" for number in range(CASES) for version in "46"] + ["}"]))


def expected_timeout(rule):
    number, unit = re.search(r'timeout = "(\d+)([smh])"', rule).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


def all_in(lab_, kind, rule, name, count):
    found = members(lab_, kind, name)
    value = re.search(r"value = (0x\w+)", rule)
    for number in range(count):
        entry = found.get(lab.source4(1 + number))
        # What was shortened gets its time with the client's next SYN, or anew.
        if not entry or entry[0] > expected_timeout(rule) or (
                value and entry[1] is not None and entry[1] != int(value[1], 16)):
            return None
    return found


def show(lab_, kind, rule, name, daemon, what):
    return (f"{what}\nrule: {rule}\nfound: {members(lab_, kind, name)}\n"
            f"sets: {daemon.status()['publish']['sets']}\nlog: {daemon.log()[-1500:]}")


def visit(lab_, number):
    traffic.connect(lab_.client, lab.SERVER4, lab.source4(1 + number))
    traffic.connect(lab_.client, lab.SERVER6, lab.source6(1 + number))


def wait_all_in(lab_, daemon, case, count, what):
    kind, rule, name = case
    try:
        lab.wait_until(lambda: all_in(lab_, kind, rule, name, count), what, 8)
    except AssertionError:
        raise AssertionError(show(lab_, kind, rule, name, daemon, what)) from None


def change(lab_, daemon, kind, key, suffix):
    before, name = lines(kind, key, 0, suffix)
    lab_.write_config(sets=before)
    assert daemon.request({"op": "reload"})["ok"], daemon.log()
    for number in range(KNOWN):
        visit(lab_, number)
    wait_all_in(lab_, daemon, (kind, before[-1], name), KNOWN, f"{kind}, {key}: before")
    after, next_name = lines(kind, key, 1, suffix)
    lab_.write_config(sets=after)
    lab.wait_until(lambda: daemon.request({"op": "reload"})["ok"], "the last reload has ended")
    case = (kind, after[-1], next_name)
    # Whose element is longer than the new timeout has to come back for it.
    visit(lab_, KNOWN)
    if key in ("shorter",):
        for number in range(KNOWN):
            visit(lab_, number)
    wait_all_in(lab_, daemon, case, KNOWN + 1, f"{kind}, {key}: after the reload")
    lab.wait_until(lambda: daemon.status()["publish"]["sets"], "the sets are told")
    for entry in daemon.status()["publish"]["sets"]:
        assert not entry["quarantined"], show(lab_, *case, daemon, f"{kind}, {key}: quarantined")
    if key == "size":
        assert size_of(lab_, kind, name) >= 8192, f"{kind}: {size_of(lab_, kind, name)}"
    if kind in ("own", "map", "ports"):
        lab.wait_until(lambda: collected_s(lab_, kind, next_name) == expected_collection(after[-1]),
                       f"{kind}, {key}: collected as often as it needs")
    if next_name != name and "foreign" not in kind:
        lab.wait_until(lambda: not members(lab_, kind, name), f"{kind}, {key}: the old is gone")


def table(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    make_foreign(lab_)
    daemon = lab_.daemon(lab_.write_config(sets=[])).start()
    failed = []
    for kind, (_, keys) in KINDS.items():
        for suffix, key in enumerate(keys.split()):
            try:
                change(lab_, daemon, kind, key, suffix)
            except AssertionError as error:
                failed.append(f"{kind} x {key}: {error}")
    assert not failed, "\n\n".join(failed)


if __name__ == "__main__":
    lab.run(table)
