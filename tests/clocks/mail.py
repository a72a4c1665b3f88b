#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""mail.py ADDRESS ...: a mail server on port 25 of each address (RFC 5321), which speaks first and
keeps nothing."""
import asyncio
import sys


async def serve(reader, writer):
    async def say(text):
        writer.write(text.encode() + b"\r\n")
        await writer.drain()

    try:
        await say("220 mail.test ESMTP")
        while line := await reader.readline():
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"EHLO":
                await say("250-mail.test\r\n250-PIPELINING\r\n250 SIZE 10240000")
            elif verb == b"DATA":
                await say("354 go on")
                await reader.readuntil(b"\r\n.\r\n")
                await say("250 thrown away")
            elif verb == b"QUIT":
                await say("221 bye")
                break
            else:
                await say("250 ok")
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main():
    for address in sys.argv[1:]:
        await asyncio.start_server(serve, address, 25, backlog=256)
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
