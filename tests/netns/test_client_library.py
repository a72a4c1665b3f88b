#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""libsynprint-client as others use it: installed below a folder, found by pkg-config, linked static
and shared, and the example asks a real daemon and follows its events."""
import os
import subprocess

import lab
import traffic

EXAMPLE = lab.ROOT / "src/client/example/ask.c"


def install(lab_):
    """Never what sanitizers made: others could not link that."""
    prefix = lab_.dir / "prefix"
    build_ = lab_.dir / "build" if lab.BUILD.name in ("san", "tsan") else lab.BUILD
    done = subprocess.run(["make", "--no-print-directory", "-C", str(lab.ROOT), "install",
                           f"PREFIX={prefix}", f"SYSCONFDIR={prefix}/etc",
                           f"UNITDIR={prefix}/units", f"SYSUSERSDIR={prefix}/sysusers",
                           f"BUILD={os.path.relpath(build_, lab.ROOT)}"], capture_output=True, text=True,
                          env={name: value for name, value in os.environ.items()
                               if name != "SAN" and not name.startswith("M")})
    assert done.returncode == 0, done.stderr
    return prefix


def build(prefix, name, *flags):
    environment = os.environ | {"PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    static = ["--static"] if "-static-pie" in flags or name == "static" else []
    words = subprocess.run(["pkg-config", "--cflags", "--libs", *static, "synprint-client"],
                           capture_output=True, text=True, env=environment, check=True)
    libraries = words.stdout.split()
    if name == "static":
        libraries = [str(prefix / "lib/libsynprint-client.a") if word == "-lsynprint-client"
                     else word for word in libraries]
    done = subprocess.run(["cc", "-Wall", "-Werror", "-o", prefix / name, EXAMPLE, *flags,
                           *libraries], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return prefix / name


def as_others_use_it(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config()).start()
    prefix = install(lab_)
    traffic.connect(lab_.client, lab.SERVER4)
    programs = [build(prefix, "static"), build(prefix, "shared", f"-Wl,-rpath,{prefix}/lib")]
    needed = subprocess.run(["ldd", programs[1]], capture_output=True, text=True).stdout
    assert "libsynprint-client.so.0 " in needed, needed
    for program in programs:
        said = lab.sh(program, "-s", daemon.socket, lab.CLIENT4).stdout
        assert said.startswith(f"{lab.CLIENT4}: Linux "), said
        assert "Ethernet or modem" in said, said
        assert lab.sh(program, "-s", daemon.socket, "192.0.2.77").stdout == \
            "192.0.2.77: nothing is known\n"
        refused = lab.sh(program, "-s", daemon.socket, "nonsense", check=False)
        assert refused.returncode == 1 and "ip" in refused.stderr, refused
        absent = lab.sh(program, "-s", "/nonexistent", "192.0.2.77", check=False)
        assert absent.returncode == 1 and "no synprintd" in absent.stderr, absent


def follows_events(lab_):
    lab_.adopt(traffic.Server(lab_.server))
    daemon = lab_.daemon(lab_.write_config()).start()
    prefix = install(lab_)
    program = build(prefix, "static")
    with subprocess.Popen([program, "-s", daemon.socket], stdout=subprocess.PIPE, text=True) as follower:
        lab.wait_until(lambda: daemon.status()["control"]["subscribers"] == 1, "it has subscribed")
        lab.sh("hping3", "-S", "-c", "1", "-p", "8080", lab.SERVER4, namespace=lab_.client,
               check=False)
        line = follower.stdout.readline()
        assert line.startswith(f"{lab.CLIENT4}: hping") and "scanner" in line, line
        daemon.stop()
        assert follower.wait(timeout=10) == 1


if __name__ == "__main__":
    lab.run(as_others_use_it, follows_events)
