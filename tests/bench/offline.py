# SPDX-License-Identifier: GPL-2.0-or-later
"""synprint classify beside p0f on the same capture file."""
import contextlib
import os
import subprocess
import tempfile
from pathlib import Path

from harness import ROOT, SYNPRINT, Part, tool


def run(command, out):
    """Wall and CPU seconds, and the most memory that was resident: as time(1) says, because the
    kernel counts the memory of whoever forked the process too."""
    Path(out).unlink(missing_ok=True)  # not what it costs to empty an old file
    figures = f"{out}.time"
    with open(out, "wb") as file:
        subprocess.run(["time", "-q", "-o", figures, "-f", "%e %U %S %M", *command], stdout=file,
                       stderr=subprocess.DEVNULL, check=True,
                       env=os.environ | {"SYNPRINT_CONF_DIR": str(ROOT / "conf")})
    wall, user, system, peak = map(float, Path(figures).read_text().split())
    return {"wall s": wall, "CPU s": user + system, "peak MiB": peak / 1024}


def in_memory():
    """Output of 900 MB says more of a disk than of who writes it; None where memory is short."""
    with contextlib.suppress(OSError):
        room = os.statvfs("/dev/shm")
        if room.f_bavail * room.f_frsize > 3 << 30:
            return "/dev/shm"
    return None


def offline():
    part = Part("offline", """synprint classify FILE > out beside p0f -r FILE -o out, both on a
        capture of 1,000,000 SYNs of 50,000 clients in 8 shapes, from memory into memory; the
        ratio of times is how many times as fast. And on the first 100,000: memory must be the
        same.""")
    with tempfile.TemporaryDirectory(dir=in_memory()) as directory:
        big, small = Path(directory) / "1m.pcap", Path(directory) / "100k.pcap"
        tool("make_pcap", 1000000, big)
        tool("make_pcap", 100000, small)
        log, out = f"{directory}/p0f.log", f"{directory}/out"

        def p0f(_):
            Path(log).unlink(missing_ok=True)
            return run(["p0f", "-r", str(big), "-o", log], f"{directory}/null")

        def ours(option, file):
            return lambda _: run([SYNPRINT, "classify", option, str(file)], out)

        part.rounds("1,000,000 SYNs",
                    [("p0f -r -o", p0f), ("classify --json", ours("--json", big)),
                     ("classify --csv", ours("--csv", big)),
                     ("classify --summary", ours("--summary", big))], turned=("wall s", "CPU s"),
                    goals={("classify --json", "wall s"): ">= 20",
                           ("classify --csv", "wall s"): ">= 25",
                           ("classify --summary", "wall s"): ">= 60"})
        copies = Path(directory) / "copies"
        copies.mkdir()
        for number in range(10):
            (copies / f"{number}.pcap").symlink_to(small)
        part.rounds("memory, ten files", [("one file", ours("--json", small)),
                                          ("ten of the same time", ours("--json", copies))], rounds=3)
        for option in ("--json", "--summary"):
            part.rounds(f"memory, {option}", [("100,000 SYNs", ours(option, small)),
                                              ("1,000,000 SYNs", ours(option, big))], rounds=3)
    return part
