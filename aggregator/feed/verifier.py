"""Checks an exported audit log without the city: no database, no network, nothing but the files and a public key.

What it needs of this project is the hashing of RFC 6962 and nothing else, so that it can be read in one sitting.
The checkpoints should come from the second place they were written to, and the key from wherever it was noted down
before anything happened: an export alone is judged by itself.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from aggregator.feed import merkle


@dataclass
class Verdict:
    """`entries` in the export, of which `covered` are under a good checkpoint. `findings` is empty when all is well."""

    entries: int = 0
    covered: int = 0
    checkpoints: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.findings


def verify(entries: Iterable[bytes], checkpoints: Iterable[bytes], keys: Mapping[str, Any]) -> Verdict:
    """Judges an export: the stored bytes of each event in order, checkpoints as lines of JSON, and a JWKS."""
    verdict = Verdict()
    roots = _signed_roots(checkpoints, keys, verdict)
    found: dict[int, str] = {}

    def at(size: int, root: bytes) -> None:
        if size in roots:
            found[size] = root.hex()

    # Folding the right edge at every leaf would cost the square of the log; only at sizes that were signed is it asked.
    verdict.entries = _grow(entries, at, frozenset(roots))
    _compare(roots, found, verdict)
    return verdict


def verify_proof(proof: Mapping[str, Any], keys: Mapping[str, Any]) -> str:
    """What is wrong with an inclusion proof as a receipt carries it; empty when it holds."""
    try:
        claims = claims_of(str(proof["checkpoint"]), keys)
        path = [base64.b64decode(step, validate=True) for step in proof["path"]]
        leaf = merkle.leaf_hash(str(proof["event"]).encode())
        root = merkle.root_by(path, leaf, int(proof["leaf_index"]), int(claims["size"]))
    except (KeyError, TypeError, ValueError) as exc:
        return f"the proof cannot be read ({type(exc).__name__})"
    except JoseError:
        return "the checkpoint is not signed with this key"
    return "" if root.hex() == claims["root"] else "the event is not the one that was logged"


def _grow(entries: Iterable[bytes], at: Any, wanted: frozenset[int]) -> int:
    stack: list[tuple[int, bytes]] = []
    size = 0
    for entry in entries:
        size += 1
        height, found = 0, merkle.leaf_hash(entry)
        while stack and stack[-1][0] == height:
            found = merkle.node_hash(stack.pop()[1], found)
            height += 1
        stack.append((height, found))
        if size in wanted:
            at(size, merkle.folded(stack))
    return size


def _signed_roots(lines: Iterable[bytes], keys: Mapping[str, Any], verdict: Verdict) -> dict[int, str]:
    """Size -> root, of every checkpoint whose signature holds; complaints go to the verdict."""
    roots: dict[int, str] = {}
    for number, claims in _read(lines, keys, verdict):
        size, root = int(claims["size"]), str(claims["root"])
        if roots.setdefault(size, root) != root:
            verdict.findings.append(f"two signed roots over {size} entries (line {number}): the log was forked")
    verdict.checkpoints = len(roots)
    return roots


def _read(lines: Iterable[bytes], keys: Mapping[str, Any], verdict: Verdict) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            told = orjson.loads(line)
            claims = claims_of(told["signed"], keys)
            honest = (claims["size"], claims["root"]) == (told["size"], told["root"])
        except JoseError:
            verdict.findings.append(f"checkpoint in line {number} is not signed with this key")
        except (KeyError, TypeError, ValueError):
            verdict.findings.append(f"checkpoint in line {number} cannot be read")
        else:
            if not honest:
                verdict.findings.append(f"checkpoint in line {number} contradicts its signature")
            yield number, claims


def claims_of(signed: str, keys: Mapping[str, Any]) -> Mapping[str, Any]:
    return jwt.decode(signed, KeySet.import_key_set(dict(keys)), algorithms=["ES256"]).claims  # type: ignore[arg-type]  # a JWKS as parsed


def _compare(roots: Mapping[int, str], found: Mapping[int, str], verdict: Verdict) -> None:
    for size in sorted(roots):
        if size > verdict.entries:
            missing = size - verdict.entries
            verdict.findings.append(
                f"{missing} of {size} signed entries are missing at the end: cut off, or an older backup was restored"
            )
            return
        if found[size] != roots[size]:
            verdict.findings.append(
                f"between entry {verdict.covered + 1} and entry {size} something was changed, removed, added or moved"
            )
            return
        verdict.covered = size
