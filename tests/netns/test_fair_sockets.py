#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The sockets are for all who may ask: nobody shuts others out, deletes them for good, leaves
memory behind, or says of a client what he has no right to say."""
import contextlib
import grp
import json
import os
import pwd
import socket
import struct
import time

import lab
import packets
import traffic

NOBODY = pwd.getpwnam("nobody")
CONNECTIONS = 1024
SUBSCRIBERS, SYNS = 1000, 300
LEFT_OVER_KIB = 8192  # of memory that a crowd may leave behind
LIE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"


def as_nobody(work, groups=()):
    """Runs it in a process of that user; returns the pid and what it wrote, when it has."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgroups(list(groups))
            os.setgid(NOBODY.pw_gid)
            os.setuid(NOBODY.pw_uid)
            os.write(writer, json.dumps(work()).encode() + b"\n")
            code = 0
            time.sleep(60)  # holds its connections until it is killed
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        line = pipe.readline()
    assert line, "the other user's process failed"
    return pid, json.loads(line)


def end(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def connect(path):
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(10)
    stream.connect(path)
    return stream


def start(lab_, **sections):
    lab_.dir.chmod(0o755)
    control = sections.pop("control", "") + 'mode = "0666";'
    return lab_.daemon(lab_.write_config(control=control, **sections)).start()


def crowd(lab_):
    """1,024 connections of one user that ask nothing: 0.1.0 then served nobody else."""
    p0f = lab_.dir / "p0f.sock"
    daemon = start(lab_, p0f=f'enabled = true; socket = "{p0f}"; mode = "0666";')
    held = []

    def hold():
        for path in (daemon.socket, str(p0f)):
            for _ in range(CONNECTIONS):
                with contextlib.suppress(OSError):
                    held.append(connect(path))
        return len(held)

    pid, count = as_nobody(hold)
    assert count >= CONNECTIONS, count
    assert daemon.status()["ok"]
    assert daemon.request({"op": "reload"})["ok"]
    query = struct.pack("<IB16s", 0x50304601, 4, socket.inet_aton(lab.CLIENT4))
    with connect(str(p0f)) as stream:
        stream.sendall(query)
        assert len(stream.recv(232)) == 232
    # His own longest idle one gives way to another of his, too.
    time.sleep(1.1)
    second, reply = as_nobody(lambda: daemon.status()["ok"])
    assert reply is True
    end(second)
    end(pid)


def deleted(lab_):
    p0f = lab_.dir / "p0f.sock"
    daemon = start(lab_, p0f=f'enabled = true; socket = "{p0f}";')
    stream = daemon.connect()
    os.unlink(daemon.socket)
    os.unlink(p0f)
    # A file is there before its mode is right, and that before somebody listens.
    lab.wait_until(lambda: p0f.exists() and daemon.is_ready(), "the sockets are back")
    assert os.stat(daemon.socket).st_mode & 0o777 == 0o666
    stream.sendall(b'{"op":"status"}\n')
    assert json.loads(stream.makefile().readline())["ok"], "who was connected is served on"
    assert daemon.log().count("it is there again") == 2, daemon.log()
    # What somebody else puts there is his.
    os.unlink(daemon.socket)
    with open(daemon.socket, "w") as other:
        other.write("mine")
    time.sleep(1.5)
    with open(daemon.socket) as other:
        assert other.read() == "mine"
    assert daemon.stop() == 0


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def memory(lab_):
    daemon = start(lab_)
    before = resident_kib(daemon.process.pid)
    streams = []
    for _ in range(SUBSCRIBERS):
        streams.append(daemon.connect())
        streams[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        streams[-1].sendall(b'{"op":"subscribe","syns":true}\n')
    lab.wait_until(lambda: daemon.status()["control"]["subscribers"] == SUBSCRIBERS, "all subscribed")
    wire, gateway = packets.Wire(lab_.client, "c0"), packets.Wire(lab_.gateway, "g0")
    for number in range(SYNS):
        segment = packets.tcp(lab.source4(number), lab.SERVER4, 20000)
        wire.send(packets.ipv4(lab.source4(number), lab.SERVER4, segment), gateway.mac)
    daemon.wait_for_syns(SYNS)
    lab.wait_until(lambda: resident_kib(daemon.process.pid) > before + 65536, "events wait")
    full = resident_kib(daemon.process.pid)
    for stream in streams:
        stream.close()
    lab.wait_until(lambda: resident_kib(daemon.process.pid) < before + LEFT_OVER_KIB,
                   "the memory was given back")
    lab.figure(f"1,000 subscribers: {before} KiB before, {full} with them, "
               f"{resident_kib(daemon.process.pid)} after")


def claims(lab_):
    """Who may say what a client called itself, so that it is kept."""
    lab_.adopt(traffic.Server(lab_.server))
    group = grp.getgrnam("daemon")
    for word, may, groups in (("", False, ()), ("everybody", True, ()),
                              ("daemon", False, ()), ("daemon", True, (group.gr_gid,))):
        daemon = start(lab_, control=f'claims = "{word}";' if word else "")
        port = traffic.connect(lab_.client, lab.SERVER4)
        ask = {"op": "verdict", "ip": lab.CLIENT4, "port": port, "user_agent": LIE}
        pid, reply = as_nobody(lambda: daemon.request(ask), groups)
        end(pid)
        assert reply["user_agent"]["os_mismatch"] is True and "os_mismatch" in reply["flags"], reply
        assert reply["user_agent"]["kept"] is may, (word, reply)
        assert ("os_mismatch" in daemon.verdict(lab.CLIENT4)["flags"]) is may, (word, groups)
        assert daemon.stop() == 0
    bad = lab_.write_config(control='claims = "no-such-group";')
    daemon = lab_.daemon(bad).start(wait=False)
    assert daemon.process.wait(timeout=20) == 4
    assert "no-such-group" in daemon.log(), daemon.log()


if __name__ == "__main__":
    lab.run(crowd, deleted, memory, claims)
