"""The tree is the one RFC 6962 describes: known roots, paths of every leaf, tiles that only grow."""

import hashlib

import pytest

from aggregator.feed import merkle

# The inputs and roots every implementation of Certificate Transparency is tested with (RFC 6962 reference code).
_HEX = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ENTRIES = [bytes.fromhex(text) for text in _HEX]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def tree(leaves: list[bytes], step: int = 7) -> dict[merkle.Place, bytes]:
    """The tiles after appending in pieces, each time handed the edge alone, as the store does."""
    tiles: dict[merkle.Place, bytes] = {}
    for at in range(0, len(leaves), step):
        edge = {place: tiles[place] for place in merkle.edge_of(at) if place in tiles}
        tiles |= merkle.grown(edge, at, leaves[at : at + step])
    return tiles


def leaves(count: int) -> list[bytes]:
    return [merkle.leaf_hash(str(n).encode()) for n in range(count)]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_roots_come_out(size):
    tiles = tree([merkle.leaf_hash(entry) for entry in ENTRIES[:size]])
    assert merkle.root(tiles, size).hex() == ROOTS[size - 1]


def test_no_entries_have_the_hash_of_nothing():
    assert merkle.root({}, 0) == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 511, 512, 513, 700])
def test_every_leaf_has_a_path_to_the_root_and_no_other_leaf_has_it(size):
    hashes = leaves(size)
    tiles = tree(hashes)
    root = merkle.root(tiles, size)
    for index in range(0, size, 1 if size < 10 else 17):
        needed = {place: tiles[place] for place in merkle.path_of(index, size) if place in tiles}
        path = merkle.inclusion(needed, index, size)
        assert merkle.root_by(path, hashes[index], index, size) == root
        if size > 1:
            assert merkle.root_by(path, hashes[(index + 1) % size], index, size) != root


def test_a_proof_for_an_older_root_holds_after_the_tree_has_grown():
    hashes = leaves(900)
    tiles = tree(hashes)
    assert merkle.root(tiles, 300) == merkle.root(tree(hashes[:300]), 300)
    assert merkle.root_by(merkle.inclusion(tiles, 10, 300), hashes[10], 10, 300) == merkle.root(tiles, 300)


def test_a_proof_at_a_million_entries_is_below_a_kilobyte():
    assert len(list(merkle._turns(123_456, 1_000_000))) * merkle.SIZE <= 1024


@pytest.mark.parametrize(("index", "size"), [(5, 5), (-1, 5), (0, 0)])
def test_a_leaf_beyond_the_tree_has_no_path(index, size):
    with pytest.raises(merkle.NotInTree):
        merkle.inclusion(tree(leaves(5)), index, size)
