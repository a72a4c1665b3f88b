#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers by their SYN+ACKs: this kernel's, and lwIP's, asked for all 16 subsets of window scale, SACK,
timestamps and ECN; beside p0f on the same captures."""
import itertools
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import time

import lab
import packets
import traffic

MSS, SACK_OK, NOP = b"\x02\x04\x05\xb4", b"\x04\x02", b"\x01"
WSCALE, TIMESTAMP = b"\x03\x03\x07", b"\x08\x0a\x00\x00\x03\xe8\x00\x00\x00\x00"
SUBSETS = list(itertools.product((False, True), repeat=4))  # window scale, SACK, timestamps, ECN

LWIP = r"""
#include <stdio.h>
#include <unistd.h>
#include <lwip/tcp.h>
#include <lwip/tcpip.h>
#include <netif/tapif.h>
static struct netif netif;
static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err) { return ERR_OK; }
static void begin(void *arg)
{
	ip4_addr_t addr, mask, gateway;
	struct tcp_pcb *pcb;
	IP4_ADDR(&addr, 10, 98, 0, 2);
	IP4_ADDR(&mask, 255, 255, 255, 0);
	IP4_ADDR(&gateway, 10, 98, 0, 1);
	netif_add(&netif, &addr, &mask, &gateway, NULL, tapif_init, tcpip_input);
	netif_set_default(&netif);
	netif_set_up(&netif);
	netif_set_link_up(&netif);
	pcb = tcp_new();
	tcp_bind(pcb, IP_ADDR_ANY, 8080);
	tcp_accept(tcp_listen(pcb), accepted);
	puts("ready");
	fflush(stdout);
}
int main(void)
{
	tcpip_init(begin, NULL);
	for (;;)
		sleep(10);
}
"""


def options(wscale, sack, timestamps):
    """As Linux lays them out."""
    text = MSS
    if timestamps:
        text += (SACK_OK if sack else NOP + NOP) + TIMESTAMP
    elif sack:
        text += NOP + NOP + SACK_OK
    return text + (NOP + WSCALE if wscale else b"")


def ask(lab_, namespace, src, dst):
    """One SYN of each subset, from a socket that the kernel resets as nobody's."""
    with lab.inside(namespace):
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            for number, (wscale, sack, timestamps, ecn) in enumerate(SUBSETS):
                segment = packets.tcp(src, dst, 30000 + number, options=options(wscale, sack, timestamps),
                                      flags=0xC2 if ecn else 2)
                raw.sendto(packets.ipv4(src, dst, segment), (dst, 0))
                time.sleep(0.02)


def capture(lab_, namespace, interface, src, dst):
    """What goes over an interface while a server is asked."""
    path = lab_.dir / f"{interface}.pcap"
    dump = subprocess.Popen(["ip", "netns", "exec", namespace, "tcpdump", "-U", "--immediate-mode", "-n", "-i",
                             interface, "-w", str(path), "tcp"], stderr=subprocess.DEVNULL)
    try:
        lab.wait_until(lambda: path.exists() and path.stat().st_size >= 24, "tcpdump listens")
        ask(lab_, namespace, src, dst)
        lab.wait_until(lambda: len(answers(path)) >= len(SUBSETS), "all 16 answers")
    finally:
        dump.terminate()
        dump.wait()
    return path


def answers(path, *arguments):
    done = subprocess.run([lab.SYNPRINT, "classify", "--servers", "--json", *arguments, str(path)],
                          capture_output=True, text=True, timeout=60,
                          env=os.environ | {"SYNPRINT_CONF_DIR": str(lab.CONF)})
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    return [one for one in seen if one["kind"] == "synack"]


def p0f_answers(lab_, path):
    log = lab_.dir / "p0f.log"
    log.unlink(missing_ok=True)
    subprocess.run(["p0f", "-r", str(path), "-o", str(log)], check=True, capture_output=True, timeout=60)
    return re.findall(r"mod=syn\+ack.*\|os=([^|]*)", log.read_text())


def check(lab_, name, path, klass, family):
    seen = answers(path)
    assert len(seen) == len(SUBSETS), len(seen)
    right = answered = 0
    for subset, one in zip(SUBSETS, seen):
        os_ = one["os"]
        assert klass in os_["classes"], (subset, one["sig"], os_)
        assert os_["family"] == family or os_["family_confidence"] <= 0.5, (subset, one["sig"], os_)
        answered += os_["match"] != "none"
        right += os_["family"] == family
    theirs = p0f_answers(lab_, path)
    their_answers = sum(label != "???" for label in theirs)
    their_right = sum(label.startswith(klass) for label in theirs)
    assert answered >= their_answers and right >= their_right and right > 0, (right, their_right)
    lab.figure(f"{name}, 16 subsets: answered {answered}, right {right}; "
               f"p0f answered {their_answers}, right {their_right} of {len(theirs)}")
    return right


def linux(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    path = capture(lab_, lab_.client, "c0", lab.CLIENT4, lab.SERVER4)
    assert check(lab_, "this kernel", path, "Linux", "Linux") == len(SUBSETS)
    for one in answers(path):
        assert one["os"]["label"].startswith("Linux 4.20 or newer"), one


def flooded(lab_):
    """With SYN cookies a SYN without timestamps gets no option: still Linux, and what happens is said."""
    lab_.adopt(traffic.Server(lab_.server))
    lab_.sysctl(lab_.server, {"net/ipv4/tcp_syncookies": 2})
    path = capture(lab_, lab_.client, "c0", lab.CLIENT4, lab.SERVER4)
    seen = answers(path)
    for (wscale, sack, timestamps, _), one in zip(SUBSETS, seen):
        assert one["os"]["family"] == "Linux", one
        if (wscale or sack) and not timestamps:
            assert "flood" in one["os"]["label"], one


def lwip(lab_):
    source, program = lab_.dir / "lwip.c", lab_.dir / "lwip"
    source.write_text(LWIP)
    if not shutil.which("cc") or subprocess.run(["cc", "-w", "-I/usr/include/lwip", "-o", str(program), str(source),
                                                 "-llwip"], capture_output=True).returncode:
        raise lab.Skip("liblwip-dev is not installed")
    lab.sh("ip", "tuntap", "add", "dev", "tap0", "mode", "tap", namespace=lab_.client)
    lab_.ip(lab_.client, "addr add 10.98.0.1/24 dev tap0\nlink set tap0 up")
    server = subprocess.Popen(["ip", "netns", "exec", lab_.client, str(program)], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env=os.environ | {"PRECONFIGURED_TAPIF": "tap0"})
    try:
        assert server.stdout.readline() == b"ready\n"
        path = capture(lab_, lab_.client, "tap0", "10.98.0.1", "10.98.0.2")
        check(lab_, "lwIP", path, "lwIP", "Embedded")
    finally:
        server.kill()
        server.wait()


def of_the_daemon(lab_):
    """With servers.enabled the gateway knows what answers behind it; without, nothing of it is there."""
    lab_.adopt(traffic.Server(lab_.server))
    plain = lab_.daemon(lab_.write_config(name="plain.conf")).start()
    assert "SYN+ACK" not in lab_.snapshot()
    refused = plain.request({"op": "clients", "servers": True})
    assert not refused["ok"] and "servers.enabled" in refused["error"]["message"], refused
    plain.stop()
    daemon = lab_.daemon(lab_.write_config(servers=f'enabled = true; database = "{lab.CONF}/servers.db";')).start()
    load = lab_.adopt(traffic.Load(lab_.client, 200, 200, sources=20))
    traffic.expect_no_failure(load.result(), "while SYN+ACKs are looked at")
    reply = daemon.request({"op": "clients", "servers": True})
    servers = {one["ip"]: one for one in reply["clients"]}
    assert set(servers) == {lab.SERVER4, lab.SERVER6}, servers
    for one in servers.values():
        assert one["os"]["label"].startswith("Linux 4.20 or newer"), one
        assert lab.PORT in one["client"]["ports"] and one["client"]["syn_count"] >= 90, one
    assert len(daemon.request({"op": "clients"})["clients"]) == 40, "servers are no clients"
    listed = daemon.cli("clients", "--servers").stdout
    assert lab.SERVER4 in listed and "Linux" in listed, listed
    assert daemon.stop() == 0


def come_back(lab_):
    """An answer that came back is not waited for, and leaves nothing in the packet mark."""
    lab_.nft("""table ip seen {
        counter passed { }
        counter marked { }
        chain forward { type filter hook forward priority 0;
            tcp flags & (syn | ack) == (syn | ack) counter name passed meta mark != 0 counter name marked; }
    }""")
    config = lab_.write_config(servers=f'enabled = true; database = "{lab.CONF}/servers.db";')
    daemon = lab_.daemon(config).start()
    answer = packets.tcp(lab.SERVER4, lab.CLIENT4, lab.PORT, flags=0x12, options=MSS, dst_port=1024)
    for number in (1, 2):
        with lab.inside(lab_.server):
            with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
                raw.sendto(packets.ipv4(lab.SERVER4, lab.CLIENT4, answer), (lab.CLIENT4, 0))
        lab.wait_until(lambda: lab_.counter("ip seen", "passed") == number, "the answer has passed")
        assert daemon.received() == number, "each answer is asked about"
        assert lab_.counter("ip seen", "marked") == 0
        assert not lab_.elements("waiting"), lab_.elements("waiting")
        time.sleep(1)  # the queue does not count as answering any more
    assert daemon.stop() == 0
    assert "back_answer" not in lab_.snapshot()


if __name__ == "__main__":
    lab.run(linux, flooded, lwip, of_the_daemon, come_back)
