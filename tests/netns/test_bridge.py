#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A gateway that is a bridge (br_netfilter): SYNs come in as the bridge's, every connection goes through,
and clients are confirmed where the bridge knows the way to its servers."""
import os

import lab
import traffic

CLIENT4, SERVER4 = "10.9.0.1", "10.9.0.2"
CLIENT6, SERVER6 = "2001:db8:9::1", "2001:db8:9::2"


class BridgeLab(lab.Lab):
    def build(self):
        if not os.path.exists("/proc/sys/net/bridge/bridge-nf-call-iptables"):
            raise lab.Skip("this kernel has no br_netfilter")
        for namespace in (self.client, self.gateway, self.server):
            self.add_namespace(namespace)
        self.add_link(self.client, "c0", self.gateway, "g0")
        self.add_link(self.server, "s0", self.gateway, "g1")
        self.ip(self.gateway, """link add br0 type bridge
            link set br0 up
            link set g0 master br0
            link set g1 master br0""")
        self.add_addresses(self.client, "c0", f"{CLIENT4}/24", f"{CLIENT6}/64")
        self.add_addresses(self.server, "s0", f"{SERVER4}/24", f"{SERVER6}/64")
        self.sysctl(self.gateway, {"net/bridge/bridge-nf-call-iptables": 1,
                                   "net/bridge/bridge-nf-call-ip6tables": 1,
                                   "net/ipv4/ip_forward": 0, "net/ipv6/conf/all/forwarding": 0})


def connect_both(lab_):
    traffic.connect(lab_.client, SERVER4, CLIENT4, lab.PORT)
    traffic.connect(lab_.client, SERVER6, CLIENT6, lab.PORT)


def a_bridge(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(sets=['nftset = "all";', 'nftset = "served"; confirm = "served";'],
                               rules='interfaces = [ "br0" ]; conntrack = true;')
    daemon = lab_.daemon(config).start()
    for _ in range(60):  # selftest judges by a hundred
        connect_both(lab_)
    assert daemon.received() == 120, daemon.status()["queues"]
    assert set(lab_.elements("all4")) == {CLIENT4} and set(lab_.elements("all6")) == {CLIENT6}
    assert not lab_.elements("served4"), "without a way to its servers nobody is confirmed"
    done = lab.sh(lab.SYNPRINT, "--socket", daemon.socket, "selftest", namespace=lab_.gateway, check=False)
    assert "a bridge without an address" in done.stdout, done.stdout
    lab_.add_addresses(lab_.gateway, "br0", "10.9.0.254/24", "2001:db8:9::fe/64")
    connect_both(lab_)
    lab.wait_until(lambda: CLIENT4 in lab_.elements("served4") and CLIENT6 in lab_.elements("served6"),
                   "both are confirmed")


lab.Lab = BridgeLab
lab.run(a_bridge)
