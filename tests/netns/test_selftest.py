#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`synprint selftest`: all is well on a healthy system, and what is broken is said in plain words."""
import json
import re
import signal
import socket
import socketserver
import threading
from types import SimpleNamespace

import lab
import stall


def selftest(lab_, daemon, *options):
    done = lab.sh(lab.SYNPRINT, "--socket", daemon.socket, "--config", str(daemon.config),
                  "selftest", "--json", *options, namespace=lab_.gateway, check=False)
    return done.returncode, json.loads(done.stdout or "[]"), done.stderr


def failures(results):
    return {item["check"]: item["text"] for item in results if item["result"] == "FAILED"}


def healthy(lab_):
    config = lab_.write_config(p0f=f'enabled = true; socket = "{lab_.dir / "p0f.sock"}";')
    daemon = lab_.daemon(config).start()
    code, results, _ = selftest(lab_, daemon, "--stop")
    assert code == 0 and not failures(results), results
    passed = {item["check"] for item in results if item["result"] == "ok"}
    assert passed == {"daemon", "config", "rules", "bypass", "switch", "marks", "queues", "sets", "p0f socket",
                      "a SYN", "stop"}, results
    assert not daemon.verdict("127.83.89.78")["found"], "its own SYN stays among the clients"
    text = lab.sh(lab.SYNPRINT, "--socket", daemon.socket, "--config", str(config), "selftest",
                  namespace=lab_.gateway).stdout
    assert re.search(r"^ok +a SYN +over loopback was classified: Linux ", text, re.M), text


def notes(results, check):
    return [item["text"] for item in results if item["check"] == check and item["result"] == "skipped"]


def interfaces_where_nothing_comes(lab_):
    """One that is down, one without a link, one that is well."""
    lab_.ip(lab_.gateway, """link add wan0 type veth peer name far0
        link add wan1 type veth peer name far1
        link set wan1 up""")
    daemon = lab_.daemon(lab_.write_config(rules='interfaces = [ "g0", "wan0", "wan1" ];')).start()
    code, results, _ = selftest(lab_, daemon)
    told = notes(results, "interfaces")
    assert code == 0 and len(told) == 2, results
    assert "wan0 is down" in told[0] and "'ip link set wan0 up'" in told[0] and "wan1 has no link" in told[1], told


class OldDaemon(socketserver.ThreadingUnixStreamServer):
    """In front of a daemon, whose replies it makes those of another version."""
    daemon_threads = True

    def __init__(self, path, daemon):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with socket.socket(socket.AF_UNIX) as upstream:
                    upstream.connect(str(daemon.socket))
                    replies = upstream.makefile("rb")
                    for request in self.rfile:
                        upstream.sendall(request)
                        self.wfile.write(re.sub(rb'"version":"[^"]*"', b'"version":"0.0.9"', replies.readline()))
        super().__init__(str(path), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


def a_daemon_of_another_version(lab_):
    daemon = lab_.daemon().start()
    assert not notes(selftest(lab_, daemon)[1], "version")
    lab_.adopt(OldDaemon(lab_.dir / "old.sock", daemon))
    told = notes(selftest(lab_, SimpleNamespace(socket=lab_.dir / "old.sock", config=daemon.config))[1], "version")
    assert len(told) == 1 and "is version 0.0.9, and this command" in told[0], told


def rules_that_are_about_to_return(lab_):
    daemon = lab_.daemon().start()
    lab_.nft("flush ruleset")
    code, results, _ = selftest(lab_, daemon)
    assert code == 0 and not failures(results), results


def without_a_daemon(lab_):
    daemon = lab_.daemon()
    code, results, said = selftest(lab_, daemon)
    assert code == 3 and not results and "synprintd is not running" in said, (code, said)


def a_stopped_daemon(lab_):
    daemon = lab_.daemon().start()
    daemon.kill(signal.SIGSTOP)
    code, results, _ = selftest(lab_, daemon)
    daemon.kill(signal.SIGCONT)
    assert code == 1 and "does not answer" in failures(results)["daemon"], results


def a_worker_that_stands_still(lab_):
    daemon = lab_.daemon().start()
    with stall.Stalled(daemon.process.pid, "queue 0"):
        code, results, _ = selftest(lab_, daemon)
    assert code == 1, results
    assert "a worker of synprintd stands still" in failures(results)["switch"], results


def a_set_of_the_wrong_type(lab_):
    lab_.nft("add table inet mine\nadd set inet mine them4 { type ether_addr; flags timeout; }")
    config = lab_.write_config(['nftset = "them"; table = "inet mine";'])
    daemon = lab_.daemon(config).start()
    _, results, _ = selftest(lab_, daemon)
    assert [item["check"] for item in results if "take" in item["text"]] == ["set"], results
    assert daemon.stop() == 0
    daemon = lab_.daemon(lab_.write_config(['nftset = "them"; table = "inet mine";',
                                            'nftset = "good";'])).start()
    code, results, _ = selftest(lab_, daemon)
    assert code == 1 and set(failures(results)) == {"set"}, results
    assert "inet mine them4/them6 takes no elements: nft set them4 must have" in failures(results)["set"], results
    assert any(item["text"] == "1 take elements" for item in results), results


def rules_of_somebody_else(lab_):
    """Somebody takes the SYNs before us."""
    lab_.nft("add table inet early\nadd chain inet early c "
             "{ type filter hook prerouting priority -300; policy accept; }\n"
             "add rule inet early c ip saddr 127.0.0.0/8 tcp flags syn drop")
    daemon = lab_.daemon().start()
    code, results, _ = selftest(lab_, daemon)
    assert code == 1 and "was not seen" in failures(results)["a SYN"], results


if __name__ == "__main__":
    lab.run((healthy, a_stopped_daemon, a_worker_that_stands_still, rules_of_somebody_else),
            (a_set_of_the_wrong_type, a_daemon_of_another_version, interfaces_where_nothing_comes,
             rules_that_are_about_to_return), without_a_daemon)
