"""What one agency's simulator adds to the shared menu, and by what a request is known that is new in every send."""

import pytest

from aggregator.sdk.testing.faults import MENU, Chooser, Fault, Way, rules_from
from aggregator.sdk.testing.simulator import request_sha256

OWN = {**MENU, "711": Fault("711", acts=False, once=True, way=Way.PAGE, read="value", write="misconfigured")}
SENT = b'<e><h><wsse:Security xmlns:wsse="urn:w"><n>%s</n></wsse:Security></h><b>%s</b></e>'


def test_a_request_is_known_by_what_it_asks_and_not_by_its_nonce():
    volatile = ("wsse:Security",)
    first, again, other = (SENT % pair for pair in ((b"1", b"x"), (b"2", b"x"), (b"1", b"y")))
    assert request_sha256("", first) != request_sha256("", again)  # the naive control
    assert request_sha256("", first, volatile) == request_sha256("", again, volatile)
    assert request_sha256("", first, volatile) != request_sha256("", other, volatile)


def test_a_fault_of_one_agency_is_on_its_menu_and_on_no_other():
    assert [rule.fault for rule in rules_from([{"fault": "711"}], OWN)] == ["711"]
    with pytest.raises(KeyError):
        rules_from([{"fault": "711"}])


def test_a_fault_of_one_agency_hits_once_like_any_other():
    chooser = Chooser(1, {}, lambda _operation, _code: False, OWN)
    met = [chooser.choose("track", write=False, magic="0711", counted_by="A").code for _ in range(2)]
    assert met == ["711", "000"]
    assert Chooser(1, {}, lambda *_: False).choose("track", write=False, magic="0711", counted_by="A").code == "000"
