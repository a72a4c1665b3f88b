#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What outlives a restart: clients with their history and verdicts, and through them the sets. A
file that is damaged, foreign or cannot be written never keeps the daemon from its work."""
import os
import signal

import lab
import traffic

EVERYBODY = ['nftset = "all"; timeout = "10m";']


def seen(lab_, daemon):
    reply = daemon.verdict(lab.CLIENT4)
    return reply["client"]["first_seen"], reply["client"]["syn_count"], reply["os"]["label"]


def comes_back(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(EVERYBODY, rules="conntrack = true;")).start()
    for _ in range(3):
        traffic.connect(lab_.client, lab.SERVER4)
    traffic.connect(lab_.client, lab.SERVER6)
    lab.wait_until(lambda: daemon.status()["clients"]["confirmed"] == 2, "both are confirmed")
    before = seen(lab_, daemon)
    baseline = daemon.request({"op": "baseline"})["baseline"]
    assert daemon.stop() == 0, daemon.log()
    daemon.start()
    assert "clients known from before: 2" in daemon.log(), daemon.log()
    assert seen(lab_, daemon) == before and before[1] == 3, (seen(lab_, daemon), before)
    assert daemon.verdict(lab.CLIENT4)["confirmed"], "and stays confirmed"
    assert {network["prefix"] for network in daemon.request({"op": "baseline"})["baseline"]} == \
        {network["prefix"] for network in baseline} and baseline
    lab.wait_until(lambda: set(lab_.elements("all4")) == {lab.CLIENT4} and
                   set(lab_.elements("all6")) == {lab.CLIENT6}, "the sets are filled at once")
    traffic.connect(lab_.client, lab.SERVER4)
    assert seen(lab_, daemon)[:2] == (before[0], 4), seen(lab_, daemon)


def killed(lab_):
    """What is older than the interval is there again."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(EVERYBODY, state="interval = 1;")).start()
    traffic.connect(lab_.client, lab.SERVER4)
    file = lab_.dir / "kept"
    lab.wait_until(lambda: file.exists() and file.stat().st_size > 300, "it is written")
    daemon.stop(signal.SIGKILL)
    daemon.start()
    assert daemon.verdict(lab.CLIENT4)["found"], daemon.log()


def start_with(lab_, content, expected):
    file = lab_.dir / "kept"
    file.write_bytes(content)
    daemon = lab_.daemon(lab_.write_config(EVERYBODY)).start()
    assert expected in daemon.log(), daemon.log()
    assert daemon.log().count("kept") <= 3, daemon.log()
    assert (lab_.dir / "kept.damaged").read_bytes() == content
    traffic.connect(lab_.client, lab.SERVER4)
    assert daemon.verdict(lab.CLIENT4)["found"]
    assert daemon.stop() == 0, daemon.log()
    return file.read_bytes()


def damaged(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    good = start_with(lab_, b"#!/bin/sh\necho hello\n", "this is no state file of synprintd")
    middle = len(good) // 2
    start_with(lab_, good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1:],
               "a checksum is wrong")
    start_with(lab_, good[:-5], "the file ends in the midst of a chunk")
    start_with(lab_, b"", "this is no state file of synprintd")


def what_is_no_file(lab_):
    """Whatever stands in its place stops no start, and none waits for it."""
    lab_.adopt(traffic.Server(lab_.server))
    kept = lab_.dir / "kept"
    for make in (lambda: os.mkfifo(kept), kept.mkdir, lambda: kept.symlink_to("/dev/zero"),
                 lambda: kept.symlink_to(kept)):
        make()
        daemon = lab_.daemon(lab_.write_config(EVERYBODY)).start()
        traffic.connect(lab_.client, lab.SERVER4)
        assert daemon.verdict(lab.CLIENT4)["found"]
        assert daemon.stop() == 0 and "kept" in daemon.log(), daemon.log()
        lab.sh("rm", "-rf", str(kept), f"{kept}.damaged")


def full_disk(lab_):
    """A small file system: the old file stays, connections go on, and the log has one line."""
    lab_.adopt(traffic.Server(lab_.server))
    disk = lab_.dir / "disk"
    disk.mkdir()
    lab.sh("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk))
    try:
        config = lab_.write_config(EVERYBODY)
        config.write_text(config.read_text().replace(
            f'file = "{lab_.dir / "kept"}";', f'file = "{disk / "kept"}"; interval = 1;'))
        daemon = lab_.daemon(config).start()
        traffic.connect(lab_.client, lab.SERVER4)
        file = disk / "kept"
        lab.wait_until(lambda: file.exists() and file.stat().st_size > 300, "it is written")
        (disk / "filler").write_bytes(b"x" * (64 * 1024 - 4096 * 4))  # pages of 4 KiB
        old = file.stat().st_ino
        result = traffic.Load(lab_.client, 300, 600, 50).result()  # 100 clients: 14 KiB
        traffic.expect_no_failure(result, "a full disk")
        lab.wait_until(lambda: "No space left on device" in daemon.log(), "it is told")
        assert daemon.has_said_once("cannot write"), daemon.log()
        assert file.stat().st_ino == old or file.stat().st_size > 300
        (disk / "filler").unlink()
        lab.wait_until(lambda: file.stat().st_size > 14000, "with room again it is written")
        assert daemon.stop() == 0, daemon.log()
    finally:
        daemon.close()
        lab.sh("umount", str(disk))


def nowhere_to_write(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(EVERYBODY)
    config.write_text(config.read_text().replace(str(lab_.dir / "kept"), "/proc/nowhere/kept"))
    daemon = lab_.daemon(config).start()
    traffic.connect(lab_.client, lab.SERVER4)
    assert daemon.verdict(lab.CLIENT4)["found"]
    assert daemon.log().count("cannot write /proc/nowhere/kept") == 1, "told at once: " + daemon.log()
    told = [item["text"] for item in daemon.status()["advice"] if item["about"] == "files"]
    assert told and "state.file: /proc/nowhere/kept cannot be written: No such file" in told[0], told
    assert daemon.stop() == 0, daemon.log()
    trial = lab.sh(lab.SYNPRINTD, "-t", "-c", str(config), namespace=lab_.gateway)
    assert "state.file: /proc/nowhere" in trial.stderr, trial.stderr


def switched_off(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(state="enabled = false;")).start()
    traffic.connect(lab_.client, lab.SERVER4)
    assert daemon.stop() == 0 and not (lab_.dir / "kept").exists()
    daemon.start()
    assert not daemon.verdict(lab.CLIENT4)["found"]


if __name__ == "__main__":
    lab.run(comes_back, killed, damaged, what_is_no_file, full_disk, nowhere_to_write, switched_off)
