"""A document by reference: fetched from the authority that issued it, and from then on a document like any other.

Every agency of kind `locker` is one issuer. A URI says by its beginning whose it is; a kind of document is asked of the
first issuer that lists it. Whose document it is, the issuer judges by name and birth date of the citizen's own record,
never by what the caller types. Nothing is remembered of an answer but the document.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from aggregator.registry.agency import Agency, Registry
from aggregator.sdk.clock import Chance, Clock, new_id
from aggregator.sdk.model import Document, Order

KIND = "locker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A paper by its `uri`, or by `document_type` and the issuer's `number`; and whose it is (`date_of_birth` ISO)."""

    uri: str = field(default="", repr=False)
    document_type: str = ""
    number: str = field(default="", repr=False)
    locker_id: str = field(repr=False)
    full_name: str = field(default="", repr=False)
    date_of_birth: str = field(default="", repr=False)

    @property
    def words(self) -> str:
        """The reference in one line, for whoever it belongs to."""
        return self.uri or f"{self.document_type} {self.number}"


@dataclass(frozen=True, slots=True)
class Issuer:
    """What can be asked of one agency: URIs that begin with `prefix`, and these kinds by number."""

    agency: Agency
    prefix: str
    document_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pulled:
    """A fetched document, and our number for the question that brought it."""

    paper: Document
    request: str


class Lockers:
    """The city's issuers of documents."""

    def __init__(self, registry: Callable[[], Registry], clock: Clock, chance: Chance) -> None:
        self._registry = registry
        self._clock = clock
        self._chance = chance

    def issuers(self) -> list[Issuer]:
        """In the order of the registry."""
        return [
            Issuer(agency, _option(agency, "issuer"), tuple(_option(agency, "document_types").split()))
            for agency in self._registry().agencies.values()
            if agency.kind == KIND and agency.enabled
        ]

    def issuer_of(self, reference: Reference) -> Issuer | None:
        """Who can be asked for it; None when nobody of this city can."""
        for issuer in self.issuers():
            if reference.uri:
                if reference.uri.startswith(f"{issuer.prefix}-"):
                    return issuer
            elif reference.document_type in issuer.document_types:
                return issuer
        return None

    async def pull(self, issuer: Issuer, reference: Reference, *, deadline_s: float) -> Pulled | None:
        """The document; None where the issuer has none for this person. Raises AgencyError, NotAttempted."""
        told = {
            "uri": reference.uri, "document_type": reference.document_type, "number": reference.number,
            "locker_id": reference.locker_id, "full_name": reference.full_name,
            "date_of_birth": reference.date_of_birth,
        }  # fmt: skip
        request = new_id("p", self._clock, self._chance).replace("_", "-")
        form = {name: value for name, value in told.items() if value}
        order = Order(reference=request, service="reference", form=form, at=self._clock.now())
        answer = await issuer.agency.guarded.read("document", order, deadline_s=deadline_s, cached=False)
        if isinstance(answer.value, Document):
            return Pulled(answer.value, request)
        return None


def _option(agency: Agency, name: str) -> str:
    return str(agency.settings.option(name, ""))
