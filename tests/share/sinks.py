#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every sink, with those who read it: jq, curl, journalctl with a journald of its own, CrowdSec's local
API as Debian ships it. Part of make check-share."""
import json
import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fleet import NMAP, SHARE, Fleet, Process, close, lab, suspect
from lab import figure, sh, wait_until

lab.Lab.build = lambda self: None
CROWDSEC = Path(os.environ.get("CROWDSEC", lab.BUILD / "crowdsec")).resolve()
QUERIES = {"synprint": ".ip", "eve": ".src_ip", "ecs": ".source.ip"}


class Follower:
    """Reads a file that rotates as a log shipper does, each one to its end and then the next, and
    hands every line to jq."""

    def __init__(self, path, query):
        self.path = path
        self.jq = subprocess.Popen(["jq", "--unbuffered", "-r", query], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.seen, self.rotations, self.must_stop = [], 0, False
        self.threads = [threading.Thread(target=target, daemon=True)
                        for target in (self.read, self.listen)]
        for thread in self.threads:
            thread.start()

    def next_of(self, file):
        """The file that was made after this one, if there is one: PATH, PATH.1, PATH.2 ..."""
        newer = None
        for number in range(100):
            name = Path(f"{self.path}.{number}") if number else self.path
            try:
                if name.stat().st_ino == os.fstat(file.fileno()).st_ino:
                    return newer
                newer = open(name, "rb")
            except FileNotFoundError:
                return None  # between two names: look again
        return newer

    def read(self):
        file = open(self.path, "rb")
        while True:
            newer = self.next_of(file)  # looked for first: what is older has ended by then
            while data := file.read(1 << 20):
                self.jq.stdin.write(data.decode())
                self.jq.stdin.flush()
            if newer:
                file, self.rotations = newer, self.rotations + 1
            elif self.must_stop:
                break
            time.sleep(0.002)
        self.jq.stdin.close()

    def listen(self):
        for line in self.jq.stdout:
            self.seen.append(line.strip())

    def stop(self):
        self.must_stop = True
        for thread in self.threads:
            thread.join()
        return self.jq.wait()


def read_along(fleet, path, query, wanted):
    """Return: what jq has read, of how many files; what synprintd had to leave out is counted."""
    follower, one = Follower(path, query), fleet.gateways[0]
    one.inject(range(len(wanted)), 5000)
    wait_until(lambda: wanted <= set(follower.seen) or one.metric("missed_total"), "jq has read all", 200)
    one.wait_for_figures()
    assert follower.stop() == 0, follower.seen[-5:]
    files = sorted(path.parent.glob("events.json*"))
    out = subprocess.run(["jq", "-r", query, *map(str, files)], capture_output=True, text=True)
    seen = set(follower.seen)
    assert out.returncode == 0 and set(out.stdout.split()) == seen <= wanted, out.stderr
    assert len(wanted - seen) <= one.metric("missed_total"), len(wanted - seen)
    return seen, follower.rotations + 1


def events_into_a_file(lab_):
    """jq reads along while the file rotates under 5,000 events a second. Where this machine is so busy
    that synprintd leaves events out, and says how many, it is tried again."""
    path, wanted = lab_.dir / "events.json", {suspect(n) for n in range(25000)}
    for form, query in QUERIES.items():
        for _ in range(4):
            fleet = Fleet(lab_, brokers=1, gateways=1, has_tls=False,
                          more=f'sinks = ( {{ kind = "file"; path = "{path}"; form = "{form}"; '
                               f'syns = true; max_mb = 1; keep = 99; }} );')
            wait_until(path.exists, "the file is there")
            seen, files = read_along(fleet, path, query, wanted)
            close(lab_)
            if seen == wanted:
                break
        assert seen == wanted and files >= 4, (len(seen), files)
        figure(f"{form}: 25,000 events at 5,000/s into {files} files, jq read along: none lost, none torn")


def logrotate_renames_it(lab_):
    """Who renames the file himself sends SIGHUP."""
    path = lab_.dir / "events.json"
    fleet = Fleet(lab_, brokers=1, gateways=1, has_tls=False,
                  more=f'sinks = ( {{ kind = "file"; path = "{path}"; }} );')
    one = fleet.gateways[0]
    one.inject(range(100))
    wait_until(lambda: len(path.read_text().splitlines()) == 100, "the first hundred are there")
    path.rename(f"{path}.old")
    one.share.kill(signal.SIGHUP)
    wait_until(path.exists, "it is opened anew")
    one.inject(range(100, 200))
    wait_until(lambda: len(path.read_text().splitlines()) == 100, "the next hundred are in a new file")
    assert len(Path(f"{path}.old").read_text().splitlines()) == 100


def a_list(lab_):
    """Who pulls lists sees a whole one at any time."""
    path = lab_.dir / "www" / "list.txt"
    path.parent.mkdir()
    fleet = Fleet(lab_, brokers=1, gateways=1, has_tls=False,
                  more=f'sinks = ( {{ kind = "list"; path = "{path}"; flags = [ "scanner" ]; expiry = "1h"; }} );')
    server = lab_.adopt(Process(["python3", "-m", "http.server", "8000", "--bind", "127.0.0.1",
                                 "--directory", str(path.parent)], fleet.hub, lab_.dir / "http.log"))
    wanted = {suspect(n) for n in range(500)}
    fleet.gateways[0].inject(range(500))

    def fetched():
        text = sh("curl", "-sf", "http://127.0.0.1:8000/list.txt", namespace=fleet.hub, check=False).stdout
        assert not text or text.endswith("\n") and set(text.split()) <= wanted, "a whole list"
        return set(text.split())
    wait_until(lambda: fetched() == wanted, "the list has 500 addresses")
    server.close()


# Its own journald, in a mount namespace of its own; it dies with synprint-share.
JOURNAL = r"""mount --make-rprivate / && mount -t cgroup2 none /sys/fs/cgroup && mount -t tmpfs none /run/log && mkdir -p /run/systemd &&
mount -t tmpfs none /run/systemd && mkdir -p /run/systemd/journal /run/systemd/journald.conf.d &&
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nForwardToSyslog=no\nRateLimitBurst=0\n' \
    >/run/systemd/journald.conf.d/test.conf
for path in /lib/systemd/systemd-journald /usr/lib/systemd/systemd-journald; do
    test -x $path && { setpriv --pdeathsig KILL $path & break; }
done
until test -S /run/systemd/journal/socket; do sleep .05; done
exec "$@"
"""


def the_journal(lab_):
    """journalctl finds events by their fields."""
    fleet = Fleet(lab_, brokers=1, gateways=1, has_tls=False,
                  more='sinks = ( { kind = "journal"; flags = [ "scanner" ]; } );')
    one = fleet.gateways[0]
    one.share.stop()
    hide = 'mkdir -p /run/systemd && mount -t tmpfs none /run/systemd && exec "$@"'
    one.share = lab_.adopt(Process(["unshare", "-m", "sh", "-c", hide, "sh", SHARE, "-c",
                                    str(one.share_config)], one.namespace, lab_.dir / "nobody.log"))
    wait_until(lambda: "connected" in one.share.log(), "it is connected")
    one.inject([900])
    wait_until(lambda: "the journal takes no events" in one.share.log(), "it is told that there is no journal")
    one.share.stop()
    one.share = lab_.adopt(Process(["unshare", "-m", "bash", "-c", JOURNAL, "journal", SHARE, "-c",
                                    str(one.share_config)], one.namespace, lab_.dir / "journal.log"))
    wait_until(lambda: "connected" in one.share.log(), "it is connected")

    def entries(*matches):
        out = sh("nsenter", f"--mount=/proc/{one.share.process.pid}/ns/mnt", "journalctl", "-o", "json",
                 "--no-pager", *matches, check=False).stdout
        return [json.loads(line) for line in out.splitlines()]
    one.inject(range(200))
    wait_until(lambda: len(entries("SYNPRINT_FLAGS=scanner", "SYNPRINT_EVENT=new")) == 200,
               "journalctl finds all 200")
    found = entries(f"SYNPRINT_IP={suspect(7)}")
    assert len(found) == 1, found
    entry = found[0]
    for key, value in (("SYSLOG_IDENTIFIER", "synprint"), ("PRIORITY", "6"), ("SYNPRINT_EVENT", "new"),
                       ("SYNPRINT_FLAGS", "scanner"), ("_TRANSPORT", "journal")):
        assert entry[key] == value, entry
    assert entry["MESSAGE"].startswith(f"{suspect(7)} new: "), entry
    assert entry["SYNPRINT_PORT"] == str(1024 + 7) and float(entry["SYNPRINT_CONFIDENCE"]) > 0, entry


class Crowdsec:
    """The local API of Debian's package, unpacked and not installed: it registers nowhere."""
    KEY = "a-bouncers-key"

    def __init__(self, lab_, namespace):
        self.lab, self.namespace, self.dir = lab_, namespace, lab_.dir / "crowdsec"
        (self.dir / "hub").mkdir(parents=True)
        for name in ("profiles.yaml", "simulation.yaml"):
            (self.dir / name).write_bytes((CROWDSEC / "etc/crowdsec" / name).read_bytes())
        for name, text in (("hub/.index.json", "{}"), ("acquis.yaml", ""),
                           ("local.yaml", "url: http://127.0.0.1:8080\nlogin: none\npassword: none\n"),
                           ("config.yaml", self.config())):
            (self.dir / name).write_text(text)
        self.cscli("machines", "add", "gw1", "--password", "secret", "-f", str(self.dir / "local.yaml"))
        self.cscli("bouncers", "add", "fleet", "-k", self.KEY)
        self.start()

    def config(self):
        d = self.dir
        return f"""
common: {{ daemonize: false, log_media: stdout, log_level: warning, working_dir: . }}
config_paths: {{ config_dir: {d}, data_dir: {d}, simulation_path: {d}/simulation.yaml, hub_dir: {d}/hub,
    index_path: {d}/hub/.index.json, notification_dir: {d}, plugin_dir: {d} }}
crowdsec_service: {{ acquisition_path: {d}/acquis.yaml, parser_routines: 1 }}
db_config: {{ log_level: info, type: sqlite, db_path: {d}/crowdsec.db, use_wal: true }}
api:
  client: {{ credentials_path: {d}/local.yaml }}
  server: {{ listen_uri: 127.0.0.1:8080, profiles_path: {d}/profiles.yaml, trusted_ips: [ 127.0.0.1 ] }}
prometheus: {{ enabled: false }}
"""

    def cscli(self, *arguments):
        return sh(str(CROWDSEC / "usr/bin/cscli"), "-c", str(self.dir / "config.yaml"), *arguments,
                  namespace=self.namespace).stdout

    def start(self):
        self.process = self.lab.adopt(Process(
            [str(CROWDSEC / "usr/bin/crowdsec"), "-c", str(self.dir / "config.yaml"), "-no-cs"],
            self.namespace, self.lab.dir / "crowdsec.log"))
        wait_until(lambda: self.stream() is not None, "the local API answers", 30)

    def stream(self):
        """What a bouncer gets at its start. Each time the API writes that down: not too often."""
        time.sleep(0.5)
        out = sh("curl", "-sf", "-H", f"X-Api-Key: {self.KEY}", namespace=self.namespace, check=False,
                 *["http://127.0.0.1:8080/v1/decisions/stream?startup=true"])
        return json.loads(out.stdout)["new"] or [] if out.returncode == 0 else None

    def listed(self):
        alerts = json.loads(self.cscli("decisions", "list", "-o", "json", "-l", "0") or "null") or []
        return [decision for alert in alerts for decision in alert["decisions"]]


def crowdsec_gets_decisions(lab_):
    """Its own list, and a bouncer's stream."""
    password = lab_.dir / "password"
    password.write_text("secret\n")
    fleet = Fleet(lab_, brokers=1, gateways=1, has_tls=False,
                  more=f'sinks = ( {{ kind = "crowdsec"; url = "http://127.0.0.1:8080"; machine = "gw1"; '
                       f'password_file = "{password}"; flags = [ "scanner" ]; expiry = "4h"; }} );')
    one = fleet.gateways[0]
    crowdsec = Crowdsec(lab_, one.namespace)
    one.inject(range(600))
    wait_until(lambda: len(crowdsec.stream()) >= 600, "a bouncer gets 600", 60)
    decisions = crowdsec.stream()
    assert {d["value"] for d in decisions} == {suspect(n) for n in range(600)}
    assert all(d["type"] == "ban" and d["scope"] == "Ip" and d["origin"] == "crowdsec" and
               d["scenario"] == "synprint/scanner" and d["duration"].startswith("3h") for d in decisions)
    assert len(crowdsec.listed()) == 600
    one.send(range(600), 5000, NMAP, {})  # they are known, and known there
    crowdsec.process.kill()
    one.inject(range(600, 700))
    time.sleep(2)  # the first batch fails meanwhile
    crowdsec.start()
    wait_until(lambda: len(crowdsec.stream()) >= 700, "what came while it was away comes later", 60)
    assert len(crowdsec.listed()) == 700, "nothing twice"
    figure("CrowdSec of Debian: 700 decisions in its list and in a bouncer's stream, none twice, 100 of "
           "them while it was away")


def examples_for_shippers(_):
    """Debian has neither Vector nor Fluent Bit: their examples are whole, and read one and the same file."""
    folder = lab.CONF / "examples/events"
    vector = tomllib.loads((folder / "vector.toml").read_text())
    names = set(vector["sources"]) | set(vector["transforms"])
    for part in (*vector["transforms"].values(), *vector["sinks"].values()):
        assert set(part["inputs"]) <= names, part
    sections = {}
    for line in (folder / "fluent-bit.conf").read_text().splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line.strip() and not line.startswith("#"):
            key, value = line.split()
            section[key] = value
    assert sections["OUTPUT"]["Match"] == sections["INPUT"]["Tag"], sections
    paths = {sections["INPUT"]["Path"], *vector["sources"]["synprint"]["include"]}
    assert paths == {"/var/log/synprint/events.json"}, paths
    assert all(f'path = "{path}"' in file.read_text() for file in folder.iterdir() for path in paths)


if __name__ == "__main__":
    lab.run(events_into_a_file, logrotate_renames_it, a_list, the_journal, crowdsec_gets_decisions,
            examples_for_shippers)
