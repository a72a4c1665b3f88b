# SPDX-License-Identifier: GPL-2.0-or-later
"""The setups, and what the SYN of each can prove: what can be known, not what synprint does. They
were written down before anything was measured, but for what ocserv makes of its settings: that TLS
alone gives 1472 and ChaCha20 1442, which others have too, only the lab could tell."""
from dataclasses import dataclass
from typing import Callable, Optional

import vpns

NOTHING = ("none", "")
ACCESS = ("access", "")
ACCESS_CLAMPED = ("access", "mss_clamped")
POSSIBLE = ("possible", "")
POSSIBLE_CLAMPED = ("possible", "mss_clamped")
LIKELY_VPN = ("likely", "vpn")
LIKELY_TUNNEL = ("likely", "tunnel")

NO_EVIDENCE = "65535 is sent with any MSS, so a router's clamp to this value looks the same"


@dataclass
class Setup:
    name: str
    truth: str  # none, access, tunnel, vpn, proxy
    usual: tuple  # grade and link flags of a client with the usual window, a multiple of its MSS
    large: tuple  # of a client with 65535
    why: str
    build: Optional[Callable] = None  # takes the Path; without one there is nothing in between
    why_large: str = ""
    family: str = ""  # what has to be among the candidates
    versions: tuple = (4,)
    v6: Optional[tuple] = None  # usual and large of IPv6, where they are others
    # What IPv4 and IPv6 show of each other, and what both prove with the usual and a large window.
    pair: Optional[tuple] = None
    user_agent: str = ""  # what the client says of itself
    exit: bool = True  # whether the SYN takes the way over the exit
    quick: bool = False  # needs no other software


def interface(path, mtu):
    path.set_mtu(mtu)


def clamp(path, mss):
    path.clamp(path.router, "wan", "--set-mss", str(mss))


def advmss(path, mss):
    via = f"198.18.{path.number}.1"
    path.ground.ip(path.client, f"route change default via {via} advmss {mss}")


def plain(name, truth, usual, large, why, build=None, **more):
    return Setup(name, truth, usual, large, why, build, quick=True, exit=False, **more)


WINDOWS_UA = ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
              "Chrome/126.0.0.0 Safari/537.36")
LINUX_UA = ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/126.0.0.0 Safari/537.36")

NO_TUNNEL = [
    plain("no tunnel", "none", NOTHING, NOTHING, "Ethernet's MSS and nothing else",
          versions=(4, 6), pair=("ethernet", NOTHING, NOTHING)),
    plain("no tunnel, says Linux", "none", NOTHING, NOTHING, "and its User-Agent is true",
          user_agent=LINUX_UA),
    plain("PPPoE: interface 1492", "access", ACCESS, ACCESS,
          "1492 is DSL's, whoever chose it", lambda path: interface(path, 1492),
          versions=(4, 6), pair=("same_mtu", ACCESS, ACCESS)),
    plain("mobile: interface 1400", "access", POSSIBLE, ACCESS,
          "phones have it, strongSwan's libipsec and Windows' VPN adapters too",
          lambda path: interface(path, 1400), versions=(4, 6),
          pair=("same_mtu", POSSIBLE, ACCESS)),
    plain("interface 1380", "access", POSSIBLE, ACCESS,
          "mobile networks have it, Mullvad's WireGuard too", lambda path: interface(path, 1380)),
    plain("router clamps to 1412", "access", ACCESS_CLAMPED, ACCESS,
          "usual of DSL routers; the window shows the original 1460",
          lambda path: clamp(path, 1412), why_large="usual of DSL routers"),
    plain("router clamps to 1360", "access", ACCESS_CLAMPED, ACCESS,
          "a router did it: in front of an access line, as nearly all do, or of a VPN",
          lambda path: clamp(path, 1360), why_large="a phone's interface of 1400 shows the same"),
    plain("router clamps to 1380", "access", POSSIBLE_CLAMPED, POSSIBLE,
          "WireGuard's value with a window of 1460: Cisco ASA does it for no VPN at all",
          lambda path: clamp(path, 1380), versions=(4, 6), v6=(ACCESS_CLAMPED, ACCESS),
          pair=("same_mss", ACCESS, ACCESS),
          why_large="WireGuard's interface of 1420 shows the same"),
    plain("router clamps to 1400", "access", ACCESS_CLAMPED, ACCESS,
          "DSL and OpenVPN's mssfix show the same",
          lambda path: clamp(path, 1400), why_large="DSL and OpenVPN's mssfix show the same"),
    plain("route advmss 1340", "none", POSSIBLE, ACCESS,
          "the kernel reckons its window with it, too: exactly an interface of 1380",
          lambda path: advmss(path, 1340)),
    plain("DS-Lite: IPv4 1460, IPv6 Ethernet", "access", POSSIBLE, ACCESS,
          "clouds, L2TP and PPTP have 1460, too", lambda path: path.set_route_mtu(4, 1460),
          versions=(4, 6), v6=(NOTHING, NOTHING), pair=("ipv4_in_ipv6", ACCESS, ACCESS)),
    plain("464XLAT: IPv4 1472, IPv6 Ethernet", "access", POSSIBLE, ACCESS,
          "6rd and OpenConnect have 1472, too", lambda path: path.set_route_mtu(4, 1472),
          versions=(4, 6), v6=(NOTHING, NOTHING), pair=("ipv4_in_ipv6", ACCESS, ACCESS)),
    plain("6in4: IPv4 Ethernet, IPv6 1480", "tunnel", NOTHING, NOTHING, "of IPv6 alone: 6rd has it, "
          "too", lambda path: path.set_route_mtu(6, 1480), versions=(4, 6),
          v6=(POSSIBLE, ACCESS), pair=("ipv6_in_ipv4", POSSIBLE, POSSIBLE)),
]


def kernel(name, truth, usual, large, why, kind, options, family, versions, pair=None):
    return Setup(name, truth, usual, large, why,
                 lambda path: vpns.kernel_tunnel(path, kind, options, versions), family=family,
                 versions=versions, quick=True, why_large=NO_EVIDENCE, pair=pair)


KERNEL = [
    kernel("VXLAN", "tunnel", POSSIBLE, ACCESS, "one honest visitor in thirty has 1450",
           "vxlan", "id 7 dstport 4789", "VXLAN", (4, 6), ("same_mtu", POSSIBLE, ACCESS)),
    kernel("GRE", "tunnel", LIKELY_TUNNEL, POSSIBLE, "1476 on an interface is no access network's",
           "gre", "", "IPSec or GRE", (4,)),
    kernel("SIT", "tunnel", POSSIBLE, ACCESS, "6rd of access networks has 1480, too", "sit", "",
           "IPIP or SIT", (6,)),
    kernel("IPIP", "tunnel", POSSIBLE, ACCESS, "DSL routers and 6rd have 1480, too", "ipip", "",
           "IPIP or SIT", (4,)),
]


SAME = {POSSIBLE: ("same_mtu", POSSIBLE, ACCESS),
        LIKELY_VPN: ("same_mtu", LIKELY_VPN, LIKELY_VPN)}
# One MTU for both is no fixed clamp's, and so tells what a window of 65535 does not.
SAME_UNLESS_CLAMPED = ("same_mtu", POSSIBLE, LIKELY_VPN)


def wireguard(mtu, usual, large, why, name="", pair=None, v6=None, **options):
    return Setup(f"WireGuard {mtu}{name}", "vpn", usual, large, why,
                 lambda path: vpns.wireguard(path, mtu, **options), why_large=NO_EVIDENCE,
                 family="WireGuard", versions=(4, 6), v6=v6, pair=pair or SAME[usual])


def openvpn(proto, cipher, mssfix=None, pair=None, **options):
    name = f"OpenVPN {proto.upper()} {cipher}" + (f" mssfix {mssfix}" if mssfix is not None else "")
    if mssfix == 0:
        return Setup(name, "vpn", NOTHING, NOTHING, "the tunnel carries the client's SYN as it "
                     "was: it is Ethernet's", lambda path:
                     vpns.openvpn(path, proto, cipher, mssfix, **options))
    # What the defaults come to with AEAD ciphers over UDP is 1440, which DSL lines have, too.
    is_dsl = proto == "udp" and mssfix is None and "CBC" not in cipher
    return Setup(name, "vpn", ACCESS_CLAMPED if is_dsl else POSSIBLE_CLAMPED,
                 ACCESS if is_dsl else POSSIBLE,
                 "mssfix is a clamp: DSL and other routers do the same", lambda path:
                 vpns.openvpn(path, proto, cipher, mssfix, **options), family="OpenVPN",
                 why_large=NO_EVIDENCE, versions=(4, 6) if pair else (4,), pair=pair)


OPENVPN_CIPHERS = {"AES-256-GCM": {}, "CHACHA20-POLY1305": {}, "AES-128-CBC": {"auth": "SHA1"}}

VPNS = [
    wireguard(1420, LIKELY_VPN, POSSIBLE, "no access network has 1420 on an interface"),
    wireguard(1420, LIKELY_VPN, POSSIBLE, "what is outside does not show", ", IPv6 outside",
              outer=6),
    wireguard(1412, LIKELY_VPN, POSSIBLE, "no access network has 1412 on an interface"),
    wireguard(1412, LIKELY_VPN, POSSIBLE, "what is outside does not show", ", IPv6 outside",
              outer=6),
    wireguard(1380, POSSIBLE, ACCESS, "mobile networks have 1380, advmss 1340 shows it"),
    wireguard(1280, POSSIBLE, ACCESS, "the least that IPv6 allows: anybody's choice"),
    wireguard(1280, POSSIBLE, ACCESS, "what is outside does not show", ", IPv6 outside",
              outer=6),
    wireguard(1420, POSSIBLE_CLAMPED, POSSIBLE, "the sender is on Ethernet and a router "
              "rewrites: Cisco ASA's clamp looks the same", ", router clamps",
              SAME_UNLESS_CLAMPED, on_router=True),
    wireguard(1420, LIKELY_VPN, POSSIBLE, "no access network has 1420 on an interface",
              ", IPv4 alone", ("ipv4_smaller", LIKELY_VPN, POSSIBLE), (NOTHING, NOTHING),
              versions=(4,)),
    *[openvpn(proto, cipher, mssfix, **options) for mssfix in (None, 0)
      for proto in ("udp", "tcp") for cipher, options in OPENVPN_CIPHERS.items()
      if (proto, cipher, mssfix) != ("udp", "AES-256-GCM", None)],
    openvpn("udp", "AES-256-GCM", pair=SAME[POSSIBLE]),
    openvpn("udp", "AES-256-GCM", 1450, SAME_UNLESS_CLAMPED),
    openvpn("udp", "AES-128-CBC", 1450, auth="SHA1"),
    openvpn("tcp", "AES-256-GCM", 1450),
    Setup("OpenConnect DTLS", "vpn", LIKELY_VPN, POSSIBLE, "1500 - what DTLS costs, on an "
          "interface: no access network's", lambda path: vpns.openconnect(path),
          why_large=NO_EVIDENCE, family="OpenConnect", versions=(4, 6), pair=SAME[LIKELY_VPN]),
    Setup("OpenConnect DTLS CHACHA20", "vpn", LIKELY_TUNNEL, POSSIBLE, "1442 on an interface is no "
          "access network's; Geneve in data centres has it, and no SYN tells the two apart",
          lambda path: vpns.openconnect(path, priority="NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305"),
          why_large=NO_EVIDENCE, family="OpenConnect"),
    Setup("OpenConnect TLS", "vpn", POSSIBLE, ACCESS, "ocserv takes off the headers of UDP all "
          "the same: 1472 is 6rd's over PPPoE, too",
          lambda path: vpns.openconnect(path, dtls=False),
          why_large=NO_EVIDENCE, family="OpenConnect"),
    Setup("OpenConnect, ocserv mtu 1466", "vpn", POSSIBLE, ACCESS, "ocserv takes DTLS off its "
          "mtu: 1400, a phone's", lambda path: vpns.openconnect(path, link_mtu=1466),
          family="OpenConnect"),
    Setup("OpenConnect, ocserv mtu 1400", "vpn", LIKELY_VPN, POSSIBLE, "ocserv takes DTLS off its "
          "mtu: 1334, no access network's",
          lambda path: vpns.openconnect(path, link_mtu=1400), family="OpenConnect",
          why_large=NO_EVIDENCE),
    Setup("strongSwan, libipsec", "vpn", POSSIBLE, ACCESS, "libipsec gives its interface 1400: "
          "a phone's", lambda path: vpns.strongswan(path), family="IPsec ESP"),
]

PROXY_WHY = "the proxy's own SYN, of Linux on Ethernet; only the User-Agent contradicts"


def proxy(name, build):
    flags = ("none", "os_mismatch")
    return Setup(name, "proxy", flags, flags, PROXY_WHY, build, user_agent=WINDOWS_UA)


PROXIES = [
    proxy("microsocks", lambda path: vpns.microsocks(path)),
    proxy("ssh -D", lambda path: vpns.ssh_socks(path)),
    proxy("sshuttle", lambda path: vpns.sshuttle(path)),
]

ALL = NO_TUNNEL + KERNEL + VPNS + PROXIES
