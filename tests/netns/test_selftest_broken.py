#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Ways to break a running installation, a row for each, one after the other: `synprint selftest` names
cause and remedy in the one line that says FAILED, and exits with 1; mended, all is well again."""
import grp
import os
import re
import subprocess
from pathlib import Path

import lab
import traffic
from test_selftest import failures, selftest

NO_GROUP = "synprint-no-such-group"


class Row:
    """What is done, how it is undone, and the line that has to say so."""

    def __init__(self, check, cause, remedy, break_, mend, is_mended=False):
        """@is_mended: by the daemon itself, within half a second"""
        self.check, self.cause, self.remedy = check, cause, remedy
        self.break_, self.mend, self.is_mended = break_, mend, is_mended

    def is_told(self, results):
        """In one line, and nothing else has failed."""
        failed = [item for item in results if item["result"] == "FAILED"]
        return len(failed) == 1 and failed[0]["check"] == self.check and \
            re.search(self.cause, failed[0]["text"]) and re.search(self.remedy, failed[0]["text"])


class Owner:
    """A process that owns a table, as firewalld can."""

    def __init__(self, lab_, text):
        self.nft = subprocess.Popen(["ip", "netns", "exec", lab_.gateway, "nft", "-i"], text=True,
                                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.nft.stdin.write(text)
        self.nft.stdin.flush()
        lab_.adopt(self)

    def close(self):
        self.nft.stdin.close()
        self.nft.wait()


def run_rows(lab_, daemon, rows, is_first=True):
    if is_first:
        code, results, _ = selftest(lab_, daemon)
        assert code == 0 and not failures(results), f"healthy: {results}"
    told = {}

    def is_told(row):
        if row.is_mended:
            row.break_()
        code, told["rows"], _ = selftest(lab_, daemon)
        return code == 1 and row.is_told(told["rows"])

    def is_healthy():
        code, told["rows"], _ = selftest(lab_, daemon)
        return code == 0 and not failures(told["rows"])
    try:
        for row in rows:
            row.break_()
            lab.wait_until(lambda r=row: is_told(r), f"{row.check}: '{row.cause}' is told", 30)
            row.mend()
        lab.wait_until(is_healthy, "all is well again", 60)
    except AssertionError as error:
        raise AssertionError(f"{error}\n" + "\n".join(map(str, told["rows"]))) from None


PAIRS = """table inet mine {{
    set {0}4 {{ type ipv4_addr; flags timeout; }}
    set {0}6 {{ type ipv6_addr; flags timeout; }}
}}
"""


def sets(lab_):
    """Sets that are gone, in part or of another type, and a table that somebody took."""
    lab_.adopt(traffic.Server(lab_.server))
    for name in ("gone", "half", "type"):
        lab_.nft(PAIRS.format(name))
    lab_.nft(PAIRS.format("owned").replace("mine", "theirs"))
    rules = [f'nftset = "{name}"; flags = [ "scanner" ]; table = "inet mine"'
             for name in ("gone", "half", "type")]
    rules.append('nftset = "owned"; flags = [ "scanner" ]; table = "inet theirs"')
    daemon = lab_.daemon(lab_.write_config(rules)).start()
    lab.sh("hping3", "-S", "-c", "1", "-p", "8080", lab.SERVER4, namespace=lab_.client, check=False)
    lab.wait_until(lambda: lab_.elements("owned4", "inet theirs"), "a scanner is known")
    owners = []

    def nft(text):
        return lambda: lab_.nft(text)

    def own():
        lab_.nft("delete table inet theirs")
        owners.append(Owner(lab_, "add table inet theirs { flags owner; }\n"
                            "add set inet theirs owned4 { type ipv4_addr; flags timeout; }\n"
                            "add set inet theirs owned6 { type ipv6_addr; flags timeout; }\n"))

    def disown():
        owners.pop().close()
        lab_.nft(PAIRS.format("owned").replace("mine", "theirs"))

    run_rows(lab_, daemon, [
        Row("set", "gone4/gone6 takes no elements: there is no set gone4", "'add set inet mine gone4 ",
            nft("delete set inet mine gone4\ndelete set inet mine gone6"),
            nft(PAIRS.format("gone"))),
        Row("set", "half4/half6 is filled in part: there is no set half6", "'add set inet mine half6 ",
            nft("delete set inet mine half6"), nft(PAIRS.format("half"))),
        Row("set", "type4/type6 is filled in part: nft set type4", "must have 'type ipv4_addr'",
            nft("delete set inet mine type4\nadd set inet mine type4 { type mark; flags timeout; }"),
            nft("delete set inet mine type4\n" + PAIRS.format("type"))),
        Row("set", "owned4/owned6 takes no elements: another process owns the table", "flag 'owner'",
            own, disown)])
    assert "filled in part" in daemon.log()


def chains_and_interfaces(lab_):
    lab_.ip(lab_.gateway, """link add wan0 type veth peer name far0
        link add wan1 type veth peer name far1
        link add br0 type bridge""")
    daemon = lab_.daemon(lab_.write_config(rules='interfaces = [ "g0", "wan0", "wan1", "lo" ];')).start()
    site = "add chain inet synprint site { type filter hook prerouting priority -100; }"
    lab_.nft(site)
    # The daemon notes a chain when it has seen it; a second interface tells when it has looked.
    seen = daemon.status()["uptime_s"]
    lab.wait_until(lambda: daemon.status()["uptime_s"] >= seen + 3, "it has looked at the chains")
    run_rows(lab_, daemon, [
        Row("your chains", "chain 'site' of yours is gone", "nft -f.*synprint reload",
            lambda: lab_.nft("delete chain inet synprint site"), lambda: lab_.nft(site)),
        Row("interfaces", "there is no interface 'wan0' now", "renamed.*rules.interfaces and reload",
            lambda: lab_.ip(lab_.gateway, "link set wan0 name uplink0"),
            lambda: lab_.ip(lab_.gateway, "link set uplink0 name wan0")),
        Row("interfaces", "'wan1'.* is a member of 'br0'", "name 'br0' instead",
            lambda: lab_.ip(lab_.gateway, "link set wan1 master br0"),
            lambda: lab_.ip(lab_.gateway, "link set wan1 nomaster"))])
    for text in ("chain 'site' of yours is gone", "no interface 'wan0'"):
        assert text in daemon.log(), text


def files(lab_):
    """Folders that are gone."""
    folder, kept = lab_.dir / "textfile", lab_.dir / "state"
    folder.mkdir()
    kept.mkdir()
    config = lab_.write_config(metrics=f'textfile = "{folder / "synprint.prom"}"; interval = 1;', state="interval = 1;")
    config.write_text(config.read_text().replace(str(lab_.dir / "kept"), str(kept / "kept")))
    run_rows(lab_, lab_.daemon(config).start(), [
        Row("files", "metrics.textfile: .*synprint.prom cannot be written: No such file",
            "ReadWritePaths=", lambda: folder.rename(lab_.dir / "away"),
            lambda: (lab_.dir / "away").rename(folder)),
        Row("files", "state.file: .*state/kept cannot be written: No such file", "ReadWritePaths=",
            lambda: kept.rename(lab_.dir / "away2"), lambda: (lab_.dir / "away2").rename(kept))])


def others(lab_):
    """What others lead into our queue, or put in the place of the socket."""
    daemon = lab_.daemon().start()

    def iptables(*arguments):
        return lambda: lab.sh("iptables", "-t", "mangle", *arguments, namespace=lab_.gateway)

    def queue(*options):
        return iptables("-A", "PREROUTING", "-p", "udp", "-j", "NFQUEUE", "--queue-num", "0", *options)
    flush = iptables("-F", "PREROUTING")
    run_rows(lab_, daemon, [
        Row("bypass", "table ip mangle, chain PREROUTING, rule .* no 'bypass'", "another queue", queue(),
            flush),
        Row("rules", "table ip mangle, chain PREROUTING, rule .* besides its own rules", "another queue",
            queue("--queue-bypass"), flush)])
    path = Path(daemon.socket)
    path.unlink()
    path.write_text("no socket")
    done = lab.sh(lab.SYNPRINT, "--socket", daemon.socket, "selftest", check=False)
    assert done.returncode == 3 and "is no socket: somebody put" in done.stderr, done
    path.unlink()
    lab.wait_until(lambda: path.exists() and selftest(lab_, daemon)[0] == 0, "it is there again")


def what_is_at_work(lab_):
    """The file that the administrator has is not the one that is at work."""
    config = lab_.write_config()
    daemon = lab_.daemon(config).start()
    good = config.read_text()

    def said(text, result, code):
        """What the selftest says of the configuration, but for which file it is."""
        got, results, _ = selftest(lab_, daemon)
        assert got == code, results
        assert any(item["result"] == result and re.search(text, item["text"]) for item in results
                   if item["check"] == "config"), (text, results)
    config.write_text(good + 'log: { level = "warning"; };\n')
    said("was changed after it was read: 'synprintd -t'.*'synprint reload'", "skipped", 0)
    config.write_text(good + "queue: { count = 3; };\n")
    assert daemon.request({"op": "reload"})["restart_needed"] == ["queue.count"]
    said("queue.count of the file are not at work before a restart", "skipped", 0)
    for break_, why in ((lambda: config.chmod(0o600) or os.chown(config, 65534, 65534), "Permission denied"),
                        (lambda: config.unlink() or os.mkfifo(config), "no regular file")):
        break_()
        reply = daemon.request({"op": "reload"})
        assert not reply["ok"] and why in reply["error"]["message"], reply
        said(f"the last reload was refused.*{why}.*Mend that, and reload", "FAILED", 1)
    assert daemon.process.poll() is None
    trial = lab.sh("timeout", "20", lab.SYNPRINTD, "-t", "-c", str(config), namespace=lab_.gateway, check=False)
    assert trial.returncode == 4 and why in trial.stderr, trial
    config.unlink()
    config.write_text(good)
    assert daemon.request({"op": "reload"})["ok"]
    code, results, _ = selftest(lab_, daemon)
    assert code == 0 and not any("reload" in item["text"] for item in results), results


def the_configuration(lab_):
    """What is wrong in the file now, that the next reload or start would meet."""
    config = lab_.write_config()
    daemon = lab_.daemon(config).start()
    good = config.read_text()
    database = lab_.dir / "signatures.db"

    def edit(text):
        return lambda: config.write_text(text)

    def restore():
        config.write_text(good)

    assert NO_GROUP not in {entry.gr_name for entry in grp.getgrall()}
    run_rows(lab_, daemon, [
        Row("config", "is bad now.*line [0-9]+: .*'colour'", "reload is refused and a restart fails",
            edit(good + "colour = 1;\n"), restore)])
    config.unlink()
    code, results, _ = selftest(lab_, daemon)
    assert code == 1 and "cannot be read: a restart fails" in failures(results)["config"], results
    assert any("says the configuration" in item["text"] for item in results if item["check"] == "a SYN"), results
    restore()
    socket = f'socket = "{daemon.socket}";'
    run_rows(lab_, daemon, [
        Row("groups", f"control.group: there is no group '{NO_GROUP}'", "groupadd --system",
            edit(good.replace(socket, f'{socket} group = "{NO_GROUP}";')), restore),
        Row("users", f"user: there is no user '{NO_GROUP}'", "useradd --system",
            edit(good + f'user = "{NO_GROUP}";\n'), restore),
        Row("p0f socket", "p0f.enabled is true.*does not serve it", "restart it",
            edit(good + "p0f: { enabled = true; };\n"), restore),
    ], is_first=False)
    database.write_text("no signature\n")
    run_rows(lab_, daemon, [
        Row("config", f"is bad now.*{database}:1", "a reload is refused",
            edit(good.replace(str(lab.CONF / "signatures.db"), str(database))), restore)],
             is_first=False)


def rules_of_your_own(lab_):
    """rules.engine = "none": rules that are not there, sleep, lead elsewhere or hold SYNs."""
    own = """table inet own {{
        chain c {{ type filter hook prerouting priority -150; tcp flags syn counter; }}
    }}
    """
    lab_.nft(own.format())
    daemon = lab_.daemon(lab_.write_config(engine="none")).start()

    def iptables(*arguments):
        return lambda: lab.sh("iptables", "-t", "mangle", *arguments, namespace=lab_.gateway)

    def queue(number, *options):
        return iptables("-A", "PREROUTING", "-p", "tcp", "--syn", "-j", "NFQUEUE", "--queue-num",
                        str(number), *options)

    flush, good = iptables("-F", "PREROUTING"), queue(0, "--queue-bypass")
    good()
    for break_, check, cause, remedy in (
            (lambda: None, "rules", "no rule leads SYNs to queue 0", "synprint rules print"),
            (queue(7, "--queue-bypass"), "rules", "no rule leads SYNs to queue 0", "rules.engine ="),
            (queue(0), "bypass", "table ip mangle, chain PREROUTING, rule .* holds SYNs", "'bypass'")):
        run_rows(lab_, daemon, [Row(check, cause, remedy, lambda b=break_: (flush(), b()),
                                    lambda: (flush(), good()))])
    flush()
    if lab.has_kernel_nft_queue(lab_):
        lab_.nft(lab_.rules("print", config=daemon.config).stdout)
        run_rows(lab_, daemon, [Row("switch", "table inet synprint is dormant", "'nft add table inet",
                                    lambda: lab_.nft("add table inet synprint { flags dormant; }"),
                                    lambda: lab_.nft("add table inet synprint"))])


def traffic_and_kernel(lab_):
    """Marks that collide, a set that is full, a table that somebody took."""
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(['nftset = "tiny"; flags = [ "scanner" ]; size = 16;'])
    daemon = lab_.daemon(config).start()
    owners = []

    def mark():
        lab_.nft("add table inet early\nadd chain inet early c "
                 "{ type filter hook prerouting priority -300; }\n"
                 "add rule inet early c iifname g0 meta mark set 0xffffffff")
        traffic.connect(lab_.client, lab.SERVER4)

    def take():  # in one transaction: between two the daemon may have its rules back
        owners.append(Owner(lab_, "delete table inet synprint; add table inet synprint { flags owner; }\n"))

    code, results, _ = selftest(lab_, daemon)
    assert code == 0, results
    take()

    def is_told():
        code, results, _ = selftest(lab_, daemon)
        return code == 1 and "another process owns table inet synprint" in \
            failures(results).get("rules", "")
    lab.wait_until(is_told, "the owner is told", 20)
    assert "another process owns the table" in daemon.log() and "CAP_NET_ADMIN" not in daemon.log()
    owners.pop().close()
    lab.wait_until(lambda: selftest(lab_, daemon)[0] == 0, "the rules are there again", 20)
    mark()
    lab.wait_until(lambda: re.search("bits of rules.mark_field.*give rules.mark_field bits",
                                     failures(selftest(lab_, daemon)[1]).get("marks", "")), "the marks are told", 20)


def no_privileges(lab_):
    """Somebody else asks: what he may not see is skipped, and who may ask is said."""
    daemon = lab_.daemon().start()
    done = lab.sh("setpriv", "--reuid=65534", "--clear-groups", lab.SYNPRINT, "--socket",
                  daemon.socket, "selftest", namespace=lab_.gateway, check=False)
    assert done.returncode == 5 and re.search("be root, or in the group", done.stderr), done


def only_some_interfaces(lab_):
    """A usual gateway: loopback is not diverted, which is no failure; nor is a pattern for later."""
    config = lab_.write_config(rules='interfaces = [ "g0", "ppp*" ];')
    daemon = lab_.daemon(config).start()
    code, results, _ = selftest(lab_, daemon)
    said = {item["check"]: item for item in results}
    assert code == 0, results
    assert said["a SYN"]["result"] == "skipped" and "not among" in said["a SYN"]["text"], results
    assert said["interfaces"]["result"] == "skipped" and "'ppp*'" in said["interfaces"]["text"], results
    # The command's own configuration does not count.
    other = lab_.write_config(name="other.conf", engine="none")
    done = lab.sh(lab.SYNPRINT, "--socket", daemon.socket, "--config", str(other), "selftest",
                  namespace=lab_.gateway)
    assert str(config) in done.stdout and "engine" in done.stdout, done


if __name__ == "__main__":
    lab.run((sets, chains_and_interfaces, the_configuration, traffic_and_kernel),
            (files, others, what_is_at_work, only_some_interfaces), rules_of_your_own, no_privileges)
