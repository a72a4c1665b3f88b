#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A reload, by signal, by request and by `synprint reload`: a bad database changes nothing and is
told with file, line, column and reason; a good one is used at once; no SYN is dropped."""
import shutil
import signal

import lab
import traffic

BAD_LINE = "sig = 4:64:0:*:nonsense,0:mss:df:0\n"


def configure(lab_):
    database = lab_.dir / "signatures.db"
    shutil.copy(lab.CONF / "signatures.db", database)
    config = lab_.write_config()
    config.write_text(config.read_text().replace(f"{lab.CONF}/signatures.db", str(database)))
    return database, config


def label_of(lab_, daemon):
    port = traffic.connect(lab_.client, lab.SERVER4)
    return daemon.verdict(lab.CLIENT4, port)["os"]["label"]


def expect_refused(daemon, database, line):
    where = f"{database}:{line}:16: "
    reply = daemon.request({"op": "reload", "id": 7})
    assert not reply["ok"] and reply["error"]["code"] == "failed" and reply["id"] == 7, reply
    assert reply["error"]["message"].startswith(where), reply
    assert "window" in reply["error"]["message"], reply
    told = daemon.cli("reload", check=False)
    assert told.returncode == 1 and where in told.stderr, told
    before = daemon.log().count(where)
    daemon.kill(signal.SIGHUP)
    lab.wait_until(lambda: daemon.log().count(where) > before, "the log tells the bad line")
    assert "keeping the old" in daemon.log(), daemon.log()


def bad_keeps_the_old_and_good_is_used(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    database, config = configure(lab_)
    daemon = lab_.daemon(config).start()
    old = label_of(lab_, daemon)
    text = database.read_text()
    lines = text.count("\n")

    database.write_text(text + "label = s:unix:Linux:reloaded\n" + BAD_LINE)
    expect_refused(daemon, database, lines + 2)
    assert daemon.status()["database"]["reloads"] == 0, daemon.status()
    assert label_of(lab_, daemon) == old

    # What this kernel sends, as a signature of its own in a file of nothing else.
    sig = daemon.verdict(lab.CLIENT4)["sig"]
    for count, reload_ in enumerate((lambda: daemon.request({"op": "reload"}),
                                     lambda: daemon.cli("reload"),
                                     lambda: daemon.kill(signal.SIGHUP)), 1):
        database.write_text(f"[tcp:request]\nlabel = s:unix:Linux:reloaded {count}\nsig = {sig}\n")
        reload_()
        lab.wait_until(lambda: daemon.status()["database"]["reloads"] == count, "it reloads")
        assert label_of(lab_, daemon) == f"Linux reloaded {count}"
    database.unlink()
    reply = daemon.request({"op": "reload"})
    assert not reply["ok"] and str(database) in reply["error"]["message"], reply
    assert label_of(lab_, daemon) == "Linux reloaded 3"


def nothing_is_dropped_under_load(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    database, config = configure(lab_)
    daemon = lab_.daemon(config).start()
    text = database.read_text()
    load = lab_.adopt(traffic.Load(lab_.client, rate=500))
    load.wait_for(100)
    for number in range(10):
        database.write_text(text + (BAD_LINE if number % 2 else "; good\n"))
        reply = daemon.request({"op": "reload"})
        assert reply["ok"] == (number % 2 == 0), reply
        begun = load.started_so_far()
        load.wait_for(begun + 100)
    result = load.stop()
    traffic.expect_no_failure(result, "ten reloads, five of them of a bad database")
    assert result["retransmissions"] == 0, result
    assert daemon.received() == result["started"], (daemon.status(), result)
    assert daemon.status()["database"]["reloads"] == 5, daemon.status()


if __name__ == "__main__":
    lab.run(bad_keeps_the_old_and_good_is_used, nothing_is_dropped_under_load)
