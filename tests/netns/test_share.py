#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two gateways and a broker: what one sees, the other knows; the long version is make check-share."""
import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "share"))
import lab
import traffic
from fleet import EXAMPLES, LINUX, MOSQUITTO, SHARE, Fleet, Process, suspect
from lab import wait_until

lab.Lab.build = lambda self: None


def what_one_sees_the_other_knows(lab_):
    fleet = Fleet(lab_)
    one, two = fleet.gateways
    one.inject(range(20))
    wait_until(lambda: two.set_size() == 20, "twenty suspects of gw1 are in a set of gw2")
    reply = two.verdict(suspect(7))
    assert not reply["found"], reply
    assert reply["reported"][0]["origin"] == "gw1", reply
    assert reply["reported"][0]["flags"] == ["scanner"], reply
    assert one.set_size() == 0, "what we say ourselves is no report"
    assert two.daemon.status()["clients"]["used"] == 0, "hearsay is no client"
    one.textfile.write_text("figures of before\n")
    assert one.share.stop() == 0
    assert not one.textfile.exists(), "a stop leaves no old figures"


def one_that_withdraws_or_goes_away(lab_):
    fleet = Fleet(lab_, has_tls=False, min_origins=2, gateways=3)
    one, two, three = fleet.gateways
    one.inject([1])
    wait_until(lambda: three.reports() == 1, "gw3 knows what gw1 says")
    assert three.set_size() == 0, "one voice of two"
    two.inject([1])
    wait_until(lambda: three.set_size() == 1, "two voices of two")
    two.daemon.stop()
    two.start_daemon()
    two.daemon.request({"op": "report", "ip": "192.0.2.1", "origin": "x", "left_s": 5})
    three.daemon.stop()
    three.start_daemon()
    wait_until(lambda: three.set_size() == 1, "a daemon that was restarted is told again")


def a_client_that_turns_honest(lab_):
    """Told when a handshake has confirmed it, and taken back when the next one shows something else; a
    SYN alone does neither."""
    fleet = Fleet(lab_, has_tls=False, publish='{ flags = [ "vpn" ]; confirm = "served"; }',
                  daemon_more="rules: { conntrack = true; };")
    one, two = fleet.gateways
    client, route = suspect(7), f"route change {one.address}/32 dev h1"
    lab_.ip(fleet.hub, f"""addr add {client}/32 dev lo
        route add {one.address}/32 dev h1 advmss 1380""")
    server = lab_.adopt(traffic.Server(one.namespace))
    tunnel = (65535, bytes.fromhex("020405640402080a000000010000000001030307"))
    one.send([8], 100, tunnel, {})
    traffic.connect(fleet.hub, one.address, client, lab.PORT)
    wait_until(lambda: "reported" in two.verdict(client), "gw2 knows who came through a tunnel")
    assert two.reports() == 1, "a SYN alone is not told"
    lab_.ip(fleet.hub, f"{route} advmss 1460")
    one.send([7], 100, LINUX, {})
    wait_until(lambda: one.verdict(client)["newer_differs"], "gw1 has seen an honest SYN")
    assert two.reports() == 1, "a SYN alone takes nothing back"
    traffic.connect(fleet.hub, one.address, client, lab.PORT)
    wait_until(lambda: "reported" not in two.verdict(client), "gw2 knows that it does not any more")
    server.close()


def a_message_that_is_too_long(lab_):
    """From a member of a broker that limits nothing: it ends the connection, and not us."""
    if lab.BUILD.name in ("san", "tsan"):
        return  # sanitizers have an allocator of their own
    fleet = Fleet(lab_, has_tls=False)
    one, two = fleet.gateways
    broker = fleet.brokers[0]
    broker.kill()
    broker.config.write_text(broker.config.read_text().replace("message_size_limit 4096\n", ""))
    broker.start()
    big = fleet.dir / "big"
    with open(big, "wb") as file:
        file.truncate(140 << 20)
    wait_until(lambda: two.share.log().count("connected") == 2, "it is connected again", 30)
    done = fleet.mqtt("mosquitto_pub", "-t", "synprint/v1/gw1/s/0001", "-f", str(big))
    assert done.returncode == 0, done.stderr
    big.unlink()
    wait_until(lambda: two.share.log().count("connection lost") >= 2, "it ended the connection", 30)
    one.inject([1])
    # The broker says nothing to anybody while it is at work on so much.
    wait_until(lambda: two.reports() == 1, "it is there, and hears what comes", 120)
    status = Path(f"/proc/{two.share.process.pid}/status").read_text()
    assert int(re.search(r"VmHWM:\s+(\d+)", status)[1]) < 140 << 10, status


def the_examples_beside_debians_own(lab_):
    """In conf.d, where the first lines say they go; Debian's mosquitto.conf has these settings."""
    fleet = Fleet(lab_, brokers=0, gateways=0, has_tls=False)
    fleet.make_certificates(1)
    folder = fleet.dir / "conf.d"
    folder.mkdir()
    for name in ("synprint.conf", "mesh.conf"):
        text = (EXAMPLES / name).read_text().replace("/etc/mosquitto/certs", str(fleet.dir))
        (folder / name).write_text(text.replace("/etc/mosquitto", str(EXAMPLES))
                                   .replace("gw2.example", "192.0.2.2"))
    config = fleet.dir / "mosquitto.conf"
    config.write_text(f"pid_file {fleet.dir}/pid\npersistence true\npersistence_location {fleet.dir}/\n"
                      f"log_dest stderr\nuser root\ninclude_dir {folder}\n")
    broker = lab_.adopt(Process([MOSQUITTO, "-c", str(config)], fleet.hub, fleet.dir / "debian.log"))
    wait_until(lambda: "running" in broker.log() or broker.process.poll(), "it runs", 20)
    assert broker.process.poll() is None, broker.log()


def expect_bad_files(fleet):
    """-t and a start find them, before a broker does."""
    cases = {("no", "gw1.crt", "gw1.key"): "No such file", ("gw1.key", "gw1.crt", "gw1.key"): "no certificate",
             ("ca.crt", "gw1.key", "gw1.key"): "no certificate", ("ca.crt", "gw1.crt", "ca.key"): "no key of",
             ("ca.crt", "gw1.crt", "gw1.key"): None}
    config = fleet.dir / "files.conf"
    for names, why in cases.items():
        files = " ".join(f'{key} = "{fleet.dir / name}";' for key, name in zip(("ca", "cert", "key"), names))
        config.write_text(f'brokers = ( {{ host = "192.0.2.1"; {files} }} );')
        done = lab.sh(SHARE, "-t", "-c", str(config), check=False)
        assert (done.returncode, why or "") == (4 if why else 0, why if why and why in done.stderr else ""), done
    config.write_text('sinks = ( { kind = "crowdsec"; url = "http://a"; machine = "a"; password_file = "/no"; } );')
    assert lab.sh(SHARE, "-c", str(config), check=False).returncode == 4
    events = f'path = "{fleet.dir}/events";'
    for text, path in ((f'metrics_textfile = "{config}";', config),
                       (f'sinks = ( {{ kind = "file"; {events} }}, {{ kind = "list"; flags = [ "vpn" ]; {events} }} );',
                        fleet.dir / "events"),
                       (f'sinks = ( {{ kind = "list"; flags = [ "vpn" ]; path = "{fleet.dir}/./gw1.key"; }} ); '
                        f'brokers = ( {{ host = "192.0.2.1"; ca = "{fleet.dir}/ca.crt"; cert = "{fleet.dir}/gw1.crt"; '
                        f'key = "{fleet.dir}/gw1.key"; }} );', f"{fleet.dir}/./gw1.key")):
        config.write_text(text)
        done = lab.sh(SHARE, "-t", "-c", str(config), check=False)
        assert done.returncode == 4 and f"{path} is to be written, and is another" in done.stderr, done
    wrong = lab.sh(SHARE, "-x", check=False)
    assert wrong.returncode == 2 and "usage: synprint-share" in wrong.stderr, wrong


def says_why_there_is_no_connection(lab_):
    """A broker that refuses, hangs, or shows a certificate that does not hold; each reason is told once."""
    fleet = Fleet(lab_, gateways=1)
    own = fleet.gateways[0].share_config.read_text()
    good = f'ca = "{fleet.dir}/ca.crt"; cert = "{fleet.dir}/gw1.crt"; key = "{fleet.dir}/gw1.key";'
    fleet.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-keyout", f"{fleet.dir}/other.key", "-out", f"{fleet.dir}/other.crt", "-days", "2",
                  "-subj", "/CN=other")
    lab_.ip(fleet.hub, "addr add 10.99.0.1/32 dev lo")
    broker = fleet.brokers[0]
    broker.kill()
    broker.config.write_text(broker.config.read_text().replace(broker.address, "0.0.0.0"))
    broker.start()
    cases = {
        "Connection refused": ("10.77.0.1", 8999, ""),
        "its certificate: self": ("10.77.0.1", 8883, good.replace("ca.crt", "other.crt")),
        "host name verification failed": ("10.99.0.1", 8883, good),
    }
    expect_bad_files(fleet)
    shares = {}
    for number, (why, (host, port, tls)) in enumerate(cases.items()):
        config = fleet.dir / f"why{number}.conf"
        config.write_text(re.sub(r"brokers = .*? \);",
                                 f'brokers = ( {{ host = "{host}"; port = {port}; {tls} }} );',
                                 own.replace('"gw1"', f'"why{number}"'), count=1))
        shares[why] = lab_.adopt(Process([SHARE, "-c", str(config)], fleet.gateways[0].namespace,
                                         fleet.dir / f"why{number}.log"))
    for why, share in shares.items():
        lab.wait_until(lambda w=why, s=share: w in s.log(), f"it says {why}", 20)
    time.sleep(1.5)  # it has been tried again meanwhile
    for share in shares.values():
        said = re.findall("no connection.*", share.log())
        assert all(one != two for one, two in zip(said, said[1:])), said


def crowdsec_is_told_once(lab_):
    """Also over a restart; its API is the test's (make check-share asks the real one)."""
    told, password = [], lab_.dir / "password"
    password.write_text("secret\n")

    class Api(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.extend(alert["source"]["value"] for alert in body if "source" in alert)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"token":"t"}')

        def log_message(self, *_):
            pass
    fleet = Fleet(lab_, brokers=1, gateways=1, has_tls=False,
                  more=f'sinks = ( {{ kind = "crowdsec"; url = "http://127.0.0.1:8080"; machine = "gw1"; '
                       f'password_file = "{password}"; flags = [ "scanner" ]; path = "{lab_.dir / "sent"}"; }} );')
    one = fleet.gateways[0]
    with lab.inside(one.namespace):
        server = ThreadingHTTPServer(("127.0.0.1", 8080), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    one.inject(range(20))
    wait_until(lambda: len(told) == 20, "CrowdSec is told of twenty")
    assert one.share.stop() == 0
    one.start_share()
    one.inject([20])
    wait_until(lambda: suspect(20) in told, "CrowdSec is told of one more")
    assert sorted(told) == sorted(map(suspect, range(21))), "nobody twice"
    server.shutdown()


lab.run(what_one_sees_the_other_knows,
        (one_that_withdraws_or_goes_away, a_message_that_is_too_long, says_why_there_is_no_connection),
        a_client_that_turns_honest, the_examples_beside_debians_own, crowdsec_is_told_once)
