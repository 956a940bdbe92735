"""One organisation, several back ends: no driver of its own, and failures stay apart."""

from typing import Any

SECOND = """
[agencies.rto_old]
kind = "rto"
driver = "wheels"
title = { en = "RTO, old system", or = "ଆରଟିଓ", hi = "आरटीओ" }
url = "https://old.example/api"
secrets.api_key = { env = "RTO_API_KEY" }
options.office = "OD-02"

[agencies.transport]
kind = "transport"
title = { en = "Transport Department", or = "ପରିବହନ", hi = "परिवहन" }
backends = ["rto", "rto_old"]
"""


def grown(toytown: Any, blocks: str = SECOND) -> None:
    toytown.edit('[services."rto.transfer"]', blocks + '\n[services."rto.transfer"]')


async def test_a_service_of_an_organisation_is_asked_of_each_of_its_back_ends(toytown: Any) -> None:
    grown(toytown)
    toytown.edit('agencies = ["rto"]', 'agencies = ["transport"]')
    assert toytown.check() == []
    registry = toytown.load()
    assert registry.services["rto.transfer"].agencies == ("rto", "rto_old")
    assert registry.organisations["transport"].backends == ("rto", "rto_old")
    assert "transport" not in registry.agencies
    guards = [registry.agencies[name].guarded for name in ("rto", "rto_old")]
    assert guards[0] is not guards[1], "a circuit, a rate and a pool each: failures stay apart"


def test_a_back_end_nobody_has_is_named_with_its_place(toytown: Any, mark: Any) -> None:
    grown(toytown, SECOND.replace('"rto_old"]', '"rto_odl"]'))
    found = [problem for problem in toytown.check() if 'unknown agency "rto_odl"' in problem.message]
    assert "rto_old" in found[0].message
    assert mark(found[0]) == '"rto_odl"'


def test_an_organisation_none_of_whose_back_ends_has_the_offer_cannot_serve(toytown: Any) -> None:
    grown(toytown)
    toytown.edit('agencies = ["rto"]', 'agencies = ["transport"]')
    toytown.edit('offer = "transfer"', 'offer = "renewal"')
    assert any('none of its back ends offers "renewal"' in problem.message for problem in toytown.check())
