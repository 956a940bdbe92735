"""What search knows of a catalogue entry: plain facts, so that any catalogue, or a test, can be searched."""

from collections.abc import Mapping
from dataclasses import dataclass, field

INTENTS = ("APPLY", "PAY", "RENEW", "CORRECT", "TRACK", "COMPLAIN")
"""What a citizen may want to do, in the order the groups are shown when nothing else decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One service or complaint type. Texts are by language; `sayings` are the names editors know it by."""

    id: str
    kind: str = "service"
    """`service` or `complaint`."""
    titles: Mapping[str, str]
    descriptions: Mapping[str, str] = field(default_factory=dict)
    sayings: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    category: str = ""
    department: str = ""
    agency: str = ""
    life_events: tuple[str, ...] = ()
    catch_all: bool = False
    """"Any other grievance": never the best answer while another one fits."""
    featured: bool = True
    """Curated by the city's editors, not only a row of a statutory table: wins where all else is equal."""
