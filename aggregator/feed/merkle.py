"""A Merkle tree as RFC 6962 hashes it, kept in tiles of 256 hashes, so that a proof reads a handful of rows.

Leaf = SHA-256(0x00 || entry), node = SHA-256(0x01 || left || right). Entry `i` of a tile on level `l` is the hash of
the complete subtree over 256**l leaves; tiles grow on the right and never change otherwise.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

WIDTH = 256
"""Hashes in a full tile."""
SIZE = 32
_BITS = 8
EMPTY = hashlib.sha256().digest()
"""The root of no entries at all."""

Place = tuple[int, int]
"""A tile: level and number."""
Tiles = Mapping[Place, bytes]
"""Tiles by place; each the concatenation of its hashes."""


class NotInTree(ValueError):
    """The leaf, or the size, is beyond what the tiles hold."""


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def grown(edge: Tiles, size: int, leaves: Sequence[bytes]) -> dict[Place, bytes]:
    """The tiles that change when these leaf hashes follow the first `size`. `edge`: the tiles of `edge_of(size)`."""
    changed: dict[Place, bytearray] = {}
    counts = [size]

    def put(level: int, entry: bytes) -> None:
        if level == len(counts):
            counts.append(size >> (_BITS * level))
        place = (level, counts[level] // WIDTH)
        tile = changed.setdefault(place, bytearray(edge.get(place, b"")))
        tile += entry
        counts[level] += 1
        if len(tile) == WIDTH * SIZE:
            put(level + 1, _root_of(bytes(tile)))

    for leaf in leaves:
        put(0, leaf)
    return {place: bytes(tile) for place, tile in changed.items()}


def edge_of(size: int) -> list[Place]:
    """The tiles on the right edge of a tree of this size: all that growing it or knowing its root needs."""
    return [(level, size >> (_BITS * (level + 1))) for level in range(_levels(size))]


def path_of(index: int, size: int) -> list[Place]:
    """The tiles an inclusion proof reads."""
    along = [(level, index >> (_BITS * (level + 1))) for level in range(_levels(size))]
    return sorted({*along, *edge_of(size)})


def root(tiles: Tiles, size: int) -> bytes:
    """The root over the first `size` leaves. Raises NotInTree."""
    return _span(tiles, 0, size) if size else EMPTY


def inclusion(tiles: Tiles, index: int, size: int) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size` leaves (RFC 6962, 2.1.1), from the leaf up.

    Raises NotInTree.
    """
    if not 0 <= index < size:
        raise NotInTree(f"leaf {index} of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_span(tiles, middle, end))
            end = middle
        else:
            path.append(_span(tiles, start, middle))
            start = middle
    return path[::-1]


def root_by(path: Sequence[bytes], leaf: bytes, index: int, size: int) -> bytes:
    """The root that this path proves for the leaf. Raises NotInTree when the path is not of that place."""
    if not 0 <= index < size:
        raise NotInTree(f"leaf {index} of {size}")
    turns = list(_turns(index, size))
    if len(turns) != len(path):
        raise NotInTree(f"a path of {len(path)} for leaf {index} of {size}")
    found = leaf
    for ours_is_left, other in zip(turns, path, strict=True):
        found = node_hash(found, other) if ours_is_left else node_hash(other, found)
    return found


def folded(stack: Sequence[tuple[int, bytes]]) -> bytes:
    """The root over complete subtrees (height, hash), left to right."""
    found = stack[-1][1]
    for _, left in reversed(stack[:-1]):
        found = node_hash(left, found)
    return found


def _turns(index: int, size: int) -> Iterator[bool]:
    """From the leaf up: whether the leaf's own side is the left one."""
    turns = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        turns.append(index < middle)
        start, end = (start, middle) if index < middle else (middle, end)
    return reversed(turns)


def _span(tiles: Tiles, start: int, end: int) -> bytes:
    """MTH over leaves start to end, where the span is one that RFC 6962 ever cuts."""
    width = end - start
    if width & (width - 1) == 0:
        return _complete(tiles, width.bit_length() - 1, start // width)
    middle = start + _split(width)
    return node_hash(_span(tiles, start, middle), _span(tiles, middle, end))


def _complete(tiles: Tiles, height: int, number: int) -> bytes:
    level, rest = divmod(height, _BITS)
    first = number << rest
    tile = tiles.get((level, first // WIDTH), b"")
    begin = (first % WIDTH) * SIZE
    part = tile[begin : begin + (SIZE << rest)]
    if len(part) != SIZE << rest:
        raise NotInTree(f"level {level}, entry {first}")
    return _root_of(part)


def _root_of(hashes: bytes) -> bytes:
    """The root over a power of two of hashes."""
    row = [hashes[at : at + SIZE] for at in range(0, len(hashes), SIZE)]
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)


def _levels(size: int) -> int:
    levels = 1
    while size >> (_BITS * levels):
        levels += 1
    return levels
