#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Beside an administrator's flowtable, where the kernel has them: with what `rules print` says to add,
a connection is taken into it when its client is confirmed, and not before."""
import re
import socket

import lab

PORT = 9002
TABLE = """table inet fast {
    counter seen { }
    flowtable f { hook ingress priority 0; devices = { g0, g1 }; }
    chain pre { type filter hook prerouting priority -300; tcp sport %d counter name seen; }
    chain forwarded { type filter hook forward priority 0; meta l4proto tcp %s flow add @f; }
}"""
PACKETS = 50  # of one byte each, in a connection that is in the flowtable or is not


def connect(lab_):
    """Both ends of a connection."""
    with lab.inside(lab_.server), socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((lab.SERVER4, PORT))
        listener.listen()
        with lab.inside(lab_.client):
            client = socket.create_connection((lab.SERVER4, PORT), 20 * lab.PATIENCE)
        return client, listener.accept()[0]


def say(server, client, count=1):
    for _ in range(count):
        server.send(b"x")
        assert client.recv(1) == b"x"


def add_flowtable(lab_, hint):
    done = lab.sh("nft", "-f", "-", namespace=lab_.gateway, check=False, stdin=TABLE % (PORT, hint))
    if done.returncode:
        raise lab.Skip("this kernel has no flowtables")


def start(lab_):
    """Return: the daemon, and what its rules print says to add."""
    config = lab_.write_config(['nftset = "everybody"; confirm = "served"'],
                               rules="conntrack = true;")
    hint = re.search(r"ct mark & \S+ == 0$", lab_.rules("print", config=config).stdout, re.M)
    return lab_.daemon(config), hint[0]


def confirmed_first(lab_):
    daemon, hint = start(lab_)
    add_flowtable(lab_, hint)
    daemon.start()
    assert "flowtable" not in daemon.log(), daemon.log()
    client, server = connect(lab_)
    with client, server:
        say(server, client)
        assert lab.CLIENT4 in lab_.elements("everybody4"), "the server's first bytes confirm it"
        say(server, client, PACKETS)
        assert lab_.counter("inet fast", "seen") < PACKETS, "it is in the flowtable"


def too_early(lab_):
    """Without it nobody is confirmed, and that is said."""
    daemon, _ = start(lab_)
    add_flowtable(lab_, "")
    daemon.start()
    assert "into a flowtable before they can be confirmed" in daemon.log(), daemon.log()
    client, server = connect(lab_)
    with client, server:
        say(server, client, PACKETS)
        assert lab_.counter("inet fast", "seen") < PACKETS, "it is in the flowtable"
        assert not lab_.elements("everybody4")


if __name__ == "__main__":
    lab.run(confirmed_first, too_early)
