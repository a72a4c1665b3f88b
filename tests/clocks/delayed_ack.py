#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""delayed_ack.py PORT: a SOCKS proxy that lets the kernel wait with its ACKs to the server, as
proxies do that expect to have data for each of them soon."""
import socket
import struct
import sys
import threading


def read_exactly(stream, count):
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise OSError("the client has gone")
        data += piece
    return data


def read_request(client):
    """RFC 1928, without authentication; returns the destination."""
    count = read_exactly(client, 2)[1]
    read_exactly(client, count)
    client.sendall(b"\5\0")
    kind = read_exactly(client, 4)[3]
    family, length = {1: (socket.AF_INET, 4), 4: (socket.AF_INET6, 16)}[kind]
    address = socket.inet_ntop(family, read_exactly(client, length))
    return family, address, struct.unpack("!H", read_exactly(client, 2))[0]


def pump(source, sink, delays):
    try:
        while True:
            if delays:
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(client):
    with client:
        try:
            family, address, port = read_request(client)
            server = socket.socket(family)
            server.connect((address, port))
        except (OSError, KeyError):
            return
        with server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(b"\5\0\0\1" + bytes(6))
            back = threading.Thread(target=pump, args=(server, client, True))
            back.start()
            pump(client, server, False)
            back.join()


def main():
    with socket.create_server(("0.0.0.0", int(sys.argv[1])), backlog=256) as listener:
        print("ready", flush=True)
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client,), daemon=True).start()


if __name__ == "__main__":
    main()
