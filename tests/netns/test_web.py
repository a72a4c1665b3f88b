#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""synprint-web over HTTP: who is told what about whom, what is believed of a header, and that it
answers when synprintd does not."""
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time

import lab
import traffic
import web

PAGE = lab.ROOT / "man/synprint-web.8"


def verdicts(lab_):
    daemon = lab_.daemon().start()
    site = web.Web(lab_, daemon)
    for address in ("198.51.100.1", "2001:db8:1::1"):
        honest = site.get("/auth", address=address, User_Agent=web.LINUX)
        assert honest.status == 200 and honest.body == "", honest.headers
        client = honest.client()
        assert client["os"] == "Linux" and float(client["os-confidence"]) > 0.8, client
        assert client["verdict"] == "exact" and client["os-mismatch"] == "false", client
        assert client["link"] == "Ethernet or modem" and client["hops"] == "0", client
        assert client["flags"] == "none", client
        lie = site.get("/auth", address=address, User_Agent=web.WINDOWS).client()
        assert lie["os-mismatch"] == "true" and lie["flags"] == "os_mismatch", lie
        told = site.get("/auth?deny=os_mismatch,scanner", address=address, User_Agent=web.WINDOWS)
        assert told.status == 403 and told.client()["os"] == "Linux", told.headers
        silent = site.get("/auth", address=address).client()
        assert silent["os-mismatch"] == "unknown", silent
    assert site.get("/auth?deny=os_mismatsh").status == 400
    own = site.get("/classify", User_Agent=web.WINDOWS).json()
    assert own["ip"] == lab.CLIENT4 and own["exact"] and own["os"]["class"] == "Linux", own
    assert own["user_agent"]["os_mismatch"] is True, own
    assert "os_mismatch" not in daemon.verdict(own["ip"], own["port"])["flags"], "it is not kept"
    other = site.get("/classify?format=zardaxt", User_Agent=web.WINDOWS).json()
    assert other["os_highest_class"] == "Linux" and other["os_mismatch"] is True, other
    assert other["lookup_ip"] == lab.CLIENT4 and other["perfect_score"] == 10, other
    assert other["avg_score_os_class"]["Linux"] > other["avg_score_os_class"]["Windows"], other
    assert site.get("/classify?format=xml").status == 400
    assert site.get("/health").json() == {"ok": True, "synprintd": True}


def claims_are_kept_where_that_is_wanted(lab_):
    daemon = lab_.daemon().start()
    site = web.Web(lab_, daemon, "claims = true;")
    lie = site.get("/classify", User_Agent=web.WINDOWS).json()
    assert "os_mismatch" in daemon.verdict(lie["ip"], lie["port"])["flags"], lie


def who_may_ask(lab_):
    daemon = lab_.daemon().start()
    site = web.Web(lab_, daemon)
    asked = f"/classify?ip={lab.CLIENT4}"
    assert site.get(asked).status == 403 and site.get(asked + "&port=1").status == 403
    for path in ("/metrics", "/events"):
        assert site.get(path).status == 401, path
        assert site.get(path, Authorization="Bearer " + "x" * 24).status == 401, path
    bearer = {"Authorization": f"Bearer {web.TOKEN}"}
    assert site.get(asked, **bearer).json()["found"]
    assert site.unix(asked).json()["found"]
    assert site.unix(asked + "&port=1").json()["exact"] is False
    assert site.unix(asked + "&user_agent=Windows+NT+10.0").json()["ok"]
    assert site.unix("/classify?ip=nobody").status == 400
    assert site.unix("/classify?ip=::1&port=65536").status == 400
    assert site.unix("/classify").status == 404, "a Unix socket has no address"
    # Whoever asks on this machine for himself may; whoever passes a request on may not.
    here = {"namespace": lab_.gateway, "address": "127.0.0.1"}
    assert site.get("/metrics", **here).status == 200
    for header, value in (("X-Real-IP", "192.0.2.1"), ("X-Forwarded-For", "192.0.2.1"),
                          ("Via", "1.1 proxy"), ("Host", "rebound.example")):
        assert site.get("/metrics", **here, **{header: value}).status == 401, header
    assert site.unix("/metrics", X_Real_IP="192.0.2.1").status == 401
    assert web.TOKEN not in site.log()


def sessions(lab_):
    site = web.Web(lab_, lab_.daemon().start())
    form = {"method": "POST", "Content_Type": "application/x-www-form-urlencoded"}
    wrong = site.get("/login", body="token=" + "x" * 24, **form)
    assert wrong.status == 403 and "set-cookie" not in wrong.headers, wrong.headers
    right = site.get("/login", body=f"token={web.TOKEN}", **form)
    assert right.status == 303 and right.headers["location"] == "/live", right.headers
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie, cookie
    session = {"Cookie": "a=b; " + cookie.split(";")[0]}
    assert site.get("/metrics", **session).status == 200
    assert site.get("/metrics", Cookie=session["Cookie"][:-1] + "g").status == 401
    assert site.get("/logout", method="POST", body="", **session).status == 303
    assert site.get("/metrics", **session).status == 401
    assert site.get(f"/metrics?token={web.TOKEN}").status == 401, "never in a URL"
    assert site.get("/login", method="POST", body="token=" + "x" * 2000).status in (400, 413)
    assert web.TOKEN not in site.log()


def behind_a_proxy(lab_):
    """Over the Unix socket headers count, over TCP they are what anybody may write."""
    daemon = lab_.daemon().start()
    site = web.Web(lab_, daemon)
    here = site.get("/classify").json()
    ip, port = here["ip"], str(here["port"])
    real = {"X_Real_IP": ip, "X_Real_Port": port}
    told = site.unix("/auth", **real, User_Agent=web.WINDOWS).client()
    assert told["verdict"] == "exact" and told["os-mismatch"] == "true", told
    assert site.unix("/auth", X_Real_IP=ip).client()["verdict"] == "address"
    assert site.unix("/auth", X_Real_IP=ip, X_Real_Port="1").client()["verdict"] == "address"
    assert site.unix("/auth", X_Real_IP="192.0.2.7").client()["verdict"] == "unknown"
    assert site.unix("/auth").client() == {
        "os": "unknown", "os-confidence": "0.000", "link": "unknown", "hops": "unknown",
        "flags": "none", "os-mismatch": "unknown", "verdict": "unknown"}
    for headers in ({"X_Forwarded_For": f"192.0.2.9, {ip}:{port}"},
                    {"Forwarded": f'for=192.0.2.9, for="{ip}:{port}";proto=https'}):
        assert site.unix("/auth", **headers).client()["verdict"] == "exact", headers
    # What the client wrote stands behind what the proxy sets.
    both = site.unix("/auth", **real, X_Forwarded_For="192.0.2.9", Forwarded="for=192.0.2.9")
    assert both.client()["verdict"] == "exact", both.headers
    bad = site.unix("/auth", X_Real_IP="nobody", X_Forwarded_For=ip)
    assert bad.status == 200 and bad.client()["verdict"] == "unknown", bad.headers
    behind = site.unix("/auth?deny=scanner&path=/?a=1&ip=192.0.2.9&deny=none", **real)
    assert behind.client()["verdict"] == "exact", "the visitor's own arguments mean nothing"
    forged = site.get("/classify", X_Real_IP="192.0.2.9", X_Forwarded_For="192.0.2.9").json()
    assert forged["ip"] == lab.CLIENT4 and forged["exact"], forged


def two_behind_one_address(lab_):
    """A Linux and what looks like a scanner share an address: each has the answer of its port."""
    daemon = lab_.daemon().start()
    site = web.Web(lab_, daemon)
    mine = site.get("/classify").json()
    lab.sh("hping3", "-S", "-c", "1", "-s", "4711", "-p", "8250", "198.51.100.1",
           namespace=lab_.client, check=False)
    lab.wait_until(lambda: daemon.verdict(lab.CLIENT4, 4711)["exact"], "its SYN is known")
    answers = [site.unix("/auth?deny=scanner", X_Real_IP=lab.CLIENT4, X_Real_Port=str(port))
               for port in (mine["port"], 4711)]
    assert [answer.status for answer in answers] == [200, 403], [a.headers for a in answers]
    assert answers[0].client()["flags"] != answers[1].client()["flags"]


def without_synprintd(lab_):
    """Killed or stopped: /auth says 200 and unknown, in time; and all is well again afterwards."""
    daemon = lab_.daemon().start()
    site = web.Web(lab_, daemon, "timeout_ms = 40;")
    keep = http.client.HTTPConnection("198.51.100.1", web.PORT, timeout=10)
    with lab.inside(lab_.client):
        keep.connect()
    lab.wait_until(lambda: site.get("/auth?deny=scanner", connection=keep).client()["verdict"] == "exact",
                   "it answers in time")

    def is_open(path="/auth?deny=scanner,os_mismatch"):
        start = time.monotonic()
        answer = site.get(path, connection=keep, User_Agent=web.WINDOWS)
        return answer.status, answer.client().get("verdict"), time.monotonic() - start

    daemon.kill(signal.SIGSTOP)
    slowest = 0
    for _ in range(20):
        status, verdict, took_s = is_open()
        assert (status, verdict) == (200, "unknown"), status
        slowest = max(slowest, took_s)
    assert site.get("/health", connection=keep).status == 503
    daemon.kill(signal.SIGCONT)
    lab.wait_until(lambda: is_open()[1] == "exact", "it answers again")
    daemon.stop(signal.SIGKILL)
    for _ in range(5):
        status, verdict, took_s = is_open()
        assert (status, verdict) == (200, "unknown"), status
        slowest = max(slowest, took_s)
    text = site.unix("/metrics").body
    assert "synprint_web_synprintd_up 0" in text and "synprint_clients " not in text, text
    assert site.unix("/events").status == 503
    daemon.start()
    lab.wait_until(lambda: is_open("/auth")[1] != "unknown" or
                   site.get("/auth").client()["verdict"] == "exact", "it is connected again")
    lab.figure(f"synprint-web: without synprintd a request takes {1000 * slowest:.0f} ms at most")


def events(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon().start()
    site = web.Web(lab_, daemon)
    connection = web.UnixConnection(site.socket)
    connection.request("GET", "/events?flags=scanner&syns=true")
    stream = connection.getresponse()
    assert stream.getheader("Content-Type") == "text/event-stream"
    lab.wait_until(lambda: daemon.status()["control"]["subscribers"] == 1, "it has subscribed")
    traffic.connect(lab_.client, lab.SERVER4)
    lab.sh("hping3", "-S", "-c", "1", "-p", "8080", lab.SERVER4, namespace=lab_.client,
           check=False)
    lines = []
    while not lines or not lines[-1].startswith("data: "):
        lines.append(stream.readline().decode().strip())
    event = json.loads(lines[-1].removeprefix("data: "))
    assert "scanner" in event["flags"] and event["ip"] == lab.CLIENT4, event
    stream.close()
    connection.close()
    for bad in ("flags=nonsense", "net=nowhere", "min_confidence=2", "min_confidence=x", "grade=x"):
        answer = site.unix(f"/events?{bad}")
        assert answer.status == 400 and answer.json()["error"]["message"], (bad, answer.body)
    # A reader that is gone is noticed with the next event, and his subscription ends.
    for port in ("5001", "5002", "5003"):
        lab.sh("hping3", "-S", "-c", "1", "-s", port, "-p", "8080", lab.SERVER4,
               namespace=lab_.client, check=False)
    lab.wait_until(lambda: daemon.status()["control"]["subscribers"] == 0, "nobody is subscribed")


RAW = (
    (b"GET /auth HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello", 400),
    (b"GET /auth HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 400),
    (b"POST /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"
     b"0\r\n\r\n", 400),
    (b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400),
    (b"GET /auth HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    (b"GET /auth HTTP/1.1\r\n\r\n", 400),
    (b"BREW /classify HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    (b"POST /classify HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 405),
    # Envoy's ext_authz asks with the method of its own client.
    (b"BREW /auth HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    (b"POST /auth HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 200),
    (b"POST /auth HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"GET /auth?" + b"&".join(b"a=%d" % i for i in range(40)) + b" HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    (b"GET /auth HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 100000 + b"\r\n\r\n", 431),
)


def raw(site, data):
    with lab.inside(site.lab.client):
        conn = socket.create_connection(("198.51.100.1", web.PORT), timeout=10)
    with conn:
        reply = b""
        try:
            conn.sendall(data)
            while chunk := conn.recv(65536):
                reply += chunk
                conn.settimeout(0.5)
        except OSError:
            pass
    return reply


def what_no_server_should_read_two_ways(lab_):
    site = web.Web(lab_, lab_.daemon().start())
    for data, status in RAW:
        # What would be the second request, had the first one's end been read otherwise.
        second = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n" if status == 400 else b""
        reply = raw(site, data + second)
        statuses = [int(word) for word in re.findall(rb"^HTTP/1\.1 (\d+)", reply, re.M)]
        assert statuses[:1] == [status] or (status == 431 and not statuses), (data[:80], statuses)
        if status == 400 and b"Content-Length" in data:
            assert 200 not in statuses, (data, statuses)
    injected = raw(site, b"GET /auth HTTP/1.1\r\nHost: a\r\nUser-Agent: x\x01\xff\xfe%0d%0aSet-Cookie: a\r\n"
                         b"Connection: close\r\n\r\n")
    assert injected.startswith(b"HTTP/1.1 200") and b"Set-Cookie" not in injected, injected


def it_serves_what_it_is_handed_without_a_network(lab_):
    """As its unit does it: listening sockets of the service manager's, no network of its own, a token
    among its credentials."""
    daemon = lab_.daemon().start()
    path = str(lab_.dir / "handed.sock")
    with lab.inside(lab_.gateway):
        tcp = socket.create_server(("198.51.100.1", web.PORT))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(path)
    unix.listen()

    def hand_over():
        for number, sock in ((13, tcp), (14, unix)):
            os.dup2(sock.fileno(), number)
        for number in (3, 4):
            os.dup2(number + 10, number)

    (lab_.dir / "web.token").write_text(web.TOKEN)
    process = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", 'export LISTEN_FDS=2 LISTEN_PID=$$; exec "$@"', "sh",
         web.WEB, "--config", "/dev/null", "--control", daemon.socket], preexec_fn=hand_over,
        close_fds=False, env=os.environ | {"CREDENTIALS_DIRECTORY": str(lab_.dir)})
    try:
        site = web.Site(lab_, path)
        lab.wait_until(lambda: site.unix("/health").status == 200, "it serves")
        assert site.get("/classify").json()["exact"]
        assert site.get("/metrics").status == 401
        assert site.get("/metrics", Authorization=f"Bearer {web.TOKEN}").status == 200
        assert os.readlink(f"/proc/{process.pid}/ns/net") not in (
            os.readlink(f"/proc/{daemon.process.pid}/ns/net"), os.readlink("/proc/self/ns/net"))
    finally:
        process.terminate()
        assert process.wait(timeout=20) == 0
    tcp.close()
    unix.close()


def a_socket_that_was_deleted(lab_):
    """It is made again, with its mode; who was connected stays so."""
    site = web.Web(lab_, lab_.daemon().start())
    connected = web.UnixConnection(site.socket)
    assert web.ask(connected, "/health").status == 200
    mode = os.stat(site.socket).st_mode
    os.unlink(site.socket)
    lab.wait_until(lambda: "is there again" in site.log(), "it is made again")
    assert os.stat(site.socket).st_mode == mode
    assert site.unix("/health").status == 200 and web.ask(connected, "/health").status == 200
    os.rename(site.socket, f"{site.socket}.moved")
    lab.wait_until(lambda: site.log().count("is there again") == 2, "it is made again")
    assert site.unix("/health").status == 200
    assert site.stop() == 0 and not os.path.exists(site.socket), site.log()


def a_handed_socket_that_was_deleted(lab_):
    """What the service manager hands over at the next start has no file any more."""
    path = str(lab_.dir / "handed.sock")
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(path)
    unix.listen()
    site = web.Site(lab_, path)

    def serves():
        with contextlib.suppress(OSError):
            return site.unix("/nothing").status == 404

    def start():
        with open(lab_.dir / "handed.log", "ab") as log:
            process = subprocess.Popen(
                ["sh", "-c", f'exec 3<&{unix.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh", web.WEB,
                 "--config", "/dev/null"], pass_fds=[unix.fileno()], stderr=log, stdout=log)
        lab.wait_until(serves, "it serves")
        return process
    process = start()
    os.unlink(path)
    for _ in range(2):
        lab.wait_until(serves, "it is made again")
        process.terminate()
        assert process.wait(timeout=20) == 0, (lab_.dir / "handed.log").read_text()
        process = start()
    process.terminate()
    assert process.wait(timeout=20) == 0
    unix.close()


def the_longest_idle_connection_gives_way(lab_):
    site = web.Web(lab_, lab_.daemon().start(), "connections = 16;")
    with lab.inside(lab_.client):
        idle = [socket.create_connection(("198.51.100.1", web.PORT)) for _ in range(60)]
    assert site.get("/health").status == 200, "who comes last is served"
    pushed = int(re.search(r"^synprint_web_pushed_out_total (\d+)", site.unix("/metrics").body,
                           re.M)[1])
    assert pushed >= 44, pushed
    assert idle[0].recv(1) == b"", "the first one was cut off"
    for conn in idle:
        conn.close()


def figures_are_in_the_manual(lab_):
    site = web.Web(lab_, lab_.daemon().start())
    made = set(re.findall(r"^# TYPE (synprint_web_\S+)", site.unix("/metrics").body, re.M))
    section = PAGE.read_text().split(".Sh METRICS")[1].split(".Sh ")[0]
    assert made == set(re.findall(r"^\.It Cm (synprint_web_\w+)", section, re.M)), made
    said = lab.sh("promtool", "check", "metrics", stdin=site.unix("/metrics").body, check=False)
    assert said.returncode == 0 and not said.stdout + said.stderr, said


def what_the_dashboard_and_the_alerts_ask_for_is_there(lab_):
    """Every metric and label that they name is one that is made."""
    sets = ['nftset = "all"; families = [ "Linux" ];', 'ipset = "seen";']
    site = web.Web(lab_, lab_.daemon(lab_.write_config(sets, clocks="enabled = true;")).start())
    text = site.unix("/metrics").body
    made = {}
    for name, labels in re.findall(r"^(synprint_\w+)(?:\{([^}]*)\})? ", text, re.M):
        made.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    rules = lab.CONF / "prometheus/synprint.rules.yaml"
    dashboard = json.loads((lab.CONF / "grafana/synprint.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(queries) > 20, queries
    for query in (*queries, dashboard["annotations"]["list"][0]["expr"], rules.read_text()):
        for name, labels in re.findall(r"(synprint_\w+)(?:\{([^}]*)\})?", query):
            assert name in made, f"there is no {name}: {query}"
            for label in re.findall(r"(\w+)=", labels):
                assert label in made[name] | {"instance"}, f"{name} has no {label}: {query}"
        for label in re.findall(r"\{\{ ?(?:\$labels\.)?(\w+) ?\}\}", query):
            assert label == "instance" or any(label in labels for labels in made.values()), query
    assert lab.sh("promtool", "check", "rules", str(rules)).returncode == 0
    for query in queries:
        plain = query.replace("$__rate_interval", "5m").replace("$__range", "1h")
        group = {"groups": [{"name": "a", "rules": [{"record": "a", "expr": plain}]}]}
        path = lab_.dir / "query.yaml"
        path.write_text(json.dumps(group))
        said = lab.sh("promtool", "check", "rules", str(path), check=False)
        assert said.returncode == 0, (query, said.stdout + said.stderr)


def starts_and_ends(lab_):
    daemon = lab_.daemon().start()
    site = web.Web(lab_, daemon)
    second = lab.sh(web.WEB, "--listen", f"unix:{site.socket}", "--control", daemon.socket,
                    check=False)
    assert second.returncode == 7 and "in use" in second.stderr, second
    with lab.inside(lab_.client):
        idle = socket.create_connection(("198.51.100.1", web.PORT))
    status = (site.process.pid, open(f"/proc/{site.process.pid}/status").read())[1]
    assert re.search(r"^CapPrm:\s+0+$", status, re.M) and "NoNewPrivs:\t1" in status, status
    if lab.BUILD.name not in ("san", "tsan"):
        assert re.search(r"^Seccomp:\s+2$", status, re.M), status
    site.kill(signal.SIGHUP)
    lab.wait_until(lambda: "SIGHUP changes nothing" in site.log(), "what SIGHUP does is said")
    assert site.unix("/health").status == 200
    assert site.stop() == 0, site.log()
    idle.close()
    missing = lab.sh("unshare", "--mount", "sh", "-c", "[ ! -d /etc/synprint ] || mount -t tmpfs none "
                     f"/etc/synprint; exec {web.WEB} --test")
    assert "is not there: everything has its default" in missing.stdout, missing
    bad = lab_.dir / "bad.conf"
    for text, what in (("listen = [ \"nowhere\" ];", "bad.conf:1: listen: expected a list of addresses"),
                       ("\ntimeout_ms = 0;", "bad.conf:2: timeout_ms: expected a whole number"),
                       ("unknown = 1;", "bad.conf:1: unknown key 'unknown'"),
                       (f"listen = [ \"unix:/{107 * 'x'}\" ];", "of at most 107 bytes"),
                       (f"control = \"/{107 * 'x'}\";", "bad.conf:1: control: expected a string of at most 107 bytes"),
                       # libconfig makes 1 of it, or where a long has 32 bits, the largest.
                       ("streams = 4294967297;", "bad.conf:1: streams: "),
                       ("deny = [ \"x\" ];", "\"x\" is none"),
                       ("token_file = \"/nonexistent\";", "No such file")):
        bad.write_text(text)
        refused = lab.sh(web.WEB, "-c", str(bad), "-l", "127.0.0.1:1", check=False)
        assert refused.returncode == 4 and what in refused.stderr, (text, refused)
        tried = lab.sh(web.WEB, "-c", str(bad), "-t", check=False)
        assert tried.returncode == 4 and what in tried.stderr, (text, tried)
    bad.write_text("user = \"nosuch\"; group = \"nosuch\";")
    tried = lab.sh(web.WEB, "-c", str(bad), "-t", check=False)
    assert tried.returncode == 5 and "no user 'nosuch'" in tried.stderr and "no group 'nosuch'" in tried.stderr, tried
    bad.write_text("timeout_ms = 20;")
    assert lab.sh(web.WEB, "-c", str(bad), "-t").stdout == f"{bad}: the configuration is good\n"
    for arguments in (["--listen", "x"], ["--nonsense"], ["surplus"]):
        assert lab.sh(web.WEB, *arguments, check=False).returncode == 2, arguments


if __name__ == "__main__":
    lab.run(verdicts, claims_are_kept_where_that_is_wanted, who_may_ask, sessions, behind_a_proxy,
            two_behind_one_address, without_synprintd, events, what_no_server_should_read_two_ways,
            it_serves_what_it_is_handed_without_a_network, a_socket_that_was_deleted,
            a_handed_socket_that_was_deleted,
            the_longest_idle_connection_gives_way, figures_are_in_the_manual,
            what_the_dashboard_and_the_alerts_ask_for_is_there, starts_and_ends)
