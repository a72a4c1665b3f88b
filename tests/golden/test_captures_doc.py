#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every block of conf/examples/captures.md, run in its order on a capture of a household behind one address."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from captures import (BUILD, EOL, ETHERNET, NOP, ROOT, SACK_OK, databases, frame_ethernet, mss, pcap, syn,
                      timestamps, wscale)

HOME, SERVER = "203.0.113.50", "192.0.2.1"
SYSTEMS = {
    "Linux": {"options": mss(1460) + SACK_OK + timestamps(7) + NOP + wscale(7), "ttl": 55, "ident": 1},
    "Windows": {"options": mss(1460) + NOP + wscale(8) + NOP + NOP + SACK_OK, "ttl": 119, "ident": 2},
    "Apple": {"options": mss(1460) + NOP + wscale(6) + NOP + NOP + timestamps(7) + SACK_OK + EOL + b"\0",
              "win": 65535, "ttl": 55, "ident": 0},
}
CAMERA = {"options": wscale(3) + NOP + mss(999) + timestamps(5) + NOP + NOP, "win": 777, "ttl": 200,
          "payload": b"x", "ip_flags": 4}


def household():
    packets = []
    for number in range(12):
        for at, system in enumerate(SYSTEMS.values()):
            packets.append(syn(HOME, SERVER, sport=40000 + 10 * number + at, **system))
    packets.append(syn(SERVER, HOME, options=mss(1460) + SACK_OK + timestamps(9, 7) + NOP + wscale(7), flags=0x12,
                       ack=2, sport=443, dport=40000, win=65160))
    packets.append(syn("203.0.113.51", SERVER, **CAMERA))
    return pcap([((1_700_000_000 + i) * 10**9, frame_ethernet(packet)) for i, packet in enumerate(packets)],
                ETHERNET)


def blocks(text):
    """Indented lines that follow each other, whatever empty lines are between them."""
    return [re.sub(r"^ {4}", "", block, flags=re.M)
            for block in re.findall(r"(?:^ {4}.*\n)+", text, re.M)]


def main():
    missing = [tool for tool in ("jq", "p0f", "gnuplot") if not shutil.which(tool)]
    if missing:
        print(f"SKIP {', '.join(missing)} not installed")
        return 77
    scripts = blocks((ROOT / "conf/examples/captures.md").read_text())
    assert len(scripts) >= 8, len(scripts)
    env = os.environ | databases() | {"PATH": f"{BUILD}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    out = []
    with tempfile.TemporaryDirectory(prefix="synprint-golden-") as folder:
        (Path(folder) / "trace.pcap").write_bytes(household())
        for script in scripts:
            run = subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=folder, env=env,
                                 capture_output=True, text=True, timeout=60)
            assert run.returncode == 0, f"{script}\n{run.stderr}"
            out.append(run.stdout)
        assert (Path(folder) / "trace.svg").stat().st_size > 5000
    told = "\n".join(out)
    assert f"{HOME}: Apple, Linux, Windows" in told, told
    assert re.search(rf"12 {HOME}\tWindows\t9\t1500", told), told
    assert "Camera in the garden" in told, told
    assert re.search(r"^ *12 203\.0\.113\.50 \S.* 203\.0\.113\.50 Windows 10", told, re.M), told
    assert " SYN+ACK " in told, told
    print("ok every block of conf/examples/captures.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
