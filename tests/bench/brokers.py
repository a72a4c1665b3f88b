# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a queue's SYNs feel what synprint-share's broker does."""
import contextlib
import shutil
import signal
import subprocess
import time

import gateway
from gateway import lab
from harness import Part

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
PORT = 1883
BRAKE = "while kill -CONT $0 && sleep .02 && kill -STOP $0; do sleep .2; done"


@contextlib.contextmanager
def broker(lab_, state):
    """In the gateway: "up"; "slow", as it stands still ten elevenths of the time, "hung" or "away" after
    it was connected to."""
    config = lab_.dir / "mosquitto.conf"
    config.write_text(f"listener {PORT} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
                      "log_type none\nuser root\n")
    process = subprocess.Popen(["ip", "netns", "exec", lab_.gateway, MOSQUITTO, "-c", str(config)],
                               stderr=subprocess.DEVNULL)

    brakes = []

    def fall():
        if state == "slow":
            brakes.append(subprocess.Popen(["sh", "-c", BRAKE, str(process.pid)], stderr=subprocess.DEVNULL))
        elif state == "hung":
            process.send_signal(signal.SIGSTOP)
        elif state == "away":
            process.kill()
    try:
        yield fall
    finally:
        for brake in brakes:
            brake.kill()
        process.kill()
        process.wait()


@contextlib.contextmanager
def share(lab_):
    config, log = lab_.dir / "share.conf", lab_.dir / "share.log"
    config.write_text(f"""gateway = "gw"; control = "{lab_.dir}/control.sock";
        brokers = ( {{ host = "127.0.0.1"; port = {PORT}; }} );
        publish = ( {{ flags = [ "scanner", "vpn", "tunnel", "os_mismatch" ]; confirm = "syn"; }} );
        accept = ( {{ origin = "*"; }} );""")
    with open(log, "wb") as out:
        process = subprocess.Popen(["ip", "netns", "exec", lab_.gateway, "taskset", "-c", "0",
                                    str(lab.BUILD / "synprint-share"), "-c", str(config)],
                                   stdout=out, stderr=out)
    try:
        lab.wait_until(lambda: b"connected" in log.read_bytes(), "synprint-share is connected", 20)
        yield
    finally:
        process.kill()
        process.wait()


def rate(lab_, mac, state):
    """As gateway.rate_of(), each SYN a new client; the broker falls before the first."""
    gateway.divert(lab_, 1, gateway.USUAL)
    agent = gateway.Agent(lab_, "synprintd", 1, None, "1")
    try:
        with broker(lab_, state) as fall, share(lab_):
            fall()
            flood = gateway.Flood(lab_, mac, 0, cpus="0")
            try:
                time.sleep(gateway.WARM_S)
                began, count = time.monotonic(), agent.answered()
                time.sleep(gateway.ROUND_S)
                count, seconds = agent.answered() - count, time.monotonic() - began
            finally:
                flood.close()
    finally:
        agent.close()
    return {"SYN/s": count / seconds}


def brokers():
    part = Part("brokers", """SYN/s that synprintd answers through a real NFQUEUE while synprint-share
        tells its broker of every suspect, each SYN a new client: a broker that is up, one that is slow,
        one that hangs (SIGSTOP) and one that is away. synprint-share has the flood's CPU.""")
    with gateway.laboratory() as (lab_, mac):
        part.rounds("every SYN a new client",
                    [(state, lambda _, s=state: rate(lab_, mac, s)) for state in ("up", "slow", "hung", "away")],
                    goals={(state, "SYN/s"): ">= 0.98" for state in ("slow", "hung", "away")})
    return part
