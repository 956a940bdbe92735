"""Misspellings are mended against the index's own words only, never against a dictionary of the world.

Every known key is filed under itself and under itself with one letter left out; so is the query's word, and the two
meet. Both keys of sound.py are used: a vowel typed wrong meets by its bones, a consonant by its letters.
"""

from collections import defaultdict
from collections.abc import Iterable

from rapidfuzz.distance import OSA
from rapidfuzz.distance.Indel import normalized_similarity

from aggregator.discovery.search.script import romanised
from aggregator.discovery.search.sound import bones, root, sound

SHORTEST = 4
"""Letters a word needs before a typing slip is assumed: shorter ones are one slip from anything."""
LONG = 7
"""From here on two slips are forgiven."""
LEAST = 0.76
ALIKE, LEAST_ALIKE = 0.85, 0.74
"""How sure a word of the same sound is at least, once its letters are not altogether others."""
KIN = 0.8
ROOT, ROOT_LATIN = 2, 3
SPREAD = 0.06
_MOST = 6


class Spelling:
    """Known words, found again when they are misspelt."""

    def __init__(self, known: Iterable[str]) -> None:
        """`known` are words as the index holds them (script.py's words, stemmed)."""
        self._by_sound: dict[str, list[str]] = defaultdict(list)
        self._by_bones: dict[str, list[str]] = defaultdict(list)
        self._by_root: dict[str, list[str]] = defaultdict(list)
        self._near: dict[str, list[str]] = defaultdict(list)
        self._known = frozenset(known)
        for word in sorted(self._known):
            key = sound(word)
            self._by_sound[key].append(word)
            self._by_bones[bones(key)].append(word)
        for key in self._by_sound:
            self._by_root[root(key)].append(key)
            for shorter in _without_one(key):
                self._near[shorter].append(key)

    def has(self, word: str) -> bool:
        """Whether the word is known as it is written."""
        return word in self._known

    def alike(self, word: str) -> list[str]:
        """Known words that sound the same."""
        return self._by_sound.get(sound(word), [])

    def meant(self, word: str) -> list[tuple[str, float]]:
        """Known words this may have been meant to be, best first, each with how sure that is (0 to 1).

        Words of the same sound, of the same root (another case or tense), with the same bones, or a slip away.
        """
        if word.isdigit():
            return []
        key = sound(word)
        alike = self._by_sound.get(key, ())
        found = {one: _sure(word, key, one) for one in self._candidates(key)}
        found |= {one: max(sure, ALIKE) for one in alike if (sure := _sure(word, key, one)) >= LEAST_ALIKE}
        found |= {one: max(found.get(one, 0.0), KIN) for one in self._kin(word, key)}
        likely = sorted(
            ((one, sure) for one, sure in found.items() if sure >= LEAST), key=lambda one: (-one[1], one[0])
        )
        return [(one, sure) for one, sure in likely[:_MOST] if sure >= likely[0][1] - SPREAD]

    def _candidates(self, key: str) -> set[str]:
        if len(key) < SHORTEST - 1:
            return set()
        near = self._neighbours(key) if len(key) >= SHORTEST else ()
        found = {one for other in near for one in self._by_sound[other]}
        skeleton = bones(key)
        if len(skeleton) > 1:
            found.update(self._by_bones.get(skeleton, ()))
        return found

    def _kin(self, word: str, key: str) -> list[str]:
        """Known words with the same root. English has its own endings, so Latin letters need a longer root."""
        stem = root(key)
        if len(stem) < (ROOT_LATIN if word.isascii() else ROOT):
            return []
        return [one for other in self._by_root.get(stem, ()) for one in self._by_sound[other]]

    def parts(self, word: str) -> tuple[str, str] | None:
        """Two known words written as one: `streetlight`, `birthcertificate`."""
        for at in range(3, len(word) - 2):
            if self._exactly(word[:at]) and self._exactly(word[at:]):
                return word[:at], word[at:]
        return None

    def _exactly(self, word: str) -> bool:
        return word in self._by_sound.get(sound(word), ())

    def _neighbours(self, key: str) -> set[str]:
        slips = 1 if len(key) < LONG else 2
        ways = {key, *_without_one(key)}
        near = {other for way in ways for other in self._near.get(way, ())}
        near.update(way for way in ways if way in self._by_sound)
        return {other for other in near if OSA.distance(key, other, score_cutoff=slips) <= slips}


def _without_one(key: str) -> set[str]:
    return {key[:at] + key[at + 1 :] for at in range(len(key))} if len(key) >= SHORTEST else set()


def _sure(word: str, key: str, other: str) -> float:
    """How sure it is that `word` was meant to be `other`: by sound, and by the letters it would be romanised to."""
    theirs = sound(other)
    sure = 0.55 * normalized_similarity(key, theirs) + 0.45 * OSA.normalized_similarity(
        romanised(word), romanised(other)
    )
    if key[:1] != theirs[:1]:
        sure -= 0.1
    elif word[0] != other[0] and word.isascii() and other.isascii():
        sure -= 0.06
    return 0.1 + 0.9 * sure
