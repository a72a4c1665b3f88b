#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is forgotten goes from every set: each element with a port, and, when it is there again, from
a set that took nothing at the time."""
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
    lab_.nft(f"delete table inet mine\n{tables}\n"
             f"add element inet mine some4 {{ {lab.CLIENT4} timeout 1h }}")
    lab.wait_until(lambda: lab.CLIENT4 not in lab_.elements("some4", "inet mine"),
                   "it went later", 20)


if __name__ == "__main__":
    lab.run(forget)
