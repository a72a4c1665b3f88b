#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`watch`, `top`, `status`, `clients` and `selftest` on screens of three sizes, with IPv4 and the longest
IPv6, with colours, without, and in locale C: no line is longer than the screen, and flags are whole."""
import itertools
import os
import re
import signal

import lab
import packets
import terminal

SIZES = ((10, 40), (24, 80), (50, 132))
LONG6 = "2001:db8:c:1234:5678:9abc:def0:1234"
ports = itertools.count(40000)  # the same SYN again would be a retransmission
WAYS = ({}, {"NO_COLOR": "1"}, {"LC_ALL": "C", "LANG": "C"})


def scan(lab_):
    """nmap's SYN (half of a window of 1024, MSS only), over both families."""
    nmap = {"options": bytes((2, 4, 5, 180)), "window": 1024}
    port = next(ports)
    wire, gateway = packets.Wire(lab_.client, "c0"), packets.Wire(lab_.gateway, "g0")
    wire.send(packets.ipv4(lab.CLIENT4, lab.SERVER4,
                           packets.tcp(lab.CLIENT4, lab.SERVER4, port, **nmap)), gateway.mac)
    wire.send(packets.ipv6(LONG6, lab.SERVER6,
                           packets.tcp(LONG6, lab.SERVER6, port, **nmap)), gateway.mac)
    wire.close()
    gateway.close()


def plain(drawn):
    return re.sub(rb"\x1b\[[\d;]*m", b"", drawn).decode("ascii").replace("\r\n", "\n")


def start(lab_, daemon, *command, **options):
    return lab_.adopt(terminal.Terminal([lab.SYNPRINT, "--socket", daemon.socket, *command],
                                        namespace=lab_.gateway, **options))


def expect_fits(text, columns, what):
    longest = max(text.split("\n"), key=len)
    assert len(longest) < columns, f"{what}: {len(longest)} of {columns} columns: {longest}"


def start_daemon(lab_):
    return lab_.daemon(lab_.write_config(
        ['nftset = "scanner"; flags = [ "scanner" ];', 'nftset = "gone"; table = "inet mine";'],
        rules='interfaces = [ "g0", "lo", "ppp*" ];')).start()


def daemon_with_scanners(lab_):
    daemon = start_daemon(lab_)
    scan(lab_)
    lab.wait_until(lambda: daemon.verdict(LONG6)["found"] and daemon.verdict(lab.CLIENT4)["found"],
                   "both are known")
    for address in (LONG6, lab.CLIENT4):
        assert "scanner" in daemon.verdict(address)["flags"], daemon.verdict(address)
    return daemon


def lists(lab_):
    """What is printed and stays: status, clients, selftest."""
    daemon = daemon_with_scanners(lab_)
    for at, (rows, columns) in enumerate(SIZES):
        for command, wanted in ((["status"], ["received", "memory", "there is no set"]),
                                (["clients"], [LONG6, lab.CLIENT4, "scanner"]),
                                (["selftest"], ["FAILED", "there is no set"])):
            shown = start(lab_, daemon, *command, rows=rows, columns=columns, **WAYS[at])
            assert shown.end() in (0, 1), command
            text = plain(shown.drawn)
            expect_fits(text, columns, command)
            for word in wanted:
                assert re.search(r"\s+".join(map(re.escape, word.split())), text), (word, text)
            assert text.count("scanner") >= 2 or command != ["clients"], text
            if at == 1:
                assert b"\x1b" not in shown.drawn, "NO_COLOR"


def watch(lab_):
    daemon = daemon_with_scanners(lab_)
    shown = [start(lab_, daemon, "watch", "--snapshot", rows=rows, columns=columns, **WAYS[at])
             for at, (rows, columns) in enumerate(SIZES)]
    for (_, columns), terminal_ in zip(SIZES, shown):
        terminal_.wait_for(LONG6, lab.CLIENT4, "scanner")
        scan(lab_)
        lab.wait_until(lambda t=terminal_: t.read() or plain(t.drawn).count("scanner") >= 4,
                       "four lines with the flag")
        expect_fits(plain(terminal_.drawn), columns, "watch")
    # A window that becomes narrow is noticed.
    wide = shown[-1]
    wide.drawn = b""
    wide.resize(10, 40)
    os.kill(wide.pid, signal.SIGWINCH)
    scan(lab_)
    lab.wait_until(lambda: wide.read() or plain(wide.drawn).count("scanner") >= 2, "two more")
    expect_fits(plain(wide.drawn), 40, "watch after a resize")


def top(lab_):
    """A full screen cuts by itself: so all that counts is there, and whole."""
    daemon = start_daemon(lab_)
    shown = [start(lab_, daemon, "top", rows=rows, columns=columns, **WAYS[at])
             for at, (rows, columns) in enumerate(SIZES)]
    for terminal_ in shown:
        terminal_.wait_for("synprintd diverting", "newest suspects")
    scan(lab_)
    for (rows, columns), terminal_ in zip(SIZES, shown):
        terminal_.wait_for(LONG6, lab.CLIENT4)
        lab.wait_until(lambda t=terminal_: t.read() or sum("scanner" in line for line in t.lines()) == 2,
                       "both lines with the flag")
        lines = terminal_.lines()
        assert len(lines) == rows and all(len(line) < columns or line == lines[-1]
                                          for line in lines), lines
        for word in ("SYNs", "clients", "sets     2, 1 fail", "q "):
            assert terminal_.shows(word), (word, lines)
        assert terminal_.shows("systems") == (rows > 10), lines
        terminal_.press("q")
        assert terminal_.end() == 0


if __name__ == "__main__":
    lab.run(lists, watch, top)
