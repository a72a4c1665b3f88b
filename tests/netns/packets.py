# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets that no TCP stack would send, and captures of what is on a link."""
import select
import socket
import struct
import time

import lab

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6 = 0x0003, 0x0800, 0x86DD  # linux/if_ether.h
PACKET_OUTGOING = 4  # linux/if_packet.h
TCP = socket.IPPROTO_TCP


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pack_address(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def tcp(src, dst, src_port, flags=0x02, options=b"", payload=b"", window=64240, seq=1, ack=0,
        urgent=0, offset=None, reserved=0, dst_port=lab.PORT):
    """A TCP segment with a good checksum; `offset` in words where it is to be a lie."""
    options += b"\0" * (-len(options) % 4)
    offset = 5 + len(options) // 4 if offset is None else offset
    head = struct.pack("!HHIIBBHHH", src_port, dst_port, seq, ack, offset << 4 | reserved, flags,
                       window, 0, urgent)
    segment = head + options + payload
    pseudo = pack_address(src) + pack_address(dst)
    pseudo += struct.pack("!BBH" if ":" not in src else "!IHBB",
                          *((0, TCP, len(segment)) if ":" not in src else
                            (len(segment), 0, 0, TCP)))
    return segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]


def ipv4(src, dst, segment, ttl=64, tos=0, ident=0x1234, flags=0x4000, options=b"", protocol=TCP):
    """`flags` are those of the header's word: reserved, DF, MF and the offset in 8 bytes."""
    options += b"\0" * (-len(options) % 4)
    head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, tos,
                       20 + len(options) + len(segment), ident, flags, ttl, protocol, 0,
                       pack_address(src), pack_address(dst)) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + segment


def ipv6(src, dst, segment, hops=64, traffic_class=0, flow=0, next_header=TCP):
    """With extension headers they are the beginning of `segment`, and `next_header` is theirs."""
    return struct.pack("!IHBB16s16s", 6 << 28 | traffic_class << 20 | flow, len(segment),
                       next_header, hops, pack_address(src), pack_address(dst)) + segment


class Wire:
    """A link's end, to send packets on and to capture what passes."""

    def __init__(self, namespace, link):
        with lab.inside(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE, asm/socket.h
        self.socket.bind((link, ETH_P_ALL))
        self.mac = self.socket.getsockname()[4]

    def send(self, packet, mac):
        kind = ETH_P_IP if packet[0] >> 4 == 4 else ETH_P_IPV6
        self.socket.send(mac + self.mac + struct.pack("!H", kind) + packet)

    def packets(self, is_wanted, seconds, count=None, outgoing=False):
        """IP packets that came in (or went out) and are wanted, until there are `count`."""
        found, end = [], time.monotonic() + seconds
        while count is None or len(found) < count:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                break
            frame, address = self.socket.recvfrom(65536)
            packet = frame[14:]
            if (address[1] in (ETH_P_IP, ETH_P_IPV6) and
                    (address[2] == PACKET_OUTGOING) == outgoing and is_wanted(packet)):
                found.append(packet)
        return found

    def close(self):
        self.socket.close()


def is_from(source):
    """A test for packets with this source address."""
    raw = pack_address(source)
    version, where = (4, 12) if len(raw) == 4 else (6, 8)
    return lambda packet: packet[0] >> 4 == version and packet[where:where + len(raw)] == raw


def is_tcp_syn(packet):
    """A SYN without extension headers, as a TCP stack sends it."""
    head = 20 if packet[0] >> 4 == 4 else 40
    return packet[9 if head == 20 else 6] == TCP and packet[head + 13] & 0x17 == 0x02


def after_one_hop(packet):
    """What forwarding makes of a packet: RFC 1812 section 5.3.1, RFC 8200 section 3."""
    if packet[0] >> 4 == 6:
        return packet[:7] + bytes([packet[7] - 1]) + packet[8:]
    head = packet[0] % 16 * 4
    aged = packet[:8] + bytes([packet[8] - 1]) + packet[9:10] + b"\0\0" + packet[12:]
    return aged[:10] + struct.pack("!H", checksum(aged[:head])) + aged[12:]
