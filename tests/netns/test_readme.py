#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The README's examples for policy components do what they say: taken from it as they are, but for
the socket's path and the addresses."""
import re
import shutil
import subprocess
import sys
import textwrap

import lab
import traffic

README = (lab.ROOT / "README.md").read_text()
HAPROXY = """
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 5s
frontend web
    bind 198.51.100.1:8081
    http-request lua.synprint
    http-request deny if { var(txn.synprint_flags) -m sub scanner }
    http-request return status 200 content-type text/plain lf-string "%[var(txn.synprint_os)]"
"""


def example(beginning):
    """The indented block of the README that begins so."""
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", README, re.M)
    return next(textwrap.dedent(block) for block in blocks
                if textwrap.dedent(block).lstrip().startswith(beginning))


def for_lab(text, daemon):
    return text.replace("/run/synprint/control.sock", daemon.socket)


def python_example(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    port = traffic.connect(lab_.client, lab.SERVER4)
    code = for_lab(example("import json, socket"), daemon)
    code = code.replace("203.0.113.7", lab.CLIENT4).replace("40122", str(port))
    done = subprocess.run([sys.executable, "-c", code + "\nprint(verdict['os']['class'])"],
                          capture_output=True, text=True, check=True)
    assert done.stdout == "Linux\n", done


def shell_example(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    command = for_lab(example("echo '{\"op\":\"subscribe\""), daemon)
    with subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, text=True,
                          start_new_session=True) as shell:
        lab.wait_until(lambda: daemon.status()["control"]["subscribers"] == 1, "it subscribes")
        lab.sh("hping3", "-S", "-c", "1", "-p", "8080", lab.SERVER4, namespace=lab_.client,
               check=False)
        line = shell.stdout.readline()
        daemon.stop()
        shell.wait(timeout=20)
    assert line.startswith(f"{lab.CLIENT4} hping") and "scanner" in line, line


def nftables_example(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    text = example("publish: { sets = ( { mark")
    sets = re.search(r"sets = \((.*)\); };", text)[1]
    lab_.daemon(lab_.write_config([rule.strip(" {}") for rule in sets.split("}, {")],
                                  rules="conntrack = true;")).start()
    for line in re.findall("^nft .*", text, re.M):
        lab.sh("sh", "-c", line, namespace=lab_.gateway)
    traffic.connect(lab_.client, lab.SERVER4)
    lab.sh("hping3", "-S", "-c", "1", "-p", "8080", lab.SERVER4, namespace=lab_.client,
           check=False)
    listed = lab.sh("nft", "list", "chain", "inet", "synprint", "site",
                    namespace=lab_.gateway).stdout
    assert re.search(r"0x00010000 counter packets 1 .*drop", listed), listed


def declared_sets(lab_):
    """What is in the administrator's file before synprintd is; it is filled, and stays."""
    lab_.adopt(traffic.Server(lab_.server))
    lab_.nft(example("table inet synprint {"))
    before = lab_.snapshot(stateless=True)
    daemon = lab_.daemon(lab_.write_config(['nftset = "vpn"; confirm = "served"'], rules="conntrack = true;")).start()
    lab.sh("ip", "route", "replace", "default", "via", "198.51.100.1", "advmss", "1380", namespace=lab_.client)
    traffic.connect(lab_.client, lab.SERVER4)
    lab.wait_until(lambda: lab.CLIENT4 in lab_.elements("vpn4"), "a client of a VPN is in the set")
    daemon.stop()
    lab_.nft("flush set inet synprint vpn4")
    lab_.expect_snapshot(before, "the administrator's table", stateless=True)


def haproxy_example(lab_):
    if not shutil.which("haproxy"):
        raise lab.Skip("haproxy is not installed")
    daemon = lab_.daemon().start()
    lua = lab_.dir / "synprint.lua"
    lua.write_text(for_lab(example("core.register_action"), daemon))
    config = lab_.dir / "haproxy.cfg"
    # The group of its own, as README says, is all that it has besides.
    config.write_text(f"global\n    user nobody\n    group root\n    lua-load {lua}\n{HAPROXY}")
    lab_.dir.chmod(0o755)
    with subprocess.Popen(["ip", "netns", "exec", lab_.gateway, "haproxy", "-f",
                           str(config)]) as haproxy:
        try:
            lab.wait_until(lambda: ask(lab_).returncode == 0, "HAProxy answers")
            assert ask(lab_).stdout.startswith("Linux"), ask(lab_)
        finally:
            haproxy.terminate()


def ask(lab_):
    return lab.sh("curl", "-s", "-m", "5", "http://198.51.100.1:8081/", namespace=lab_.client,
                  check=False)


if __name__ == "__main__":
    lab.run(python_example, shell_example, nftables_example, declared_sets, haproxy_example)
