"""One name, three scripts, many spellings: how alike are two names, from 0 to 100.

Odia and Devanagari lie in parallel blocks of Unicode, so one table of about sixty signs reads both; Latin spellings are
brought to the same letters (Sahoo, Sahu; Bibhuti, Vibhuti; Dash, Das stay apart by their vowels or sounds as heard).
Words are compared in any order, and a name may lack a middle word. A likeness is a hint for a person, never a proof.
Source: libraries.md section 4.5.
"""

import re
import unicodedata
from itertools import permutations

from rapidfuzz.distance import JaroWinkler

ALIKE = 88
"""From here on a person is asked. Agreeing on the date of birth is a condition besides."""
_CONSONANTS = (  # offsets 0x15 to 0x39; one line of words reads better than 37 quoted ones
    "k kh g gh n ch ch j jh n t th d dh n t th d dh n n p ph b bh m y r r l l l v sh sh s h".split()  # noqa: SIM905
)
_SIGNS = {0x15 + at: sound for at, sound in enumerate(_CONSONANTS)}
_SIGNS |= {0x58: "k", 0x59: "kh", 0x5A: "g", 0x5B: "j", 0x5C: "d", 0x5D: "dh", 0x5E: "f", 0x5F: "y", 0x71: "v"}
_VOWELS = {
    0x05: "a", 0x06: "a", 0x07: "i", 0x08: "i", 0x09: "u", 0x0A: "u", 0x0B: "ri", 0x0D: "e", 0x0E: "e", 0x0F: "e",
    0x10: "ai", 0x11: "o", 0x12: "o", 0x13: "o", 0x14: "au",
}  # fmt: skip
_MATRAS = {
    0x3E: "a", 0x3F: "i", 0x40: "i", 0x41: "u", 0x42: "u", 0x43: "ri", 0x45: "e", 0x46: "e", 0x47: "e", 0x48: "ai",
    0x49: "o", 0x4A: "o", 0x4B: "o", 0x4C: "au",
}  # fmt: skip
_VIRAMA = 0x4D
_NASALS = {0x01: "n", 0x02: "n", 0x03: ""}
_BLOCKS = (range(0x0900, 0x0980), range(0x0B00, 0x0B80))
_SPELLINGS = (
    ("ksh", "k"), ("x", "k"), ("chh", "ch"), ("aa", "a"), ("ee", "i"), ("ii", "i"), ("oo", "u"), ("uu", "u"),
    ("ou", "au"),
    ("ph", "f"), ("sh", "s"), ("kh", "k"), ("gh", "g"), ("th", "t"), ("dh", "d"), ("bh", "b"), ("jh", "j"),
    ("ck", "k"), ("q", "k"), ("z", "j"), ("w", "b"), ("v", "b"), ("f", "p"), ("y", "i"), ("m", "n"),
)  # fmt: skip
_TITLES = {"sri", "shri", "smt", "srimati", "shrimati", "kumari", "kum", "mr", "mrs", "ms", "dr", "late"}


def likeness(one: str, other: str) -> int:
    """0 to 100. Order of words does not count; each word that only one of them has costs a little."""
    first, second = words(one), words(other)
    if not first or not second:
        return 0
    short, long = sorted((first[:5], second[:5]), key=len)
    best = max(
        _together([_word(a, b) for a, b in zip(short, order, strict=True)]) for order in permutations(long, len(short))
    )
    lacking = len(long) - len(short)
    single = 12 if len(short) == 1 and lacking else 0
    apart = round(100 * best) - 4 * lacking - single
    if lacking != 1:
        return max(0, apart)
    # One writes as two words what the other writes as one.
    return max(0, apart, round(100 * _word("".join(first), "".join(second))) - 4)


def _together(alike: list[float]) -> float:
    """A name is as alike as its words, and not much more than the least alike of them."""
    return 0.4 * sum(alike) / len(alike) + 0.6 * min(alike)


def words(name: str) -> list[str]:
    """The words of a name as heard, titles left out."""
    latin = "".join(_romanised(unicodedata.normalize("NFC", name)))
    plain = unicodedata.normalize("NFKD", latin).encode("ascii", "ignore").decode().lower()
    found = [word for word in re.findall("[a-z]+", plain) if word not in _TITLES]
    return [_heard(word) for word in found]


def _romanised(name: str) -> list[str]:
    out: list[str] = []
    bare = False  # a consonant whose vowel has not come yet
    for char in name:
        if not any(ord(char) in block for block in _BLOCKS):
            out.append("a" if bare and char.isalpha() else "")
            out.append(char)
            bare = False
            continue
        at = ord(char) & 0x7F
        if at in _SIGNS:
            out.append(("a" if bare else "") + _SIGNS[at])
            bare = True
        elif at in _MATRAS:
            out.append(_MATRAS[at])
            bare = False
        elif at == _VIRAMA:
            bare = False
        elif at in _VOWELS or at in _NASALS:
            out.append(("a" if bare else "") + _VOWELS.get(at, _NASALS.get(at, "")))
            bare = False
    return out


def _heard(word: str) -> str:
    """Spellings of one sound made one; a last `a` is written in one script and silent in another."""
    for spelled, heard in _SPELLINGS:
        word = word.replace(spelled, heard)
    word = re.sub(r"c(?!h)", "k", word).replace("ch", "c")
    word = re.sub(r"(.)\1", r"\1", word)
    word = re.sub(r"(?<=[aeiou])h(?=[aeiou])", "h", word)
    return word[:-1] if len(word) > 3 and word.endswith("a") else word


def _word(one: str, other: str) -> float:
    """Two words: an initial agrees with what it may stand for, and proves less than a word."""
    if min(len(one), len(other)) == 1:
        return 0.85 if one[0] == other[0] else 0.0
    heard = JaroWinkler.similarity(one, other)
    bones = JaroWinkler.similarity(_bones(one), _bones(other))
    return 0.5 * heard + 0.5 * bones


def _bones(word: str) -> str:
    return word[0] + re.sub("[aeiou]", "", word[1:])
