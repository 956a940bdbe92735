"""Two keys of a word: how it sounds, and its consonants. Spellings of one word meet at one of them.

`sound` forgives what writers of Odia and Hindi in Latin letters disagree on (aa/a, ee/i, w/v/b, z/j, kh/k, doubled
letters, the silent a). `bones` keeps consonants only: ଡ୍ରାଇଭିଂ, ड्राइविंग, ڈرائیونگ and "drving" become one word.
"""

import re
from functools import lru_cache

from aggregator.discovery.search.script import romanised

_SPELLINGS = (
    (re.compile(r"(?:ti|si|ssi|ci)on"), "shan"),
    (re.compile(r"igh(?=t|$)"), "ai"),
    (re.compile(r"sch"), "sk"),
    (re.compile(r"ch+h*"), "C"),
    (re.compile(r"ck|cq|qu|q"), "k"),
    (re.compile(r"c(?=[eiy])"), "s"),
    (re.compile(r"c"), "k"),
    (re.compile(r"ph"), "f"),
    (re.compile(r"([kgtdbjrs])h"), r"\1"),
    (re.compile(r"x"), "ks"),
    (re.compile(r"z"), "j"),
    (re.compile(r"[wv]"), "b"),
    (re.compile(r"ee|ie|ii|y$"), "i"),
    (re.compile(r"oo|ou|uu"), "u"),
    (re.compile(r"(?<=.)e$|a+"), ""),
    (re.compile(r"m(?=[pb])"), "n"),
    (re.compile(r"e"), "i"),
    (re.compile(r"o"), "u"),
    (re.compile(r"(.)\1+"), r"\1"),
)
_SOFT = re.compile(r"[aeiouyhAEIOU]")
_TWICE = re.compile(r"(.)\1+")
VOWEL = "a"
SHORT_KEY = 3


@lru_cache(maxsize=65_536)
def sound(word: str) -> str:
    """The word's key by sound; the first letter of a word that begins with a vowel is kept as `a`, `i` or `u`."""
    text = romanised(word)
    head = VOWEL if text[:1] == "a" else ""
    for pattern, by in _SPELLINGS:
        text = pattern.sub(by, text)
    return head + text or word


@lru_cache(maxsize=65_536)
def bones(key: str) -> str:
    """The consonants of a word given by its `sound`, its first letter kept (any vowel as `a`)."""
    head = VOWEL if key[:1] in "aeiou" else key[:1]
    return _TWICE.sub(r"\1", head + _SOFT.sub("", key[1:]))


_TAILS = re.compile(
    r"(?:(?<=..)(?:ibku|ibpin|ib[iur]?|iCi?|il|ili|igl|ijiCi?|jiCi?|gl|uCi?|unh?i|ithil|nt[ui]|mn|mnnkr?|nk|nkri?|nku|ri|[kr]u|tik?"
    r"|b?ni|bn|nbl|i?un|iu?in|[gk]i|rhi?|iu|ingi|ung[ia]|igi)|(?<=...)[rntgk])$"
)
"""Endings of cases and tenses in Odia and Hindi, as keys of sound."""


@lru_cache(maxsize=65_536)
def root(key: str) -> str:
    """A key of sound without its last ending; never shorter than two letters, three where the ending is one letter."""
    bare = _TAILS.sub("", key)
    if bare != key:
        return bare.rstrip("iu") or key
    return key.rstrip("iu") if len(key) > SHORT_KEY else key


# Case endings that are written onto the word, and plurals. What is left keeps two letters, and three before a vowel
# sign, so that no short word is cut into another one.
_ODIA_ENDINGS = re.compile(r"(?:ମାନଙ୍କ[ରୁ]?|ମାନେ|ଗୁଡ଼ିକ[ର]?|ଙ୍କ(?:ର|ୁ|ଠାରୁ)?|ଠାରୁ|ରେ|କୁ|ରୁ|ର|ଟି|ଟା)$")
_HINDI_ENDINGS = re.compile(r"(?:ियों|ियाँ|ियां|ाओं|ुओं|ओं|ों|ें)$")
_HINDI_VOWEL = re.compile(r"[ाेी]$")
_URDU_ENDINGS = re.compile(r"(?:یوں|وں|یں)$")
_LETTER = re.compile(r"[\u0905-\u0939\u0b05-\u0b39\u0b5f\u0b71\u0621-\u06d3]")
_KEPT, _KEPT_BEFORE_VOWEL = 2, 3


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """A word without plural or case ending. Both sides are stemmed, so it need not be right."""
    if word.isascii():
        return _english(word)
    code = ord(word[0])
    if 0x0B00 <= code < 0x0B80:
        return _cut(_ODIA_ENDINGS, word, _KEPT)
    if 0x0900 <= code < 0x0980:
        return _cut(_HINDI_VOWEL, _cut(_HINDI_ENDINGS, word, _KEPT), _KEPT_BEFORE_VOWEL)
    return _cut(_URDU_ENDINGS, word, _KEPT_BEFORE_VOWEL)


def _cut(ending: re.Pattern[str], word: str, kept: int) -> str:
    bare = ending.sub("", word)
    return bare if len(_LETTER.findall(bare)) >= kept else word


def _english(word: str) -> str:
    if len(word) < _SHORTEST or word.endswith("ss"):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("es") and word[-3] in "sxz":
        return word[:-2]
    return word.removesuffix("s") if not word.endswith(("us", "is")) else word


_SHORTEST = 4
"""Letters a plural has at least: "gas" and "bus" are none."""
