#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The p0f socket of a real daemon: what it says of clients whose connections passed the gateway."""
import contextlib
import os
import signal
import socket
import stat
import struct
import time

import lab
import traffic

REPLY = struct.Struct("=9I h 2B 32s32s32s32s32s32s")
NAMES = ("magic status first_seen last_seen total_conn uptime_min up_mod_days last_nat last_chg "
         "distance bad_sw os_match_q os_name os_flavor http_name http_flavor link_type "
         "language").split()


def configure(lab_, **sections):
    path = lab_.dir / "p0f.sock"
    return path, lab_.write_config(p0f=f'enabled = true; socket = "{path}"; mode = "0606";',
                                   **sections)


def query_of(ip):
    family, kind = (socket.AF_INET6, 6) if ":" in ip else (socket.AF_INET, 4)
    return struct.pack("=IB", 0x50304601, kind) + socket.inet_pton(family, ip).ljust(16, b"\0")


def ask(path, *queries):
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(10)
        stream.connect(str(path))
        stream.sendall(b"".join(queries))
        data = b""
        while len(data) < REPLY.size * len(queries):
            piece = stream.recv(65536)
            assert piece, f"closed after {len(data)} bytes"
            data += piece
    replies = []
    for fields in REPLY.iter_unpack(data):
        reply = dict(zip(NAMES, fields))
        assert reply["magic"] == 0x50304602, reply
        replies.append({name: value.split(b"\0")[0].decode() if isinstance(value, bytes) else value
                        for name, value in reply.items()})
    return replies


def fields(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    path, config = configure(lab_)
    daemon = lab_.daemon(config).start()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o606, oct(os.stat(path).st_mode)
    before = int(time.time())
    for destination in (lab.SERVER4, lab.SERVER4, lab.SERVER6):
        traffic.connect(lab_.client, destination)
    verdict = daemon.verdict(lab.CLIENT4)
    known, mapped, known6, unknown, bad, again = ask(
        path, query_of(lab.CLIENT4), query_of(f"::ffff:{lab.CLIENT4}"), query_of(lab.CLIENT6),
        query_of("192.0.2.99"), b"\1" * 21, query_of(lab.CLIENT4))
    assert known["status"] == 0x10 and known == mapped == again, (known, mapped, again)
    assert known["total_conn"] == 2 and known6["total_conn"] == 1, (known, known6)
    assert before - 2 <= known["first_seen"] <= known["last_seen"] <= before + 60, known
    assert known["os_name"] == "Linux", known
    label = f'{known["os_name"]} {known["os_flavor"]}'
    assert verdict["os"]["label"].startswith(label) and known["os_flavor"], (known, verdict)
    assert known["distance"] == 0 and known["bad_sw"] == 0 == known["os_match_q"], known
    assert known["link_type"] == "Ethernet or modem", known
    for reply, status in ((unknown, 0x20), (bad, 0)):
        assert reply.pop("status") == status and reply.pop("magic"), reply
        assert not any(reply.values()), reply

    lie = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0"
    port = traffic.connect(lab_.client, lab.SERVER4)
    daemon.request({"op": "verdict", "ip": lab.CLIENT4, "port": port, "user_agent": lie})
    assert ask(path, query_of(lab.CLIENT4))[0]["bad_sw"] == 2
    daemon.stop()
    assert not path.exists(), "the socket file is removed"


def off_by_default(lab_):
    path = lab_.dir / "p0f.sock"
    # One that was killed left its file; nobody is to wait at it.
    dead = lab_.daemon(lab_.write_config(p0f=f'enabled = true; socket = "{path}";')).start()
    dead.stop(signal.SIGKILL)
    assert path.exists(), "this test is about nothing"
    daemon = lab_.daemon(lab_.write_config(p0f=f'socket = "{path}";')).start()
    assert not path.exists()
    daemon.stop()
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen()
        daemon.start()
        assert path.exists(), "somebody else's, who is at work"


def peers_that_harm_nobody(lab_):
    """Open connections, half queries and peers that never read, while another asks."""
    lab_.adopt(traffic.Server(lab_.server))
    path, config = configure(lab_)
    lab_.daemon(config).start()
    traffic.connect(lab_.client, lab.SERVER4)
    with contextlib.ExitStack() as stack:
        for number in range(1000):
            stream = stack.enter_context(socket.socket(socket.AF_UNIX))
            stream.connect(str(path))
            stream.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                stream.send((query_of(lab.CLIENT4) * 2000)[:7 + number * 40])
        for _ in range(20):
            assert ask(path, query_of(lab.CLIENT4))[0]["status"] == 0x10


if __name__ == "__main__":
    lab.run(fields, off_by_default, peers_that_harm_nobody)
