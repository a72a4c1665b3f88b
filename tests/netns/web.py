# SPDX-License-Identifier: GPL-2.0-or-later
"""synprint-web in a namespace of a lab, and requests to it over TCP and its Unix socket."""
import contextlib
import http.client
import json
import signal
import socket
import subprocess

import lab

WEB = str(lab.BUILD / "synprint-web")
TOKEN = "0123456789abcdef-token"
LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0"
PORT = 8250


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read().decode()

    def json(self):
        return json.loads(self.body)

    def client(self):
        """The headers of /auth, without their common beginning."""
        return {name[len("x-client-"):]: value for name, value in self.headers.items()
                if name.startswith("x-client-")}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.path)


class Site:
    """What is asked over HTTP."""

    def __init__(self, lab_, path):
        self.lab, self.socket = lab_, path

    def unix(self, path, method="GET", body=None, **headers):
        return ask(UnixConnection(self.socket), path, method, body, headers)

    def get(self, path, source=None, address="198.51.100.1", namespace=None, port=PORT,
            method="GET", body=None, connection=None, **headers):
        """From the client's namespace, whose SYN synprintd sees."""
        if connection:
            return ask(connection, path, method, body, headers)
        with lab.inside(namespace or self.lab.client):
            connection = http.client.HTTPConnection(
                address, port, timeout=10, source_address=(source, 0) if source else None)
            connection.connect()
        return ask(connection, path, method, body, headers)


class Web(Site):
    """Listens on the gateway's addresses, and on a Unix socket."""

    def __init__(self, lab_, daemon, text="", listen=None, namespace=None):
        super().__init__(lab_, str(lab_.dir / "http.sock"))
        self.namespace = namespace or lab_.gateway
        self.log_path = lab_.dir / f"web{len(lab_.processes)}.log"
        token = lab_.dir / "token"
        token.write_text(TOKEN + "\n")
        config = lab_.dir / "web.conf"
        if "timeout_ms" not in text:  # 25 ms are too few for a test's machine that does other work
            text = f"timeout_ms = 1000; {text}"
        config.write_text(f'token_file = "{token}";\n{text}\n')
        listen = listen or [f"198.51.100.1:{PORT}", f"[2001:db8:1::1]:{PORT}", f"127.0.0.1:{PORT}"]
        arguments = [word for address in [*listen, f"unix:{self.socket}"]
                     for word in ("--listen", address)]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.namespace, WEB, "--config", str(config),
                 "--control", daemon.socket, *arguments], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        lab_.adopt(self)
        lab.wait_until(self.is_ready, "synprint-web is ready")

    def is_ready(self):
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(OSError):
            return self.unix("/nothing").status == 404

    def log(self):
        return self.log_path.read_text(errors="replace")

    def kill(self, number):
        lab.signal_process(self.process, number)

    def stop(self, number=signal.SIGTERM):
        self.kill(number)
        return self.process.wait(timeout=20)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def ask(connection, path, method="GET", body=None, headers=None):
    connection.request(method, path, body, {name.replace("_", "-"): value
                                            for name, value in (headers or {}).items()})
    return Answer(connection.getresponse())
