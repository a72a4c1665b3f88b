#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""haraka-plugin-p0f, from npm as it is, decodes our replies: queries sent ahead, IPv6, and
addresses that nobody has seen."""
import json
import shutil
import subprocess

import lab
import traffic

PLUGIN = "haraka-plugin-p0f@1.0.15"
SCRIPT = """
const { P0FClient } = require('haraka-plugin-p0f');
const [path, ...ips] = process.argv.slice(1);
const client = new P0FClient(path);
const results = [];
for (const ip of ips)
    client.query(ip, (err, result) => {
        results.push(err ? { error: err.message } : result);
        if (results.length === ips.length) {
            console.log(JSON.stringify(results));
            process.exit(0);
        }
    });
"""


def install(lab_):
    if not shutil.which("npm") or not shutil.which("node"):
        raise lab.Skip("npm and node are not installed")
    folder = lab_.dir / "haraka"
    folder.mkdir()
    try:
        done = subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund",
                               PLUGIN], cwd=folder, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        raise lab.Skip(f"npm did not bring {PLUGIN} within a minute") from None
    if done.returncode != 0:
        raise lab.Skip(f"npm cannot bring {PLUGIN}: {done.stderr.strip().splitlines()[-1:]}")
    return folder


def decodes_our_replies(lab_):
    folder = install(lab_)
    lab_.adopt(traffic.Server(lab_.server))
    path = lab_.dir / "p0f.sock"
    lab_.daemon(lab_.write_config(p0f=f'enabled = true; socket = "{path}";')).start()
    for destination in (lab.SERVER4, lab.SERVER4, lab.SERVER6):
        traffic.connect(lab_.client, destination)
    mapped = f"::ffff:{lab.CLIENT4}"
    done = subprocess.run(["node", "-e", SCRIPT, str(path), lab.CLIENT4, mapped, lab.CLIENT6,
                           "192.0.2.77"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    first, again, ipv6, nobody = json.loads(done.stdout)
    assert nobody is None, nobody
    for result, query, count in ((first, lab.CLIENT4, 2), (again, mapped, 2),
                                 (ipv6, lab.CLIENT6, 1)):
        assert result["query"] == query and result["total_conn"] == count, result
        assert result["os_name"] == "Linux" and result["os_flavor"], result
        assert result["link_type"] == "Ethernet or modem" and result["distance"] == 0, result
        assert result["bad_sw"] == 0 and not result["http_name"] and not result["language"], result


if __name__ == "__main__":
    lab.run(decodes_our_replies)
