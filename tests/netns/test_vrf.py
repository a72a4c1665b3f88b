#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections through a VRF, where the kernel has one: they live, and are classified once."""
import lab
import traffic


def through_a_vrf(lab_):
    """A VRF runs prerouting twice, and frees what was queued in the second pass."""
    if lab.sh("ip", "-n", lab_.gateway, "link", "add", "red", "type", "vrf", "table", "10",
              check=False).returncode:
        raise lab.Skip("this kernel has no VRF")
    lab_.ip(lab_.gateway, """link set red up
        link set g0 master red
        link set g1 master red
        route add default via 203.0.113.2 table 10""")
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(['nftset = "all"'])).start()
    for _ in range(20):
        traffic.connect(lab_.client, lab.SERVER4)
    assert daemon.received() == 20, daemon.status()
    assert lab.CLIENT4 in lab_.elements("all4"), lab_.elements("all4")


if __name__ == "__main__":
    lab.run(through_a_vrf)
