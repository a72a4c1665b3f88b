#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""rspamd with its own p0f module, unmodified, gets its symbols from our p0f socket for a client
whose connection passed the gateway. rspamd works in the gateway, with files in the lab's folder."""
import os
import shutil
import signal
import subprocess

import lab
import traffic

PORT = 11333
MAIL = "From: someone@example.org\nTo: else@example.org\nSubject: test\n\nhello\n"
WITHOUT = ("antivirus asn clickhouse dcc dkim dmarc elastic emails fuzzy_check greylist hfilter "
           "history_redis milter_headers mx_check neural phishing ratelimit rbl replies reputation "
           "spf surbl url_redirector whitelist").split()


class Rspamd:
    """Only its normal worker, without the modules that ask others."""

    def __init__(self, lab_, socket):
        self.lab = lab_
        base = lab_.dir / "rspamd"
        for name in ("local.d", "override.d", "db", "run", "log"):
            (base / name).mkdir(parents=True)
        (base / "local.d/p0f.conf").write_text(
            f'enabled = true; socket = "{socket}"; symbol = "P0F_OS";\n'
            'patterns { P0F_LINUX = "^Linux .*"; P0F_WINDOWS = "^Windows .*"; '
            'P0F_ETHERNET = "^link=Ethernet or modem$"; P0F_NEAR = "^distance=0$"; }\n')
        (base / "override.d/options.inc").write_text(
            'disable_hyperscan = true;\n'
            f'url_tld = "{base / "suffixes"}";\n'  # compiling the thousands that it knows takes minutes
            'dns { nameserver = ["127.0.0.1"]; timeout = 0.05s; retransmits = 1; }\n')
        (base / "suffixes").write_text("com\norg\n")
        (base / "local.d/logging.inc").write_text('type = "console"; level = "info";\n')
        for module in WITHOUT:
            (base / f"override.d/{module}.conf").write_text("enabled = false;\n")
        for worker in ("controller", "proxy", "fuzzy"):
            (base / f"override.d/worker-{worker}.inc").write_text("count = 0; enabled = false;\n")
        (base / "override.d/worker-normal.inc").write_text(
            f'bind_socket = "127.0.0.1:{PORT}"; count = 1;\n')
        self.log_path = lab_.dir / "rspamd.log"
        places = [f"--var={name}={base / folder}" for name, folder in
                  (("LOCAL_CONFDIR", "."), ("DBDIR", "db"), ("RUNDIR", "run"), ("LOGDIR", "log"))]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", lab_.gateway, "rspamd", "-f", "-i",
                 "-c", "/etc/rspamd/rspamd.conf", *places],
                stdout=log, stderr=log, start_new_session=True)

    def symbols(self, ip):
        """The lines of `rspamc symbols` about p0f, or None while it does not answer."""
        done = lab.sh("rspamc", "-h", f"127.0.0.1:{PORT}", "--ip", ip, "symbols", stdin=MAIL,
                      namespace=self.lab.gateway, check=False)
        assert self.process.poll() is None, self.log_path.read_text(errors="replace")
        if done.returncode != 0 or "Symbol: " not in done.stdout:
            return None
        return {line.split()[1]: line for line in done.stdout.splitlines()
                if line.startswith("Symbol: P0F")}

    def close(self):
        """At once: nothing of it is kept, and its workers would wait for their clients."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def symbols_of_a_client(lab_):
    if not shutil.which("rspamd"):
        raise lab.Skip("rspamd is not installed")
    lab_.adopt(traffic.Server(lab_.server))
    path = lab_.dir / "p0f.sock"
    lab_.daemon(lab_.write_config(p0f=f'enabled = true; socket = "{path}";')).start()
    traffic.connect(lab_.client, lab.SERVER4)
    rspamd = lab_.adopt(Rspamd(lab_, path))
    lab.wait_until(lambda: rspamd.symbols(lab.CLIENT4) is not None, "rspamd answers", 90)
    found = rspamd.symbols(lab.CLIENT4)
    assert "Linux" in found.get("P0F_LINUX", ""), (found, rspamd.log_path.read_text())
    assert "P0F_ETHERNET" in found and "P0F_NEAR" in found, found
    assert "P0F_WINDOWS" not in found, found
    nobody = rspamd.symbols("192.0.2.77")
    assert not set(nobody) - {"P0F_CHECK"}, nobody
    assert "malformed" not in rspamd.log_path.read_text(errors="replace")


if __name__ == "__main__":
    lab.run(symbols_of_a_client)
