#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""`explain` adds up to the verdict; `unknown` counts what nothing looks like, as a database that
loads; `classify.priors` move verdicts."""
import json

import lab
import packets
import traffic


def check_sum(reply):
    steps = reply["explain"]["steps"]
    assert steps and steps[0]["step"] == "prior", reply
    total = sum(round(1000 * step["change"]) for step in steps)
    assert total == round(1000 * reply["os"]["confidence"]), reply
    assert reply["explain"]["class"] == reply["os"]["class"], reply


def explained(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    port = traffic.connect(lab_.client, lab.SERVER4)
    reply = daemon.request({"op": "explain", "ip": lab.CLIENT4, "port": port})
    assert reply["ok"] and reply["found"] and reply["exact"], reply
    check_sum(reply)
    assert reply["explain"]["bestNGuesses"][0]["score"] <= 10, reply
    assert reply["explain"]["avgScoreOsClass"]["Linux"].startswith("avg="), reply
    assert reply["explain"]["link"]["window"]["origins"], reply
    verdict = daemon.verdict(lab.CLIENT4, port)
    assert verdict["os"] == reply["os"] and verdict["flags"] == reply["flags"], (verdict, reply)
    text = daemon.cli("explain", lab.CLIENT4, "--port", str(port)).stdout
    assert f"= {reply['os']['confidence']:.3f}" in text and "prior" in text, text
    assert json.loads(daemon.cli("explain", lab.CLIENT4, "--json").stdout)["explain"], text
    assert daemon.cli("explain", "192.0.2.77", check=False).returncode == 1


def unknown_is_counted(lab_):
    daemon = lab_.daemon().start()
    send_odd(lab_)
    reply = lab.wait_until(lambda: seen_unknown(daemon), "unknown SYNs are counted")
    assert reply["syns"] == 5 and reply["evicted"] == 0, reply
    assert [entry["count"] for entry in reply["unknown"]] == [3, 2], reply
    text = daemon.cli("unknown").stdout
    assert lab.CLIENT4 not in text and "198.18." not in text, text
    path = lab_.dir / "unknown.db"
    path.write_text(text)
    checked = lab.sh(lab.SYNPRINT, "db", "check", str(path)).stdout
    assert checked.startswith(f"{path}: 2 signatures"), checked


def seen_unknown(daemon):
    reply = daemon.request({"op": "unknown"})
    assert reply["ok"], reply
    return reply["syns"] >= 5 and reply


def send_odd(lab_):
    """Three SYNs of one shape from different addresses and TTLs, two of another."""
    odd = b"\xfd\x04ab\xfc\x04cd"
    wire, gateway = packets.Wire(lab_.client, "c0"), packets.Wire(lab_.gateway, "g0")
    for number, window in enumerate((3, 3, 3, 5, 5)):
        source = lab.source4(1 + number)
        segment = packets.tcp(source, lab.SERVER4, 20000 + number, options=odd, window=window,
                              urgent=7)
        wire.send(packets.ipv4(source, lab.SERVER4, segment, ttl=60 - number), gateway.mac)
    wire.close()
    gateway.close()


def priors_move_verdicts(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    shares = []
    for weight in ("1.0", "1000000"):
        config = lab_.write_config(classify=f"priors: {{ FreeBSD = {weight}; }};")
        daemon = lab_.daemon(config).start()
        port = traffic.connect(lab_.client, lab.SERVER4)
        reply = daemon.request({"op": "explain", "ip": lab.CLIENT4, "port": port})
        shares.append(reply["os"]["confidence"] if reply["os"]["class"] == "Linux" else 0)
        assert daemon.stop() == 0
    assert shares[1] < shares[0], shares
    config = lab_.write_config(classify="priors: {\nNoSuch = 1; };")
    done = lab.sh(lab.SYNPRINTD, "-t", "-c", str(config), check=False)
    assert done.returncode == 4 and f"{config}:" in done.stderr and "NoSuch" in done.stderr, done


if __name__ == "__main__":
    lab.run(explained, unknown_is_counted, priors_move_verdicts)
