#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""A reload, by signal, by request and by `synprint reload`: a bad configuration or database changes
nothing and is told with file, line and reason; good ones are used at once, sets come and go with
them, what only a restart can change is said, no SYN is dropped, and nobody waits for a large database."""
import contextlib
import select
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
    # A worker that others kept from its CPU for a while is passed by, which is told.
    lab.wait_until(lambda: daemon.received() + daemon.status()["rules"]["unanswered"] == result["started"],
                   f"every SYN is accounted for: {result}")
    assert daemon.status()["database"]["reloads"] == 5, daemon.status()


EVERYBODY = 'nftset = "all"; families = [ "Linux" ];'
SOME_TIME = 'nftset = "brief"; families = [ "Linux" ]; timeout = 30;'


def sets_of(lab_):
    return {item["set"]["name"] for item in lab_.nft_json("list", "table", "inet", "synprint")
            if "set" in item and item["set"]["name"] not in ("answering", "waiting")}


def sets_come_and_go(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config([EVERYBODY])).start()
    traffic.connect(lab_.client, lab.SERVER4)
    assert list(lab_.elements("all4")) == [lab.CLIENT4], lab_.elements("all4")

    lab_.write_config([EVERYBODY, SOME_TIME])
    assert daemon.request({"op": "reload"})["restart_needed"] == []
    lab.wait_until(lambda: lab.CLIENT4 in lab_.elements("brief4"), "the new set is filled")
    assert lab_.elements("brief4")[lab.CLIENT4] <= 30
    assert list(lab_.elements("all4")) == [lab.CLIENT4], "the set that stays keeps its elements"

    lab_.write_config([SOME_TIME])
    daemon.kill(signal.SIGHUP)
    lab.wait_until(lambda: sets_of(lab_) == {"brief4", "brief6"}, "the set that is gone is removed")
    assert [item["name"] for item in daemon.status()["publish"]["sets"]] == [
        "nft set inet synprint brief4/brief6"], daemon.status()
    assert lab.CLIENT4 in lab_.elements("brief4")


def a_bad_configuration_changes_nothing(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config([EVERYBODY])).start()
    for text, reason in (("nonsense = 1;\n", "unknown key 'nonsense'"),
                         ("link: { local_clamp = -1; };\n", "link.local_clamp must be"),
                         ("log: {\n", "syntax error")):
        config = lab_.write_config([SOME_TIME], text=text)
        lines = config.read_text().count("\n")
        reply = daemon.request({"op": "reload"})
        assert not reply["ok"], reply
        where, message = reply["error"]["message"].split(": ", 1)
        assert reason in message, reply
        assert where in (f"{config}:{lines}", f"{config}:{lines + 1}"), reply
        assert sets_of(lab_) == {"all4", "all6"}, sets_of(lab_)
    config = lab_.write_config([SOME_TIME], publish="mark_mask = 0x01000000;")
    reply = daemon.request({"op": "reload"})
    assert not reply["ok"] and "changes with a restart only" in reply["error"]["message"], reply
    assert reply["error"]["message"].startswith(f"{config}: "), reply
    assert sets_of(lab_) == {"all4", "all6"}, sets_of(lab_)
    assert daemon.status()["database"]["reloads"] == 0, daemon.status()


def what_needs_a_restart_is_said(lab_):
    daemon = lab_.daemon(lab_.write_config(clients="capacity = 1000;")).start()
    capacity = daemon.status()["clients"]["capacity"]
    lab_.write_config(clients="capacity = 5000;", queue="first = 7;",
                      control="mode = \"0600\";")
    reply = daemon.request({"op": "reload"})
    assert reply["restart_needed"] == ["queue.first", "clients.capacity", "control.mode"], reply
    told = daemon.cli("reload").stdout
    assert "clients.capacity stays as it was: it changes with a restart only" in told, told
    assert daemon.status()["clients"]["capacity"] == capacity, daemon.status()
    assert daemon.status()["queues"][0]["queue"] == 0, daemon.status()


def a_size_that_cannot_change_is_said(lab_):
    """A set of ours that a chain of the administrator's refers to."""
    daemon = lab_.daemon(lab_.write_config(['nftset = "sized"; size = 2048'])).start()
    lab_.nft("table inet synprint { chain mine { type filter hook forward priority 0; "
             "ip saddr @sized4 counter; }; }")
    lab_.write_config(['nftset = "sized"; size = 4096'])
    reply = daemon.request({"op": "reload"})
    said, = reply["restart_needed"]
    assert said == "size of set sized4, because rules outside of ours refer to it", reply
    assert f"stays as it was: the {said}" in daemon.log(), daemon.log()
    assert "size 2048" in lab_.nft("list set inet synprint sized4")
    lab_.nft("flush chain inet synprint mine")
    lab_.write_config(['nftset = "sized"; size = 8192'])
    assert daemon.cli("reload").stdout == "configuration and databases read again\n"
    assert "size 8192" in lab_.nft("list set inet synprint sized4")


def a_type_that_cannot_change_is_said(lab_):
    """The same, of a set that is to have another key: which one, and what to do."""
    names = ("first", "second", "third")
    daemon = lab_.daemon(lab_.write_config([f'nftset = "{name}"' for name in names])).start()
    lab_.nft("table inet synprint { chain mine { ip6 saddr @second6 counter; }; }")
    lab_.write_config([f'nftset = "{name}"; key = "addr . port"' for name in names])
    reply = daemon.request({"op": "reload"})
    assert not reply["ok"] and "set second6 of table inet synprint is to be of another type, and rules that are " \
        "not ours refer to it: delete these first" in reply["error"]["message"], reply
    assert "type ipv4_addr\n" in lab_.nft("list set inet synprint first4"), "all is as before"
    lab_.nft("flush chain inet synprint mine")
    assert daemon.request({"op": "reload"})["ok"]
    assert "type ipv6_addr . inet_service" in lab_.nft("list set inet synprint second6")


def slow_lab(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    database, config = configure(lab_)
    config.write_text(config.read_text() + "learn: { enabled = false; };\n")  # it would be read twice
    daemon = lab_.daemon(config).start()
    port = traffic.connect(lab_.client, lab.SERVER4)
    sig = daemon.verdict(lab.CLIENT4, port)["sig"]
    return daemon, database, config, f"[tcp:request]\nlabel = s:unix:Linux:%s\nsig = {sig}\n"


def ask(stream, text):
    stream.sendall(text.encode())
    return stream.makefile()


def nobody_waits_for_a_large_database(lab_):
    """All that is asked in a load is answered in it; who asks for a reload gets one that begins then."""
    daemon, database, config, text = slow_lab(lab_)
    with contextlib.ExitStack() as stack:
        first, second, gone = (stack.enter_context(daemon.connect()) for _ in range(3))
        slow = lab.SlowFile(database)
        told = ask(first, '{"op": "reload", "id": 1}\n{"op": "status", "id": 2}\n')
        slow.wait(daemon)
        for _ in range(3):
            port = traffic.connect(lab_.client, lab.SERVER4)
            assert daemon.verdict(lab.CLIENT4, port)["os"]["label"] != "Linux first"
            assert daemon.status()["database"]["reloads"] == 0
        newer = lab_.dir / "newer.db"
        newer.write_text(text % "second")
        config.write_text(config.read_text().replace(str(database), str(newer)))
        told_later = ask(second, '{"op": "reload", "id": 3}\n')
        ask(gone, '{"op": "reload"}\n')
        daemon.kill(signal.SIGHUP)
        connected = daemon.status()["control"]["connections"]
        gone.close()
        lab.wait_until(lambda: daemon.status()["control"]["connections"] < connected,
                       "who left waits no more")
        assert not select.select([first, second], [], [], 0)[0], "both loads have not ended"
        slow.end(text % "first")
        assert '"ok":true,"id":1,' in told.readline()
        assert '"id":2,' in told.readline(), "and then what was asked behind it"
        assert '"ok":true,"id":3,' in told_later.readline()
    assert label_of(lab_, daemon) == "Linux second", "the newest configuration"
    assert daemon.status()["database"]["reloads"] == 2, daemon.status()


def a_load_that_fails_and_one_behind_it(lab_):
    daemon, database, config, text = slow_lab(lab_)
    newer = lab_.dir / "newer.db"
    newer.write_text(text % "second")
    slow = lab.SlowFile(database)
    with daemon.connect() as first, daemon.connect() as second:
        told = ask(first, '{"op": "reload", "id": 1}\n')
        slow.wait(daemon)
        config.write_text(config.read_text().replace(str(database), str(newer)))
        told_later = ask(second, '{"op": "reload", "id": 2}\n')
        daemon.status()
        slow.end(BAD_LINE)
        line = told.readline()
        assert f"{database}:1:" in line and '"ok":false,"id":1' in line, line
        line = told_later.readline()
        assert '"ok":true,"id":2' in line, line
    assert label_of(lab_, daemon) == "Linux second"


def a_stop_in_a_load(lab_):
    """Whatever comes of the load: the rules are gone, and then it ends as ever."""
    for content in ("%s", BAD_LINE + "%s"):
        daemon, database, _, text = slow_lab(lab_)
        slow = lab.SlowFile(database)
        with daemon.connect() as stream:
            ask(stream, '{"op": "reload"}\n')
            slow.wait(daemon)
            daemon.kill(signal.SIGTERM)
            lab.wait_until(lambda: stream.recv(1) == b"", "its sockets are closed")
            assert "synprint" not in lab_.nft("list tables")
            traffic.connect(lab_.client, lab.SERVER4)
            slow.end(content % (text % "never"))
        assert daemon.process.wait(timeout=30 * lab.PATIENCE) == 0, daemon.log()
        assert "read again" not in daemon.log()
        for process in lab_.processes:
            process.close()


def divert_chain(lab_):
    return lab.sh("nft", "list", "chain", "inet", "synprint", "divert",
                  namespace=lab_.gateway).stdout


def interfaces_change(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    everything = lab_.write_config().read_text()
    daemon = lab_.daemon(lab_.write_config()).start()
    traffic.connect(lab_.client, lab.SERVER4)
    assert daemon.received() == 1, daemon.status()

    lab_.write_config(rules='interfaces = [ "nowhere0" ];')
    assert daemon.request({"op": "reload"})["ok"]
    lab.wait_until(lambda: "nowhere0" in divert_chain(lab_), "the rules name the interface")
    traffic.connect(lab_.client, lab.SERVER4)
    assert daemon.received() == 1, "an interface that is not named is not diverted"

    daemon.config.write_text(everything)
    assert daemon.request({"op": "reload"})["ok"]
    lab.wait_until(lambda: "nowhere0" not in divert_chain(lab_), "and all of them again")
    traffic.connect(lab_.client, lab.SERVER4)
    assert daemon.received() == 2, daemon.status()


def sets_change_under_load(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config([EVERYBODY])).start()
    load = lab_.adopt(traffic.Load(lab_.client, rate=500))
    load.wait_for(100)
    for number in range(10):
        lab_.write_config([EVERYBODY] if number % 2 else [EVERYBODY, SOME_TIME])
        assert daemon.request({"op": "reload"})["ok"]
        load.wait_for(load.started_so_far() + 100)
    result = load.stop()
    traffic.expect_no_failure(result, "ten reloads that add a set and take it away")
    lab.wait_until(lambda: daemon.received() + daemon.status()["rules"]["unanswered"] >= result["started"],
                   f"every SYN is accounted for: {result}")
    assert daemon.received() <= result["started"] + result["retransmissions"], (daemon.status(), result)
    lab.wait_until(lambda: sets_of(lab_) == {"all4", "all6"}, "the last configuration holds")


if __name__ == "__main__":
    lab.run(bad_keeps_the_old_and_good_is_used, nothing_is_dropped_under_load, sets_come_and_go,
            a_bad_configuration_changes_nothing, what_needs_a_restart_is_said,
            a_size_that_cannot_change_is_said, a_type_that_cannot_change_is_said, nobody_waits_for_a_large_database,
            a_load_that_fails_and_one_behind_it, a_stop_in_a_load, interfaces_change,
            sets_change_under_load)
