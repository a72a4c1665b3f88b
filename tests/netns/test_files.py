#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Files, and a log, that somebody makes trouble with: nothing waits for them, nothing piles up."""
import fcntl
import json
import os
import signal
import subprocess
from pathlib import Path

import lab
import traffic

F_SETPIPE_SZ = 1031  # fcntl.h
LOCKS = Path("/run/synprint")


def fifo_beside_the_metrics(lab_):
    metrics = lab_.dir / "metrics"
    metrics.mkdir()
    textfile = metrics / "synprint.prom"
    os.mkfifo(f"{textfile}.new")
    daemon = lab_.daemon(lab_.write_config(
        metrics=f'textfile = "{textfile}"; interval = 1;')).start()
    lab.wait_until(textfile.exists, "the figures are written")
    assert textfile.is_file() and daemon.status()["ok"]


def a_disk_that_stands_still(lab_):
    """The figures and what was learned wait for it, and nobody else does."""
    lab_.adopt(traffic.Server(lab_.server))
    folder, fifo = lab_.dir / "disk", lab_.dir / "stands still"
    folder.mkdir()
    figures, learned = folder / "synprint.prom", folder / "learned.db"
    daemon = lab_.daemon(lab_.write_config(
        metrics=f'textfile = "{figures}"; interval = 1;', state="enabled = false;",
        learn=f'enabled = true; file = "{learned}";')).start(wrapper=[
            "env", lab_.preload("slow_disk"), f"SLOW_DISK={fifo}"])
    port = traffic.connect(lab_.client, lab.SERVER4)
    lab.wait_until(figures.exists, "the figures are written")
    os.mkfifo(fifo)
    lab.wait_until(lambda: Path(f"{figures}.new").exists(), "the figures wait for the disk")
    assert daemon.request({"op": "learn", "ip": lab.CLIENT4, "port": port,
                           "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/120.0"})["learned"]
    with daemon.connect() as stream:
        stream.sendall(b'{"op":"reload"}\n')
        lab.wait_until(lambda: Path(f"{learned}.new").exists(), "what was learned waits, too")
        assert daemon.verdict(lab.CLIENT4)["found"] and not learned.exists()
        with fifo.open("wb"):
            fifo.unlink()
        assert json.loads(stream.makefile().readline())["ok"], "the reload has waited for it"
    assert learned.exists()
    assert daemon.stop() == 0 and not figures.exists(), "no old figures stay"


def a_stop_while_a_reload_waits(lab_):
    """A reload that a disk keeps does not keep the end: the rules go, and so does the process."""
    lab_.adopt(traffic.Server(lab_.server))
    learned, fifo = lab_.dir / "learned.db", lab_.dir / "stands still"
    daemon = lab_.daemon(lab_.write_config(
        state="enabled = false;", learn=f'enabled = true; file = "{learned}";')).start(wrapper=[
            "env", lab_.preload("slow_disk"), f"SLOW_DISK={fifo}"])
    os.mkfifo(fifo)
    assert daemon.request({"op": "learn", "ip": lab.CLIENT4, "port": traffic.connect(lab_.client, lab.SERVER4),
                           "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/120.0"})["learned"]
    with daemon.connect() as stream:
        stream.sendall(b'{"op":"reload"}\n')
        lab.wait_until(lambda: Path(f"{learned}.new").exists(), "what was learned waits, and the reload for it")
        assert daemon.stop() == 0, daemon.log()
    assert "a reload has not ended for 4 s of the stop" in daemon.log() and not lab_.nft("list ruleset"), daemon.log()


def full_pipe(lab_):
    """Standard error is a pipe that nobody reads, and that is full."""
    lab_.adopt(traffic.Server(lab_.server))
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
    os.set_blocking(writer, False)
    try:
        while os.write(writer, b"x" * 4096):
            pass
    except BlockingIOError:
        pass
    os.set_blocking(writer, True)
    daemon = lab_.daemon(lab_.write_config(log='level = "debug";'))
    daemon.process = subprocess.Popen(
        ["ip", "netns", "exec", daemon.namespace, lab.SYNPRINTD, "-c", str(daemon.config)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writer)
    lab.wait_until(daemon.is_ready, "synprintd is ready though nobody reads its log", 15)
    assert os.get_blocking(writer), "standard error was changed for the others who have it"
    traffic.connect(lab_.client, lab.SERVER4)
    assert daemon.received() == 1
    assert daemon.request({"op": "reload"})["ok"]
    assert daemon.status()["rules"]["counted"] <= 1
    # Once there is room, it says that lines are missing.
    assert len(os.read(reader, 4096)) == 4096
    daemon.request({"op": "reload"})
    text = os.read(reader, 4096).decode()
    assert "lines are missing here" in text, text
    assert daemon.stop() == 0
    os.close(reader)
    os.close(writer)


def a_limit_of_file_sizes(lab_):
    """RLIMIT_FSIZE, as ulimit -f or LimitFSIZE= of a service set it: no silent death."""
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(state="interval = 1;")
    daemon = lab_.daemon(config).start(wrapper=["prlimit", "--fsize=64"])
    traffic.connect(lab_.client, lab.SERVER4)

    def told():
        return [item["text"] for item in daemon.status()["advice"]
                if "kept cannot be written: File too large" in item["text"]]
    lab.wait_until(told, "the limit is told")
    assert daemon.process.poll() is None and daemon.verdict(lab.CLIENT4)["found"]
    assert daemon.stop() == 0, daemon.log()


def lock_of(namespace):
    return LOCKS / f"netns-{os.stat(f'/run/netns/{namespace}').st_ino}.lock"


def locks(lab_):
    config = lab_.write_config()
    daemon = lab_.daemon(config).start()
    stale = lock_of(lab_.gateway)
    assert stale.exists()
    daemon.kill(signal.SIGKILL)
    daemon.process.wait()
    assert stale.exists(), "this test is about nothing"
    other = lab_.daemon(config, namespace=lab_.server).start()
    assert not stale.exists(), "the lock of a killed one stays for good"
    assert lock_of(lab_.server).exists()
    other.socket = str(lab_.dir / "other.sock")
    again = lab_.dir / "other.conf"
    again.write_text(config.read_text().replace("control.sock", "other.sock"))
    third = lab_.daemon(again)
    third.socket = other.socket
    third.start()
    assert lock_of(lab_.server).exists(), "a living one's lock was taken away"
    assert third.stop() == 0 and not lock_of(lab_.gateway).exists()


class Started(subprocess.Popen):
    def close(self):
        self.kill()
        self.wait()


def closed(*command):
    """The program's arguments, started without standard input, output and error."""
    return ["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *command]


def without_standard_descriptors(lab_):
    """Else a socket, or a file of events, has number 2 and gets the lines of the log."""
    daemon = lab_.daemon(lab_.write_config()).start(wrapper=closed())
    own, http, events = (lab_.dir / name for name in ("other.conf", "http.sock", "events"))
    own.write_text(f'gateway = "gw"; control = "{daemon.socket}"; sinks = ( {{ kind = "file"; path = "{events}"; }} );')
    others = [[lab.BUILD / "synprint-web", "--control", daemon.socket, "--listen", f"unix:{http}"],
              [lab.BUILD / "synprint-share", "-c", str(own)],
              [lab.SYNPRINT, "--socket", daemon.socket, "watch"]]
    started = []
    for command in others:
        started.append(lab_.adopt(Started(closed(*command))))
    lab.wait_until(lambda: http.exists() and daemon.status()["control"]["subscribers"] == 3, "all three are there")
    for process in [daemon.process, *started]:
        files = [os.stat(f"/proc/{process.pid}/fd/{fd}") for fd in range(3)]
        assert [file.st_rdev for file in files] == [os.stat("/dev/null").st_rdev] * 3, files
    before = daemon.status()["control"]["errors"]
    done = subprocess.run(closed(lab.SYNPRINT, "--socket", daemon.socket, "status"), check=False)
    assert done.returncode == 1, "a reply that nobody gets"
    assert daemon.status()["control"]["errors"] == before, "the reply went to the daemon"


if __name__ == "__main__":
    lab.run((fifo_beside_the_metrics, a_disk_that_stands_still, a_stop_while_a_reload_waits, a_limit_of_file_sizes),
            full_pipe, locks, without_standard_descriptors)
