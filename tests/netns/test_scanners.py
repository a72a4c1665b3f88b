#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tools that make their own SYNs are flagged by name; nmap -sT uses the host's stack and is not."""
import shutil
import time

import lab
import traffic

# What to run, the class that the daemon should see; {mac} is the gateway's on the client's link.
TOOLS = [
    ("nmap", "nmap -n -Pn -sS -p 8080 --max-retries 0 {server}"),
    ("masscan", "masscan {server}/32 -p8080 --rate 10 --wait 0 --interface c0 "
                "--source-ip {client} --router-mac {mac}"),
    ("zmap", "zmap -q -p 8080 -i c0 -S {client} -G {mac} -P 1 -c 1 --blacklist-file=/dev/null "
             "-o /dev/null {server}/32"),
    ("hping", "hping3 -q -S -p 8080 -c 1 {server}"),
    ("hping", "hping3 -q -S -w 64240 -s 20001 -p 8080 -c 1 {server}"),
    ("hping", "hping3 -q -S -w 777 -s 20002 -p 8080 -c 1 {server}"),
    ("nping", "nping -q --tcp -p 8080 -c 1 {server}"),
    ("bare", "nping -q --tcp --win 777 -p 8080 -c 1 {server}"),
]


def gateway_mac(lab_):
    return lab.sh("cat", "/sys/class/net/g0/address", namespace=lab_.gateway).stdout.strip()


def syn_count(daemon):
    """Of those that were judged: what was received may not have been yet."""
    return daemon.verdict(lab.CLIENT4)["client"]["syn_count"]


def send(lab_, daemon, name, command):
    """A tool now and then ends before it has sent anything, as zmap 2.1 does: then it is asked again."""
    before = syn_count(daemon)

    def is_sent():
        done = lab.sh("timeout", "-k", "5", "60", *command, namespace=lab_.client, check=False)
        for _ in range(20):
            if syn_count(daemon) > before:
                return True
            time.sleep(0.1)
        print(f"{name} sent nothing: exit {done.returncode}: {done.stderr.strip()}", flush=True)
        return False
    lab.wait_until(is_sent, f"{name} sent a SYN", 60)


def tools(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    words = {"server": lab.SERVER4, "client": lab.CLIENT4, "mac": gateway_mac(lab_)}
    traffic.connect(lab_.client, lab.SERVER4)  # neighbours know each other
    for name, command in TOOLS:
        command = command.format(**words).split()
        if not shutil.which(command[0]):
            raise lab.Skip(f"{command[0]} is not installed")
        send(lab_, daemon, name, command)
        verdict = daemon.verdict(lab.CLIENT4)
        assert "scanner" in verdict["flags"], (name, verdict)
        assert verdict["os"]["class"] == name and verdict["os"]["family"] == "Tool", verdict
        lab.figure(f"{name}: {verdict['os']['label']}, confidence {verdict['os']['confidence']}")
    scanners = lab_.elements("scanner4")
    assert lab.CLIENT4 in scanners, scanners


def connect_scan(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    if not shutil.which("nmap"):
        raise lab.Skip("nmap is not installed")
    lab.sh("timeout", "-k", "5", "60", "nmap", "-n", "-Pn", "-sT", "-p", "8080", lab.SERVER4,
           namespace=lab_.client, check=False)
    lab.wait_until(lambda: daemon.verdict(lab.CLIENT4)["found"], "nmap -sT connected", 20)
    verdict = daemon.verdict(lab.CLIENT4)
    assert "scanner" not in verdict["flags"] and verdict["os"]["family"] == "Linux", verdict


if __name__ == "__main__":
    lab.run(tools, connect_scan)
