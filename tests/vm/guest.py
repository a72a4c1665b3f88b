#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The Debian package under a real systemd and Debian's own kernel, with its native nft queue. Runs in
the virtual machine that check.sh boots, as root. The host itself is the gateway between two network
namespaces; each scenario begins where the one before it has ended."""
import contextlib
import http.client
import json
import os
import pwd
import re
import socket
import struct
import subprocess
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, "/payload/tests/netns")
# The package's programs are what the tests' own modules look for.
os.environ["BUILD"] = "/payload/build"
os.environ["PATIENCE"] = re.search(r"vm\.patience=(\S+)", Path("/proc/cmdline").read_text())[1]
import lab
import stall
import test_confined
import test_service
import traffic

SERVICE, SOCKET = "synprintd.service", "synprintd.socket"
WEB, WEB_SOCKET, SHARE = "synprint-web.service", "synprint-web.socket", "synprint-share.service"
TOKEN = Path("/etc/synprint/web.token")
SHARE_CONFIG = Path("/etc/synprint/share.conf")
CONFIG = Path("/etc/synprint/synprint.conf")
CONTROL, P0F = "/run/synprint/control.sock", "/run/synprint/p0f.sock"
PACKAGES = Path("/payload/packages")
RATE = 100  # connections a second, of which an emulation makes five
SETS = """publish: { deadline_ms = 200; sets = (
    { nftset = "all"; timeout = "1h"; confirm = "syn"; },
    { nftset = "short"; timeout = "4s"; confirm = "syn"; } ); };
"""
POLICY = """table inet synprint {
    counter matched { }
    chain site { type filter hook prerouting priority -100;
        tcp dport 8080 tcp flags & (fin|syn|rst|ack) == syn ip saddr @all4 counter name matched; }
}"""
TRACES = ("/etc/synprint", "/var/lib/synprint", "/run/synprint", "/usr/sbin/synprintd",
          "/usr/bin/synprint", "/usr/lib/sysusers.d/synprint.conf",
          f"/lib/systemd/system/{SERVICE}", f"/lib/systemd/system/{SOCKET}",
          f"/etc/systemd/system/multi-user.target.wants/{SERVICE}",
          f"/etc/systemd/system/sockets.target.wants/{SOCKET}")


class Host(lab.Lab):
    """The lab, with this machine itself as its gateway."""

    def __init__(self):
        super().__init__()
        self.gateway = "host"
        self.daemon_ = lab.Daemon(self, self.gateway, CONFIG)
        self.daemon_.socket = CONTROL

    def add_namespace(self, namespace):
        if namespace != self.gateway:
            super().add_namespace(namespace)
            return
        lab.sh("ip", "netns", "attach", namespace, "1")
        self.sysctl(namespace, {"net/ipv4/ip_forward": 1, "net/ipv6/conf/all/forwarding": 1,
                                "net/ipv6/conf/default/accept_dad": 0})


def systemctl(*arguments, check=True):
    return lab.sh("systemctl", *arguments, check=check)


def show(name, unit=SERVICE):
    return systemctl("show", "-P", name, unit).stdout.strip()


def pid():
    return int(show("MainPID"))


def wait_active():
    lab.wait_until(lambda: show("ActiveState") == "active", f"{SERVICE} is active")


def journal():
    return lab.sh("journalctl", "-u", SERVICE, "-o", "cat", "--no-pager").stdout


def ask(request, timeout=60):
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(timeout)
        stream.connect(CONTROL)
        stream.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(stream.makefile().readline())


def status():
    return ask({"op": "status"})


def elements(host, name):
    with contextlib.suppress(AssertionError):  # nft lists no set that is not there
        return host.elements(name)
    return {}


@contextlib.contextmanager
def load(host, what):
    """Steady connections through the gateway meanwhile, of which none may fail."""
    clients = traffic.Load(host.client, RATE, sources=50)
    some = RATE / lab.PATIENCE
    clients.wait_for(some)
    try:
        yield clients
        clients.wait_for(clients.get(traffic.ENDED) + some)
    except BaseException:
        clients.close()
        raise
    result = clients.stop()
    traffic.expect_no_failure(result, what)
    lab.figure(f"{what}: {result['started']} connections at {some:.0f}/s, 0 failed, longest "
               f"{result['longest_ms']:.0f} ms")


def traces():
    """Whatever of the package is in the file system, in the kernel or among the users."""
    found = [path for path in TRACES if os.path.lexists(path)]
    if "synprint" in lab.sh("nft", "list", "ruleset").stdout:
        found.append("rules")
    with contextlib.suppress(KeyError):
        found.append(pwd.getpwnam("synprint").pw_name)
    return found


def installation_starts_nothing(_):
    assert not traces(), traces()
    lab.sh("dpkg", "-i", *map(str, sorted(PACKAGES.glob("*.deb"))))
    for unit in (SERVICE, SOCKET):
        assert show("ActiveState", unit) == "inactive", unit
        assert systemctl("is-enabled", unit, check=False).stdout.strip() == "disabled", unit
    assert "synprint" not in lab.sh("nft", "list", "ruleset").stdout
    assert pwd.getpwnam("synprint").pw_shell == "/usr/sbin/nologin"
    CONFIG.write_text(re.sub(r"^publish: .*?^};\n", SETS, CONFIG.read_text(), flags=re.M | re.S))


def a_client_starts_the_service(_):
    systemctl("start", SOCKET)
    assert show("ActiveState") == "inactive"
    for command in ("status", "selftest", "watch"):
        done = lab.sh("synprint", command, check=False)
        assert done.returncode == 3 and "systemctl start synprintd" in done.stderr, done
    assert show("ActiveState") == "inactive", "who only looks starts nothing"
    assert status()["ok"], "who connects before the start is answered after it"
    wait_active()
    assert "error" not in journal() and "warning" not in journal(), journal()
    lab.wait_until(lambda: re.match(r"diverted by nft: \d+ SYNs classified, \d+ passed by; \d+ clients",
                                    show("StatusText")), "the status has figures", 30)


def the_queue_is_native(_):
    rules = status()["rules"]
    assert rules["engine"] == "nft", rules
    chain = lab.sh("nft", "list", "chain", "inet", "synprint", "send").stdout
    assert re.search(r"queue flags bypass to (symhash mod|\d)", chain), chain


def run_in_namespaces(*arguments):
    """Scenarios of tests/netns with the installed programs, in a process of their own."""
    for link, target in (("build/synprintd", "/usr/sbin/synprintd"),
                         ("build/synprint", "/usr/bin/synprint"), ("conf", CONFIG.parent)):
        path = Path("/payload") / link
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            path.symlink_to(target)
    said = []
    with subprocess.Popen([sys.executable, "-B", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as process:
        for line in process.stdout:
            said.append(line)
            if re.match("(FIGURE|SKIP|ok) ", line):
                print(f"    {line}", end="", flush=True)
    assert process.returncode == 0, "".join(said)[-8000:]


def the_switch_on_this_kernel(_):
    """What packets do to sets and switch."""
    run_in_namespaces("/payload/tests/netns/test_switch.py")


def the_clocks_on_this_kernel(_):
    """Which says when a packet came only where somebody asks for it."""
    run_in_namespaces("/payload/tests/netns/test_clocks.py")


def nobody_is_forged_on_this_kernel(_):
    """The table of forgeries, and who is told apart from them."""
    run_in_namespaces("/payload/tests/netns/test_forgeries.py")


def a_flowtable(_):
    """Debian's kernel has them."""
    run_in_namespaces("/payload/tests/netns/test_flowtable.py")


class Audit:
    """The kernel's audit records, while audit is on (linux/audit.h)."""

    SET, NETFILTER_CFG, ENABLED, READLOG = 1001, 1325, 1, 1
    SOL_NETLINK, ADD_MEMBERSHIP = 270, 1

    def __enter__(self):
        self.log = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9)
        self.log.bind((0, 0))  # the kernel tells nobody who has the kernel's own number
        self.log.setsockopt(self.SOL_NETLINK, self.ADD_MEMBERSHIP, self.READLOG)
        self.enable(1)
        return self

    def __exit__(self, *_):
        self.enable(0)
        self.log.close()

    def enable(self, value):
        status = struct.pack("=11I", self.ENABLED, value, *[0] * 9)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9) as control:
            control.send(struct.pack("=IHHII", 16 + len(status), self.SET, 5, 1, 0) + status)
            assert struct.unpack_from("=i", control.recv(4096), 16)[0] == 0, "audit is switched"

    def changes(self, seconds):
        """The first that was told of nf_tables, iptables and ipsets meanwhile, if any."""
        found, end = [], time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not found:
            self.log.settimeout(left)
            with contextlib.suppress(TimeoutError):
                message = self.log.recv(65536)
                if struct.unpack_from("=IH", message)[1] == self.NETFILTER_CFG:
                    found.append(message[16:].decode(errors="replace"))
        return found


def nothing_is_audited(host):
    """A minute of nothing, and one of new clients that enter the sets."""
    with Audit() as audit:
        host.nft("add table ip hello\ndelete table ip hello")
        host.nft("table ip hello { set s { type ipv4_addr; elements = { 192.0.2.1 }; }; }")
        host.nft("delete table ip hello")
        assert audit.changes(10 * lab.PATIENCE), "others' changes are seen"
        while audit.changes(5):
            continue
        assert not (changes := audit.changes(60)), changes
        clients = traffic.Load(host.client, 200, sources=20000)
        try:
            assert not (changes := audit.changes(60)), changes
        finally:
            result = clients.stop()
    traffic.expect_no_failure(result, "while audit is on")
    lab.figure(f"0 audit records in 60 s of nothing, 0 in 60 s of {result['started']} new clients")


def get(path, unix=False, **headers):
    """The status and the body of an answer of synprint-web's."""
    connection = http.client.HTTPConnection("127.0.0.1", 8250, timeout=30 * lab.PATIENCE)
    if unix:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect("/run/synprint-web/http.sock")
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def exposure(unit):
    out = lab.sh("systemd-analyze", "security", "--no-pager", unit).stdout
    level = float(re.search(r"Overall exposure level .*: ([\d.]+)", out)[1])
    lab.figure(f"systemd-analyze security {unit}: {level}")
    return level


def has_no_rights(unit, user):
    uid = pwd.getpwnam(user).pw_uid
    for thread in test_confined.threads(int(show("MainPID", unit))):
        assert thread["Uid"].split() == [str(uid)] * 4, thread
        assert int(thread["CapPrm"], 16) == int(thread["CapBnd"], 16) == 0, thread


def the_web_server_asks_and_sees_nothing_else(_):
    """Started by its sockets, in a network namespace without a network, as a user without rights."""
    secret = "a-token-would-have-no-blanks"
    TOKEN.write_text(secret + "\n")
    TOKEN.chmod(0o600)
    systemctl("start", WEB_SOCKET)
    assert show("ActiveState", WEB) == "inactive", "its first client starts it"
    lab.wait_until(lambda: get("/health", unix=True)[0] == 200, "it answers, and has an answer")
    lab.wait_until(lambda: json.loads(get("/classify")[1]).get("ip") == "127.0.0.1",
                   "who asks is classified")
    assert get("/metrics", Via="1.1 x")[0] == 401
    assert get("/metrics", Via="1.1 x", Authorization=f"Bearer {secret}")[0] == 200
    has_no_rights(WEB, "synprint-web")
    links = json.loads(lab.sh("nsenter", "-t", show("MainPID", WEB), "-n", "ip", "-j", "link").stdout)
    assert [link["ifname"] for link in links] == ["lo"], links
    assert exposure(WEB) <= 1.5
    systemctl("stop", WEB, WEB_SOCKET)
    TOKEN.unlink()


def the_share_starts_without_rights(_):
    """It waits for a broker that is not there, and has no rights."""
    before = SHARE_CONFIG.read_text()
    SHARE_CONFIG.write_text('brokers = ( { host = "127.0.0.1"; port = 1883; } );\n')
    try:
        systemctl("start", SHARE)
        assert show("ActiveState", SHARE) == "active", show("StatusText", SHARE)
        has_no_rights(SHARE, "synprint-share")
        assert exposure(SHARE) <= 2.0
        systemctl("stop", SHARE)
        assert show("Result", SHARE) == "success", show("Result", SHARE)
    finally:
        SHARE_CONFIG.write_text(before)


def a_vrf(_):
    """Debian's cloud kernel has it."""
    run_in_namespaces("/payload/tests/netns/test_vrf.py")


def what_is_printed_diverts(_):
    """The text of rules print, loaded by the administrator, is the whole of it."""
    run_in_namespaces("/payload/tests/netns/test_engine_none.py", "nft_format")


def nothing_but_net_admin(_):
    user = pwd.getpwnam("synprint")
    for thread in test_confined.threads(pid()):
        assert thread["Uid"].split() == [str(user.pw_uid)] * 4
        assert int(thread["CapEff"], 16) == int(thread["CapPrm"], 16) == test_confined.CAP_NET_ADMIN
        assert int(thread["CapAmb"], 16) == 0 and thread["NoNewPrivs"] == "1"
        assert thread["Seccomp"] == "2"
    out = lab.sh("systemd-analyze", "security", "--no-pager", SERVICE).stdout
    level = float(re.search(r"Overall exposure level .*: ([\d.]+)", out)[1])
    assert level <= 1.2, out
    said = lab.sh("systemd-analyze", "verify", "--man=no", f"/lib/systemd/system/{SERVICE}")
    assert SERVICE not in said.stderr, said.stderr
    lab.figure(f"systemd-analyze security in the machine: {level}")


def the_first_syn_is_in_the_set(host):
    host.nft(POLICY)
    for number in range(1, 21):
        traffic.connect(host.client, lab.SERVER4, lab.source4(number))
    assert host.counter("inet synprint", "matched") == 20
    reply = ask({"op": "verdict", "ip": lab.source4(7)})
    assert reply["found"] and reply["os"]["family"] == "Linux", reply
    assert test_service.p0f_status(P0F, lab.source4(7)) == test_service.P0F_OK
    lab.figure("first SYNs matched by a rule behind the native queue: 20 of 20")


def the_sockets_are_the_groups(_):
    """Members of the group synprint may ask, others may not connect."""
    for path in (CONTROL, P0F):
        assert oct(os.stat(path).st_mode & 0o777) == "0o660", path
    group = pwd.getpwnam("synprint").pw_gid
    for groups, code in ((["--clear-groups"], 5), ([f"--groups={group}"], 0)):
        done = lab.sh("setpriv", "--reuid=65534", "--regid=65534", *groups, "synprint", "status",
                      check=False)
        assert done.returncode == code, done


def the_selftest_is_green(_):
    done = lab.sh("synprint", "selftest", "--stop", check=False)
    assert done.returncode == 0 and "FAILED" not in done.stdout, done.stdout + done.stderr
    assert "a SYN          over loopback was classified" in done.stdout, done.stdout
    # It was stopped a moment ago; until the SYNs that waited are back, others may pass unclassified.
    lab.wait_until(lambda: "every queue answers" in lab.sh("synprint", "selftest", check=False).stdout,
                   "every queue answers again")


def living_elements_stay_and_gone_ones_go(host):
    """A timeout of 4 seconds: kernel 6.1 keeps the old expiry of what is only added again."""
    busy, gone = lab.source4(101), lab.source4(102)
    traffic.connect(host.client, lab.SERVER4, gone)
    assert gone in host.elements("short4")
    end = time.monotonic() + 15
    while time.monotonic() < end:
        traffic.connect(host.client, lab.SERVER4, busy)
        assert busy in elements(host, "short4"), "it lapsed, and its client is there"
        time.sleep(0.3)
    assert gone not in elements(host, "short4")
    lab.wait_until(lambda: busy not in elements(host, "short4"), "the element lapses", 30)


def foreign_flushes_are_made_good(host):
    member = lab.source4(7)
    for what in (("nft", "flush", "ruleset"), ("systemctl", "restart", "nftables.service")):
        with load(host, " ".join(what)):
            lab.sh(*what)
            lab.wait_until(lambda: member in elements(host, "all4"), "sets are full again", 30)
            lab.wait_until(lambda: status()["rules"]["diverting"], "rules are back", 30)
    systemctl("stop", "nftables.service")
    lab.wait_until(lambda: member in elements(host, "all4"), "sets are full again", 30)


def a_kill_keeps_the_sets(host):
    member, before = lab.source4(7), pid()
    with load(host, "kill -9"):
        os.kill(before, 9)
        assert member in host.elements("all4"), "the sets stay while nobody is there"
        lab.wait_until(lambda: show("ActiveState") == "active" and pid() not in (0, before),
                       "it is started again", 60)
        lab.wait_until(lambda: status()["rules"]["diverting"], "it diverts", 30)
        assert member in host.elements("all4")
    assert int(show("NRestarts")) >= 1


def a_reload_is_checked(host):
    good, before = CONFIG.read_text(), pid()
    with load(host, "systemctl reload"):
        systemctl("reload", SERVICE)
        CONFIG.write_text(good + "colour = 1;\n")
        assert systemctl("reload", SERVICE, check=False).returncode != 0
        assert "unknown key 'colour'" in journal()
        CONFIG.write_text(good)
        systemctl("reload", SERVICE)
    assert pid() == before and show("ActiveState") == "active"


def the_service_knows_its_queues(_):
    """The kernel's table is root's; systemd keeps it for the service, over restarts too."""
    for round_ in range(2):
        queue = status()["queues"][0]
        assert queue["waiting"] >= 0 and queue["dropped"] == {"kernel": 0, "user": 0}, (round_, queue)
        systemctl("restart", SERVICE)
        wait_active()
    assert "Cannot store" not in journal(), journal()


def a_bad_configuration_stays_down(_):
    """It is not started again and again, but by clients that wait; good again, it starts soon."""
    good = CONFIG.read_text()
    CONFIG.write_text(good + "colour = 1;\n")
    try:
        assert systemctl("restart", SERVICE, check=False).returncode != 0
        time.sleep(3)
        assert (show("ActiveState"), show("NRestarts"), show("ExecMainStatus")) == ("failed", "0", "4"), \
            systemctl("status", SERVICE, check=False).stdout
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(CONTROL)
            time.sleep(5)
    finally:
        CONFIG.write_text(good)
    lab.wait_until(lambda: systemctl("start", SERVICE, check=False).returncode == 0,
                   "it starts again, whatever was tried meanwhile", 60)
    wait_active()


def the_watchdog_ends_what_hangs(host):
    before = pid()
    name = f"queue {status()['queues'][0]['queue']}"
    with load(host, "one worker stands still until the watchdog acts"):
        with stall.Stalled(before, name) as stalled:
            lab.wait_until(lambda: stalled.reap() or pid() not in (0, before),
                           "it is started again", 60)
        wait_active()
        lab.wait_until(lambda: status()["rules"]["diverting"], "it diverts", 30)
    assert "watchdog" in lab.sh("journalctl", "--no-pager", "-u", SERVICE).stdout.lower()


def a_restart_loses_no_client(host):
    """Those in the queue of the socket, that is: who is being served sees the connection end."""
    with load(host, "systemctl restart"):
        restart = subprocess.Popen(["systemctl", "restart", SERVICE])
        answers = 0
        while restart.poll() is None or answers < 20:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError, json.JSONDecodeError):
                answers += ask({"op": "status"})["ok"]
        assert restart.returncode == 0


def an_upgrade_drops_no_connection(host):
    before = pid()
    traffic.connect(host.client, lab.SERVER4, lab.source4(150))
    known = ask({"op": "verdict", "ip": lab.source4(150)})["client"]
    old = lab.sh("dpkg-query", "-W", "-f", "${Version}", "synprint").stdout
    with load(host, "an upgrade of the package"):
        lab.sh("dpkg", "-i", *map(str, sorted((PACKAGES / "newer").glob("*.deb"))))
        wait_active()
    assert pid() not in (0, before), "the new program does not run"
    assert lab.sh("dpkg-query", "-W", "-f", "${Version}", "synprint").stdout != old
    assert ask({"op": "verdict", "ip": lab.source4(150)})["client"] == known, "state is kept"


def the_stop_leaves_nothing(_):
    systemctl("stop", SOCKET)
    assert "cannot write" not in journal(), "nobody took its directory: " + journal()
    assert show("ActiveState") == "inactive", "the service goes with its socket"
    left = lab.sh("nft", "list", "ruleset").stdout
    assert "divert" not in left and "answering" not in left, left
    lab.sh("nft", "flush", "ruleset")  # the administrator's own chain in our table
    systemctl("enable", SERVICE)
    systemctl("enable", "nftables.service")


def it_comes_with_the_boot(host):
    wait_active()
    started, network, ruleset = (int(show("ActiveEnterTimestampMonotonic", unit)) for unit in
                                 (SERVICE, "network-pre.target", "nftables.service"))
    assert 0 < ruleset < started < network, (ruleset, started, network)
    traffic.connect(host.client, lab.SERVER4, lab.source4(9))
    assert lab.source4(9) in host.elements("all4")
    rules = status()["rules"]
    assert rules["engine"] == "nft" and rules["diverting"], rules


def a_purge_leaves_no_trace(host):
    with load(host, "a purge of the package"):
        lab.sh("dpkg", "-P", *(lab.sh("dpkg-deb", "-f", str(deb), "Package").stdout.strip()
                               for deb in sorted(PACKAGES.glob("*.deb"))))
    assert not traces(), traces()
    assert SERVICE not in systemctl("list-unit-files").stdout


BOOTS = {
    "1": (installation_starts_nothing, a_client_starts_the_service, the_queue_is_native,
          nothing_but_net_admin, the_first_syn_is_in_the_set, the_sockets_are_the_groups,
          the_selftest_is_green, living_elements_stay_and_gone_ones_go, foreign_flushes_are_made_good,
          a_kill_keeps_the_sets, a_reload_is_checked, the_service_knows_its_queues,
          a_bad_configuration_stays_down, the_watchdog_ends_what_hangs,
          a_restart_loses_no_client, an_upgrade_drops_no_connection, nothing_is_audited,
          the_web_server_asks_and_sees_nothing_else, the_share_starts_without_rights,
          what_is_printed_diverts, a_vrf, a_flowtable, the_clocks_on_this_kernel,
          the_switch_on_this_kernel, nobody_is_forged_on_this_kernel, the_stop_leaves_nothing),
    "2": (it_comes_with_the_boot, a_purge_leaves_no_trace),
}


def run(host, scenario):
    start = time.monotonic()
    try:
        scenario(host)
    except Exception:
        print(f"FAILED {scenario.__name__}", flush=True)
        for line in (traceback.format_exc() + "--- journal\n" + journal()[-4000:]).splitlines():
            print(f"    {line}", flush=True)
        return
    print(f"ok {scenario.__name__} ({time.monotonic() - start:.1f} s)", flush=True)


def main():
    parameters = Path("/proc/cmdline").read_text()
    boot = re.search(r"vm\.boot=(\d+)", parameters)[1]
    only = re.search(r"vm\.only=(\S+)", parameters)
    for module in ("ip_tables", "nf_conntrack"):
        lab.sh("modprobe", module, check=False)
    host = Host()
    try:
        host.build()
        host.adopt(traffic.Server(host.server))
        uptime = Path("/proc/uptime").read_text().split()[0]
        lab.figure(f"boot {boot}: {uptime} s, kernel {os.uname().release}")
        for scenario in BOOTS[boot]:
            if not only or scenario.__name__ in only[1].split(","):
                run(host, scenario)
    finally:
        host.close()
    print(f"END OF BOOT {boot}", flush=True)


if __name__ == "__main__":
    main()
