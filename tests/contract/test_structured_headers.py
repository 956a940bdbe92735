"""Headers are read by somebody else's parser, and ours reads what others write."""

import http_sf
import pytest

from aggregator.api.headers import Patience, key_of, language_of, patience_of
from aggregator.api.limits import Buckets, Quota
from aggregator.sdk.clock import ManualClock


async def test_rate_limit_headers_parse_as_structured_lists_and_agree(town):
    case = (await town.open()).json
    enquiry = {"form": {"consumer": "123456"}}
    for got in (
        await town.ask("GET", "/services"),
        await town.ask("GET", f"/track/{case['number']}"),
        await town.ask("POST", "/services/office.bill/enquiries", json=enquiry),
        await town.raw("GET", "/v1/cases"),
    ):
        policies = http_sf.parse(got.headers["RateLimit-Policy"].encode(), tltype="list")
        standings = http_sf.parse(got.headers["RateLimit"].encode(), tltype="list")
        assert [name for name, _ in policies] == [name for name, _ in standings]
        for (_, policy), (_, standing) in zip(policies, standings, strict=True):
            assert 0 <= standing["r"] <= policy["q"]
            assert standing["t"] >= 0


@pytest.mark.parametrize("key", ["abc", "7f3c2b1e-0d7a-4c1f-9a63-5d3a8c1c2e10", "a+b/c=="])
def test_a_key_written_as_a_structured_string_is_read_as_the_same_key(key):
    assert key_of(http_sf.ser(key)) == key_of(key) == key


def test_the_reason_why_bare_keys_are_read_too_a_bare_uuid_is_no_structured_field():
    with pytest.raises(http_sf.StructuredFieldError):
        http_sf.parse(b"7f3c2b1e-0d7a-4c1f-9a63-5d3a8c1c2e10", tltype="item")


@pytest.mark.parametrize(
    ("prefer", "patience"),
    [
        ("wait=5", Patience(5, asked=True)),
        ('wait="5"', Patience(5, asked=True)),
        ("WAIT=5; foo", Patience(5, asked=True)),
        ("respond-async, wait=10", Patience(10, asked=True)),
        ("respond-async", Patience(0, asked=True)),
        ('x="a,wait=3", wait=4', Patience(4, asked=True)),
        ("wait=1, wait=9", Patience(1, asked=True)),
        ("wait=600", Patience(30, asked=True)),
        ("wait=-1", Patience()),
        ("wait=\u0665", Patience()),
        ("return=minimal", Patience()),
        ("", Patience()),
    ],
)
def test_prefer_is_read_as_rfc_7240_says_and_nonsense_is_ignored(prefer, patience):
    assert patience_of(prefer) == patience


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("or", "or"),
        ("hi-IN, or;q=0.5", "hi"),
        ("ta, or;q=0.3, hi;q=0.8", "hi"),
        ("or;q=0, en;q=0.1", "en"),
        ("*", "en"),
        ("ta", "en"),
        ("", "en"),
        ("or;q=nonsense, hi;q=0.2", "hi"),
        ("OR", "or"),
    ],
)
def test_the_best_language_is_chosen_by_quality_and_english_stands_in(accept, language):
    assert language_of(accept) == language


def test_a_bucket_refills_with_time_and_never_beyond_its_size():
    clock = ManualClock()
    buckets, quota = Buckets(clock), Quota("default", 4, 8)
    assert [buckets.take(quota, "a").wait_s > 0 for _ in range(5)] == [False] * 4 + [True]
    assert buckets.take(quota, "b").left == 3
    refused = buckets.take(quota, "a")
    clock.advance(refused.wait_s)
    assert buckets.take(quota, "a").wait_s == 0
    clock.advance(1000)
    assert buckets.look(quota, "a").left == 4


def test_the_number_of_buckets_is_bounded_and_the_idlest_is_forgotten_first():
    buckets, quota = Buckets(ManualClock(), most=10), Quota("default", 4, 8)
    for n in range(25):
        buckets.take(quota, "busy")
        buckets.take(quota, f"passer-by {n}")
    assert len(buckets._levels) == 10
    assert buckets.look(quota, "busy").left == 0


def test_what_other_processes_tell_is_bounded_too():
    buckets, quota = Buckets(ManualClock(), most=10), Quota("default", 4, 8)
    for number in range(50):
        buckets.told(quota, f"portal-{number}", 0.0)
    assert buckets.look(quota, "portal-0").left == 4
    assert buckets.look(quota, "portal-49").left == 0
