#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever is wrong at the start is said in one line, with file and line where there is one, and
the exit code says what kind of thing it is. Nothing is left behind in the kernel."""
import re
import shutil
import socket
import struct

import lab
import traffic

# enum daemon_exit in src/daemon/daemon.h
OK, FAILED, USAGE, UNREACHABLE, INPUT, PRIVILEGES, QUEUE_BUSY, SOCKET, RULES = range(9)
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
WITHOUT_NET_ADMIN = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]

# Configurations: name, text behind that of the lab (whose length is known), what stderr says.
CONFIGURATIONS = [
    ("syntax", "queue: { first = ; };", "LINE: syntax error"),
    ("syntax on a later line", "// a comment\nqueue: {\n first = = 0; };", "LINE+2: syntax"),
    ("unknown key", "colour = \"blue\";", "LINE: unknown key 'colour'"),
    ("unknown key in a group", "queue: {\n size = 4;\n};", "LINE+1: unknown key 'queue.size'"),
    ("unknown key of a set", "publish: { sets = (\n { nftset = \"a\"; colour = \"blue\"; } ); };",
     "LINE+1: unknown key 'colour'"),
    ("out of range", "queue: { length = 1; };", "LINE: queue.length must be .* 64 to 1048576"),
    ("out of range below", "queue: { first = -1; };", "LINE: queue.first must be"),
    ("too big", "clients: { capacity = 99999999999; };", "LINE: clients.capacity must"),
    ("too big, but not cut off", "rules: {\n ct_mark_field = 99999999999999999999; };",
     "LINE+1: ct_mark_field: the number 9+ is out of range"),
    ("there twice", "learn: {\n max_shapes = 64;\n\n max_shapes = 65;\n};",
     "LINE+3: 'max_shapes' is in line [0-9]+ already"),
    ("beyond the last queue", "queue: { first = 65535; count = 2; };", "queue number 65535"),
    ("wrong type", "queue: { first = \"0\"; };", "LINE: queue.first must be a whole number"),
    ("a group that is none", "queue = 3;", "LINE: queue must be a group"),
    ("unknown word", "link: { threshold = \"maybe\"; };", "LINE: link.threshold must be one of"),
    ("mode", "log: { level = 3; };", "LINE: log.level must be one of"),
    ("timeout", "publish: { sets = ( { nftset = \"a\"; timeout = \"0s\"; } ); };",
     "LINE: publish.sets: timeout must be"),
    ("set without a name", "publish: { sets = ( { timeout = 5; } ); };",
     "LINE: publish.sets: .*nftset"),
    ("two rules for one set",
     "publish: { sets = ( { nftset = \"a\"; },\n { nftset = \"a\"; } ); };",
     "LINE+1: publish.sets: two rules"),
    ("unknown flag", "publish: { sets = ( { nftset = \"a\"; flags = [ \"evil\" ]; } ); };",
     "LINE: publish.sets: no flag is named 'evil'"),
    ("unknown class", "publish: { sets = ( { nftset = \"a\"; classes = [ \"CP/M\" ]; } ); };",
     "LINE: publish.sets: no class is named 'CP/M'"),
    ("unknown family", "publish: { sets = ( { nftset = \"a\"; families = [ \"CP/M\" ]; } ); };",
     "LINE: publish.sets: no family is named 'CP/M'"),
    ("interface", "rules: { interfaces = [ \"a b\" ]; };",
     "LINE: rules.interfaces: 'a b' is no interface name"),
    ("unknown group", "control: { group = \"no-such-group\"; };",
     "there is no group 'no-such-group'"),
]


def run_daemon(lab_, config, *wrapper, arguments=()):
    return lab.sh(*wrapper, lab.SYNPRINTD, "-c", str(config), *arguments, check=False,
                  namespace=lab_.gateway)


def expect(done, code, pattern, what):
    """One line on stderr, and the exit code."""
    lines = done.stderr.splitlines()
    assert done.returncode == code, f"{what}: exit {done.returncode}, not {code}: {done.stderr}"
    lines = [line for line in lines if "this build has sanitizers" not in line]
    assert len(lines) == 1, f"{what}: {len(lines)} lines: {done.stderr}"
    assert re.search(pattern, lines[0]), f"{what}: '{lines[0]}' does not match '{pattern}'"
    return lines[0]


def configurations(lab_):
    before = lab_.snapshot()
    for name, text, pattern in CONFIGURATIONS:
        section = text.split(":")[0] if ":" in text else ""
        config = lab_.write_config()
        lines = [line for line in config.read_text().splitlines()
                 if not (section and line.startswith(section + ":"))]
        config.write_text("\n".join(lines + [text, ""]))
        if "LINE" in pattern:
            wanted = re.match(r"LINE(?:\+(\d+))?", pattern)
            number = len(lines) + 1 + int(wanted.group(1) or 0)
            pattern = re.escape(f"{config}:{number}") + pattern[wanted.end():]
        for arguments in ([], ["-t"]):
            if arguments and name == "unknown group":
                continue  # groups are looked up by the running daemon
            expect(run_daemon(lab_, config, arguments=arguments), INPUT, pattern,
                   f"{name} {arguments}")
    lab_.expect_snapshot(before, "a bad configuration left something behind")


def files(lab_):
    missing = lab_.dir / "missing"
    expect(run_daemon(lab_, missing), INPUT, f"{missing}: .*No such file", "no configuration")
    expect(run_daemon(lab_, lab_.dir), INPUT, f"{lab_.dir}: ", "a folder as configuration")
    config = lab_.write_config()
    text = config.read_text()
    for which in ("signatures", "links"):
        source = lab.CONF / f"{which}.db"
        copy = lab_.dir / f"{which}.db"
        config.write_text(text.replace(str(source), str(copy)))
        expect(run_daemon(lab_, config), INPUT, f"{copy}: .*No such file", f"{which}: missing")
        copy.mkdir()
        expect(run_daemon(lab_, config), INPUT, f"{copy}: .*directory", f"{which}: a folder")
        copy.rmdir()
        shutil.copy(source, copy)
        number = copy.read_text().count("\n") + 1
        with copy.open("a") as database:
            database.write("this line is = nothing\n")
        expect(run_daemon(lab_, config), INPUT, f"{copy}:{number}:(\\d+:)? ", f"{which}: bad line")
        expect(run_daemon(lab_, config, arguments=["-t"]), INPUT, f"{copy}:{number}:",
               f"{which}: bad line, -t")
    (lab_.dir / "signatures.db").write_text("; nothing here\n")
    config.write_text(text.replace(str(lab.CONF / "signatures.db"), "signatures.db"))
    expect(run_daemon(lab_, config), INPUT, "signatures.db: there is no signature", "empty")
    good = run_daemon(lab_, lab_.write_config(), arguments=["-t"])
    assert good.returncode == OK and not good.stderr, good
    assert "confirm" not in good.stdout, "the default sets need no advice"
    served = lab_.write_config(sets=['nftset = "s"; flags = [ "scanner" ]; confirm = "served"',
                                     'nftset = "all"; flags = [ "scanner", "vpn" ]; confirm = "served"'])
    advised = run_daemon(lab_, served, arguments=["-t"])
    assert advised.returncode == OK, advised
    assert "note: nobody uses conntrack here now" in advised.stdout and ": s, all." in advised.stdout, advised
    lab_.nft("add table inet theirs\nadd chain inet theirs c { type filter hook input priority 0; }\n"
             "add rule inet theirs c ct state established accept")
    assert "nobody uses" not in run_daemon(lab_, served, arguments=["-t"]).stdout, "somebody uses conntrack"
    lab_.nft("delete table inet theirs")
    for arguments in ([], ["-t"]):
        expect(run_daemon(lab_, served, arguments=["-u", "nosuch", *arguments]), INPUT, "no user 'nosuch'",
               f"-u of nobody {arguments}")
    assert re.findall("note: set '(.*?)' takes only scanners", advised.stdout) == ["s"], advised.stdout


def sockets(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config()
    daemon = lab_.daemon(config).start()
    other = lab_.write_config(queue="first = 50;", name="other.conf")
    line = expect(run_daemon(lab_, other), SOCKET, "somebody listens there already", "a live daemon")
    assert daemon.socket in line, line
    traffic.connect(lab_.client, lab.SERVER4)
    assert daemon.received() == 1, "the first daemon was disturbed"
    daemon.stop()
    path = lab_.dir / "control.sock"
    for content in ("precious", None):
        if content:
            path.write_text(content)
        else:
            path.mkdir()
        expect(run_daemon(lab_, config), SOCKET, f"{path} .*not a socket", "another file")
        tried = run_daemon(lab_, config, arguments=["-t"])
        assert f"control.socket: {path} is no socket" in tried.stderr, tried
        if content:
            assert path.read_text() == content
            path.unlink()
    path.rmdir()
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    daemon = lab_.daemon(config).start()
    assert daemon.stop() == OK, daemon.log()
    bad = lab_.dir / "no" / "folder" / "control.sock"
    config.write_text(lab_.write_config().read_text().replace(str(path), str(bad)))
    expect(run_daemon(lab_, config), SOCKET, "cannot make", "a path that cannot be")
    config.write_text(lab_.write_config().read_text().replace(str(path), str(lab_.dir / ("x" * 120))))
    for arguments in ([], ["-t"]):
        expect(run_daemon(lab_, config, arguments=arguments), INPUT, "control.socket has at most 107 bytes",
               "a path that is too long")


def privileges(lab_):
    before = lab_.snapshot()
    config = lab_.write_config()
    # Where the socket can be made, and where it cannot: it is privileges that are missing.
    for mode in (0o755, 0o777):
        lab_.dir.chmod(mode)
        for what, wrapper in (("nobody", NOBODY), ("root without it", WITHOUT_NET_ADMIN)):
            expect(run_daemon(lab_, config, *wrapper), PRIVILEGES, "CAP_NET_ADMIN", what)
            assert not (lab_.dir / "control.sock").exists()
            for action in ("apply", "remove", "status"):
                done = lab.sh(*wrapper, lab.SYNPRINT, "rules", action, check=False,
                              namespace=lab_.gateway)
                expect(done, PRIVILEGES, "run as root", f"rules {action}, {what}")
    lab_.dir.chmod(0o755)
    assert run_daemon(lab_, config, *NOBODY, arguments=["-t"]).returncode == OK
    lab_.expect_snapshot(before, "an attempt without privileges left something behind")


def bind_queue(lab_, number):
    """A program that reads an NFQUEUE, as small as can be; linux/netfilter/nfnetlink_queue.h."""
    with lab.inside(lab_.gateway):
        reader = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
    reader.bind((0, 0))
    command = struct.pack("=HHBBH", 8, 1, 1, 0, 0)  # NFQA_CFG_CMD: NFQNL_CFG_CMD_BIND
    message = struct.pack("!BBH", 0, 0, number) + command  # nfgenmsg
    config = 3 << 8 | 2  # NFNL_SUBSYS_QUEUE, NFQNL_MSG_CONFIG
    reader.send(struct.pack("=IHHII", 16 + len(message), config, 5, 1, 0) + message)
    error = struct.unpack_from("=i", reader.recv(4096), 16)[0]
    assert error == 0, error
    return reader


def queues(lab_):
    config = lab_.write_config(queue="first = 7; count = 2;")
    before = lab_.snapshot()
    reader = bind_queue(lab_, 8)
    line = expect(run_daemon(lab_, config), QUEUE_BUSY, "8 is in use by process", "another program")
    assert "CAP_NET_ADMIN" not in line, line
    # Without privileges it is those that are missing, busy or not.
    lab_.dir.chmod(0o777)
    expect(run_daemon(lab_, config, *NOBODY), PRIVILEGES, "CAP_NET_ADMIN", "nobody, busy queue")
    reader.close()
    lab_.expect_snapshot(before, "an attempt at a busy queue left something behind")
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(config).start()
    running = lab_.snapshot(stateless=True)
    other = lab_.dir / "other.conf"
    other.write_text(config.read_text().replace("control.sock", "other.sock"))
    line = expect(run_daemon(lab_, other), QUEUE_BUSY, "7 is in use by process", "another daemon")
    assert str(daemon.process.pid) in line and "synprintd" in line, line
    # Other queues do not make room for a second one: there is one table and one switch.
    other.write_text(other.read_text().replace("first = 7", "first = 70"))
    expect(run_daemon(lab_, other), QUEUE_BUSY, "another synprintd works in this network namespace",
           "another daemon, other queues")
    after = lab_.snapshot(stateless=True)
    assert re.sub("expires \\w+", "", running) == re.sub("expires \\w+", "", after), after
    traffic.connect(lab_.client, lab.SERVER4)
    assert daemon.received() == 1, "the first daemon was disturbed"


def rules(lab_):
    if not lab.has_kernel_nft_queue(lab_):
        config = lab_.write_config(engine="nft")
        before = lab_.snapshot()
        expect(run_daemon(lab_, config), RULES, "kernel does not have .*queue", "no such engine")
        lab_.expect_snapshot(before, "rules that cannot be made left something behind")
    config = lab_.write_config()
    for taken in ("set waiting { type ipv4_addr; }",
                  "chain divert { type filter hook output priority 5; }"):
        lab_.nft(f"table inet synprint {{\n{taken}\n}}")
        before = lab_.snapshot()
        expect(run_daemon(lab_, config), RULES, "not ours|not take the rules", taken)
        lab_.expect_snapshot(before, f"'{taken}' was touched")
        lab_.nft("delete table inet synprint")


def usage(lab_):
    for arguments in (["-x"], ["surplus"], ["-c"]):
        done = lab.sh(lab.SYNPRINTD, *arguments, check=False)
        assert done.returncode == USAGE and "usage" in done.stderr, (arguments, done)
    for arguments in ([], ["frobnicate"], ["verdict"], ["verdict", "no-address"],
                      ["rules", "explode"], ["status", "--colour"]):
        expect(lab.sh(lab.SYNPRINT, *arguments, check=False), USAGE, "^synprint: ", str(arguments))
    nobody_there = str(lab_.dir / "nobody.sock")
    for command in (["status"], ["verdict", "192.0.2.1"], ["watch"], ["clients"]):
        expect(lab.sh(lab.SYNPRINT, "--socket", nobody_there, *command, check=False), UNREACHABLE,
               re.escape(nobody_there), str(command))
    config = lab_.write_config()
    config.write_text("colour = 1;\n")
    done = lab.sh(lab.SYNPRINT, "--config", str(config), "rules", "print", check=False)
    expect(done, INPUT, re.escape(f"{config}:1: unknown key"), "synprint --config")


if __name__ == "__main__":
    lab.run(configurations, files, sockets, privileges, queues, rules, usage)
