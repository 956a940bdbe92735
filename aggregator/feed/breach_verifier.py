"""Judges a breach pack without the city: nothing but its files and our public key, noted down from elsewhere.

Every line that is shown must be under an event, every event under the signed root, every file under the signature. What
has no proof is counted, and must be as many as the pack itself says. Of however many lines, few are held at a time.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from joserfc.errors import JoseError

from aggregator.feed.looks import digest, line_hash
from aggregator.feed.spill import Spill
from aggregator.feed.verifier import claims_of, verify_proof

_PROOF, _LOOK = b"p", b"l"


@dataclass
class PackVerdict:
    """What was counted; `findings` is empty when the pack is as it was signed."""

    looks: int = 0
    sent: int = 0
    proved: int = 0
    citizens: int = 0
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
        if _sha256(folder / name) != wanted:
            verdict.findings.append(f"{name} is not the file that was signed")
    if verdict.good:
        _judge(folder, str(claims["checkpoint"]), keys, verdict)
        _compare(claims["counts"], verdict)
    return verdict


def _judge(folder: Path, checkpoint: str, keys: Mapping[str, Any], verdict: PackVerdict) -> None:
    judge = partial(_holds, checkpoint=checkpoint, keys=keys, verdict=verdict)
    with (
        TemporaryDirectory() as place,
        Spill(Path(place), "events") as by_event,
        Spill(Path(place), "people") as people,
    ):
        for line in _lines(folder / "proofs.jsonl"):
            by_event.add(str(orjson.loads(line)["event"]), _PROOF + line)
        for line in _lines(folder / "looks.jsonl"):
            look = orjson.loads(line)
            verdict.looks += 1
            people.add(str(look["line"][2]), b"")
            if look["event"]:  # from before lines had proofs: nothing to look for
                by_event.add(str(look["event"]), _LOOK + line)
        for event, group in by_event.groups():
            _batch(event, group, verdict, judge)
        for line in _lines(folder / "sent.jsonl"):
            sent = orjson.loads(line)
            verdict.sent += 1
            if sent["citizen"]:
                people.add(str(sent["citizen"]), b"")
            if sent["proof"] is not None:
                verdict.proved += judge(sent["proof"], which=f"event {sent['event']}")
        verdict.citizens = sum(1 for _ in people.groups())


def _batch(event: str, group: Sequence[bytes], verdict: PackVerdict, judge: Callable[..., bool]) -> None:
    """The lines of one event against the hashes that were logged with it."""
    known: set[str] | None = None
    # A batch may be cut by a page of the pack and then comes twice, the same both times.
    for line in {line for line in group if line.startswith(_PROOF)}:
        proof = orjson.loads(line[1:])
        hashes = [str(one) for one in proof["hashes"]]
        if judge(proof, which=f"event {event}") and _logged(proof).get("data", {}).get("digest") != digest(hashes):
            verdict.findings.append(f"the lines under event {event} are not those that were logged")
        known = set(hashes)
    for look in (orjson.loads(line[1:])["line"] for line in group if line.startswith(_LOOK)):
        if known is not None and line_hash(look) not in known:
            verdict.findings.append(f"line {look[0]} is not under event {event}")
        verdict.proved += known is not None


def _holds(
    proof: Mapping[str, Any], *, checkpoint: str, keys: Mapping[str, Any], verdict: PackVerdict, which: str
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
    found = (verdict.looks, verdict.sent, verdict.citizens, unproved)
    if said != found:
        verdict.findings.append(f"it says {said} looks, sends, citizens and lines without proof, and has {found}")


def _logged(proof: Mapping[str, Any]) -> Any:
    return orjson.loads(proof["logged"])


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as lines:
        for line in lines:
            yield line.rstrip(b"\n")


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
