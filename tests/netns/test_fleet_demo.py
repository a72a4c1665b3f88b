#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What `make fleet` starts: it shows one gateway knowing what another saw, and Ctrl-C leaves nothing."""
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import lab
from lab import sh, wait_until

DEMO = Path(__file__).resolve().parents[1] / "share/demo.py"


def it_shows_and_removes(lab_):
    out = lab_.dir / "out"
    with open(out, "wb") as file:
        demo = subprocess.Popen([sys.executable, "-B", str(DEMO)], stdout=file, stderr=file,
                                start_new_session=True)
    try:
        known = r"gw[123] has it in its set after \d+ ms: gw[123] says scanner"
        wait_until(lambda: len(re.findall(known, out.read_text())) >= 2 or demo.poll() is not None,
                   "two gateways know what the third saw", 60)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0, out.read_text()
    finally:
        demo.kill()
    assert "gw1 sees 198.18.0.0" in out.read_text(), out.read_text()
    assert f"sp-{demo.pid}-" not in sh("ip", "netns", "list").stdout, "no namespace is left"
    assert not list(Path(tempfile.gettempdir()).glob(f"sp-{demo.pid}-*")), "no file is left"
    left = sh("pgrep", "-af", f"sp-{demo.pid}-", check=False).stdout
    assert not left, f"no process is left: {left}"


lab.Lab.build = lambda self: None
lab.run(it_shows_and_removes)
