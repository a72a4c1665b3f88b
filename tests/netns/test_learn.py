#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Learning: counted once a client, kept over a restart, picked up by a reload; liars are kept out,
and nothing is learned from few;
memory and file are bounded; a damaged file is put aside and never keeps the daemon from starting."""
import json
import re
import socket

import forger
import lab
import traffic

LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
WINDOWS = ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
           "Chrome/120.0.0.0 Safari/537.36")


def prepare(lab_, shapes=64):
    lab_.adopt(traffic.Server(lab_.server))
    path = lab_.dir / "state" / "learned.db"
    config = lab_.write_config(learn=f'enabled = true; file = "{path}"; max_shapes = {shapes};')
    return path, lab_.daemon(config).start()


def learn(daemon, ip, port, user_agent):
    reply = daemon.request({"op": "learn", "ip": ip, "port": port, "user_agent": user_agent})
    assert reply["ok"], reply
    assert reply["learned"] == (reply["result"] == "counted"), reply
    return reply["result"]


VOTERS = 12  # ten of five networks are needed, and two networks may be taken for one


def visit(lab_, number):
    ip = lab.source4(number << 8 | 1)  # each in a /24 of its own
    return ip, traffic.connect(lab_.client, lab.SERVER4, ip)


def signatures(path):
    return [line for line in path.read_text().splitlines() if line.startswith("sig =")]


def counted_kept_and_used(lab_):
    path, daemon = prepare(lab_)
    first, second = visit(lab_, 1), visit(lab_, 2)
    assert learn(daemon, *first, WINDOWS) == "lie"
    assert learn(daemon, *first, "curl/8.0") == "no claim"
    assert learn(daemon, "192.0.2.9", 5, LINUX) == "not kept"
    assert learn(daemon, *first, LINUX) == "counted"
    assert learn(daemon, *first, LINUX) == "voted"
    done = daemon.cli("learn", second[0], "--port", str(second[1]), "--user-agent", LINUX)
    assert done.stdout == "learned\n", done
    for text, ip, port, user_agent in (
            ("voted: this client, .* counts once; nothing is to be done", *second, LINUX),
            ("no claim: the User-Agent names no system .*", *first, "curl/8.0"),
            ("lie: by the databases .* a signature .* makes it known", *first, WINDOWS),
            ("not kept: no SYN from that address and port .* raise clients.recent", "192.0.2.9", 5, LINUX)):
        done = daemon.cli("learn", ip, "--port", str(port), "--user-agent", user_agent, check=False)
        assert done.returncode == 1 and re.fullmatch(f"{text}\n", done.stdout), done
    base = daemon.status()["database"]["signatures"]
    assert daemon.request({"op": "reload"})["ok"]
    assert daemon.status()["database"]["signatures"] == base, "two clients are nobody"
    for number in range(3, VOTERS + 1):
        assert learn(daemon, *visit(lab_, number), LINUX) == "counted"
    assert daemon.request({"op": "reload"})["ok"]
    assert daemon.status()["database"]["signatures"] == base + 1, daemon.status()
    line, = signatures(path)
    assert line.endswith(f"@ {VOTERS * 0.4:g}"), line
    assert daemon.stop() == 0

    daemon = lab_.daemon(daemon.config).start()
    assert daemon.status()["database"]["signatures"] == base + 1
    assert learn(daemon, *visit(lab_, 100), LINUX) == "counted"
    assert daemon.stop() == 0
    assert signatures(path)[0].endswith(f"@ {(VOTERS + 1) * 0.4:g}"), path.read_text()
    assert [file.name for file in path.parent.iterdir()] == ["learned.db"]
    assert "198.18." not in path.read_text()
    done = lab.sh(lab.SYNPRINT, "db", "check", str(path))
    assert "1 signatures, good" in done.stdout, done


def a_damaged_file_is_put_aside(lab_):
    path, daemon = prepare(lab_)
    assert daemon.stop() == 0
    path.parent.mkdir(exist_ok=True)
    path.write_text("[tcp:request]\nlabel = s:unix:Linux:learned\nsig = torn")
    daemon = lab_.daemon(daemon.config).start()
    assert f"{path}:3:7: " in daemon.log() and "what was learned is not used" in daemon.log()
    assert not path.exists() and path.with_name("learned.db.damaged").exists()
    for number in range(VOTERS):
        assert learn(daemon, *visit(lab_, number), LINUX) == "counted"
    assert daemon.stop() == 0 and len(signatures(path)) == 1


def off_by_default_and_only_for_root(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(control='mode = "0666";')).start()
    ip, port = visit(lab_, 1)
    request = {"op": "learn", "ip": ip, "port": port, "user_agent": LINUX}
    reply = daemon.request(request)
    assert not reply["ok"] and reply["error"]["code"] == "not_supported", reply
    lab_.dir.chmod(0o755)
    done = lab.sh("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                  "socat", "-t5", "-", f"UNIX-CONNECT:{daemon.socket}",
                  stdin=json.dumps(request) + "\n", check=False)
    reply = json.loads(done.stdout or "null")
    assert reply and reply["error"]["code"] == "forbidden", done


def a_forged_syn_teaches_nothing(lab_):
    """Whoever guesses a client's port sends his own SYN before it."""
    _, daemon = prepare(lab_)
    forged = forger.Forger(lab_)
    victim, port = lab.source4(1), 40000
    forged.syn(victim, lab.SERVER4, port, "nmap")
    lab.wait_until(lambda: daemon.verdict(victim, port)["found"], "the forged SYN was seen")
    before = daemon.received()
    with lab.inside(lab_.client):
        client = socket.socket()
    client.bind((victim, port))
    client.settimeout(10)
    client.connect((lab.SERVER4, lab.PORT))
    lab.wait_until(lambda: daemon.received() > before, "and the client's own")
    assert learn(daemon, victim, port, LINUX) == "disputed"
    done = daemon.cli("learn", victim, "--port", str(port), "--user-agent", LINUX, check=False)
    assert done.stdout.startswith("disputed: several SYNs came from that port, "), done
    assert learn(daemon, *visit(lab_, 2), LINUX) == "counted"


if __name__ == "__main__":
    lab.run(a_forged_syn_teaches_nothing, counted_kept_and_used, a_damaged_file_is_put_aside,
            off_by_default_and_only_for_root)
