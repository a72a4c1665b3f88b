# SPDX-License-Identifier: GPL-2.0-or-later
"""Asking synprintd from Python: verdicts, requests, and events as an iterator. One file, the standard
library alone; the wire format is in synprint-control(7).

    import synprint

    with synprint.connect() as gateway:
        verdict = gateway.verdict("203.0.113.7", 40122)
        if verdict.found and "vpn" in verdict.flags:
            print(verdict.os_label, verdict.link, verdict.reasons)

    for event in synprint.subscribe(flags=["scanner"]):
        print(event.kind, event.verdict.ip if event.verdict else event.missed)
"""
from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass, field
from typing import Any, Iterator, Optional, Sequence

DEFAULT_SOCKET = "/run/synprint/control.sock"
LINE_MAX = 16 * 1024 * 1024  # bytes; 64 times the daemon's longest reply
RETRY_S = 1.0

__all__ = ["DEFAULT_SOCKET", "Error", "Event", "Gateway", "Refused", "Unreachable", "Verdict",
           "connect", "subscribe"]


class Error(Exception):
    """Something that this module cannot do; see the subclasses."""


class Unreachable(Error):
    """No synprintd answers: none is there, it closed the connection, or it took too long."""


class Refused(Error):
    """synprintd refuses the request."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Verdict:
    """What is known of a connection, or of the one that stands for a client. `raw` is the whole reply."""

    found: bool  # else only `ip`, and perhaps `reported`, say something
    exact: bool  # it is about the port that was asked for
    confirmed: bool  # a handshake has proved that the address is the client's
    ip: str
    port: Optional[int] = None
    os_class: Optional[str] = None
    os_family: Optional[str] = None
    os_label: Optional[str] = None
    confidence: float = 0.0  # of the class
    family_confidence: float = 0.0
    distance: Optional[int] = None  # hops
    mss: Optional[int] = None  # bytes
    mtu: Optional[int] = None  # bytes
    link: Optional[str] = None
    grade: str = "none"  # none, access, possible, likely
    flags: frozenset[str] = frozenset()
    reasons: tuple[str, ...] = ()
    os_mismatch: Optional[bool] = None  # the User-Agent lies; None: none was given, or nobody knows
    reported: tuple[dict[str, Any], ...] = ()  # what other gateways say
    raw: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, reply: dict[str, Any]) -> "Verdict":
        """From a reply to `verdict`, or an event. Members of a later daemon are in `raw`."""
        system, link = reply.get("os") or {}, reply.get("link") or {}
        return cls(found=bool(reply.get("found", "os" in reply)),
                   exact=bool(reply.get("exact", "os" in reply)),
                   confirmed=bool(reply.get("confirmed", False)), ip=reply.get("ip", ""),
                   port=reply.get("port"), os_class=system.get("class"),
                   os_family=system.get("family"), os_label=system.get("label"),
                   confidence=system.get("confidence") or 0.0,
                   family_confidence=system.get("family_confidence") or 0.0,
                   distance=reply.get("dist_hops"), mss=link.get("mss"), mtu=link.get("mtu"),
                   link=link.get("label"), grade=link.get("grade") or "none",
                   flags=frozenset(reply.get("flags") or ()),
                   reasons=tuple(reply.get("reasons") or ()),
                   os_mismatch=(reply.get("user_agent") or {}).get("os_mismatch"),
                   reported=tuple(reply.get("reported") or ()), raw=reply)


@dataclass(frozen=True)
class Event:
    """`kind` is new, change, confirmed, syn, client, snapshot_end, gap, or disconnected."""

    kind: str
    seq: int = 0
    missed: int = 0  # of a gap: events that this reader was too slow for
    verdict: Optional[Verdict] = None

    @classmethod
    def of(cls, line: dict[str, Any]) -> "Event":
        return cls(kind=str(line.get("event", "")), seq=line.get("seq", 0),
                   missed=line.get("missed", 0),
                   verdict=Verdict.of(line) if "ip" in line else None)


class Gateway:
    """A connection to synprintd's control socket. For one thread at a time; a context manager."""

    def __init__(self, path: str = DEFAULT_SOCKET, timeout: float = 5.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        self._buffer = b""
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise Unreachable(f"{path}: {error.strerror or error}") from error

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def _read_line(self) -> bytes:
        while b"\n" not in self._buffer:
            if len(self._buffer) > LINE_MAX:
                raise Unreachable("the answer is no line")
            try:
                data = self._socket.recv(65536)
            except OSError as error:
                raise Unreachable(str(error) or "timed out") from error
            if not data:
                raise Unreachable("synprintd closed the connection")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line

    def _read_object(self) -> dict[str, Any]:
        try:
            reply = json.loads(self._read_line())
        except ValueError as error:
            raise Unreachable("the answer makes no sense") from error
        if not isinstance(reply, dict):
            raise Unreachable("the answer makes no sense")
        return reply

    def request(self, op: str, **members: Any) -> dict[str, Any]:
        """Any request of synprint-control(7). Raises Refused or Unreachable."""
        line = json.dumps({"op": op} | members).encode() + b"\n"
        try:
            self._socket.sendall(line)
        except OSError as error:
            raise Unreachable(str(error)) from error
        reply = self._read_object()
        if reply.get("ok") is not True:
            error_object = reply.get("error") or {}
            raise Refused(error_object.get("code", "failed"), error_object.get("message", ""))
        return reply

    def verdict(self, ip: str, port: Optional[int] = None, user_agent: Optional[str] = None,
                keep: bool = True) -> Verdict:
        """What is known of an address; with the port, of that connection; with the User-Agent, whether
        it lies. `keep`: a lie may change sets, where this user has the right to say so."""
        members: dict[str, Any] = {"ip": ip}
        if port:
            members["port"] = port
        if user_agent is not None:
            members |= {"user_agent": user_agent} | ({} if keep else {"keep": False})
        return Verdict.of(self.request("verdict", **members))

    def events(self, **filters: Any) -> Iterator[Event]:
        """Events from now on, until the connection ends, which raises Unreachable. The gateway is for
        events alone from here on; no time limit holds while it waits for one."""
        self.request("subscribe", **filters)
        self._socket.settimeout(None)
        while True:
            yield Event.of(self._read_object())


def connect(path: str = DEFAULT_SOCKET, timeout: float = 5.0) -> Gateway:
    """Connect to a synprintd. Raises Unreachable."""
    return Gateway(path, timeout)


def subscribe(path: str = DEFAULT_SOCKET, *, flags: Optional[Sequence[str]] = None,
              retry: float = RETRY_S, **filters: Any) -> Iterator[Event]:
    """Events without end. Where the connection breaks, an event `disconnected` says so and it is made
    again, a try a second; `gap` says how many events were missed. A filter that synprintd does not
    know raises Refused."""
    if flags is not None:
        filters["flags"] = list(flags)
    told = False
    while True:
        try:
            with connect(path) as gateway:
                for event in gateway.events(**filters):
                    told = False
                    yield event
        except Unreachable:
            if not told:
                told = True
                yield Event(kind="disconnected")
            time.sleep(retry)
