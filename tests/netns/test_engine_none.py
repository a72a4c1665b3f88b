#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""rules.engine = "none": the administrator's own rules, as `synprint rules print` prints them, and
ipsets on the other side."""
import re
import signal
import time

import forger
import lab
import traffic

PATIENT = "deadline_ms = 1000;"  # it is the order that is tested, not this machine's speed
CLIENTS = 100  # of each IP version


def has_variant(lab_, variant):
    """Whether the kernel and the system have it at all, whatever our rules are."""
    probe = "*raw\n-A PREROUTING -p tcp -j NFQUEUE --queue-num 999 --queue-bypass\nCOMMIT\n"
    done = lab.sh("sh", "-c", f"iptables{variant}-restore && iptables{variant} -t raw -F",
                  namespace=lab_.gateway, stdin=probe, check=False)
    return done.returncode == 0


def counted(lab_, tool, chain, what):
    """Packets that a rule with this text in it has counted."""
    out = lab.sh(tool, "-t", "mangle", "-L", chain, "-v", "-n", "-x", namespace=lab_.gateway).stdout
    line = next(line for line in out.splitlines() if what in line)
    return int(re.match(r"\s*(\d+)", line).group(1))


def switch_members(lab_):
    listed = lab.sh("ipset", "list", "synprint_alive", namespace=lab_.gateway).stdout
    return re.findall(r"^(synprint_all\d) timeout", listed, re.M)


def stopped_daemon_diverts_nothing(lab_, daemon):
    """It renews the members of a list, whose timeout of a second is the dead-man's switch."""
    lab.wait_until(lambda: set(switch_members(lab_)) == {"synprint_all4", "synprint_all6"}, "the switch is on")
    received = daemon.received()
    daemon.kill(signal.SIGSTOP)
    lab.wait_until(lambda: not switch_members(lab_), "the switch goes off")
    result = traffic.Load(lab_.client, 100, 50).result()
    daemon.kill(signal.SIGCONT)
    traffic.expect_no_failure(result, "a stopped daemon")
    assert result["retransmissions"] == 0, result
    lab.wait_until(lambda: switch_members(lab_), "the switch goes on again")
    assert daemon.received() == received, daemon.status()


def with_variant(lab_, variant):
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(['ipset = "seen"; timeout = "10m"'], engine="none",
                               queue="first = 20; count = 2;", publish=PATIENT)
    rules = lab_.rules("print", "--format", "iptables", config=config).stdout
    assert "--queue-balance 20:21" in rules, rules
    switch = lab_.rules("print", "--format", "ipset", config=config).stdout
    for _ in range(2):  # again changes nothing
        lab.sh("ipset", "restore", "-exist", namespace=lab_.gateway, stdin=switch)
    for tool in ("iptables", "ip6tables"):
        lab.sh(f"{tool}{variant}-restore", "--noflush", namespace=lab_.gateway, stdin=rules)
    daemon = lab_.daemon(config).start()
    lab.wait_until(lambda: len(switch_members(lab_)) == 2, "the switch goes on")
    for version in (4, 6):
        tool = ("iptables" if version == 4 else "ip6tables") + variant
        lab.sh(tool, "-t", "mangle", "-A", "PREROUTING", "-p", "tcp", "--syn", "-m", "set",
               "--match-set", f"seen{version}", "src", "-j", "MARK", "--set-mark", "7",
               namespace=lab_.gateway)
    result = traffic.Load(lab_.client, 200, 2 * CLIENTS, CLIENTS).result()
    traffic.expect_no_failure(result, "connections")
    assert result["retransmissions"] == 0, result
    got = [counted(lab_, tool + variant, "PREROUTING", "match-set")
           for tool in ("iptables", "ip6tables")]
    assert got == [CLIENTS, CLIENTS], (got, daemon.status())
    for version, source in ((4, lab.source4), (6, lab.source6)):
        listed = lab.sh("ipset", "list", f"seen{version}", namespace=lab_.gateway).stdout
        members = dict(re.findall(r"^(\S+) timeout (\d+)", listed, re.M))
        assert set(members) == {source(1 + i) for i in range(CLIENTS)}, listed
        assert all(0 < int(left) <= 600 for left in members.values()), listed
        reply = daemon.verdict(source(1))
        assert reply["found"] and reply["os"]["family"] == "Linux", reply
    assert daemon.received() == 2 * CLIENTS, daemon.status()
    lab.figure(f"first SYNs matched by -m set behind the queue (iptables{variant}): "
               f"{sum(got)} of {2 * CLIENTS}")
    assert daemon.status()["rules"]["diverting"], daemon.status()
    stopped_daemon_diverts_nothing(lab_, daemon)
    # The administrator's rules stay, and without the daemon they let everything through.
    before = lab.sh(f"iptables{variant}-save", namespace=lab_.gateway).stdout
    assert daemon.stop() == 0, daemon.log()
    after = lab.sh(f"iptables{variant}-save", namespace=lab_.gateway).stdout
    assert not switch_members(lab_), "the switch was left on"
    assert "SYNPRINT" in after and before.count("\n") == after.count("\n"), (before, after)
    result = traffic.Load(lab_.client, 100, 50).result()
    traffic.expect_no_failure(result, "without the daemon")
    assert result["retransmissions"] == 0, result


def iptables_nft(lab_):
    if not has_variant(lab_, "-nft"):
        raise lab.Skip("this kernel does not take iptables-nft's NFQUEUE in table raw")
    with_variant(lab_, "-nft")


def iptables_legacy(lab_):
    if has_variant(lab_, "-legacy"):  # newer kernels are built without
        with_variant(lab_, "-legacy")


def nft_format(lab_):
    """The same for nft: loaded twice they are there once. They are the administrator's, and their
    switch is clocked by the packets."""
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(['nftset = "all"'], engine="none", queue="first = 20; count = 2;")
    rules = lab_.rules("print", "--format", "nft", config=config).stdout
    has_queue = lab.has_kernel_nft_queue(lab_)
    if not has_queue:  # all but that one expression can be tested
        rules, count = re.subn("queue flags bypass to symhash mod 2 offset 20", "accept", rules)
        assert count == 1, rules
    lab_.nft("table inet synprint { set mine { type ipv4_addr; }; }")
    lab_.nft(rules)
    once = lab_.snapshot()
    lab_.nft(rules)
    lab_.expect_snapshot(once, "loading the rules again changed something")
    daemon = lab_.daemon(config).start()
    for destination in (lab.SERVER4, lab.SERVER6):
        traffic.connect(lab_.client, destination)
    assert daemon.received() == (2 if has_queue else 0), daemon.status()
    assert "counter packets 2 " in lab_.snapshot(), lab_.snapshot()
    if has_queue:
        assert list(lab_.elements("all4")) == [lab.CLIENT4], "their rules fill our sets"
    daemon.stop()
    listed = lab_.snapshot(stateless=True)
    assert "chain divert" in listed and "set mine" in listed and "@all4" in listed, listed


def both_ends_forged(lab_, daemon, forged, version):
    """To a server that is not there, in the name of somebody who is silent."""
    victim, dead = ((lab.source4(10), "203.0.113.77") if version == 4 else
                    (lab.source6(10), "2001:db8:2::77"))
    lab_.nft(f"table inet quiet{version} {{ chain in {{ type filter hook input priority 0; "
             f"ip{'6' if version == 6 else ''} daddr {victim} drop; }}; }}", lab_.client)

    def wait():
        lab.wait_until(lambda: daemon.verdict(victim)["found"], "the SYN was seen")
        time.sleep(0.1)  # it waits for its sets, and is gone
    forged.both_ends(victim, dead, 1024, "wireguard", again=False, wait=wait)


def confirmed(lab_):
    """An ipset that waits for handshakes, under the administrator's rules with conntrack."""
    if not has_variant(lab_, "-nft"):
        raise lab.Skip("iptables-nft does not work here")
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(['ipset = "real"; timeout = "10m"; confirm = "served"'],
                               engine="none", rules="conntrack = true;")
    rules = lab_.rules("print", "--format", "iptables", config=config).stdout
    lab.sh("ipset", "restore", "-exist", namespace=lab_.gateway,
           stdin=lab_.rules("print", "--format", "ipset", config=config).stdout)
    for tool in ("iptables", "ip6tables"):
        lab.sh(f"{tool}-nft-restore", "--noflush", namespace=lab_.gateway, stdin=rules)
    daemon, forged = lab_.daemon(config).start(), forger.Forger(lab_)
    lab.wait_until(lambda: switch_members(lab_), "the switch goes on")
    for version, server in ((4, lab.SERVER4), (6, lab.SERVER6)):
        for way in forged.WAYS:
            way(forged, lab.source4(9) if version == 4 else lab.source6(9), server, 1024,
                shape="wireguard")
        both_ends_forged(lab_, daemon, forged, version)
        traffic.connect(lab_.client, server)

    def inside():
        return {line.split()[0] for name in ("real4", "real6") for line in
                lab.sh("ipset", "list", name, namespace=lab_.gateway).stdout.splitlines()
                if " timeout " in line and line[0] in "12"}
    lab.wait_until(lambda: inside() == {lab.CLIENT4, lab.CLIENT6}, f"who was served is in: {inside()}")
    assert daemon.status()["clients"]["confirmed"] == 2, daemon.status()["clients"]


def sets_before_the_daemon(lab_):
    """What --sets prints loads where nothing is, rules refer to it, and synprintd fills it and leaves it."""
    lab_.adopt(traffic.Server(lab_.server))
    config = lab_.write_config(['nftset = "all"', 'nftset = "theirs"; table = "inet theirs"', 'ipset = "all"',
                                'ipset = "nets"; prefix6 = 64; comment = true; size = 8',
                                'nftmap = "class"; value = 7', 'nftset = "conns"; key = "addr . port"'],
                               publish=PATIENT)
    sets = lab_.rules("print", "--sets", config=config).stdout
    lab_.nft(sets)
    lab_.nft(sets)  # again changes nothing
    ipsets = lab_.rules("print", "--sets", "--format", "ipset", config=config).stdout
    assert "synprint_alive" not in ipsets, ipsets
    for _ in range(2):
        lab.sh("ipset", "restore", "-exist", namespace=lab_.gateway, stdin=ipsets)
    lab_.nft("""table inet synprint { chain site { type filter hook prerouting priority mangle;
        ip saddr @all4 ip saddr . tcp sport @conns4 meta mark set ip saddr map @class4 counter; }; }
        table inet theirs { chain site { type filter hook prerouting priority mangle;
        ip6 saddr @theirs6 counter; }; }""")
    lab.sh("iptables", "-t", "mangle", "-A", "PREROUTING", "-m", "set", "--match-set", "all4", "src", "-j",
           "MARK", "--set-mark", "9", namespace=lab_.gateway)
    daemon = lab_.daemon(config).start()
    assert "warning" not in daemon.log() and "error" not in daemon.log(), daemon.log()
    for server in (lab.SERVER4, lab.SERVER6):
        traffic.connect(lab_.client, server)
    rules = lab.sh("nft", "list", "ruleset", namespace=lab_.gateway).stdout
    assert re.search(r"map @class4 counter packets [1-9]", rules), rules
    assert re.search(r"@theirs6 counter packets [1-9]", rules), rules
    assert counted(lab_, "iptables", "PREROUTING", "match-set") > 0
    listed = lab.sh("ipset", "list", "nets6", namespace=lab_.gateway).stdout
    assert "2001:db8:1::/64 timeout" in listed, listed
    daemon.stop()
    lab_.nft(sets)  # what is there is what was printed
    assert {"all4", "all6", "nets4", "nets6"} <= set(
        lab.sh("ipset", "list", "-n", namespace=lab_.gateway).stdout.split())


def what_cannot_be_printed(lab_):
    for arguments, said in ((("--engine", "xt"), "no words for xt"), (("--sets", "--format", "iptables"), "no sets")):
        done = lab_.rules("print", *arguments, check=False)
        assert done.returncode == 2 and said in done.stderr and not done.stdout, done
    for arguments in ([], ["--remove"]):
        done = lab_.rules("print", "--sets", "--format", "ipset", *arguments,
                          config=lab_.write_config(['nftset = "all"']))
        assert "no rule of publish.sets names an ipset" in done.stderr, done
    text = lab_.rules("print", "--format", "iptables", config=lab_.write_config(['nftset = "all"'])).stdout
    assert text.count("--match-set ") == text.count("--match-set synprint_alive ") == 1, text


def load_all(lab_, config):
    lab.sh("ipset", "restore", "-exist", namespace=lab_.gateway,
           stdin=lab_.rules("print", "--format", "ipset", config=config).stdout)
    text = lab_.rules("print", "--format", "iptables", config=config).stdout
    for tool in ("iptables", "ip6tables"):
        lab.sh(f"{tool}-restore", "--noflush", namespace=lab_.gateway, stdin=text)
    assert text.count("SYNPRINT") > 3 and "SYNPRINT" in lab_.snapshot()
    return text


def expect_nothing_left(lab_, before):
    assert not lab.sh("ipset", "list", "-n", namespace=lab_.gateway).stdout
    left = lab.sh("iptables-save", namespace=lab_.gateway).stdout
    assert "SYNPRINT" not in left and "--comment theirs -j ACCEPT" in left, left
    assert "SYNPRINT" not in lab_.snapshot()
    rules = [re.findall("^-A .*", text, re.M) for text in (before, left)]
    assert rules[0] == rules[1], left


def removed_as_printed(lab_):
    """The commands in the comments take away all that was loaded, and nothing else."""
    if not has_variant(lab_, "-nft"):
        raise lab.Skip("iptables-nft does not work here")
    for table in ("raw", "mangle"):
        for tool in ("iptables", "ip6tables"):
            lab.sh(tool, "-t", table, "-A", "PREROUTING", "-m", "comment", "--comment", "theirs",
                   "-j", "ACCEPT", namespace=lab_.gateway)
    before = lab.sh("iptables-save", namespace=lab_.gateway).stdout
    for config in ({"rules": "conntrack = true;", "clocks": "enabled = true;"}, {"clocks": "enabled = true;"},
                   {"rules": 'interfaces = [ "g0", "ppp*" ]; limit = 50;'}):
        config = lab_.write_config(['ipset = "scanner"', 'ipset = "nets"; prefix6 = 64'], engine="none",
                                   **config)
        text = load_all(lab_, config)
        examples = re.findall(r"^#   (ip6?tables +-t mangle .*)", text, re.M)
        assert len(examples) == 2, text
        for example in examples:  # what is shown is there
            lab.sh("sh", "-ec", example, namespace=lab_.gateway)
            lab.sh("sh", "-ec", example.replace(" -A ", " -D "), namespace=lab_.gateway)
        ways = [re.findall(r"^#   (.*)", part, re.M) for part in
                text.partition("To remove them")[2].split("Where these have changed")]
        assert [len(way) for way in ways] == [3, 2], ways
        lab.sh("ipset", "destroy", "nets4", namespace=lab_.gateway)  # what is gone is no error
        for way in (ways[0], ways[1] + ways[0][2:]):
            commands = "\n".join(way).replace("synprint rules", f"{lab.SYNPRINT} --config {config} rules")
            lab.sh("bash", "-ec", "set -o pipefail\n" + commands, namespace=lab_.gateway)
            expect_nothing_left(lab_, before)
            load_all(lab_, config)
        lab.sh("bash", "-ec", commands, namespace=lab_.gateway)


def removed_from_nft(lab_):
    config = lab_.write_config(['nftset = "all"', 'nftset = "theirs"; table = "inet theirs"', 'nftmap = "class"; value = 7',
                                'nftmap = "conns"; value = 7; key = "addr . port"',
                                'nftset = "late"; confirm = "served"'], engine="none", clocks="enabled = true;",
                               rules="conntrack = true;")
    lab_.nft("table inet theirs { chain c {}; }")
    before = lab_.snapshot()
    rules = lab_.rules("print", config=config).stdout
    if not lab.has_kernel_nft_queue(lab_):
        rules = re.sub(r"queue flags bypass to (symhash mod \d+( offset \d+)?|\d+)", "accept", rules)
    lab_.nft(rules)
    assert "chain divert" in lab_.snapshot()
    lab_.nft(lab_.rules("print", "--remove", config=config).stdout)
    lab_.nft("delete table inet synprint")
    assert lab_.snapshot() == before, lab_.snapshot()
    lab_.nft(lab_.rules("print", "--sets", config=config).stdout)
    lab_.nft(lab_.rules("print", "--sets", "--remove", config=config).stdout)
    assert "set " not in lab_.snapshot() and "map " not in lab_.snapshot(), lab_.snapshot()


def rules_that_were_applied(lab_):
    """They mean what printed ones mean: packets fill the sets, and nobody is warned of them."""
    lab_.adopt(traffic.Server(lab_.server))
    sets = ['nftset = "all";']
    lab_.rules("apply", config=lab_.write_config(sets, name="rules.conf"))
    daemon = lab_.daemon(lab_.write_config(sets, engine="none")).start()
    traffic.connect(lab_.client, lab.SERVER4)
    assert lab.CLIENT4 in lab_.elements("all4")
    lab.wait_until(lambda: daemon.status()["rules"]["filled"] == 1, "a packet has filled the set")
    assert "another configuration" not in daemon.log(), daemon.log()


if __name__ == "__main__":
    lab.run(iptables_nft, iptables_legacy, nft_format, confirmed, sets_before_the_daemon, what_cannot_be_printed,
            rules_that_were_applied, removed_as_printed, removed_from_nft)
