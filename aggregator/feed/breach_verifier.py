"""Judges a breach pack without the city: nothing but its files and our public key, noted down from elsewhere.

Every line that is shown must be under an event, every event under the signed root, every file under the signature. What
has no proof is counted, and must be as many as the pack itself says.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from joserfc.errors import JoseError

from aggregator.feed.looks import digest, line_hash
from aggregator.feed.verifier import claims_of, verify_proof


@dataclass
class PackVerdict:
    """What was counted; `findings` is empty when the pack is as it was signed."""

    looks: int = 0
    sent: int = 0
    proved: int = 0
    citizens: set[str] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.findings


def verify_pack(folder: Path, keys: Mapping[str, Any]) -> PackVerdict:
    """Raises FileNotFoundError for a folder that is no pack."""
    verdict = PackVerdict()
    try:
        claims = claims_of((folder / "pack.jws").read_text("utf-8").strip(), keys)
    except JoseError:
        verdict.findings.append("the pack is not signed with this key")
        return verdict
    for name, wanted in claims["files"].items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != wanted:
            verdict.findings.append(f"{name} is not the file that was signed")
    if verdict.good:
        _judge(folder, str(claims["checkpoint"]), keys, verdict)
        _compare(claims["counts"], verdict)
    return verdict


def _judge(folder: Path, checkpoint: str, keys: Mapping[str, Any], verdict: PackVerdict) -> None:
    batches: dict[int, set[str]] = {}
    for proof in _lines(folder / "proofs.jsonl"):
        hashes = [str(one) for one in proof["hashes"]]
        if _holds(proof, checkpoint, keys, verdict, f"event {proof['event']}"):
            if _logged(proof).get("data", {}).get("digest") != digest(hashes):
                verdict.findings.append(f"the lines under event {proof['event']} are not those that were logged")
            # A batch may be cut by a page of the pack and then comes twice, the same both times.
            batches[int(proof["event"])] = set(hashes)
    for one in _lines(folder / "looks.jsonl"):
        verdict.looks += 1
        verdict.citizens.add(str(one["line"][2]))
        known = batches.get(int(one["event"]))
        if known is not None and line_hash(one["line"]) not in known:
            verdict.findings.append(f"line {one['line'][0]} is not under event {one['event']}")
        verdict.proved += known is not None
    for one in _lines(folder / "sent.jsonl"):
        verdict.sent += 1
        verdict.citizens |= {str(one["citizen"])} - {""}
        if one["proof"] is not None:
            verdict.proved += _holds(one["proof"], checkpoint, keys, verdict, f"event {one['event']}")


def _holds(
    proof: Mapping[str, Any], checkpoint: str, keys: Mapping[str, Any], verdict: PackVerdict, which: str
) -> bool:
    shown = {
        "leaf_index": proof["leaf_index"], "event": proof["logged"], "path": proof["path"], "checkpoint": checkpoint,
    }  # fmt: skip
    wrong = verify_proof(shown, keys)
    if wrong:
        verdict.findings.append(f"{which}: {wrong}")
    return not wrong


def _compare(counts: Mapping[str, int], verdict: PackVerdict) -> None:
    said = (counts["looks"], counts["sent"], counts["citizens"], counts["unproved"])
    unproved = verdict.looks + verdict.sent - verdict.proved
    found = (verdict.looks, verdict.sent, len(verdict.citizens), unproved)
    if said != found:
        verdict.findings.append(f"it says {said} looks, sends, citizens and lines without proof, and has {found}")


def _logged(proof: Mapping[str, Any]) -> Any:
    return orjson.loads(proof["logged"])


def _lines(file: Path) -> Iterator[Any]:
    with file.open("rb") as lines:
        for line in lines:
            yield orjson.loads(line)
