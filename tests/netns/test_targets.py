#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every kind of target: nft sets, maps and concatenations, ipsets with and without timeouts and
comments, prefixes, and packet marks. A burst of new clients is in each of them before its SYNs
leave; elements live as long as their client, and go with its condition; conditions on labels,
links and interfaces."""
import re
import time

import lab
import traffic

PATIENT = "deadline_ms = 1000;"  # it is the order that is tested, not this machine's speed
CLIENTS = 200  # of each IP version, in one burst
IS_SYN = "tcp flags & (syn | ack) == syn tcp dport 8080"
LIE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0"


def policy(version):
    ip = "ip" if version == 4 else "ip6"
    return f"""
        {IS_SYN} {ip} saddr @plain{version} counter name plain{version}
        {IS_SYN} {ip} saddr . tcp sport @pairs{version} counter name pairs{version}
        {IS_SYN} meta nfproto ipv{version} meta mark & 0x1090 == 0x1090 counter name marks{version}
        {IS_SYN} meta mark set {ip} saddr map @marked{version}
        {IS_SYN} meta nfproto ipv{version} meta mark 0x2a counter name map{version}"""


NAMES = [f"{name}{version}" for name in ("plain", "pairs", "marks", "map") for version in (4, 6)]
NEWLINE = "\n    "
POLICY = f"""
table inet before {{
    chain c {{
        type filter hook prerouting priority -300; policy accept;
        {IS_SYN} meta mark set 0x10f0
    }}
}}
table inet synprint {{
    {NEWLINE.join(f"counter {name} {{ }}" for name in NAMES)}
    chain act {{
        type filter hook prerouting priority -100; policy accept;{policy(4)}{policy(6)}
    }}
}}
"""

TARGETS = ['nftset = "plain";', 'nftset = "pairs"; key = "addr . port";',
           'nftmap = "marked"; value = 0x2a;', 'ipset = "ips"; comment = true;',
           'ipset = "nets"; prefix6 = 64;',
           'mark = 0x10; families = [ "Linux" ];', 'mark = 0x20; families = [ "Windows" ];']


def ipset_members(lab_, name):
    out = lab.sh("ipset", "list", name, namespace=lab_.gateway).stdout
    return dict(re.findall(r"^([0-9a-f.:/]+)(.*)$", out.split("Members:")[1], re.M))


def matched_by_iptables(lab_, name):
    tool = "iptables" if name.endswith("4") else "ip6tables"
    out = lab.sh(tool, "-t", "mangle", "-vxnL", "PREROUTING", namespace=lab_.gateway).stdout
    line = next(line for line in out.splitlines() if f"match-set {name} " in line)
    return int(line.split()[0])


def a_burst_is_in_every_target(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(
        TARGETS, publish=PATIENT + "mark_seen = 0x80; mark_mask = 0xf0;")).start()
    lab_.nft(POLICY)
    for name in ("ips4", "nets4", "ips6", "nets6"):
        lab.sh("iptables" if name.endswith("4") else "ip6tables", "-t", "mangle", "-A",
               "PREROUTING", "-p", "tcp", "--syn", "--dport", "8080", "-m", "set", "--match-set",
               name, "src", namespace=lab_.gateway)
    result = traffic.Load(lab_.client, 1000000, 2 * CLIENTS, CLIENTS).result()
    traffic.expect_no_failure(result, "a burst of new clients")
    assert result["retransmissions"] == 0, result
    passed = daemon.passed(2 * CLIENTS)
    assert passed < CLIENTS, f"{passed} of {2 * CLIENTS} passed unasked"
    got = {name: lab_.counter("inet synprint", name) for name in NAMES}
    got |= {name: matched_by_iptables(lab_, name) for name in ("ips4", "ips6", "nets4", "nets6")}
    # Of prefixes of 64 bits one is all of IPv6 here: who passed unasked is in it.
    of_both = {name[:-1]: got[name[:-1] + "4"] + got[name[:-1] + "6"] for name in got}
    assert of_both.pop("nets") >= 2 * CLIENTS - passed and max(got.values()) <= CLIENTS, (got, passed)
    assert set(of_both.values()) == {2 * CLIENTS - passed}, (got, passed, daemon.status()["publish"])
    lab.figure(f"a burst of {2 * CLIENTS} new clients, of whom {passed} passed unasked: every SYN matched behind the "
               "queue by nft set, map, concatenation, ipset, ipset of prefixes and mark")
    expect_shapes(lab_)
    assert daemon.stop() == 0, daemon.log()
    left = lab.sh("ipset", "list", "-n", namespace=lab_.gateway).stdout.split()
    assert set(left) == {"ips4", "ips6", "nets4", "nets6"}, f"rules refer to them, so they stay: {left}"


def expect_shapes(lab_):
    """As the tools of nft and ipset show them."""
    listed = lab.sh("nft", "list", "table", "inet", "synprint", namespace=lab_.gateway).stdout
    for text in ("type ipv4_addr . inet_service", "type ipv6_addr . inet_service",
                 "type ipv4_addr : mark", "type ipv6_addr : mark"):
        assert text in listed, (text, listed)
    source = lab.source4(1)
    assert re.search(rf"{re.escape(source)} . \d+ .*expires", listed), listed
    assert re.search(rf"{re.escape(source)} .*: 0x0000002a", listed), listed
    comment = ipset_members(lab_, "ips4")[source]
    assert 'comment "Linux ' in comment and "timeout" in comment, comment
    nets = ipset_members(lab_, "nets6")
    assert all(net.endswith("/64") for net in nets), nets


def the_administrators_ipsets(lab_):
    """hash:ip without timeouts, of which we take care, and hash:net with comments."""
    lab_.adopt(traffic.Server(lab_.server))
    for version, family in ((4, "inet"), (6, "inet6")):
        for line in (f"bare{version} hash:ip family {family}",
                     f"rich{version} hash:net family {family} timeout 60 comment counters",
                     f"wrong{version} hash:ip,port family {family} timeout 60"):
            lab.sh("ipset", "create", *line.split(), namespace=lab_.gateway)
    lab.sh("ipset", "add", "bare4", "192.0.2.200", namespace=lab_.gateway)
    daemon = lab_.daemon(lab_.write_config(
        ['ipset = "bare"; timeout = 8;', 'ipset = "rich"; timeout = 8;', 'ipset = "wrong";'],
        publish=PATIENT)).start()
    for destination in (lab.SERVER4, lab.SERVER6):
        traffic.connect(lab_.client, destination)
    assert set(ipset_members(lab_, "bare4")) == {"192.0.2.200", lab.CLIENT4}
    assert set(ipset_members(lab_, "bare6")) == {lab.CLIENT6}
    assert 'comment "Linux ' in ipset_members(lab_, "rich4")[lab.CLIENT4]
    assert set(ipset_members(lab_, "rich6")) == {lab.CLIENT6}
    failing = [item["name"] for item in daemon.status()["publish"]["sets"] if item["quarantined"]]
    assert failing == ["ipset wrong4/wrong6"], daemon.status()
    assert "ipset wrong4 must be of type hash:ip or hash:net" in daemon.log(), daemon.log()
    lab.wait_until(lambda: set(ipset_members(lab_, "bare4")) == {"192.0.2.200"},
                   "our element goes after its time, the administrator's stays", 30)
    lab.wait_until(lambda: not ipset_members(lab_, "rich4"), "the kernel's timeout", 30)


def present(lab_):
    """The targets that hold CLIENT4."""
    found = {name for name in ("plain4", "marked4") if lab.CLIENT4 in elements(lab_, name)}
    if any(lab.CLIENT4 in key for key in elements(lab_, "pairs4")):
        found.add("pairs4")
    return found | {name for name in ("ips4", "nets4", "bare4")
                    if lab.CLIENT4 in ipset_members(lab_, name)}


def elements(lab_, name):
    kind = "map" if name.startswith("marked") else "set"
    out = lab.sh("nft", "list", kind, "inet", "synprint", name, namespace=lab_.gateway).stdout
    return re.findall(r"(\d+\.\d+\.\d+\.\d+(?: \. \S+)?)", out.split("elements = {")[-1]) \
        if "elements" in out else []


def live_clients_stay(lab_):
    """A timeout of 4 seconds, a connection a second for 15 seconds: it is never missing; then it
    goes. A look that took longer than the timeout says nothing."""
    lab_.adopt(traffic.Server(lab_.server))
    lab.sh("ipset", "create", "bare4", "hash:ip", namespace=lab_.gateway)
    lab.sh("ipset", "create", "bare6", "hash:ip", "family", "inet6", namespace=lab_.gateway)
    targets = TARGETS[:5] + ['ipset = "bare";']
    lab_.daemon(lab_.write_config([line + " timeout = 4;" for line in targets],
                                  publish=PATIENT)).start()
    everywhere = {"plain4", "pairs4", "marked4", "ips4", "nets4", "bare4"}
    looks, end, connected = 0, time.monotonic() + 15, 0
    while time.monotonic() < end or not looks:
        if time.monotonic() >= connected + 1:
            connected = time.monotonic()
            traffic.connect(lab_.client, lab.SERVER4)
        missing = everywhere - present(lab_)
        if time.monotonic() < connected + 3.5:
            assert not missing, missing
            looks += 1
        time.sleep(0.2)
    lab.wait_until(lambda: not present(lab_), "a client that is gone is in no target any more", 20)
    lab.figure(f"a live client was in all 6 targets of 4 s at each of {looks} looks over 15 s")


def conditions_that_end(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    liar = 'flags = [ "os_mismatch" ];'
    daemon = lab_.daemon(lab_.write_config(
        [f'nftset = "now"; on_change = "remove"; {liar}', f'nftset = "later"; {liar}',
         f'ipset = "now"; on_change = "remove"; {liar}'], publish=PATIENT)).start()
    port = traffic.connect(lab_.client, lab.SERVER4)
    daemon.request({"op": "verdict", "ip": lab.CLIENT4, "port": port, "user_agent": LIE})
    lab.wait_until(lambda: lab.CLIENT4 in lab_.elements("now4") and
                   lab.CLIENT4 in lab_.elements("later4") and
                   lab.CLIENT4 in ipset_members(lab_, "now4"), "a liar is in all of them")
    traffic.connect(lab_.client, lab.SERVER4)  # and of this connection nobody has heard a lie
    lab.wait_until(lambda: lab.CLIENT4 not in lab_.elements("now4"), "it is removed")
    assert lab.CLIENT4 not in ipset_members(lab_, "now4")
    assert lab.CLIENT4 in lab_.elements("later4"), "it stays until its timeout"


def more_served_sets_than_bits(lab_):
    """Sets beyond the bits of the mark wait for confirmations, too, and one bit asks for these. Without
    any, everything says so."""
    lab_.adopt(traffic.Server(lab_.server))
    sets = [f'nftset = "rare{number}"; flags = [ "scanner" ]; confirm = "served"'
            for number in range(6)]
    sets += ['nftset = "beyond"; confirm = "served"', 'ipset = "beyond"; confirm = "served"']
    daemon = lab_.daemon(lab_.write_config(sets, rules="conntrack = true;")).start()
    traffic.connect(lab_.client, lab.SERVER4)
    lab.wait_until(lambda: lab.CLIENT4 in lab_.elements("beyond4") and
                   lab.CLIENT4 in ipset_members(lab_, "beyond4"), "they are filled")
    assert not daemon.status()["confirm"]["note"]
    daemon.stop()
    lab_.write_config(sets, rules="conntrack = true; mark_field = 0x100;")
    daemon.start()
    for text in (daemon.log(), daemon.status()["confirm"]["note"]):
        assert "no bit of rules.mark_field" in text and "beyond" in text, text


def conditions(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    rules = {"label": 'labels = [ "Linux*" ];', "other_label": 'labels = [ "Windows*" ];',
             "link": 'links = [ "Ethernet or modem" ];', "other_link": 'links = [ "PPTP" ];',
             "here": 'interfaces = [ "g0" ];', "there": 'interfaces = [ "g1", "wg*" ];',
             "wide": 'interfaces = [ "g*" ];', "both": 'interfaces = [ "g0" ]; labels = [ "Win*" ];'}
    lab_.daemon(lab_.write_config([f'nftset = "{name}"; {text}' for name, text in rules.items()],
                                  publish=PATIENT)).start()
    traffic.connect(lab_.client, lab.SERVER4)
    found = {name for name in rules if lab.CLIENT4 in lab_.elements(f"{name}4")}
    assert found == {"label", "link", "here", "wide"}, found


if __name__ == "__main__":
    lab.run(a_burst_is_in_every_target, (live_clients_stay, the_administrators_ipsets), conditions_that_end,
            more_served_sets_than_bits, conditions)
