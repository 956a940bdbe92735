"""Both agencies as cheaply as Python can: a raw protocol that answers our recorded samples with what was asked put in.

No simulator: no ledger, no faults, no clock. It lives on the load generator's core and its cost is nobody's.
"""

import asyncio
import base64
import json
import re
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import uvloop

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from adapters.rto.vahan.simulator_layers import Strings  # noqa: E402 - the cipher only; the path comes first

SEVA = ROOT / "adapters/passport/seva/samples"
VAHAN = ROOT / "adapters/rto/vahan/samples"
SECRET = "sim-vahan-secret-01"
STRINGS = Strings(SECRET)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PLATE = re.compile(rb"<(?:\w+:)?arg1[^>]*>([A-Z0-9]+)<")
_ARNS = count(1)


def _packed(path: Path) -> bytes:
    return json.dumps(json.loads(path.read_text()), separators=(",", ":")).encode()


STATUS = _packed(SEVA / "track.in_progress.review.json")
RECEIPT = _packed(SEVA / "submit.receipt.json")
ENVELOPE, _, _REST = (VAHAN / "lookup.value.xml").read_bytes().partition(b"<return>")
SEALED, _, TAIL = _REST.partition(b"</return>")
RECORD = STRINGS.open(SEALED.decode())


def status(body: bytes) -> bytes:
    asked = json.loads(body)["requestResponseMap"]
    answer = STATUS.replace(b"SI9990000000000", asked["fileNo"].encode())
    return answer.replace(b"01/01/1990", asked["applDob"].encode())


def saved(body: bytes) -> bytes:
    asked = json.loads(body)["requestResponseMap"]
    answer = RECEIPT.replace(b"REF-0001", asked["clientRef"].encode())
    return answer.replace(b"26-0000000001", b"26-%010d" % next(_ARNS))


def nothing(_body: bytes) -> bytes:
    return json.dumps({"strReturnString": "success", "requestResponseMap": {"applications": []}}).encode()


def vehicle(body: bytes) -> bytes:
    plate = _PLATE.search(body)
    assert plate is not None, body
    sealed = base64.b64encode(STRINGS.seal(RECORD.replace(b"OD99ZZ0000", plate[1])))
    return b"%b<return>%b</return>%b" % (ENVELOPE, sealed, TAIL)


ANSWERS: dict[bytes, tuple[bytes, Callable[[bytes], bytes]]] = {
    b"/v1/online/trackStatusForFileNo": (b"application/json", status),
    b"/v1/online/saveApplication": (b"application/json", saved),
    b"/v1/online/searchApplication": (b"application/json", nothing),
    b"/vahanws/VahanInfo": (b"text/xml; charset=utf-8", vehicle),
}


class Agency(asyncio.Protocol):
    def __init__(self) -> None:
        self._got = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or (length is not None and len(body) < int(length[1])):
            return
        self._got = b""
        assert self._transport is not None
        path = head.split(b" ", 2)[1]
        if path not in ANSWERS:
            self._transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        kind, answer = ANSWERS[path]
        content = answer(body)
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(content), content)
        )


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Agency, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(json.dumps({"port": server.sockets[0].getsockname()[1]}) + "\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
