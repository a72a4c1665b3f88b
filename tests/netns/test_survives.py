#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The recipes of conf/examples/cookbook.md for policies that survive a boot, as far as a namespace is a
machine: their rules load before synprintd runs, close what is to be closed, and are filled once it is there.
Whole machines, with their packages and units, are in tests/vm/recipes.py."""
import re

import cookbook
import lab
import test_cookbook
import test_engine_none
import traffic

CLOSED = 2222


def follow_but_boot(gateway, title):
    """The recipe without what only a whole machine has: packages and units. That is tests/vm/recipes.py."""
    def run(text):
        return gateway.run(re.sub(r"^(systemctl|apt|netfilter-persistent) .*\n", "", text, flags=re.M))
    for path, text in cookbook.recipes()[title]:
        if path and not path.startswith("/etc/systemd/"):
            gateway.write(path, text)
        elif not path:
            run(text)


def expect_policy(lab_, what):
    for version, server in ((4, lab.SERVER4), (6, lab.SERVER6)):
        where, vpn = f"{what}, IPv{version}", test_cookbook.VPN4 if version == 4 else test_cookbook.VPN6
        visitor = lab.source4(1) if version == 4 else lab.source6(1)
        assert test_cookbook.connects(lab_, visitor, port=25), f"{where}: a visitor comes through"
        assert not test_cookbook.connects(lab_, visitor, 0.3, CLOSED), f"{where}: the closed port"
        # The first one goes on where an ipset takes longer than a SYN waits for it.
        lab.wait_until(lambda: not test_cookbook.scan(lab_.client, server), f"{where}: a scanner's SYN is dropped")
        assert test_cookbook.connects(lab_, vpn), f"{where}: a VPN client is no enemy"
        lab.wait_until(lambda: not test_cookbook.connects(lab_, vpn, 0.5, 25),
                       f"{where}: a VPN client does not reach port 25")


def survive(lab_, title, reload, shut_down, start_up, restored=0):
    """The policy is there, stays there, and is there before synprintd is at the next boot. A reload that
    takes our rules away too makes synprintd restore them."""
    test_cookbook.name_links(lab_)
    test_cookbook.add_vpn_clients(lab_)
    for port in (lab.PORT, 25, CLOSED):
        lab_.adopt(traffic.Server(lab_.server, port))
    gateway = test_cookbook.Gateway(lab_, lab_.gateway)
    follow_but_boot(gateway, title)
    gateway.run(reload)
    daemon = gateway.start()
    assert "warning" not in daemon.log() and "error" not in daemon.log(), daemon.log()
    gateway.run(reload)
    lab.wait_until(lambda: daemon.status()["rules"]["restored"] == restored, "our rules are back")
    lab.wait_until(lambda: daemon.status()["rules"]["diverting"], "SYNs are diverted again")
    expect_policy(lab_, "after " + reload)
    daemon.stop()
    gateway.run(shut_down)
    gateway.run(start_up)
    for visitor in (lab.source4(1), lab.source6(1)):
        assert not test_cookbook.connects(lab_, visitor, 0.3, CLOSED), "closed before synprintd is there"
        assert test_cookbook.connects(lab_, visitor, port=25), "visitors come through"
    gateway.start()
    expect_policy(lab_, "at the next boot")
    gateway.run("synprint selftest")  # a healthy gateway is green


def nftables(lab_):
    survive(lab_, "Policies that survive a boot: nftables", "nft -f /etc/nftables.conf", "nft flush ruleset",
            "nft -f /etc/nftables.conf", restored=1)


def beside_others(lab_):
    """Their tables stay what they were."""
    load = "nft -f /etc/nftables.d/10-sets.nft; nft -f /etc/nftables.d/20-site.nft"
    survive(lab_, "Beside ufw, firewalld or Docker", load, "nft flush ruleset",
            f"nft '{test_cookbook.FIREWALL}'; {load}")


def iptables(lab_):
    if not test_engine_none.has_variant(lab_, ""):
        raise lab.Skip("iptables does not work here")
    save = "ipset save >/etc/ipsets; iptables-save >/etc/rules.v4; ip6tables-save >/etc/rules.v6"
    load = "ipset restore -exist </etc/ipsets; iptables-restore /etc/rules.v4; ip6tables-restore /etc/rules.v6"
    survive(lab_, "Policies that survive a boot: iptables-persistent", f"{save}; {load}",
            "iptables-restore </dev/null; iptables -t mangle -F; ip6tables -t mangle -F; ipset destroy", load)


if __name__ == "__main__":
    lab.run((nftables, beside_others, iptables))
