#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""bench-web: /auth beside an empty libmicrohttpd handler in the same minutes, and what others feel
while somebody misbehaves: idle connections, slow and huge headers, nonsense, requests that two
programs read differently, readers of events that do not read. Memory is printed and has a bound."""
import contextlib
import http.client
import multiprocessing
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../netns"))
import lab  # noqa: E402
import traffic  # noqa: E402
import web  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", 7))
ADDRESS = "198.51.100.1"
RATIO_MIN = 0.15
MEMORY_MAX_MIB = 256
failures = []


def wrk(lab_, port, path="/auth"):
    out = lab.sh("wrk", "-t1", "-c32", "-d2", "-H", f"User-Agent: {web.LINUX}",
                 f"http://{ADDRESS}:{port}{path}", namespace=lab_.client).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])


class Empty:
    def __init__(self, lab_, port):
        self.process = subprocess.Popen(["ip", "netns", "exec", lab_.gateway,
                                         str(lab.BUILD / "bench/empty_http"), ADDRESS, str(port)])
        lab_.adopt(self)
        lab.wait_until(lambda: lab.sh("curl", "-s", f"http://{ADDRESS}:{port}/",
                                      namespace=lab_.client, check=False).returncode == 0,
                       "the empty handler serves")

    def close(self):
        self.process.kill()
        self.process.wait()


def rate(lab_):
    site = web.Web(lab_, lab_.daemon().start(), "timeout_ms = 25;")
    Empty(lab_, 8300)
    rounds = [(wrk(lab_, 8300), wrk(lab_, web.PORT)) for _ in range(ROUNDS)]
    ratio = statistics.median(ours / empty for empty, ours in rounds)
    for empty, ours in rounds:
        print(f"  empty handler {empty:8.0f}/s   /auth {ours:7.0f}/s   {ours / empty:.3f}")
    print(f"bench-web: /auth {statistics.median(ours for _, ours in rounds):.0f} requests/s, "
          f"{ratio:.3f} of an empty handler (at least {RATIO_MIN})", flush=True)
    unanswered = int(re.search(r"^synprint_web_unanswered_total (\d+)", site.unix("/metrics").body,
                               re.M)[1])
    print(f"bench-web: {unanswered} questions were not answered in time")
    if ratio < RATIO_MIN:
        failures.append(f"ratio {ratio:.3f}")


class Visitor:
    """An honest one, a process of its own, who asks all the time, over a connection that stays and
    over new ones."""

    def __init__(self, site):
        context = multiprocessing.get_context("fork")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=self.run, args=(site, other), daemon=True)
        self.took_s, self.unknown, self.wrong = [], 0, []
        self.process.start()

    def one(self, connection):
        start = time.monotonic()
        connection.request("GET", "/auth", headers={"User-Agent": web.LINUX})
        answer = connection.getresponse()
        answer.read()
        self.took_s.append(time.monotonic() - start)
        self.unknown += answer.headers["X-Client-Verdict"] == "unknown"
        if answer.status != 200 or answer.headers["X-Client-OS"] not in ("Linux", "unknown"):
            self.wrong.append(dict(answer.headers))

    def run(self, site, pipe):
        lab.set_namespace(f"/run/netns/{site.lab.client}")
        kept = http.client.HTTPConnection(ADDRESS, web.PORT, timeout=5)
        while not pipe.poll():
            try:
                self.one(kept)
                fresh = http.client.HTTPConnection(ADDRESS, web.PORT, timeout=5)
                self.one(fresh)
                fresh.close()
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(repr(error))
                kept = http.client.HTTPConnection(ADDRESS, web.PORT, timeout=5)
            time.sleep(0.005)
        pipe.send((self.took_s, self.unknown, self.wrong))

    def end(self):
        self.pipe.send("enough")
        self.took_s, self.unknown, self.wrong = self.pipe.recv()
        self.process.join()


def memory_mib(process):
    text = open(f"/proc/{process.pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def connect(lab_):
    with lab.inside(lab_.client):
        conn = socket.create_connection((ADDRESS, web.PORT), timeout=5)
    return conn


def idle(lab_, hold_s=3):
    conns = [connect(lab_) for _ in range(1000)]
    time.sleep(hold_s)
    return conns


def slow_headers(lab_):
    conns = idle(lab_, 0)[:500]
    for byte in b"GET /auth HTTP/1.1\r\nX-S: ":
        for conn in conns:
            with contextlib.suppress(OSError):
                conn.send(bytes([byte]))
        time.sleep(0.1)
    return conns


def huge_headers(lab_):
    conns = [connect(lab_) for _ in range(20)]
    chunk = b"X-Huge: " + b"x" * 65536 + b"\r\n"
    for conn in conns:
        with contextlib.suppress(OSError):
            conn.sendall(b"GET /auth HTTP/1.1\r\nHost: a\r\n")
            for _ in range(160):
                conn.sendall(chunk)
    return conns


def nonsense(lab_):
    random.seed(1)
    conns = []
    for _ in range(1500):
        conn = connect(lab_)
        with contextlib.suppress(OSError):
            conn.send(b"GET /auth HTTP/1.1\r\nHost: a\r\nUser-Agent: " +
                      bytes(random.choice(b"\x80\xc0\xff\xfe\xed\xa0\x01az") for _ in range(300)) +
                      b"\r\n\r\n" + random.randbytes(random.randrange(400)))
        conns.append(conn)
        if len(conns) > 100:
            conns.pop(0).close()
    return conns


SMUGGLED = (b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 4\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding : chunked",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"Content-Length: 0x5",
            b"Content-Length:\r\n 5", b"Content-Length: 5 ", b"\x0bTransfer-Encoding: chunked",
            b"Content-Length: -1", b"Content-Length: 18446744073709551621")


def smuggling(lab_):
    """After each, a second request that must not be taken for anything but refused or unread."""
    for _ in range(40):
        for head in SMUGGLED:
            conn = connect(lab_)
            with conn, contextlib.suppress(OSError):
                conn.settimeout(0.5)
                conn.sendall(b"POST /login HTTP/1.1\r\nHost: a\r\n" + head +
                             b"\r\n\r\n5\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n")
                reply = conn.recv(65536)
                if b'"synprintd"' in reply:
                    failures.append(f"smuggled: {head}: {reply[:300]}")
    return []


def deaf_readers(lab_):
    """Subscribed to every SYN, with as many as the gateway sees, and none of them reads."""
    conns = []
    for _ in range(100):
        conn = connect(lab_)
        conn.sendall(b"GET /events?syns=true&snapshot=true HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
                     web.TOKEN.encode() + b"\r\n\r\n")
        conns.append(conn)
    end = time.monotonic() + 8
    while time.monotonic() < end:
        for _ in range(200):
            with contextlib.suppress(OSError), lab.inside(lab_.client):
                conn = socket.socket()
                conn.bind((lab.source4(random.randrange(5000)), 0))
                conn.setblocking(False)
                conn.connect_ex((lab.SERVER4, lab.PORT))
                conns.append(conn)
        while len(conns) > 3000:
            conns.pop(100).close()
    return conns


def suffering(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    site = web.Web(lab_, lab_.daemon().start(), "timeout_ms = 25;")
    most_mib = memory_mib(site.process)
    print(f"bench-web: {most_mib:.0f} MiB at the start")
    for attack in (None, idle, slow_headers, huge_headers, nonsense, smuggling, deaf_readers):
        visitor = Visitor(site)
        conns = attack(lab_) if attack else time.sleep(3)
        visitor.end()
        used_mib = memory_mib(site.process)
        most_mib = max(most_mib, used_mib)
        for conn in conns or ():
            conn.close()
        took = sorted(visitor.took_s)
        p99_ms = 1000 * took[len(took) * 99 // 100]
        name = attack.__name__.replace("_", " ") if attack else "nothing else"
        print(f"  {name:14} {len(took):6} requests, half {1000 * took[len(took) // 2]:.1f} ms, "
              f"99 of 100 {p99_ms:.1f} ms, {visitor.unknown} unknown, {len(visitor.wrong)} wrong, "
              f"{used_mib:.0f} MiB", flush=True)
        if visitor.wrong:
            failures.append(f"{name}: {len(visitor.wrong)} wrong, such as {visitor.wrong[:2]}")
        if visitor.unknown > len(took) // 20:
            failures.append(f"{name}: {visitor.unknown} of {len(took)} are unknown")
        assert site.process.poll() is None, site.log()
    print(f"bench-web: {most_mib:.0f} MiB at the most (bound {MEMORY_MAX_MIB})")
    if most_mib > MEMORY_MAX_MIB:
        failures.append(f"{most_mib:.0f} MiB")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    for scenario in (rate, suffering):
        if len(sys.argv) < 2 or scenario.__name__ in sys.argv:
            lab.run_one(scenario)
    print("bench-web: " + ("; ".join(failures) if failures else "good"))
    sys.exit(bool(failures))
