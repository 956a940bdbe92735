"""Every script is read as sound in Latin letters, so that one key space serves all of them.

Unicode lays Indic blocks out in parallel: the low seven bits of an Odia and of a Devanagari letter mean the same
sound, so one table romanises both. Urdu has its own letters. Latin passes through.
"""

import re
import unicodedata

_ODIA, _DEVANAGARI = 0x0B00, 0x0900
_HIDDEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u0640"), None)
"""Joiners, marks of direction, the Arabic filler: they change how a word looks, never what it says."""
_APOSTROPHES = {ord(mark): None for mark in "'’‘`´"}  # noqa: RUF001 - the marks people's keyboards make
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.){2,}(?:[^\W\d_]\b)?")
"""Letters with dots between: F.I.R., u.i.d"""


def _sounds(line: str) -> list[str]:
    return line.split(" ")


_CONSONANTS = dict(
    zip(
        range(0x15, 0x3A),
        _sounds("k kh g gh n ch ch j jh n t th d dh n t th d dh n n p f b bh m y r r l l l v sh sh s h"),
        strict=True,
    )
)
_CONSONANTS |= {0x58: "k", 0x59: "kh", 0x5A: "g", 0x5B: "j", 0x5C: "r", 0x5D: "rh", 0x5E: "f", 0x5F: "y"}
_VOWELS = dict(
    zip(
        range(0x05, 0x15),
        _sounds("a a i i u u ri l e e e ai o o o au"),
        strict=True,
    )
)
_SIGNS = dict(zip(range(0x3E, 0x4D), _sounds("a i i u u ri ri e e e ai o o o au"), strict=True))
_NASALS, _VIRAMA, _NUKTA = frozenset({0x01, 0x02}), 0x4D, 0x3C
_NUKTA_OF = {"d": "r", "dh": "rh", "j": "j", "f": "f", "k": "k", "kh": "kh", "g": "g"}
_ODIA_OWN = {0x2F: "j", 0x71: "v"}
"""Odia reads this letter j where Hindi reads y; WA is outside the common layout."""

_URDU = dict(
    zip(
        "اآأإبپتٹثجچحخدڈذرڑزژسشصضطظعغفقکكگلمنںہهھةۃءئؤےىۂ",
        _sounds("a a a a b p t t s j ch h kh d d j r r j j s sh s j t j a g f k k k g l m n n h h h t t - i o e i h"),
        strict=True,
    )
) | {"ـ": "-"}


def words(text: str) -> list[str]:
    """The words of a text in any script, NFC, folded to one case, digits 0 to 9, joiners gone, F.I.R. made fir."""
    plain = unicodedata.normalize("NFC", text).translate(_HIDDEN).casefold().translate(_APOSTROPHES)
    plain = _DOTTED.sub(lambda match: match[0].replace(".", ""), plain)
    return [_digits(word) for word in _split(plain)]


def romanised(word: str) -> str:
    """The word as sound in Latin letters; what is no letter of ours is left out."""
    if word.isascii():
        return word
    out: list[str] = []
    for at, char in enumerate(word):
        code = ord(char)
        if _DEVANAGARI <= code < _DEVANAGARI + 0x80:
            _indic(out, code & 0x7F, {})
        elif _ODIA <= code < _ODIA + 0x80:
            _indic(out, code & 0x7F, _ODIA_OWN)
        elif char in _URDU:
            out.append(_URDU[char].replace("-", ""))
        elif char in "ویي":
            out.append(_weak(char, at, word))
        elif char.isascii():
            out.append(char)
        else:
            out.append(_latin(char))
    return "".join(out)


def _split(text: str) -> list[str]:
    """Words, vowel signs kept with their letters: a pattern of word characters leaves combining marks out."""
    spaced = "".join(char if char.isalnum() or unicodedata.category(char) in {"Mn", "Mc"} else " " for char in text)
    return spaced.split()


def _digits(word: str) -> str:
    if word.isascii():
        return word
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in word)


def _indic(out: list[str], sound: int, own: dict[int, str]) -> None:
    consonant = own.get(sound) or _CONSONANTS.get(sound)
    if consonant:
        out.append(consonant + "a")
    elif sound in _VOWELS:
        out.append(_VOWELS[sound])
    elif sound in _SIGNS:
        _sign(out, _SIGNS[sound])
    elif sound == _VIRAMA:
        _sign(out, "")
    elif sound in _NASALS:
        out.append("n")
    elif sound == _NUKTA and out:
        stem = out[-1].removesuffix("a")
        out[-1] = _NUKTA_OF.get(stem, stem) + "a"


def _sign(out: list[str], vowel: str) -> None:
    """A sign replaces the vowel that every bare consonant carries."""
    if out and out[-1].endswith("a") and out[-1] != "a":
        out[-1] = out[-1][:-1]
    out.append(vowel)


def _weak(char: str, at: int, word: str) -> str:
    """Waw and ye are consonants where a word or a syllable begins, vowels elsewhere."""
    begins = at == 0 or word[at - 1] in "اآ"
    if char == "و":
        return "v" if begins else "o"
    return "y" if begins and at + 1 < len(word) else "i"


def _latin(char: str) -> str:
    base = unicodedata.normalize("NFKD", char)[:1]
    return base if base.isascii() else ""
