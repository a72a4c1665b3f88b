# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that open one connection each. A client is a function of address and port that says
whether all went well; it runs in a thread that is in the right namespace."""
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path

import hosts
from network import inner4, run_quiet

REQUEST = b"GET / HTTP/1.0\r\nHost: one.test\r\n\r\n"
SECONDS = 25


def url(scheme, address, port):
    return f"{scheme}://{f'[{address}]' if ':' in address else address}:{port}/"


def curl(*options, scheme="https"):
    return lambda address, port: run_quiet(
        ["curl", "-fsk", "-m", SECONDS, "-o", "/dev/null", *options, url(scheme, address, port)])


def wget(address, port):
    return run_quiet(["wget", "-q", "--no-check-certificate", "--tries=1", f"--timeout={SECONDS}",
                      "-O", "/dev/null", url("https", address, port)])


def openssl(*options):
    def connect(address, port):
        host = f"[{address}]" if ":" in address else address
        return run_quiet(["openssl", "s_client", "-connect", f"{host}:{port}", "-quiet", "-ign_eof",
                          *options], stdin=REQUEST)
    return connect


def context(version=None):
    result = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    result.check_hostname, result.verify_mode = False, ssl.CERT_NONE
    if version:
        result.maximum_version = result.minimum_version = version
    return result


def python(made=None, session=None):
    """@session: a list whose first element is resumed, and becomes what is resumed next."""
    made = made or context()

    def connect(address, port):
        try:
            with socket.create_connection((address, port), SECONDS) as plain:
                resumed = session[0] if session else None
                with made.wrap_socket(plain, server_hostname="one.test", session=resumed) as stream:
                    stream.sendall(REQUEST)
                    while stream.recv(65536):
                        pass
                    if session is not None:
                        session[:] = [stream.session]
                    return True
        except OSError:
            return False
    return connect


def resuming_openssl():
    """TLS 1.3, from the second connection on resumed and with early data."""
    kept = Path(tempfile.mkdtemp(prefix="cl-session-"))
    (kept / "request").write_bytes(REQUEST)

    def connect(address, port):
        session = kept / "session"
        options = ["-sess_out", session] if not session.exists() else \
            ["-sess_in", session, "-early_data", kept / "request"]
        return openssl(*options)(address, port)
    return connect


DIRECT = {"curl": curl(), "curl 1.2": curl("--tls-max", "1.2"), "wget": wget,
          "openssl": openssl(), "openssl 1.2": openssl("-tls1_2"), "python": python(),
          "python 1.2": python(context(ssl.TLSVersion.TLSv1_2))}


def through(proxy, rtt_ms, has_loss=False, scheme="https"):
    """curl through one of the proxies."""
    at = inner4(rtt_ms, has_loss)
    if proxy == "CONNECT":
        return curl("-p", "-x", f"http://{at}:{hosts.CONNECT}", scheme=scheme)
    if proxy == "HTTP":
        return curl("-x", f"http://{at}:{hosts.CONNECT}", scheme="http")
    if proxy == "SOCKS":
        return curl("--socks5", f"{at}:{hosts.SOCKS}", scheme=scheme)
    if proxy == "delayed ACK":
        return curl("--socks5", f"{at}:{hosts.DELAYED}", scheme=scheme)
    assert proxy == "ssh -D"
    return curl("--socks5", f"127.0.0.1:{hosts.ssh_port(rtt_ms, has_loss)}", scheme=scheme)


def mail(*options):
    """One message, from the greeting to QUIT."""
    text = b"From: a@one.test\r\nTo: b@mail.test\r\n\r\nhello\r\n"
    return lambda address, port: run_quiet(
        ["curl", "-s", "-m", SECONDS, *options, url("smtp", address, port), "--mail-from",
         "a@one.test", "--mail-rcpt", "b@mail.test", "-T", "-"], stdin=text)


def mail_through(rtt_ms):
    return mail("--socks5", f"{inner4(rtt_ms)}:{hosts.SOCKS}")


def chromium(address, first_port, ports, each, at_once, proxy=None):
    """A page whose pictures come from so many ports, over so many connections to each; the page
    itself is at the port before them. @proxy: such as socks5://192.0.2.1:1080"""
    home = tempfile.mkdtemp(prefix="cl-chromium-")
    host, more = ("start.test", "") if not proxy else (address, f"&host={address}")
    page = (f"https://{host}:{first_port - 1}/page.html?first={first_port}&ports={ports}"
            f"&each={each}&at_once={at_once}{more}")
    try:
        return run_quiet(["env", f"HOME={home}", "chromium", "--headless=new", "--no-sandbox",
                          "--disable-gpu", "--disable-dev-shm-usage", "--ignore-certificate-errors",
                          "--disable-background-networking", "--no-first-run",
                          *([f"--proxy-server={proxy}"] if proxy else []),
                          f"--user-data-dir={home}/profile", "--timeout=60000",
                          f"--host-resolver-rules=MAP *.test {address}", "--dump-dom", page], 90)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def output_of(command):
    return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
