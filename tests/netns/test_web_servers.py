#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""conf/examples/web as it is shipped, but for paths: real web servers that ask synprint-web. A liar is
refused, an honest one passes, each connection has its own answer, and when synprint-web or synprintd
is stopped or killed everybody passes."""
import contextlib
import http.client
import http.server
import os
import shutil
import signal
import statistics
import subprocess
import threading
import time

import lab
import web

EXAMPLES = lab.CONF / "examples/web"
ADDRESS = "198.51.100.1"
NGINX = """user root; worker_processes 1; daemon off; pid {dir}/nginx.pid; error_log {dir}/nginx.log;
events {{ }}
http {{ access_log off; client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c;
uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;
{example} }}
"""


class Application(http.server.BaseHTTPRequestHandler):
    """Behind the web server: says what it was told of the client."""
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body leave together: no delayed acknowledgement between them

    def do_GET(self):
        body = f"os={self.headers.get('X-Client-OS')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Backend:
    def __init__(self, lab_):
        with lab.inside(lab_.gateway):
            self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Application)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        lab_.adopt(self)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Server:
    """A web server with its example, whose policy may be another one."""
    CHROOT = None

    def __init__(self, lab_, site, name, deny=None):
        self.lab = lab_
        if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin"):
            raise lab.Skip(f"{name} is not installed")
        text = self.example(site, {"nginx": "nginx.conf", "caddy": "Caddyfile",
                                   "haproxy": "haproxy.cfg"}[name])
        if deny:
            text = text.replace("deny=os_mismatch,scanner", f"deny={deny}")
            text = text.replace("-m sub scanner", f"-m sub {deny}")
        config = lab_.dir / f"{name}.conf"
        if self.CHROOT:
            text = text.replace("global\n", f"global\n    chroot {self.CHROOT}\n")
        if name == "nginx":
            text = NGINX.format(dir=lab_.dir, example=text)
        config.write_text(text)
        command = {"nginx": ["nginx", "-c", str(config)],
                   "caddy": ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"],
                   "haproxy": ["haproxy", "-f", str(config)]}[name]
        self.log_path = lab_.dir / f"{name}.log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", lab_.gateway, *command], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=os.environ | {"HOME": str(lab_.dir)})
        lab_.adopt(self)
        lab.wait_until(self.is_ready, f"{name} serves", 20)

    def example(self, site, name):
        text = (EXAMPLES / name).read_text().replace("/run/synprint-web/http.sock", site.socket)
        lua = self.lab.dir / "synprint.lua"
        lua.write_text((EXAMPLES / "synprint.lua").read_text().replace(
            "/run/synprint-web/http.sock", site.socket))
        text = text.replace("/etc/haproxy/synprint.lua", str(lua))
        self.lab.dir.chmod(0o755)
        # The lab's socket is root's, as /run/synprint-web's is of the group synprint-web.
        return text.replace("user haproxy", "user nobody").replace("group synprint-web", "group root")

    def is_ready(self):
        assert self.process.poll() is None, self.log_path.read_text()
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.connect().get(web.LINUX)[0] in (200, 403)

    def connect(self):
        return Client(self.lab)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)


class Client:
    """One connection that stays open."""

    def __init__(self, lab_):
        self.connection = http.client.HTTPConnection(ADDRESS, 80, timeout=10)
        with lab.inside(lab_.client):
            self.connection.connect()

    def get(self, agent, **headers):
        start = time.monotonic()
        self.connection.request("GET", "/", headers={"User-Agent": agent} | headers)
        answer = self.connection.getresponse()
        body = answer.read().decode()
        return answer.status, body, time.monotonic() - start


def status_of(server, agent):
    return server.connect().get(agent)[0]


def is_policy(lab_, site, name):
    """On a busy machine an answer may be late, and then everybody passes: asked until it is not."""
    server = Server(lab_, site, name)
    lab.wait_until(lambda: status_of(server, web.WINDOWS) == 403, f"{name} refuses a liar")
    lab.wait_until(lambda: server.connect().get(web.LINUX)[:2] == (200, "os=Linux"),
                   f"{name} lets an honest one pass, and says what he is")
    forged = {"X-Real-IP": "192.0.2.1", "X-Forwarded-For": "192.0.2.1", "X-Client-OS": "BeOS"}
    lab.wait_until(lambda: server.connect().get(web.WINDOWS, **forged)[0] == 403,
                   f"{name} believes no header of a liar's")
    assert "BeOS" not in server.connect().get(web.LINUX, **forged)[1]
    return server


def expect_open(lab_, server, what):
    client = server.connect()
    took_s = []
    for agent in (web.LINUX, web.WINDOWS) * 5:
        status, body, seconds = client.get(agent, **{"X-Client-OS": "BeOS"})
        assert status == 200 and body.startswith("os="), (what, status, body)
        assert "BeOS" not in body, (what, "the client's own word reaches the application", body)
        took_s.append(seconds)
    return max(took_s)


def passes_whatever_happens(lab_, name):
    Backend(lab_)
    # As on a gateway: the web server's own connections to its application are not diverted.
    daemon = lab_.daemon(lab_.write_config(rules='interfaces = [ "g0" ];')).start()
    site = web.Web(lab_, daemon, "timeout_ms = 25;")
    server = is_policy(lab_, site, name)
    client = server.connect()
    usual_s = statistics.median(client.get(web.LINUX)[2] for _ in range(20))
    slowest_s = {}
    site.kill(signal.SIGSTOP)
    slowest_s["stopped"] = expect_open(lab_, server, "synprint-web is stopped")
    site.kill(signal.SIGCONT)
    lab.wait_until(lambda: status_of(server, web.WINDOWS) == 403, "it refuses again")
    daemon.kill(signal.SIGSTOP)
    slowest_s["synprintd stopped"] = expect_open(lab_, server, "synprintd is stopped")
    daemon.kill(signal.SIGCONT)
    lab.wait_until(lambda: status_of(server, web.WINDOWS) == 403, "it refuses again")
    daemon.stop(signal.SIGKILL)
    slowest_s["synprintd killed"] = expect_open(lab_, server, "synprintd is killed")
    site.stop(signal.SIGKILL)
    slowest_s["killed"] = expect_open(lab_, server, "synprint-web is killed")
    extra = ", ".join(f"{what} {1000 * (seconds - usual_s):.0f}"
                      for what, seconds in slowest_s.items())
    lab.figure(f"{name}: {1000 * usual_s:.1f} ms usually; more than that at most: {extra}")


def each_connection_has_its_own_answer(lab_, name):
    """Two clients behind one address; only one of them comes through a tunnel."""
    Backend(lab_)
    site = web.Web(lab_, lab_.daemon().start(), "timeout_ms = 25;")
    server = Server(lab_, site, name, deny="vpn")
    plain = server.connect()
    lab_.ip(lab_.client, "route change 198.51.100.0/24 dev c0 advmss 1380")
    tunnelled = server.connect()
    lab_.ip(lab_.client, "route change 198.51.100.0/24 dev c0")
    for _ in range(3):
        lab.wait_until(lambda: tunnelled.get(web.LINUX)[0] == 403, "the tunnel is refused")
        assert plain.get(web.LINUX)[0] == 200, "the other one is not"


def nginx(lab_):
    passes_whatever_happens(lab_, "nginx")


def caddy(lab_):
    passes_whatever_happens(lab_, "caddy")


def haproxy(lab_):
    passes_whatever_happens(lab_, "haproxy")


def haproxy_in_a_chroot(lab_):
    """As Debian runs it; what the socket is bound to there is a second name of it here."""
    Backend(lab_)
    site = web.Web(lab_, lab_.daemon().start(), "timeout_ms = 25;")
    jail = lab_.dir / "jail"
    inside = jail / site.socket.lstrip("/")
    inside.parent.mkdir(parents=True)
    for folder in inside.parents:
        if folder.is_relative_to(jail):
            folder.chmod(0o755)
    Server.CHROOT = jail
    server = Server(lab_, site, "haproxy")
    assert status_of(server, web.WINDOWS) == 200
    lab.wait_until(lambda: server.log_path.read_text().count("does not answer at") == 1, "the log says why")
    os.link(site.socket, inside)
    lab.wait_until(lambda: status_of(server, web.WINDOWS) == 403, "a liar is refused")
    Server.CHROOT = None


def nginx_by_connection(lab_):
    each_connection_has_its_own_answer(lab_, "nginx")


def caddy_by_connection(lab_):
    each_connection_has_its_own_answer(lab_, "caddy")


def haproxy_by_connection(lab_):
    each_connection_has_its_own_answer(lab_, "haproxy")


if __name__ == "__main__":
    lab.run(nginx, caddy, haproxy, haproxy_in_a_chroot, nginx_by_connection, caddy_by_connection,
            haproxy_by_connection)
