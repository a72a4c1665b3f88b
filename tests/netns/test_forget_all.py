#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is forgotten goes from every set: each element with a port, and, when it is there again, from
a set that took nothing at the time."""
import json

import lab
import traffic


def forget(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    tables = "table inet mine { set some4 { type ipv4_addr; flags timeout; }\n" \
             "set some6 { type ipv6_addr; flags timeout; }; }"
    lab_.nft(tables)
    daemon = lab_.daemon(lab_.write_config(sets=[
        'nftset = "conns"; key = "addr . port"; timeout = "1h";',
        'nftset = "some"; table = "inet mine"; timeout = "1h"; on_change = "remove";'])).start()
    for _ in range(3):
        traffic.connect(lab_.client, lab.SERVER4)
    listed = lab.wait_until(lambda: lab_.nft("list set inet synprint conns4"), "the set is there")
    assert listed.count(lab.CLIENT4) == 3, listed
    reply = daemon.request({"op": "forget", "ip": lab.CLIENT4})
    assert reply["forgotten"] is True and "later" not in reply, reply
    lab.wait_until(lambda: lab.CLIENT4 not in lab_.nft("list set inet synprint conns4"),
                   "no element with a port is left")
    lab.wait_until(lambda: lab.CLIENT4 not in lab_.elements("some4", "inet mine"), "nor one without")
    # A set that is in the way of its own elements: another type under the same name.
    traffic.connect(lab_.client, lab.SERVER4)
    lab_.nft("delete table inet mine\ntable inet mine { set some4 { type inet_service; }; }")
    lab.wait_until(lambda: daemon.status()["publish"]["sets"][1]["quarantined"], "it takes nothing")
    reply = daemon.request({"op": "forget", "ip": lab.CLIENT4})
    assert reply["forgotten"] and len(reply["later"]) == 1 and "mine" in reply["later"][0], reply
    lab.wait_until(lambda: daemon.status()["publish"]["sets"][1]["waiting"], "it waits")
    told = daemon.cli("forget", lab.CLIENT4).stdout
    assert "nft set inet mine some4/some6 takes nothing for now: what is to leave it" in told, told
    told = json.loads(daemon.cli("forget", "198.51.100.0/24", "--json").stdout)
    assert told == {"ok": True, "forgotten": 0, "reports": 0, "later": reply["later"]}, told
    lab_.nft(f"delete table inet mine\n{tables}\n"
             f"add element inet mine some4 {{ {lab.CLIENT4} timeout 1h }}")
    lab.wait_until(lambda: lab.CLIENT4 not in lab_.elements("some4", "inet mine"),
                   "it went later", 20)


def unremembered(lab_):
    """What the table has evicted since, what it never knew, and a subnet's other addresses."""
    lab_.adopt(traffic.Server(lab_.server))
    lab_.nft("table inet mine { set some4 { type ipv4_addr; flags timeout; }\n"
             "set some6 { type ipv6_addr; flags timeout; }; }")
    daemon = lab_.daemon(lab_.write_config(
        ['nftset = "conns"; key = "addr . port"; timeout = "1h";',
         'nftset = "some"; table = "inet mine"; timeout = "1h";', 'ipset = "many"; timeout = "1h";',
         'nftset = "nets"; prefix6 = 64; timeout = "1h"'], clients="ipv6_prefix = 64;")).start()
    for number in range(9):
        traffic.connect(lab_.client, lab.SERVER4)
        traffic.connect(lab_.client, lab.SERVER6, lab.source6(1 + number))
    lab.wait_until(lambda: len(lab_.elements("some6", "inet mine")) == 9, "all are there")
    assert lab_.nft("list set inet synprint conns4").count(lab.CLIENT4) == 9
    reply = daemon.request({"op": "forget", "ip": lab.CLIENT4})
    assert reply["forgotten"] is True, reply
    lab.wait_until(lambda: lab.CLIENT4 not in lab_.nft("list set inet synprint conns4"),
                   "each of its elements with a port")
    daemon.request({"op": "forget", "ip": lab.source6(1)})
    lab.wait_until(lambda: not lab_.elements("some6", "inet mine"), "its neighbours too")
    lab.wait_until(lambda: not lab_.elements("nets6"), "and the subnet itself")
    # Whom nobody remembers.
    strangers = [f"10.9.{number >> 8}.{number & 255}" for number in range(5000)]
    lab_.nft("add element inet mine some4 { " + ", ".join(f"{ip} timeout 1h" for ip in strangers) + " }\n"
             "add element inet synprint conns4 { 10.9.0.1 . 7 timeout 1h, 10.8.0.1 . 7 timeout 1h }")
    lab.sh("ipset", "add", "many4", "10.9.1.1", namespace=lab_.gateway)
    lab.sh("ipset", "add", "many4", "10.8.1.1", namespace=lab_.gateway)
    daemon.cli("forget", "10.9.0.0/16")
    lab.wait_until(lambda: not lab_.elements("some4", "inet mine").keys() & set(strangers),
                   "all of the network")
    lab.wait_until(lambda: "10.9." not in lab_.nft("list set inet synprint conns4"), "with ports")
    lab.wait_until(lambda: "10.9." not in lab.sh("ipset", "list", "many4",
                                                 namespace=lab_.gateway).stdout, "in the ipset")
    assert "10.8.0.1" in lab_.nft("list set inet synprint conns4"), "others stay"
    assert "10.8.1.1" in lab.sh("ipset", "list", "many4", namespace=lab_.gateway).stdout


def what_others_say(lab_):
    """An address that only another gateway has named, one that a restart has forgotten, and others."""
    daemon = lab_.daemon(lab_.write_config(
        publish='sets = ( { nftset = "fleet"; origins = [ "*" ]; timeout = "1h"; } );')).start()
    addresses = ["192.0.2.1", "192.0.2.2", "192.0.3.1", "2001:db8::1"]
    for ip, origin in [(ip, "gw1") for ip in addresses] + [("192.0.2.2", "gw2")]:
        reply = daemon.request({"op": "report", "ip": ip, "origin": origin, "flags": ["vpn"], "left_s": 3000})
        assert reply["ok"], reply
    lab.wait_until(lambda: len(lab_.elements("fleet4")) == 3 and lab_.elements("fleet6"), "all are in the set")
    lab_.nft("add element inet synprint fleet4 { 192.0.2.77 timeout 1h }")
    told = daemon.cli("forget", "192.0.2.0/24").stdout
    assert told == "nobody of 192.0.2.0/24 was known\n3 words of other gateways forgotten, until they say it again\n", told
    lab.wait_until(lambda: list(lab_.elements("fleet4")) == ["192.0.3.1"], "the network is out of the set")
    assert "reported" not in daemon.verdict("192.0.2.2")
    reply = daemon.request({"op": "forget", "ip": "2001:db8::1"})
    assert reply["forgotten"] is False and reply["reports"] == 1, reply
    lab.wait_until(lambda: not lab_.elements("fleet6"), "the address too")
    daemon.request({"op": "report", "ip": "192.0.2.1", "origin": "gw1", "flags": ["vpn"], "left_s": 3000})
    lab.wait_until(lambda: set(lab_.elements("fleet4")) == {"192.0.2.1", "192.0.3.1"}, "it is said again")


if __name__ == "__main__":
    lab.run(forget, unremembered, what_others_say)
