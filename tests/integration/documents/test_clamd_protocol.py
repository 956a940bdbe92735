"""The scanner's protocol on real sockets: a twin of clamd everywhere, the real one where it is installed."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from aggregator.citizens.documents.scan import EICAR, Clamd, ScannerAway

LARGE = bytes(range(256)) * 4000


class Twin:
    """Speaks INSTREAM as clamd(8) has it: pieces behind their length, an empty one ends it."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.answer = answer
        self.seen: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
        content = b""
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            content += await reader.readexactly(size)
        self.seen.append(content)
        writer.write(self.answer(content))
        await writer.drain()
        writer.close()


def verdict(content: bytes) -> bytes:
    return b"stream: Eicar-Test FOUND\0" if EICAR in content else b"stream: OK\0"


@asynccontextmanager
async def twin(answer: Callable[[bytes], bytes] = verdict) -> AsyncIterator[tuple[Twin, Clamd]]:
    made = Twin(answer)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with server:
        yield made, Clamd(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}", patience_s=2)


async def test_every_byte_is_looked_at_and_the_verdict_is_read() -> None:
    async with twin() as (seen_by, scanner):
        assert not await scanner.harmful(LARGE)
        assert await scanner.harmful(LARGE + EICAR)
        assert seen_by.seen == [LARGE, LARGE + EICAR]


@pytest.mark.parametrize(
    "answer",
    [b"", b"INSTREAM size limit exceeded. ERROR\0", b"stream: OKAY\0", b"<html>OK</html>", b"stream: FOUNDER\0"],
)
async def test_an_answer_that_is_no_verdict_is_not_a_yes(answer: bytes) -> None:
    async with twin(lambda _: answer) as (_, scanner):
        with pytest.raises(ScannerAway):
            await scanner.harmful(b"anything")


async def test_a_scanner_that_is_away_or_silent_has_no_opinion() -> None:
    async with twin() as (_, scanner):
        pass
    with pytest.raises(ScannerAway):
        await scanner.harmful(b"anything")


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "tcp://127.0.0.1", "unix://", "clamd"])
def test_an_address_that_is_none_is_refused_at_start(address: str) -> None:
    with pytest.raises(ValueError, match="tcp://host:port or unix:///path"):
        Clamd(address)


@pytest.mark.slow
async def test_the_real_clamd_agrees(tmp_path: Path) -> None:
    found = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
    if found is None:
        pytest.skip("clamd is not installed")
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "test.ndb").write_text(f"Eicar-Test:0:*:{EICAR.hex()}\n")
    socket = tmp_path / "clamd.sock"
    config = tmp_path / "clamd.conf"
    config.write_text(f"LocalSocket {socket}\nDatabaseDirectory {tmp_path / 'db'}\nForeground yes\nUser root\n")
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(found, "-c", str(config), stdout=quiet, stderr=quiet)
    try:
        for _ in range(200):
            if socket.exists():
                break
            await asyncio.sleep(0.1)
        scanner = Clamd(f"unix://{socket}")
        assert not await scanner.harmful(LARGE)
        assert await scanner.harmful(b"%PDF-1.4\n" + EICAR)
    finally:
        process.terminate()
        await process.wait()
