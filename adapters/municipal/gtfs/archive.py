"""A GTFS archive is a stranger's zip: every size is ours to cap, because those it declares may be lies.

Members are read as streams up to a cap each and in all, decoded strictly, and cut into rows by the header row. What
is missing, twice there, encrypted or cut off is a broken contract, never half a timetable.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from aggregator.sdk.errors import ContractBroken

MEMBERS_MAX = 64
MEMBER_MAX = 48 * 1_048_576
WHOLE_MAX = 96 * 1_048_576
ROWS_MAX = 2_000_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file of the archive: where each column stands, and the rows."""

    name: str
    columns: dict[str, int]
    rows: list[list[str]]

    def pick(self, *names: str, optional: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
        """The named columns of every row, two or more; an optional column that is not there is empty.

        Raises ContractBroken for a missing column or a short row.
        """
        missing = [name for name in names if name not in self.columns]
        if missing:
            raise ContractBroken(f"{self.name} has no column {missing[0]!r}")
        width = len(self.columns)
        wanted = itemgetter(*(self.columns.get(name, width) for name in (*names, *optional)))
        lacking = any(name not in self.columns for name in optional)
        for row in self.rows:
            if len(row) != width:
                raise ContractBroken(f"{self.name} has a row of another length")
            yield wanted([*row, ""] if lacking else row)


def sheets(body: bytes, needed: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Sheet]:
    """The named files of an archive. Raises ContractBroken; optional ones may be absent."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return _sheets(archive, needed, optional)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as exc:
        # RuntimeError: encrypted. NotImplementedError: a compression nobody needs.
        raise ContractBroken("the archive cannot be unpacked", garbled=True) from exc


def _sheets(archive: zipfile.ZipFile, needed: Sequence[str], optional: Sequence[str]) -> dict[str, Sheet]:
    members = {member.filename: member for member in archive.infolist()}
    if len(archive.infolist()) > MEMBERS_MAX or len(members) != len(archive.infolist()):
        raise ContractBroken("the archive has too many files, or one name twice")
    found: dict[str, Sheet] = {}
    left = WHOLE_MAX
    for name in (*needed, *optional):
        if name not in members:
            if name in needed:
                raise ContractBroken(f"the archive has no {name}")
            continue
        text = _unpacked(archive, members[name], min(left, MEMBER_MAX))
        left -= len(text)
        found[name] = _sheet(name, text)
    return found


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, cap: int) -> bytes:
    with archive.open(member) as stream:
        text = stream.read(cap + 1)
    if len(text) > cap:
        raise ContractBroken(f"{member.filename} unpacks to more than {cap} bytes", too_big=True)
    return text


def _sheet(name: str, body: bytes) -> Sheet:
    try:
        reader = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True, skipinitialspace=True)
        header = next(reader, [])
        rows = [row for row, _ in zip(reader, range(ROWS_MAX + 1), strict=False) if row]
    except (UnicodeDecodeError, csv.Error) as exc:
        raise ContractBroken(f"{name} is not CSV in UTF-8", garbled=True) from exc
    if len(rows) > ROWS_MAX:
        raise ContractBroken(f"{name} has more than {ROWS_MAX} rows", too_big=True)
    columns = {column.strip(): at for at, column in enumerate(header)}
    if len(columns) != len(header) or not header:
        raise ContractBroken(f"{name} has no header row, or one column twice")
    return Sheet(name, columns, rows)
