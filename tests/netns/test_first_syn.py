#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The address is in its set before the SYN goes on: a rule behind the queue counts the first SYN
of every new client, also where the set is the administrator's."""
import lab
import traffic

PATIENT = "deadline_ms = 1000;"  # it is the order that is tested, not this machine's speed
CLIENTS = 200  # of each IP version

POLICY = """
table {table} {{
    counter first4 {{ }}
    counter first6 {{ }}
    counter every {{ }}
    {sets}
    chain act {{
        type filter hook prerouting priority -100; policy accept;
        tcp flags & (syn | ack) == syn tcp dport 8080 counter name every
        tcp flags & (syn | ack) == syn ip saddr @{name}4 counter name first4
        tcp flags & (syn | ack) == syn ip6 saddr @{name}6 counter name first6
    }}
}}
"""


def open_from_new_clients(lab_, daemon):
    """How many were asked for: on a machine that is too busy, some pass unasked."""
    result = traffic.Load(lab_.client, 200, 2 * CLIENTS, CLIENTS).result()
    traffic.expect_no_failure(result, "new clients")
    assert result["retransmissions"] == 0, result
    asked = 2 * CLIENTS - daemon.passed(2 * CLIENTS)
    assert asked > CLIENTS, f"{asked} of {2 * CLIENTS} were asked for"
    return asked


def members(lab_, name, table="inet synprint"):
    """Of both sets of a pair, with the seconds that are left."""
    return lab_.elements(f"{name}4", table) | lab_.elements(f"{name}6", table)


def check_counted(lab_, daemon, table, name, timeout_s, asked):
    publish = daemon.status()["publish"]
    got = {counter: lab_.counter(table, counter) for counter in ("every", "first4", "first6")}
    assert got["every"] == 2 * CLIENTS and max(got["first4"], got["first6"]) <= CLIENTS, (got, publish)
    assert got["first4"] + got["first6"] == asked, (got, asked, publish)
    elements = members(lab_, name, table)
    assert set(elements) <= {source(1 + i) for source in (lab.source4, lab.source6) for i in range(CLIENTS)}, elements
    assert len(elements) == asked, (len(elements), asked)
    assert all(0 < expires <= timeout_s for expires in elements.values()), elements
    assert publish["late"] == publish["lost"] == 0, publish
    lab.figure(f"first SYNs counted behind the queue, table {table}: {asked} of {2 * CLIENTS}")


def own_table(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(
        ['nftset = "all"; timeout = "10m"', 'nftset = "linux"; families = [ "Linux" ]',
         'nftset = "win"; families = [ "Windows" ]'], publish=PATIENT)).start()
    lab_.nft(POLICY.format(table="inet synprint", name="all", sets=""))
    asked = open_from_new_clients(lab_, daemon)
    check_counted(lab_, daemon, "inet synprint", "all", 600, asked)
    assert len(members(lab_, "linux")) == asked
    assert not lab_.elements("win4") and not lab_.elements("win6")
    # The policy is the administrator's: it outlives the daemon, with the sets that it names.
    assert daemon.stop() == 0, daemon.log()
    left = lab.sh("nft", "list", "table", "inet", "synprint", namespace=lab_.gateway).stdout
    assert "chain act" in left and "@all4" in left, left
    assert "alive" not in left and "linux4" not in left, left


def administrators_table(lab_):
    sets = """set seen4 { type ipv4_addr; flags timeout; }
        set seen6 { type ipv6_addr; flags timeout; }"""
    lab_.adopt(traffic.Server(lab_.server))
    lab_.nft(POLICY.format(table="inet filter", name="seen", sets=sets))
    before = lab_.snapshot()
    daemon = lab_.daemon(lab_.write_config(
        ['nftset = "seen"; table = "inet filter"; timeout = "5m"'], publish=PATIENT)).start()
    asked = open_from_new_clients(lab_, daemon)
    check_counted(lab_, daemon, "inet filter", "seen", 300, asked)
    assert daemon.stop() == 0, daemon.log()
    # Elements of the administrator's sets stay until their time is over.
    lab_.nft("flush set inet filter seen4\nflush set inet filter seen6\n"
             "reset counters table inet filter")
    lab_.expect_snapshot(before, "synprintd changed something")


def beside_bad_sets(lab_):
    """A missing set and a full one cost the good one nothing; what was missing is filled later."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(
        ['nftset = "gone"; table = "inet filter"', 'nftset = "tiny"; size = 3',
         'nftset = "all"; timeout = "10m"'], publish=PATIENT + " once_percent = 100;")).start()
    lab_.nft(POLICY.format(table="inet synprint", name="all", sets=""))
    asked = open_from_new_clients(lab_, daemon)
    check_counted(lab_, daemon, "inet synprint", "all", 600, asked)
    gone, tiny, good = daemon.status()["publish"]["sets"]
    assert gone["quarantined"] and not tiny["quarantined"] and not good["quarantined"], (gone, tiny)
    lab.wait_until(lambda: daemon.status()["publish"]["sets"][1]["failed"] >= asked - 2 * 3,
                   "what the full set refused is counted")
    assert len(lab_.elements("tiny4")) <= 3, lab_.elements("tiny4")
    lab_.nft("table inet filter {\nset gone4 { type ipv4_addr; flags timeout; }\n"
             "set gone6 { type ipv6_addr; flags timeout; }\n}")
    lab.wait_until(lambda: len(members(lab_, "gone", "inet filter")) == asked, "the set is filled", 40)
    assert not daemon.status()["publish"]["sets"][0]["quarantined"], daemon.status()


def default_deadline(lab_):
    """With the shipped deadline a SYN may overtake its element, but then that is counted."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(['nftset = "all"'])).start()
    lab_.nft(POLICY.format(table="inet synprint", name="all", sets=""))
    asked = open_from_new_clients(lab_, daemon)
    first = lab_.counter("inet synprint", "first4") + lab_.counter("inet synprint", "first6")
    publish = daemon.status()["publish"]
    late = publish["late"] + publish["lost"]
    assert first == asked or late, publish
    lab.wait_until(lambda: len(members(lab_, "all")) == asked, "every client is in its set")
    lab.figure(f"first SYNs counted behind the queue with the default deadline: {first} of "
               f"{2 * CLIENTS}, {late} bursts late")


if __name__ == "__main__":
    lab.run(own_table, administrators_table, beside_bad_sets, default_deadline)
