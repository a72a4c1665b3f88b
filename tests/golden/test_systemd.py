#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The units by systemd's own judgement, the users that they need, what `make install` puts where, and
what a purge of a package leaves to the others."""
import os
import re
import subprocess
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
UNITS = ("synprintd.service", "synprintd.socket", "synprint-web.service", "synprint-web.socket",
         "synprint-share.service")
EXPOSURE_MAX = {"synprintd.service": 1.2, "synprint-web.service": 0.5, "synprint-share.service": 1.4}


def run(*command, check=True):
    done = subprocess.run([str(word) for word in command], cwd=TOP, capture_output=True, text=True,
                          check=False)
    assert not check or done.returncode == 0, f"{command}: {done.returncode}: {done.stderr}"
    return done


def make(target, directory):
    run("make", "--no-print-directory", target, f"DESTDIR={directory}", "PREFIX=/opt/sp",
        f"BUILD={os.environ.get('BUILD', 'build')}")


def security(_):
    for unit, most in EXPOSURE_MAX.items():
        out = run("systemd-analyze", "security", "--offline=true", TOP / "systemd" / unit).stdout
        level = float(re.search(r"Overall exposure level .*: ([\d.]+)", out)[1])
        assert level <= most, f"{level}, more than {most}:\n{out}"
        print(f"FIGURE systemd-analyze security {unit}: {level}")


def threads(_):
    """There is room for a thread of each broker, and two of each sink: one of them is curl's resolver."""
    header = (TOP / "src/share/share_config.h").read_text()
    brokers, sinks = (int(re.search(rf"#define SHARE_{what}_MAX (\d+)", header)[1])
                      for what in ("BROKERS", "SINKS"))
    most = re.search(r"^TasksMax=(\d+)$", (TOP / "systemd/synprint-share.service").read_text(), re.M)[1]
    assert int(most) >= 1 + brokers + 2 * sinks, most


def verify(scratch):
    """With the programs where they are now: verify looks whether they are there."""
    programs = scratch / "programs"
    programs.symlink_to(BUILD)  # whose own name may have spaces
    for name in UNITS:
        text = re.sub(r"/usr/s?bin/(synprint-web|synprint-share|synprintd?)\b", rf"{programs}/\1",
                      (TOP / "systemd" / name).read_text())
        (scratch / name).write_text(text)
    done = run("systemd-analyze", "verify", "--man=no", *(scratch / name for name in UNITS),
               check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines()
            if any(name in line for name in UNITS)]
    assert done.returncode == 0 and not said, done


def user(scratch):
    (scratch / "etc").mkdir()
    for name in ("synprint", "synprint-web", "synprint-share"):
        run("systemd-sysusers", f"--root={scratch}", TOP / "systemd" / f"{name}.sysusers")
        accounts = (scratch / "etc" / "passwd").read_text()
        assert re.search(rf"^{name}:.*:/usr/sbin/nologin$", accounts, re.M), accounts


def install(scratch):
    make("install", scratch)
    units = scratch / "opt/sp/lib/systemd/system"
    commands = [command for name in EXPOSURE_MAX
                for command in re.findall(r"^Exec\w+=[-+]*(/\S+)", (units / name).read_text(), re.M)]
    assert len(commands) == 5, commands
    for command in commands:
        assert os.access(f"{scratch}{command}", os.X_OK), f"{command} is not installed"
    for socket in re.findall(r"^ListenStream=(\S+)", (TOP / "systemd" / UNITS[1]).read_text(), re.M):
        assert socket in (TOP / "conf" / "synprint.conf").read_text(), f"{socket} is not configured"
    make("uninstall", scratch)
    left = [path for path in scratch.rglob("*") if not path.is_dir()]
    assert not left, left


def purge(scratch):
    """A package that is only removed keeps its configuration while another one is purged."""
    def postrm(name):
        text = (TOP / "debian" / f"{name}.postrm").read_text()
        text = re.sub(r"(?<=\s)/(?=(etc|var|run)/)", f"{scratch}/", text)
        run("sh", "-c", text.replace("getent passwd", "false"), f"{name}.postrm", "purge")

    names = ("etc/synprint/share.conf", "etc/synprint/share/gw1.key", "var/lib/synprint/state",
             "var/lib/synprint-share/list", "var/log/synprint/events.json")
    paths = [scratch / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    postrm("synprint")
    assert [path.exists() for path in paths] == [True, True, False, True, True], names
    paths[0].unlink()  # by dpkg: it is a conffile
    postrm("synprint-share")
    postrm("synprint-web")
    assert [path for path in scratch.rglob("*") if path.is_file()] == paths[1:2], "a purge left files"


if __name__ == "__main__":
    for check in (security, threads, verify, user, install, purge):
        with tempfile.TemporaryDirectory() as directory:
            check(Path(directory))
        print(f"ok {check.__name__}")
