#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Does in the machine what its host asks for: one request a line over a serial port, one answer a line.
A request is a script for the shell, or a file to be written."""
import glob
import json
import subprocess
import time
from pathlib import Path

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
               "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def answer(request):
    if "path" in request:
        Path(request["path"]).write_text(request["text"])
        return {"code": 0, "out": ""}
    done = subprocess.run(["bash", "-ec", request["script"]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", env=ENVIRONMENT, cwd="/payload",
                          check=False)
    return {"code": done.returncode, "out": done.stdout}


def main():
    while not (ports := glob.glob("/dev/vport*")):
        time.sleep(0.1)
    with open(ports[0], "r+b", buffering=0) as port:
        text = b""
        while True:
            while b"\n" not in text:
                text += port.read(65536) or b""
            line, _, text = text.partition(b"\n")
            reply = json.dumps(answer(json.loads(line))).encode() + b"\n"
            while reply:
                reply = reply[port.write(reply):]


if __name__ == "__main__":
    main()
