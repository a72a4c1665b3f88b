#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections through a VRF, where the kernel has one: they live, and are classified once. A VRF runs
prerouting twice, and frees what was queued in the second pass."""
from pathlib import Path

import lab
import traffic

RATE = 40


def start(lab_, program=None):
    """@program: in the place of the synprintd that was built."""
    if lab.sh("ip", "-n", lab_.gateway, "link", "add", "red", "type", "vrf", "table", "10",
              check=False).returncode:
        raise lab.Skip("this kernel has no VRF")
    lab_.ip(lab_.gateway, f"""link set red up
        link set g0 master red
        link set g1 master red
        route add {lab.SOURCES4} via 198.51.100.2 table 10
        route add default via 203.0.113.2 table 10""")
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(['nftset = "all"']))
    return daemon.start(wrapper=("sh", "-c", f'shift; exec {program} "$@"', "sh") if program else ())


def through_a_vrf(lab_):
    daemon = start(lab_)
    for _ in range(20):
        traffic.connect(lab_.client, lab.SERVER4)
    assert daemon.received() == 20, daemon.status()
    assert lab.CLIENT4 in lab_.elements("all4"), lab_.elements("all4")


def without_guard(lab_):
    """A copy of synprintd whose rules look for another kind of device."""
    built, path = Path(lab.SYNPRINTD).read_bytes(), lab_.dir / "synprintd"
    assert built.count(b"\0vrf\0") == 1, "the guard's word is in the program"
    path.write_bytes(built.replace(b"\0vrf\0", b"\0xyz\0"))
    path.chmod(0o755)
    return path


def harm_is_found_without_the_guard(lab_):
    """Nobody knows what else does as a VRF does; so what comes of it is noticed."""
    daemon = start(lab_, without_guard(lab_))
    assert 'iifkind "xyz"' in lab_.nft("list chain inet synprint syn")
    load = lab_.adopt(traffic.Load(lab_.client, RATE, versions=(4,)))
    lab.wait_until(lambda: daemon.status()["rules"]["harmful"], "the harm is found", 60)
    assert not daemon.status()["rules"]["diverting"], daemon.status()["rules"]
    load.wait_for(load.started_so_far() + RATE / lab.PATIENCE)
    before = daemon.received()
    traffic.connect(lab_.client, lab.SERVER4)
    assert daemon.received() == before, "nothing is diverted"
    result = load.stop()
    assert not result["failed"] and result["succeeded"] == result["started"], result
    assert "diverting does harm here" in daemon.log(), daemon.log()
    lab.figure(f"{result['started']} connections, 0 failed, the longest {result['longest_ms'] / 1000:.1f} s; then "
               "nothing is diverted")


if __name__ == "__main__":
    lab.run(through_a_vrf, harm_is_found_without_the_guard)
