#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The real kernel with options switched off, small and large buffers, and options of its own: it
is never confidently something else, no tool, and its true User-Agent is no lie."""
import itertools
import socket
import struct

import lab
import traffic

LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
SWITCHES = ("tcp_timestamps", "tcp_sack", "tcp_window_scaling")
LARGE = "4096 1048576 50331648"  # what every socket has, as servers set it
BUFFERS = (None, 4 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 1 << 20, 4 << 20)
NEVER = 0.5

TCP_MD5SIG, TCP_FASTOPEN_CONNECT, TCP_AO_ADD_KEY, IPPROTO_MPTCP = 14, 30, 38, 262


def md5(sock, server):
    """struct tcp_md5sig: the peer, flags, prefix, length of the key, interface, key."""
    sock.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG,
                    peer(server) + struct.pack("=BBHi80s", 0, 0, 6, 0, b"secret"))


def ao(sock, server):
    """struct tcp_ao_add: the peer, algorithm, interface, bits, then what the key is."""
    key = peer(server) + struct.pack("=64sii", b"hmac(sha1)", 0, 0)
    key += struct.pack("=HBBBBBB80s", 0, 128 if ":" in server else 32, 100, 100, 12, 0, 6,
                       b"secret")
    sock.setsockopt(socket.IPPROTO_TCP, TCP_AO_ADD_KEY, key)


def fast_open(sock, server):
    sock.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)


def peer(server):
    """struct sockaddr_storage of 128 bytes."""
    if ":" in server:
        packed = struct.pack("=HHI", socket.AF_INET6, 0, 0) + socket.inet_pton(
            socket.AF_INET6, server) + bytes(4)
    else:
        packed = struct.pack("=HH", socket.AF_INET, 0) + socket.inet_aton(server)
    return packed.ljust(128, b"\0")


def connect(lab_, server, buffer=None, protocol=0, prepare=None):
    """A connection that need not come about: its SYN is what counts. Return: its port."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with lab.inside(lab_.client):
        sock = socket.socket(family, socket.SOCK_STREAM, protocol)
    with sock:
        sock.settimeout(0.3)
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        if prepare:
            prepare(sock, server)
        sock.bind(("::" if ":" in server else "0.0.0.0", 0))
        port = sock.getsockname()[1]
        try:
            sock.connect((server, lab.PORT))
            sock.send(b"x")
        except socket.timeout:
            pass
        return port


def judge(daemon, client, port, what):
    verdict = daemon.request({"op": "verdict", "ip": client, "port": port, "user_agent": LINUX,
                              "keep": False})
    assert verdict["found"] and verdict["exact"], (what, verdict)
    shown = (what, verdict["sig"], verdict["os"], verdict["flags"])
    classes = verdict["os"].get("classes", {})
    for name in ("Windows", "OpenVMS", "nmap", "zmap", "naabu", "hping", "scapy", "bare"):
        assert classes.get(name, 0) <= NEVER, shown
    assert "scanner" not in verdict["flags"] and "os_mismatch" not in verdict["flags"], shown
    return verdict["os"].get("family") == "Linux"


ENDS = ((lab.CLIENT4, lab.SERVER4), (lab.CLIENT6, lab.SERVER6))


def options_off(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    right = tried = 0
    with lab.inside(lab_.client):
        usual = open("/proc/sys/net/ipv4/tcp_rmem").read().strip()
    for states in itertools.product((1, 0), repeat=len(SWITCHES)):
        lab_.sysctl(lab_.client, {f"net/ipv4/{name}": state
                                  for name, state in zip(SWITCHES, states)})
        for buffer, (client, server) in itertools.product(BUFFERS + (LARGE,), ENDS):
            is_large = buffer == LARGE
            lab_.sysctl(lab_.client, {"net/ipv4/tcp_rmem": LARGE if is_large else usual})
            port = connect(lab_, server, None if is_large else buffer)
            right += judge(daemon, client, port, (dict(zip(SWITCHES, states)), buffer))
            tried += 1
    lab.figure(f"{right} of {tried} SYNs of a tuned kernel are called Linux")
    assert right >= 0.8 * tried, (right, tried)


def options_of_its_own(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    cases = {"MD5": {"prepare": md5}, "AO": {"prepare": ao}, "Fast Open": {"prepare": fast_open},
             "multipath": {"protocol": IPPROTO_MPTCP}}
    absent = []
    for (name, case), (client, server) in itertools.product(cases.items(), ENDS):
        try:
            port = connect(lab_, server, **case)
        except OSError as error:
            absent.append(f"{name}: {error.strerror}")
            continue
        assert judge(daemon, client, port, name), (name, daemon.verdict(client, port)["os"])
    lab_.sysctl(lab_.client, {"net/ipv4/tcp_ecn": 1})
    for client, server in ENDS:
        assert judge(daemon, client, connect(lab_, server), "ECN")
    if absent:
        lab.figure("this kernel lacks " + ", ".join(sorted(set(absent))))


if __name__ == "__main__":
    lab.run(options_off, options_of_its_own)
