#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What synprintd keeps once it is set up: its own user, CAP_NET_ADMIN, the system calls it needs.
And that this is enough for all it does, a reload and its end included."""
import contextlib
import os
import pwd
import re
from pathlib import Path

import lab
import test_errors
import traffic

USER = "nobody"
CAP_NET_ADMIN = 1 << 12  # linux/capability.h
SHORTEST_NS = 100_000  # __setparam_fair() in kernel/sched/fair.c
# Directories of its own, so that those of the machine stay whose they are; `ip netns exec` has
# made a mount namespace. The arguments go on behind.
OWN_DIRECTORIES = ["sh", "-ec", """for dir in /run/synprint /var/lib/synprint; do
    mkdir -p "$dir"; mount -t tmpfs -o mode=0755 none "$dir"; done; exec "$@" """, "sh"]


def threads(pid):
    """What /proc says of every thread, as dictionaries."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines()
                   if ":\t" in line)


def expect_confined(pid, uid, gid, is_filtered):
    seen = 0
    for thread in threads(pid):
        seen += 1
        assert thread["Uid"].split() == [str(uid)] * 4, thread["Uid"]
        assert thread["Gid"].split() == [str(gid)] * 4, thread["Gid"]
        for kind in ("CapPrm", "CapEff"):
            assert int(thread[kind], 16) == CAP_NET_ADMIN, (kind, thread[kind])
        for kind in ("CapInh", "CapAmb", "CapBnd"):
            assert int(thread[kind], 16) == 0, (kind, thread[kind])
        assert thread["NoNewPrivs"] == "1"
        assert thread["Seccomp"] == ("2" if is_filtered else "0"), thread["Seccomp"]
    assert seen >= 4, f"{seen} threads: main, worker, publisher and keeper are four"
    # What is not dumpable belongs to root in /proc, whoever it runs as; proc(5).
    if is_filtered:
        assert os.stat(f"/proc/{pid}/maps").st_uid == 0, "cores may be written"
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.M), limits


def expect_short_slices(pid):
    """Of those for whom packets wait; before Linux 6.12, or without debugging files, none is told."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        told = task / "sched"
        ns = re.search(r"^se.slice +: +(\d+)$", told.read_text(), re.M) if told.exists() else None
        is_worker = (task / "comm").read_text().startswith("queue ")
        assert not ns or (int(ns[1]) == SHORTEST_NS) == is_worker, told.read_text()


def is_filtered(daemon):
    """Sanitizer builds say why they are not."""
    return "this build has sanitizers" not in daemon.log()


def is_in_set(lab_, address):
    with contextlib.suppress(AssertionError):  # nft lists no set that is not there
        return address in lab_.elements("all4")


def use(lab_, daemon, config):
    """Everything that makes system calls of its own: traffic, sets, socket, learning, reload."""
    traffic.connect(lab_.client, lab.SERVER4)
    lab.wait_until(lambda: daemon.verdict(lab.CLIENT4)["found"], "the client is known")
    assert lab.CLIENT4 in lab_.elements("all4")
    learned = daemon.request({"op": "learn", "ip": lab.CLIENT4,
                              "port": daemon.verdict(lab.CLIENT4)["port"],
                              "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0)"})
    assert learned["ok"], learned
    assert daemon.request({"op": "reload"})["ok"], daemon.log()
    lab_.nft("flush ruleset")
    lab.wait_until(lambda: is_in_set(lab_, lab.CLIENT4), "rules and sets are back")
    good = config.read_text()
    config.write_text(good + "colour = 1;\n")
    daemon.request({"op": "reload"})
    config.write_text(good)


def as_root(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(sets=['nftset = "all"; timeout = "1h";'],
                               learn=f'enabled = true; file = "{lab_.dir}/learned.db";')
    daemon = lab_.daemon(config).start()
    expect_confined(daemon.process.pid, 0, 0, is_filtered(daemon))
    expect_short_slices(daemon.process.pid)
    use(lab_, daemon, config)
    assert daemon.stop() == 0, daemon.log()
    assert (lab_.dir / "learned.db").exists()
    assert "Operation not permitted" not in daemon.log(), daemon.log()


def as_user(lab_):
    user = pwd.getpwnam(USER)
    lab_.adopt(traffic.Server(lab_.server))
    lab_.dir.chmod(0o755)
    for sub in ("own", "synprint"):
        (lab_.dir / sub).mkdir()
    os.chown(lab_.dir / "own", user.pw_uid, user.pw_gid)
    config = lab_.write_config(sets=['nftset = "all"; timeout = "1h";'],
                               learn=f'enabled = true; file = "{lab_.dir}/synprint/learned.db";')
    text = config.read_text().replace(str(lab_.dir / "control.sock"),
                                      str(lab_.dir / "own" / "control.sock"))
    for where, arguments in (("", ["-u", USER]), (f'user = "{USER}";\n', [])):
        config.write_text(text + where)
        daemon = lab_.daemon(config)
        daemon.socket = str(lab_.dir / "own" / "control.sock")
        daemon.start(wrapper=OWN_DIRECTORIES, arguments=arguments)
        assert os.stat(daemon.socket).st_gid == user.pw_gid
        expect_confined(daemon.process.pid, user.pw_uid, user.pw_gid, is_filtered(daemon))
        expect_short_slices(daemon.process.pid)
        use(lab_, daemon, config)
        assert daemon.stop() == 0, daemon.log()
        assert "Operation not permitted" not in daemon.log(), daemon.log()
        assert not os.path.exists(daemon.socket), "the socket is still there"
        learned = lab_.dir / "synprint" / "learned.db"
        assert learned.stat().st_uid == user.pw_uid


def in_anothers_directory(lab_):
    """Root, without the right to write anywhere, beside a service whose directory /run/synprint is."""
    script = OWN_DIRECTORIES[2].replace("exec", f"chown {USER} /run/synprint; exec")
    daemon = lab_.daemon().start(wrapper=["sh", "-ec", script, "sh"])
    assert daemon.stop() == 0
    assert "lock file" not in daemon.log(), daemon.log()


def who_cannot_be(lab_):
    config = lab_.write_config()
    test_errors.expect(test_errors.run_daemon(lab_, config, arguments=["-u", "no-such-user"]),
                       test_errors.INPUT, "no user 'no-such-user'", "an unknown user")
    lab_.dir.chmod(0o777)
    somebody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                "--inh-caps=+net_admin", "--ambient-caps=+net_admin"]
    test_errors.expect(test_errors.run_daemon(lab_, config, *somebody, arguments=["-u", "root"]),
                       test_errors.PRIVILEGES, "only root can become user 'root'",
                       "somebody who is not root")


if __name__ == "__main__":
    lab.run(as_root, as_user, in_anothers_directory, who_cannot_be)
