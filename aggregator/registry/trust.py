"""`[agencies.x.tls]`: an authority of the agency's own and pins of its public key, checked before anybody is called.

The file is read here, once, so that what was checked is what is used; a changed one is noticed like a changed secret.
"""

from collections.abc import Mapping
from pathlib import Path as File
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from aggregator.registry.locate import Path
from aggregator.registry.shape import ListOf, Table, Text
from aggregator.registry.source import Source, shown
from aggregator.sdk.clock import SystemClock
from aggregator.sdk.trust import PIN, Trust

TLS = Table(
    doc="Whom to believe at the other end, besides the checks that are always made",
    keys={
        "ca_file": Text(doc="PEM file, relative to this one: the only authorities believed", longest=2000),
        "pins": ListOf(
            item=Text(pattern=PIN, like='"sha256/" and 44 characters of Base64'),
            at_least=1,
            doc="Public keys it may show; name the next one before it is used",
        ),
    },
)


def read_trust(block: Mapping[str, Any], path: Path, source: Source) -> Trust:
    """What the block says, with the file's content. Mistakes are in the source."""
    given, at = block.get("tls"), (*path, "tls")
    if not isinstance(given, Mapping) or source.has_errors_under(at):
        return Trust()
    url = block.get("url")
    if isinstance(url, str) and urlsplit(url).scheme == "http":
        source.wrong(at, "stands at an http:// address, where nobody proves anything", on_key=True)
    pins = tuple(given.get("pins", ()))
    for index, pin in enumerate(pins):
        if pin in pins[:index]:
            source.wrong((*at, "pins", index), "is there twice")
    if len(pins) == 1:
        source.wrong((*at, "pins"), "is one key alone: when it is changed nothing is sent any more", warning=True)
    return Trust(_authorities(given, at, source), pins)


def trust_files(block: Mapping[str, Any], source: Source) -> list[File]:
    """The file of the agency's authorities, to be watched."""
    given = block.get("tls")
    name = given.get("ca_file") if isinstance(given, Mapping) else None
    return [source.file.parent / name] if isinstance(name, str) else []


def _authorities(given: Mapping[str, Any], at: Path, source: Source) -> str:
    name, here = given.get("ca_file"), (*at, "ca_file")
    if name is None:
        return ""
    try:
        content = (source.file.parent / str(name)).read_text("ascii")
        found = x509.load_pem_x509_certificates(content.encode())
    except (OSError, UnicodeDecodeError):
        source.wrong(here, f"names {shown(name)}, which cannot be read")
        return ""
    except ValueError:
        source.wrong(here, f"names {shown(name)}, which holds no certificate")
        return ""
    if all(one.not_valid_after_utc < SystemClock().now() for one in found):
        source.wrong(here, f"names {shown(name)}, whose certificates have all ended", warning=True)
    return content
