#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Metrics: what promtool says of them, that they count what happened, that the manual names each,
and the file for node_exporter."""
import re
import shutil
import signal
import time

import lab
import traffic

PAGE = lab.ROOT / "man/synprint-control.7"


def values(text):
    return {name: float(value) for name, value in
            re.findall(r'^(\S+(?:\{[^}]*\})?) (\S+)$', text, re.M)}


def everything_on(lab_, **sections):
    return lab_.write_config(['nftset = "all"; families = [ "Linux" ];', 'ipset = "seen";'],
                             p0f=f'enabled = true; socket = "{lab_.dir / "p0f.sock"}";',
                             learn=f'enabled = true; file = "{lab_.dir / "learned.db"}";',
                             clocks="enabled = true;", queue="first = 3; count = 2;", **sections)


def counts_and_format(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(everything_on(lab_)).start()
    for destination in (lab.SERVER4, lab.SERVER4, lab.SERVER6):
        traffic.connect(lab_.client, destination)
    added = 'synprint_set_added_total{set="ipset seen4/seen6"}'
    # A SYN waits for a commit for some milliseconds, and not for longer.
    lab.wait_until(lambda: values(daemon.cli("metrics").stdout)[added] == 2, "both are in the ipset")
    text = daemon.cli("metrics").stdout
    assert daemon.request({"op": "metrics"})["ok"]
    found = values(text)
    assert found['synprint_packets_total{result="syn"}'] == 3, text
    assert found["synprint_clients"] == 2, text
    assert sum(found[f'synprint_queue_received_total{{queue="{q}"}}'] for q in (3, 4)) == 3, text
    assert found["synprint_burst_seconds_count"] >= 1, text
    assert found['synprint_burst_seconds_bucket{le="+Inf"}'] == \
        found["synprint_burst_seconds_count"], text
    assert found["synprint_publish_seconds_count"] >= 1, text
    assert 'synprint_queue_waiting{queue="3"}' in found, text
    if not shutil.which("promtool"):
        raise lab.Skip("promtool is not installed")
    said = lab.sh("promtool", "check", "metrics", stdin=text, check=False)
    assert said.returncode == 0 and not said.stdout + said.stderr, said


def the_manual_has_all_of_them(lab_):
    daemon = lab_.daemon(everything_on(lab_)).start()
    made = set(re.findall(r"^# TYPE (\S+)", daemon.cli("metrics").stdout, re.M))
    section = PAGE.read_text().split(".Sh METRICS")[1].split(".Sh ")[0]
    documented = set(re.findall(r"^\.It Cm (synprint_\w+)", section, re.M))
    assert made == documented, {"not in the manual": made - documented,
                                "only there": documented - made}


def textfile(lab_):
    path = lab_.dir / "synprint.prom"
    # Beside the configuration, and whoever reads it is another user than the daemon.
    daemon = lab_.daemon(everything_on(
        lab_, metrics='textfile = "synprint.prom"; interval = 1;')).start(
            wrapper=["sh", "-c", 'umask 077; exec "$@"', "sh"])
    lab.wait_until(path.exists, "the file is written")
    first = path.stat().st_ino
    assert path.stat().st_mode & 0o777 == 0o644, oct(path.stat().st_mode)
    end = time.monotonic() + 10
    while path.stat().st_ino == first and time.monotonic() < end:
        assert path.read_text().endswith("\n"), "it is always whole"
        assert "synprint_p0f_bad_queries_total" in path.read_text()
    assert path.stat().st_ino != first, "it is replaced"
    assert daemon.status()["ok"]

    other = lab_.dir / "other.prom"
    config = daemon.config.read_text()
    daemon.config.write_text(config.replace("synprint.prom", other.name))
    assert daemon.request({"op": "reload"})["ok"]
    lab.wait_until(lambda: not path.exists(), "the file that is not written any more is gone")
    lab.wait_until(other.exists, "the new one is written")
    assert lab_.daemon(daemon.config).start(wait=False).process.wait(30) != 0
    assert other.exists(), "who may not run takes nobody's file"
    daemon.kill(signal.SIGKILL)
    daemon.process.wait()
    assert other.exists()
    daemon.start()
    inode = other.stat().st_ino
    lab.wait_until(lambda: other.stat().st_ino != inode, "it is written again")
    assert daemon.stop() == 0 and not other.exists(), "a stop removes it"


def the_status_in_words(lab_):
    """Every member of the reply that says something is on a line of what `synprint status` prints; its
    unit is beside the number, and not in the name."""
    def shown(name, value):
        return name if isinstance(value, str) else re.sub("_(s|us|bytes)$", "", name)

    daemon = lab_.daemon(everything_on(lab_, rules='interfaces = [ "g0" ];')).start()
    text = daemon.cli("status").stdout
    for name, value in daemon.status().items():
        if name not in ("ok", "id") and value != []:
            assert re.search(rf"(^|  ){shown(name, value)}\b", text, re.M), (name, text)
            for inner, what in value.items() if isinstance(value, dict) else ():
                assert what in ("", []) or re.search(rf"^  (.*  )?{shown(inner, what)}\b", text, re.M), (name, inner, text)
    assert re.search(r"^  queue +received .*\n +\d+ +0 ", text, re.M), text
    assert not re.search(r"\w_(s|us|bytes)\b|^ *note *$", text, re.M), text
    assert re.search(r"memory +[\d.]+ MiB", text), text


if __name__ == "__main__":
    lab.run(counts_and_format, the_manual_has_all_of_them, textfile, the_status_in_words)
