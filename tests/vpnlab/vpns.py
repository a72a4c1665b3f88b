# SPDX-License-Identifier: GPL-2.0-or-later
"""Tunnels, VPNs and proxies, each built from what Debian ships and configured as its manual says.
Every function takes a Path with an exit and leaves it with the tunnel up, or raises Skip."""
import contextlib
import os
import re
import shutil
import socket
import struct
from pathlib import Path

import lab
import traffic
from ground import PORT

SOCKS_PORT = 1080


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise lab.Skip(f"{program} is not installed")


def has_address(namespace, link, address):
    done = lab.sh("ip", "-n", namespace, "-br", "addr", "show", "dev", link, check=False)
    return address in done.stdout


def add_kernel_link(namespace, text):
    """A link of a kind that not every kernel has."""
    done = lab.sh("ip", "-n", namespace, *f"link add {text}".split(), check=False)
    if done.returncode != 0:
        kind = re.search(r"type (\w+)", text).group(1)
        raise lab.Skip(f"this kernel has no {kind} links ({done.stderr.strip()})")


# --- the kernel's own tunnels

def kernel_tunnel(path, kind, options, versions=(4, 6)):
    """A link at each end with addresses of the tunnel. Its MTU is the kernel's own choice, for
    which it has to know the link below."""
    ends = ((path.client, "lan", path.client4, path.exit4, path.inner4, path.inner6),
            (path.exit, "wan", path.exit4, path.client4, path.inner_exit4, path.inner_exit6))
    for namespace, below, local, remote, inner4, inner6 in ends:
        add_kernel_link(namespace, f"tun0 type {kind} {options} local {local} remote {remote} "
                                   f"dev {below}")
        path.ground.ip(namespace, "link set tun0 up")
        if 4 in versions:
            path.ground.add_addresses(namespace, "tun0", f"{inner4}/24")
        if 6 in versions:
            path.ground.add_addresses(namespace, "tun0", f"{inner6}/64")
    gateways = {4: (lab.SERVER4, path.inner_exit4), 6: (lab.SERVER6, path.inner_exit6)}
    for version in versions:
        server, via = gateways[version]
        path.ground.ip(path.client, f"route add {server} via {via} dev tun0")


# --- WireGuard

def wireguard_key():
    private = lab.sh("wg", "genkey").stdout.strip()
    return private, lab.sh("wg", "pubkey", stdin=private).stdout.strip()


def wireguard_end(path, namespace, link, private, peer, allowed, endpoint=None, port=None):
    """@link is one of its kind: all namespaces share the socket /run/wireguard/LINK.sock."""
    process = path.spawn(f"wireguard-{link}", namespace, "wireguard-go", "-f", link,
                         env={"LOG_LEVEL": "verbose"})
    process.wait_for("UAPI listener started")
    text = f"[Interface]\nPrivateKey = {private}\n"
    text += f"ListenPort = {port}\n" if port else ""
    text += f"[Peer]\nPublicKey = {peer}\nAllowedIPs = {allowed}\n"
    text += f"Endpoint = {endpoint}\n" if endpoint else ""
    lab.sh("wg", "setconf", link, "/dev/stdin", stdin=text, namespace=namespace)


def wireguard(path, mtu, outer=4, on_router=False, versions=(4, 6)):
    need("wireguard-go", "wg")
    near = path.router if on_router else path.client
    near_link, far_link = (f"vl{end}{os.getpid()}n{path.number}" for end in "cx")
    (near_key, near_public), (far_key, far_public) = wireguard_key(), wireguard_key()
    endpoint = f"{path.exit4}:51820" if outer == 4 else f"[{path.exit6}]:51820"
    wireguard_end(path, path.exit, far_link, far_key, near_public, "0.0.0.0/0, ::/0",
                  port=51820)
    wireguard_end(path, near, near_link, near_key, far_public, "0.0.0.0/0, ::/0", endpoint)
    for namespace, name, inner4, inner6 in (
            (near, near_link, path.inner4, path.inner6),
            (path.exit, far_link, path.inner_exit4, path.inner_exit6)):
        path.ground.ip(namespace, f"""addr add {inner4}/24 dev {name}
            addr add {inner6}/64 dev {name}
            link set {name} mtu {mtu} up""")
    path.into_tunnel(near, near_link, versions)
    path.tunnelled = versions
    if on_router:
        path.behind_router(far_link)
        path.clamp(path.router, near_link, "--clamp-mss-to-pmtu")


# --- OpenVPN

def certificate(path, name):
    """Self-signed, as openvpn(8) has it for --peer-fingerprint; returns the fingerprint."""
    key, crt = path.dir / f"{name}.key", path.dir / f"{name}.crt"
    lab.sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
           "-nodes", "-subj", f"/CN={name}", "-days", "30", "-keyout", str(key), "-out", str(crt))
    return lab.sh("openssl", "x509", "-in", str(crt), "-noout", "-fingerprint",
                  "-sha256").stdout.strip().partition("=")[2]


def openvpn(path, proto, cipher, mssfix=None, auth="SHA256"):
    need("openvpn", "openssl")
    prints = {name: certificate(path, name) for name in ("server", "client")}
    network = path.net4.partition("/")[0]
    shared = ["--dev", "tun0", "--dev-type", "tun", "--topology", "subnet", "--port", 1194,
              "--data-ciphers", cipher, "--auth", auth, "--disable-dco", "--verb", 3]
    shared += ["--mssfix", mssfix] if mssfix is not None else []
    roles = ("tcp4-server", "tcp4-client") if proto == "tcp" else ("udp4", "udp4")
    server = path.spawn(
        "openvpn-server", path.exit, "openvpn", "--proto", roles[0], "--server", network,
        "255.255.255.0", "--server-ipv6", path.net6, "--dh", "none", "--cert",
        path.dir / "server.crt", "--key", path.dir / "server.key", "--peer-fingerprint",
        prints["client"], *shared)
    server.wait_for("Initialization Sequence Completed")
    client = path.spawn(
        "openvpn-client", path.client, "openvpn", "--client", "--proto", roles[1], "--remote",
        path.exit4, "--nobind", "--cert", path.dir / "client.crt", "--key",
        path.dir / "client.key", "--peer-fingerprint", prints["server"], "--route", lab.SERVER4,
        "--route-ipv6", f"{lab.SERVER6}/128", *shared)
    client.wait_for("Initialization Sequence Completed")
    assert f"'{cipher}'" in client.log(), "the ends agreed on another cipher"
    path.inner4 = re.search(r"net_addr_v4_add: ([\d.]+)/", client.log()).group(1)
    path.inner6 = re.search(r"net_addr_v6_add: ([\da-f:]+)/", client.log()).group(1)


# --- OpenConnect

OCSERV = """auth = "plain[passwd={dir}/passwd]"
tcp-port = 443
udp-port = {udp_port}
run-as-user = root
run-as-group = root
socket-file = {dir}/ocserv.socket
pid-file = {dir}/ocserv.pid
server-cert = {dir}/server.crt
server-key = {dir}/server.key
isolate-workers = false
try-mtu-discovery = false
device = vpns
ipv4-network = {network}
ipv4-netmask = 255.255.255.0
ipv6-network = {network6}
route = {server4}/32
route = {server6}/128
max-clients = 4
keepalive = 300
"""

# vpnc-script(8) would write /etc/resolv.conf of the whole machine.
OPENCONNECT_SCRIPT = f"""#!/bin/sh -e
[ "$reason" = connect ] || exit 0
ip link set dev $TUNDEV mtu $INTERNAL_IP4_MTU up
ip addr add $INTERNAL_IP4_ADDRESS/32 dev $TUNDEV
ip route add {lab.SERVER4} dev $TUNDEV
[ -z "$INTERNAL_IP6_ADDRESS" ] || {{
	ip addr add $INTERNAL_IP6_ADDRESS/128 dev $TUNDEV
	ip route add {lab.SERVER6} dev $TUNDEV
}}
echo "tunnel is up: $INTERNAL_IP4_ADDRESS $INTERNAL_IP6_ADDRESS MTU $INTERNAL_IP4_MTU"
"""


def openconnect(path, dtls=True, priority=None, link_mtu=None):
    """@priority: of GnuTLS, which is where DTLS' cipher comes from; @link_mtu: ocserv.conf's `mtu`,
    which is that of what is below."""
    need("ocserv", "openconnect", "openssl")
    certificate(path, "server")
    password = lab.sh("openssl", "passwd", "-5", "secret").stdout.strip()
    (path.dir / "passwd").write_text(f"user:*:{password}\n")
    (path.dir / "ocserv.conf").write_text(OCSERV.format(
        dir=path.dir, network=path.net4.partition("/")[0], network6=path.net6,
        server4=lab.SERVER4, server6=lab.SERVER6, udp_port=443 if dtls else 0) +
        (f"mtu = {link_mtu}\n" if link_mtu else ""))
    script = path.dir / "script"
    script.write_text(OPENCONNECT_SCRIPT)
    script.chmod(0o755)
    server = path.spawn("ocserv", path.exit, "ocserv", "-f", "-d", 3, "-c",
                        path.dir / "ocserv.conf")
    server.wait_for("listening (TCP)")
    key = lab.sh("sh", "-c", f"openssl x509 -in {path.dir}/server.crt -noout -pubkey | openssl "
                 "pkey -pubin -outform der | openssl dgst -sha256 -binary | base64").stdout.strip()
    client = path.spawn("openconnect", path.client, "openconnect", "-v", "--user", "user",
                        "--passwd-on-stdin", "--servercert", f"pin-sha256:{key}", "--interface",
                        "tun0", "--script", script, *([] if dtls else ["--no-dtls"]),
                        *(["--gnutls-priority", priority] if priority else []),
                        f"https://{path.exit4}", stdin="secret\n")
    client.wait_for("tunnel is up")
    if dtls:
        client.wait_for("Established DTLS connection")
    path.inner4, path.inner6 = re.search(r"tunnel is up: (\S+) (\S+)", client.log()).groups()


# --- strongSwan

CHARON = """charon {{
	load = random nonce openssl kdf hmac sha1 sha2 aes gcm pem pkcs1 pkcs8 x509 pubkey \
kernel-libipsec kernel-netlink socket-default vici
	filelog {{ log {{ path = {dir}/{name}-charon.log
		flush_line = yes
		default = 1 }} }}
	plugins {{ vici {{ socket = unix://{dir}/{name}.vici }} }}
}}
swanctl {{ load = pem pkcs1 x509 openssl }}
"""

SWANCTL = """connections {{ lab {{
	version = 2
	local_addrs = {local}
	remote_addrs = {remote}
	{more}
	proposals = aes256-sha256-x25519,aes128-sha256-ecp256
	local {{ auth = psk
		id = {local} }}
	remote {{ auth = psk
		id = {remote} }}
	children {{ lab {{
		esp_proposals = aes256gcm16
		local_ts = {local_ts}
		remote_ts = {remote_ts} }} }} }} }}
secrets {{ ike-lab {{ secret = not-secret }} }}
{pools}
"""


def charon(path, namespace, name, **swanctl):
    """charon(8)'s pid file has a fixed name: /run is its own."""
    config = path.dir / f"{name}.conf"
    config.write_text(CHARON.format(dir=path.dir, name=name))
    (path.dir / f"{name}.swanctl").write_text(SWANCTL.format(**swanctl))
    process = path.spawn(name, namespace, "sh", "-c",
                         "mount -t tmpfs tmpfs /run && exec /usr/lib/ipsec/charon",
                         env={"STRONGSWAN_CONF": str(config)})
    lab.wait_until(lambda: process.process.poll() is not None or
                   (path.dir / f"{name}.vici").exists(), f"{name} listens", 10)
    assert process.process.poll() is None, process.log()
    return config


def swanctl(path, config, name, *command, check=True):
    return lab.sh("env", f"STRONGSWAN_CONF={config}", "swanctl", *command, "--uri",
                  f"unix://{path.dir}/{name}.vici", check=check)


def strongswan(path):
    """A road warrior. All of IPv4 goes through the tunnel: libipsec's routes need an address of
    their own end within the traffic selectors (kernel_libipsec_ipsec.c, install_route)."""
    need("swanctl")
    if not Path("/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so").exists():
        raise lab.Skip("strongSwan's kernel-libipsec plugin is not installed")
    configs = {
        "far": charon(path, path.exit, "far", local=path.exit4, remote=path.client4,
                      more="pools = lab", local_ts="0.0.0.0/0", remote_ts="dynamic",
                      pools=f"pools {{ lab {{ addrs = {path.inner4}/32 }} }}"),
        "near": charon(path, path.client, "near", local=path.client4, remote=path.exit4,
                       more="vips = 0.0.0.0", local_ts="dynamic",
                       remote_ts="0.0.0.0/0", pools=""),
    }
    for name, config in configs.items():
        swanctl(path, config, name, "--load-all", "--file", str(path.dir / f"{name}.swanctl"))
    swanctl(path, configs["near"], "near", "--initiate", "--child", "lab", "--timeout", "10")


# --- proxies: the SYN is made by the exit

def receive(conn, count):
    data = b""
    while len(data) < count:
        more = conn.recv(count - len(data))
        assert more, f"the proxy closed after {len(data)} of {count} bytes"
        data += more
    return data


def socks_connect(namespace, proxy, destination, port=PORT):
    """RFC 1928 without authentication, to the end of one connection."""
    with lab.inside(namespace):
        conn = socket.create_connection((proxy, SOCKS_PORT), timeout=10)
    with conn:
        conn.sendall(b"\5\1\0")
        assert receive(conn, 2) == b"\5\0"
        family, kind = (socket.AF_INET6, 4) if ":" in destination else (socket.AF_INET, 1)
        conn.sendall(b"\5\1\0" + bytes([kind]) + socket.inet_pton(family, destination) +
                     struct.pack("!H", port))
        reply = receive(conn, 4)
        assert reply[:2] == b"\5\0", f"the proxy answers {reply.hex()}"
        receive(conn, {1: 4, 4: 16}[reply[3]] + 2)
        assert receive(conn, 1) == traffic.GREETING


def wait_listening(namespace, address, port):
    def connects():
        with lab.inside(namespace):
            conn = socket.socket()
        with conn, contextlib.suppress(OSError):
            conn.settimeout(1)
            conn.connect((address, port))
            return True
    lab.wait_until(connects, f"{address}:{port} listens", 10)


def microsocks(path):
    need("microsocks")
    path.spawn("microsocks", path.exit, "microsocks", "-i", path.exit4, "-p", SOCKS_PORT)
    wait_listening(path.client, path.exit4, SOCKS_PORT)
    path.sender = path.exit
    path.connect = lambda destination, port: socks_connect(path.client, path.exit4, destination,
                                                           port)


SSHD = """Port 22
HostKey {dir}/host
PidFile none
AuthorizedKeysFile {dir}/user.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
"""

SSH = """Host *
	IdentityFile {dir}/user
	IdentitiesOnly yes
	UserKnownHostsFile /dev/null
	StrictHostKeyChecking no
	LogLevel ERROR
"""


def ssh_server(path):
    """Returns the client's configuration file."""
    need("sshd", "ssh", "ssh-keygen")
    if re.search(r"^root:!", Path("/etc/shadow").read_text(), re.M):
        raise lab.Skip("root's account is locked, and sshd without PAM refuses it")
    for name in ("host", "user"):
        lab.sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path.dir / name))
    (path.dir / "sshd_config").write_text(SSHD.format(dir=path.dir))
    (path.dir / "ssh_config").write_text(SSH.format(dir=path.dir))
    # Its privilege separation directory, /run/sshd, is made by whoever starts it.
    path.spawn("sshd", path.exit, "sh", "-c", "mount -t tmpfs tmpfs /run && mkdir /run/sshd && "
               f"exec {shutil.which('sshd')} -D -e -f {path.dir}/sshd_config")
    wait_listening(path.client, path.exit4, 22)
    path.sender = path.exit
    return path.dir / "ssh_config"


def ssh_socks(path):
    config = ssh_server(path)
    path.spawn("ssh", path.client, "ssh", "-F", config, "-N", "-D", f"127.0.0.1:{SOCKS_PORT}",
               f"root@{path.exit4}")
    wait_listening(path.client, "127.0.0.1", SOCKS_PORT)
    path.connect = lambda destination, port: socks_connect(path.client, "127.0.0.1", destination,
                                                           port)


def sshuttle(path):
    need("sshuttle")
    config = ssh_server(path)
    process = path.spawn("sshuttle", path.client, "sshuttle", "--method", "nat", "--disable-ipv6",
                         "-e", f"ssh -F {config}", "-r", f"root@{path.exit4}",
                         f"{lab.SERVER4}/32")
    process.wait_for("Connected")
    lab.wait_until(lambda: "REDIRECT" in lab.sh("iptables", "-t", "nat", "-S",
                                                namespace=path.client).stdout,
                   "sshuttle redirects")
