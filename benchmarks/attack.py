"""Hostile connections, as a program of its own, so that it can run in the appliance's network namespace too.

Prints one JSON object. ``python -m benchmarks.attack requests|loris|pipeline|idle …``; see `main`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import socket
import struct
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.malformed import malformed, valid
from simulators.echo.session import tls_context

_WORKERS = 32
_REACTION_S = 2.0
# Where the server may wait for more: long enough for it to have read what there is.
_SILENCE_S = 0.02
_MOST_ON_ONE_CONNECTION = 50
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Target:
    """Where to: ``roots`` None speaks plain TCP. ``url``: a good one."""

    address: str
    port: int
    url: str
    roots: Path | None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that ends with a reset when it is closed, so that no port stays taken."""
        context = tls_context(self.roots) if self.roots else None
        name = urlsplit(self.url).hostname if context else None
        reader, writer = await asyncio.open_connection(self.address, self.port, ssl=context, server_hostname=name)
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        return reader, writer


async def requests(target: Target, count: int, seed: int) -> dict[str, float]:
    """``count`` malformed requests; on one connection as long as the server keeps it."""
    found = {"sent": 0, "connections": 0, "answers": 0, "closed": 0, "silent": 0, "unreachable": 0}
    left = count

    async def worker(number: int) -> None:
        nonlocal left
        rng = random.Random(seed * 1000 + number)  # noqa: S311 - no secret
        while left > 0:
            try:
                reader, writer = await target.connect()
            except OSError:
                found["unreachable"] += 1
                await asyncio.sleep(0.1)
                continue
            found["connections"] += 1
            try:
                for _ in range(_MOST_ON_ONE_CONNECTION):
                    if left <= 0:
                        break
                    left -= 1
                    found["sent"] += 1
                    if not await _one(target, rng, reader, writer, found):
                        break
            finally:
                writer.transport.abort()

    await asyncio.gather(*(worker(number) for number in range(_WORKERS)))
    return dict(found)


async def _one(
    target: Target,
    rng: random.Random,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    found: dict[str, int],
) -> bool:
    """Send one; True when the server answered and the connection can take another."""
    request = malformed(rng, target.url)
    try:
        writer.write(request.data)
        async with asyncio.timeout(_SILENCE_S if request.waits else _REACTION_S):
            await writer.drain()
            data = await reader.read(_CHUNK)
    except TimeoutError:
        found["silent"] += not request.waits
        return False
    except OSError:
        data = b""
    found["answers" if data else "closed"] += 1
    return bool(data)


async def loris(target: Target, count: int, seed: int) -> dict[str, float]:
    """``count`` connections that send a head one byte a second; how long the most patient one was kept."""
    kept: list[float] = []

    async def worker(number: int) -> None:
        rng = random.Random(seed * 1000 + number)  # noqa: S311 - no secret
        reader, writer = await target.connect()
        begun = time.monotonic()
        try:
            for byte in valid(rng, target.url):
                writer.write(bytes([byte]))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1.0):
                        if not await reader.read(_CHUNK):
                            break
                if time.monotonic() - begun > 60:
                    break
        except OSError:
            pass  # closed by the server
        finally:
            kept.append(time.monotonic() - begun)
            writer.transport.abort()

    done = await asyncio.gather(*(worker(number) for number in range(count)), return_exceptions=True)
    return {"kept_s_max": max(kept, default=0.0), "refused": sum(one is not None for one in done)}


async def pipeline(target: Target, count: int, seed: int) -> dict[str, float]:
    """``count`` connections that send requests for 15 s and never read an answer; the bytes the server took."""
    taken = 0

    async def worker(number: int) -> None:
        nonlocal taken
        rng = random.Random(seed * 1000 + number)  # noqa: S311 - no secret
        _, writer = await target.connect()
        transport = writer.transport
        # What comes stays in the kernel. Both of asyncio's transports for TCP can do this.
        assert isinstance(transport, asyncio.ReadTransport)
        transport.pause_reading()
        block = b"".join(valid(rng, target.url) for _ in range(100))
        try:
            async with asyncio.timeout(15):
                while True:
                    writer.write(block)
                    await writer.drain()
                    taken += len(block)
        except (TimeoutError, OSError):
            pass  # closed by the server, or enough
        finally:
            transport.abort()

    await asyncio.gather(*(worker(number) for number in range(count)), return_exceptions=True)
    return {"mb_taken": taken / 1e6}


async def idle(target: Target, count: int, seconds: int) -> dict[str, float]:
    """``count`` connections that say nothing for ``seconds``; how many the server let in, and how many it kept."""
    gate = asyncio.Semaphore(_WORKERS)

    async def worker() -> bool:
        async with gate:
            reader, writer = await target.connect()
        try:
            async with asyncio.timeout(seconds):
                return bool(await reader.read(1))
        except TimeoutError:
            return True
        except OSError:
            return False
        finally:
            writer.transport.abort()

    done = await asyncio.gather(*(worker() for _ in range(count)), return_exceptions=True)
    refused = sum(isinstance(one, BaseException) for one in done)
    return {"let_in": count - refused, "kept": sum(one is True for one in done)}


_WAYS: dict[str, Callable[[Target, int, int], Coroutine[None, None, dict[str, float]]]] = {
    "requests": requests,
    "loris": loris,
    "pipeline": pipeline,
    "idle": idle,
}


def main() -> None:
    """Attack as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attack", description=__doc__)
    parser.add_argument("way", choices=sorted(_WAYS))
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("url", help="a good stream URL")
    parser.add_argument("count", type=int, help="requests, or connections")
    parser.add_argument("extra", type=int, help="seed; seconds for idle")
    parser.add_argument("--roots", type=Path, help="trusted roots: speak TLS")
    words = parser.parse_args()
    target = Target(words.address, words.port, words.url, words.roots)
    print(json.dumps(asyncio.run(_attack(_WAYS[words.way](target, words.count, words.extra)))))


async def _attack(way: Coroutine[None, None, dict[str, float]]) -> dict[str, float]:
    # asyncio reports thousands of connections that a server has reset while they were being aborted.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    return await way


if __name__ == "__main__":
    main()
