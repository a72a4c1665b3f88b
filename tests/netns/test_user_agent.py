#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a client says of itself is compared with its SYN: an honest one is believed, a lie is
remembered and published, a library claims nothing, and NAT is given the benefit of the doubt."""
import forger
import lab
import traffic

LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0"
CURL = "curl/8.5.0"
SETS = ['nftset = "liars"; flags = [ "os_mismatch" ]; timeout = 60;']


def ask(daemon, ip, user_agent, port=None, **members):
    request = {"op": "verdict", "ip": ip, "user_agent": user_agent} | members
    if port:
        request["port"] = port
    return daemon.request(request)


def claims(lab_):
    """The client's kernel is Linux: whoever says Windows through it is behind a proxy."""
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config(sets=SETS)).start()
    for source, destination, name in ((lab.CLIENT4, lab.SERVER4, "liars4"),
                                      (lab.CLIENT6, lab.SERVER6, "liars6")):
        port = traffic.connect(lab_.client, destination)
        honest = ask(daemon, source, LINUX, port)
        assert honest["user_agent"]["os_mismatch"] is False, honest
        assert "os_mismatch" not in honest["flags"], honest
        library = ask(daemon, source, CURL, port)
        assert library["user_agent"]["claim"] is None, library
        assert library["user_agent"]["os_mismatch"] is None, library
        assert not lab_.elements(name), "nobody has lied yet"
        told = ask(daemon, source, WINDOWS, port, keep=False)
        assert told["user_agent"]["os_mismatch"] is True and "os_mismatch" in told["flags"], told
        assert "os_mismatch" not in daemon.verdict(source, port)["flags"], "told, but not kept"
        lie = ask(daemon, source, WINDOWS, port)
        assert lie["user_agent"]["claim"] == "Windows", lie
        assert lie["user_agent"]["os_mismatch"] is True, lie
        assert lie["user_agent"]["probability"] >= 0.8, lie
        assert "os_mismatch" in lie["flags"] and "ua_lie" in lie["reasons"], lie
        lab.wait_until(lambda: source in lab_.elements(name), f"{source} is in {name}")
        again = daemon.verdict(source, port)
        assert "os_mismatch" in again["flags"], "the lie is remembered"
        text = daemon.cli("verdict", source, "--port", str(port), "--user-agent", WINDOWS).stdout
        assert "claims Windows" in text, text
    unknown = ask(daemon, "192.0.2.250", WINDOWS)
    assert unknown["found"] is False and "user_agent" not in unknown, unknown


def strangers(lab_):
    """A SYN that a stranger sent in somebody's name makes nobody a liar."""
    lab_.adopt(traffic.Server(lab_.server))
    rule = SETS[0] + ' confirm = "served"'
    daemon = lab_.daemon(lab_.write_config([rule], rules="conntrack = true;")).start()
    forged, visitor = forger.Forger(lab_), lab.source4(0x8001)

    def forge():
        before = daemon.received()
        forged.syn(visitor, lab.SERVER4, 1024, "wireguard")
        lab.wait_until(lambda: daemon.received() > before, "it was seen")
        lab.wait_until(lambda: daemon.verdict(visitor)["found"], "and judged")
    forge()
    told = ask(daemon, visitor, WINDOWS)
    assert told["user_agent"]["os_mismatch"] is True and not told["user_agent"]["kept"], told
    forge()
    told = ask(daemon, visitor, WINDOWS, 1024)
    assert told["user_agent"]["os_mismatch"] is True and not told["user_agent"]["kept"], told
    assert "os_mismatch" not in daemon.verdict(visitor, 1024)["flags"]
    port = traffic.connect(lab_.client, lab.SERVER4)
    told = ask(daemon, lab.CLIENT4, WINDOWS, port)
    assert told["user_agent"]["kept"] is True, told
    lab.wait_until(lambda: lab_.elements("liars4"), "who lies himself is in the set")
    assert set(lab_.elements("liars4")) == {lab.CLIENT4}, lab_.elements("liars4")


if __name__ == "__main__":
    lab.run(claims, strangers)
