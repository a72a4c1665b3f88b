# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers behind the gateway, each kind at an address of its own and at another one that is far
away, and proxies before it."""
import re
import shutil
from pathlib import Path

import lab

import network
from network import HERE, FIRST_PORT, LAST_PORT, Process, inner4

# The last byte of the address; 128 more is the same, far away.
TLS13, TLS12, LONG, MAIL, WEB, RETRY, SHUTTLE = 2, 3, 4, 5, 6, 7, 70
TLS = (TLS13, TLS12, LONG, RETRY, SHUTTLE)
SOCKS, CONNECT, SSH, DELAYED = 1080, 8888, 22, 1081
LONG_NAMES = 98  # in each of the four certificates: a flight of 16 kB


def server(kind, is_far=False, version=4):
    number = kind + (128 if is_far else 0)
    if version == 6:
        return f"2001:db8:2::{0x8000 + kind if is_far else kind:x}"
    return f"203.0.113.{number}"


def addresses(kind):
    return [server(kind, far, version) for far in (False, True) for version in (4, 6)]


def make_certificate(path, name, names):
    config = path / f"{name}.cnf"
    alternatives = ",".join(f"DNS:{n}" for n in names)
    config.write_text(f"[req]\ndistinguished_name=d\nx509_extensions=e\nprompt=no\n[d]\n"
                      f"CN={name}.test\n[e]\nsubjectAltName={alternatives}\n")
    lab.sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-config",
           str(config), "-keyout", str(path / f"{name}.key"), "-out", str(path / f"{name}.crt"))
    return (path / f"{name}.crt").read_text()


def make_certificates(path):
    leaf = make_certificate(path, "leaf", ["*.test"])
    above = make_certificate(path, "above", ["above.test"])
    (path / "chain.crt").write_text(leaf + above)
    many = [make_certificate(path, f"long{n}", [f"name-{n}-{k}-of-many.example.test"
                                                for k in range(LONG_NAMES)]) for n in range(4)]
    (path / "long.crt").write_text("".join(many))


NGINX = """worker_processes 2;
error_log {dir}/nginx-error.log crit;
pid {dir}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_timeout 65;
    ssl_session_cache shared:s:10m;
    ssl_session_tickets on;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f;
    uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
    root {dir}/www;
    types {{ text/html html; }}
    default_type text/plain;
{servers}
}}
"""


def nginx_server(path, kind, lines, port=443):
    listens = "".join(
        f"        listen {f'[{a}]' if ':' in a else a}:{port}{' ssl' if port == 443 else ''} "
        "backlog=512 fastopen=256;\n" for a in addresses(kind))
    chain = "long" if kind == LONG else "chain"
    key = "long0" if kind == LONG else "leaf"
    keys = (f"        ssl_certificate {path}/{chain}.crt;\n"
            f"        ssl_certificate_key {path}/{key}.key;\n" if port == 443 else "")
    return f"    server {{\n{listens}{keys}{lines}    }}\n"


def start_servers(net):
    for kind in (*TLS, MAIL, WEB):
        net.add_addresses(net.server, "far", *(f"{a}/{128 if ':' in a else 32}"
                                               for a in addresses(kind)))
    make_certificates(net.dir)
    (net.dir / "www").mkdir()
    (net.dir / "www/index.html").write_text("<p>" + "word " * 400)
    shutil.copy(HERE / "page.html", net.dir / "www/page.html")
    both = "        ssl_protocols TLSv1.2 TLSv1.3; ssl_early_data on;\n"
    servers = [nginx_server(net.dir, TLS13, both),
               nginx_server(net.dir, TLS12, "        ssl_protocols TLSv1.2;\n"),
               nginx_server(net.dir, LONG, both), nginx_server(net.dir, SHUTTLE, both),
               # No client sends a share of this curve at first.
               nginx_server(net.dir, RETRY, "        ssl_protocols TLSv1.3;\n"
                                            "        ssl_ecdh_curve secp384r1;\n"),
               nginx_server(net.dir, WEB, "", 80)]
    config = net.dir / "nginx.conf"
    config.write_text(NGINX.format(dir=net.dir, servers="".join(servers)))
    net.dir.chmod(0o755)
    net.adopt(Process(net, "nginx", net.server,
                      ["nginx", "-c", config, "-g", "daemon off; user root;"]))
    net.adopt(Process(net, "mail", net.server, [HERE / "mail.py", *addresses(MAIL)])
              ).wait_for("ready")
    redirect_ports(net)
    lab.wait_until(lambda: is_listening(net.server, 443) and is_listening(net.server, 80),
                   "nginx listens")


def redirect_ports(net):
    """Every port of a server is its service's."""
    rules = "".join(
        f"ip6 daddr {a} tcp dport {FIRST_PORT}-{LAST_PORT} dnat ip6 to [{a}]:{port}\n" if ":" in a
        else f"ip daddr {a} tcp dport {FIRST_PORT}-{LAST_PORT} dnat ip to {a}:{port}\n"
        for port, kinds in ((443, TLS), (25, (MAIL,)), (80, (WEB,)))
        for kind in kinds for a in addresses(kind))
    net.nft("table inet lab {\nchain in {\ntype nat hook prerouting priority dstnat;\n"
            f"{rules}}}\n}}\n", namespace=net.server)


def is_listening(namespace, port):
    return bool(re.search(rf"[:\]]{port}\b",
                          lab.sh("ss", "-Hltn", f"sport = :{port}", namespace=namespace).stdout))


# ---- proxies ----

TINYPROXY = """Port {port}
Listen 0.0.0.0
Timeout 60
MaxClients 400
LogLevel Critical
"""

SSHD = """Port {port}
HostKey {dir}/host
PidFile none
AuthorizedKeysFile {dir}/user.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
MaxStartups 100
"""

SSH_CONFIG = """Host *
	IdentityFile {dir}/user
	IdentitiesOnly yes
	UserKnownHostsFile /dev/null
	StrictHostKeyChecking no
	LogLevel ERROR
"""

HAPROXY = """defaults
	mode tcp
	maxconn 4000
	timeout connect 20s
	timeout client 60s
	timeout server 60s
listen relay
	bind {address}:{first}-{last}
	server one {server}
"""


def start_proxies(net):
    (net.dir / "tinyproxy.conf").write_text(TINYPROXY.format(port=CONNECT))
    for name in ("host", "user"):
        lab.sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(net.dir / name))
    (net.dir / "sshd_config").write_text(SSHD.format(dir=net.dir, port=SSH))
    (net.dir / "ssh_config").write_text(SSH_CONFIG.format(dir=net.dir))
    net.adopt(Process(net, "microsocks", net.proxy, ["microsocks", "-p", SOCKS]))
    net.adopt(Process(net, "tinyproxy", net.proxy,
                      ["tinyproxy", "-d", "-c", net.dir / "tinyproxy.conf"]))
    net.adopt(Process(net, "delayed", net.proxy, [HERE / "delayed_ack.py", DELAYED]))
    # sshd wants a directory that its service makes, and without PAM a root that is not locked.
    net.adopt(Process(net, "sshd", net.proxy, ["sh", "-ec", f"""umask 077
        printf '%s\\n' 'root:*:19000:0:99999:7:::' 'sshd:!:19000::::::' >{net.dir}/shadow
        mount --bind {net.dir}/shadow /etc/shadow
        mount -t tmpfs tmpfs /run
        mkdir -m 755 /run/sshd
        exec {shutil.which("sshd")} -D -e -f {net.dir}/sshd_config"""]))
    for port in (SOCKS, CONNECT, DELAYED, SSH):
        lab.wait_until(lambda: is_listening(net.proxy, port), f"a proxy listens at {port}")


def ssh_port(rtt_ms, has_loss):
    """Where `ssh -D` listens in the client, whose other end is so far away."""
    return 1100 + network.inner_host(rtt_ms, has_loss)


def start_ssh(net, rtt_ms, has_loss):
    port = ssh_port(rtt_ms, has_loss)
    net.adopt(Process(net, f"ssh-{port}", net.client,
                      ["ssh", "-F", net.dir / "ssh_config", "-N", "-D", f"127.0.0.1:{port}",
                       f"root@{inner4(rtt_ms, has_loss)}"]))
    lab.wait_until(lambda: is_listening(net.client, port), "ssh -D listens", 30)


def start_haproxy(net, rtt_ms, groups):
    """What comes to a group's port goes on to the same port of the server."""
    config = net.dir / "haproxy.cfg"
    config.write_text(HAPROXY.format(address=inner4(rtt_ms), first=groups[0][0],
                                     last=groups[-1][0], server=server(TLS13)))
    net.adopt(Process(net, "haproxy", net.proxy, ["haproxy", "-db", "-f", config]))
    lab.wait_until(lambda: is_listening(net.proxy, groups[-1][0]), "haproxy listens")


def start_sshuttle(net, rtt_ms):
    process = net.adopt(Process(net, "sshuttle", net.client, [
        "sshuttle", "--method", "nat", "--disable-ipv6", "-e", f"ssh -F {net.dir}/ssh_config",
        "-r", f"root@{inner4(rtt_ms)}", f"{server(SHUTTLE)}/32"]))
    process.wait_for("Connected", 30)
    lab.wait_until(lambda: "REDIRECT" in lab.sh("iptables", "-t", "nat", "-S",
                                                namespace=net.client).stdout,
                   "sshuttle redirects")
