#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What synprintd and a service manager tell each other: sockets that are handed over, ready,
reloading, figures, and a watchdog that is fed only while every worker makes progress."""
import json
import os
import re
import select
import signal
import socket
import struct
import time

import lab
import stall
import traffic

WATCHDOG_S = 4
P0F_OK, P0F_NO_MATCH = 0x10, 0x20  # src/control/p0f.h


class Manager:
    """The manager's ends: a notification socket, and listening sockets to hand over."""

    def __init__(self, lab_, *names):
        self.path = str(lab_.dir / "notify")
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind(self.path)
        self.listening = []
        for name in names:
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(str(lab_.dir / name))
            listener.listen(64)
            self.listening.append(listener)

    def start(self, daemon, wait=True):
        """The sockets become descriptors 3, 4, ... of the process, which knows its own number."""
        moves = "".join(f"exec {3 + at}<&{listener.fileno()}; " if listener.fileno() != 3 + at else ""
                        for at, listener in enumerate(self.listening))
        environment = (f"LISTEN_FDS={len(self.listening)} LISTEN_PID=$$ NOTIFY_SOCKET={self.path} "
                       f"WATCHDOG_USEC={WATCHDOG_S * 1000000} WATCHDOG_PID=$$")
        for listener in self.listening:
            listener.set_inheritable(True)
        daemon.start(wait, wrapper=["sh", "-ec", f'{moves}{environment} exec "$@"', "sh"],
                     pass_fds=[listener.fileno() for listener in self.listening])

    def next(self, pattern, seconds=30):
        """The first message from now on that matches; those before it are dropped."""
        end = time.monotonic() + seconds
        while select.select([self.notified], [], [], max(0, end - time.monotonic()))[0]:
            message = self.notified.recv(4096).decode()
            if re.search(pattern, message, re.M):
                return message
        raise AssertionError(f"no message like '{pattern}' in {seconds} s")

    def expect_next(self, pattern, but_not):
        message = self.next(f"{pattern}|{but_not}")
        assert re.search(pattern, message, re.M), message

    def drop(self):
        while select.select([self.notified], [], [], 0)[0]:
            self.notified.recv(4096)


def two_reloads(daemon, manager):
    """One during the other: ready behind both, and alive in each."""
    slow = lab.SlowFile(daemon.config.with_name("slow"))
    daemon.config.write_text(f'signatures = [ "{slow.path}" ]; learn: {{ enabled = false; }};\n')
    with daemon.connect() as first, daemon.connect() as second:
        first.sendall(b'{"op": "reload"}\n')
        manager.next("^RELOADING=1$")
        slow.wait(daemon)
        daemon.config.write_text("colour = 1;\n")
        second.sendall(b'{"op": "reload"}\n')
        assert daemon.status()["ok"]
        manager.expect_next("^WATCHDOG=1$", but_not="^READY=1$|^RELOADING=1$")
        slow.end()
        assert "no signature" in first.makefile().readline()
        assert "colour" in second.makefile().readline()
    manager.expect_next("^RELOADING=1$", but_not="^READY=1$")
    manager.next("^READY=1$")


def notifications(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    manager = Manager(lab_)
    daemon = lab_.daemon()
    manager.start(daemon)
    manager.next("^READY=1$")
    traffic.connect(lab_.client, lab.SERVER4)
    figures = manager.next(r"^STATUS=.*[1-9]\d* SYNs", 20)
    assert re.search(r"^STATUS=diverted by (nft|xt): 1 SYNs classified, 0 passed by; 1 clients$",
                     figures), figures
    before = time.monotonic_ns() // 1000
    daemon.request({"op": "reload"})
    usec = int(manager.next("^RELOADING=1$").split("MONOTONIC_USEC=")[1])
    assert before <= usec <= time.monotonic_ns() // 1000
    manager.next("^READY=1$")
    daemon.config.write_text("colour = 1;\n")
    assert not daemon.request({"op": "reload"})["ok"]
    manager.next("^RELOADING=1$")
    manager.next("^READY=1$")  # it goes on with what it had
    two_reloads(daemon, manager)
    assert daemon.stop() == 0, daemon.log()
    manager.next("^STOPPING=1$")


def watchdog(lab_):
    manager = Manager(lab_)
    daemon = lab_.daemon(lab_.write_config(queue="first = 40; count = 3;"))
    manager.start(daemon)
    manager.next("^WATCHDOG=1$")
    with stall.Stalled(daemon.process.pid, "queue 41"):
        manager.drop()
        manager.next("^STATUS=", 60)
        fed = 0
        while "STATUS=" not in (message := manager.next("^(WATCHDOG=1|STATUS=.*)$", 60)):
            fed += "WATCHDOG" in message
        # Five seconds by the daemon's own clock; one may just have been on its way.
        assert fed <= 1, f"fed {fed} times, and a worker stands still"
        assert daemon.status()["ok"], "the others work on"
    manager.next("^WATCHDOG=1$", 60)
    assert daemon.stop() == 0, daemon.log()


def p0f_status(path, address):
    """The status in the answer to p0f's own question for an IPv4 address."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(30)
        stream.connect(str(path))
        stream.sendall(struct.pack("=IB16s", 0x50304601, 4, socket.inet_aton(address)))
        reply = stream.recv(232, socket.MSG_WAITALL)
    assert len(reply) == 232, len(reply)
    return struct.unpack_from("=II", reply)[1]


def ask(stream):
    stream.sendall(json.dumps({"op": "status"}).encode() + b"\n")
    return stream


def is_answered(stream):
    return json.loads(stream.makefile().readline())["ok"]


def activation(lab_):
    """Clients wait in the socket, and are answered; a restart loses none of them."""
    manager = Manager(lab_, "control.sock")
    daemon = lab_.daemon(lab_.write_config(rules="conntrack = true;"))
    early = [ask(daemon.connect()) for _ in range(20)]
    for round_ in range(2):
        manager.start(daemon, wait=False)
        assert all(is_answered(stream) for stream in early), round_
        assert daemon.stop() == 0, daemon.log()
        assert os.path.exists(daemon.socket), "the socket is the manager's, and stays"
        early = [ask(daemon.connect()) for _ in range(20)]
    assert not re.search("warning|error", daemon.log()), daemon.log()


def both_sockets(lab_):
    """p0f's socket is served where it is handed over, though it is off in the configuration."""
    lab_.adopt(traffic.Server(lab_.server))
    manager = Manager(lab_, "control.sock", "p0f.sock")
    daemon = lab_.daemon(lab_.write_config(p0f=f'socket = "{lab_.dir / "p0f.sock"}";',
                                           rules="conntrack = true;"))
    manager.start(daemon)
    traffic.connect(lab_.client, lab.SERVER4)
    assert p0f_status(lab_.dir / "p0f.sock", lab.CLIENT4) == P0F_OK
    assert p0f_status(lab_.dir / "p0f.sock", "192.0.2.250") == P0F_NO_MATCH
    assert daemon.stop() == 0, daemon.log()
    assert not re.search("warning|error", daemon.log()), daemon.log()


def a_file_that_was_deleted(lab_):
    """It is made again, and the manager knows nothing of that: what it hands over at the next start has no
    file any more."""
    manager = Manager(lab_, "control.sock")
    daemon = lab_.daemon()
    manager.start(daemon)
    os.unlink(daemon.socket)
    lab.wait_until(daemon.is_ready, "it is made again")
    for number in (signal.SIGTERM, signal.SIGKILL):
        assert daemon.status()["ok"]
        daemon.stop(number)
        manager.start(daemon)  # and answers at its path
    assert daemon.stop() == 0, daemon.log()


def queues_for_who_may_not_open_them(lab_):
    """The kernel's table of queues is root's: `--hand-over` gives it to the manager for the service."""
    manager = Manager(lab_)
    lab.sh("env", f"NOTIFY_SOCKET={manager.path}", lab.SYNPRINTD, "--hand-over",
           namespace=lab_.gateway)
    assert manager.notified.recv(4096).decode().split() == ["FDSTOREREMOVE=1", "FDNAME=queues"], "there is room for one"
    message, fds, _, _ = socket.recv_fds(manager.notified, 4096, 4)
    assert message.decode().split() == ["FDSTORE=1", "FDNAME=queues", "FDPOLL=0"] and len(fds) == 1
    os.chmod(lab_.dir, 0o777)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
              "--inh-caps=+net_admin", "--ambient-caps=+net_admin"]
    daemon = lab_.daemon()
    daemon.start(wrapper=nobody)
    assert "dropped" not in daemon.status()["queues"][0]
    assert daemon.stop() == 0, daemon.log()
    daemon.start(wrapper=["sh", "-ec", f'exec 3<&{fds[0]}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"',
                          "sh", *nobody], pass_fds=fds)
    assert daemon.status()["queues"][0]["dropped"] == {"kernel": 0, "user": 0}, daemon.status()
    assert "handed over" not in daemon.log(), daemon.log()
    assert daemon.stop() == 0, daemon.log()


def another_socket(lab_):
    """One that the configuration does not name is not served, and said; the configured one is."""
    manager = Manager(lab_, "other.sock")
    daemon = lab_.daemon()
    manager.start(daemon)
    assert daemon.status()["ok"]
    assert re.search(r"warning: .*/other\.sock: the socket that was handed over is not served",
                     daemon.log()), daemon.log()
    assert daemon.stop() == 0
    assert not os.path.exists(daemon.socket)


if __name__ == "__main__":
    lab.run((notifications, watchdog, a_file_that_was_deleted), activation, both_sockets,
            queues_for_who_may_not_open_them, another_socket)
