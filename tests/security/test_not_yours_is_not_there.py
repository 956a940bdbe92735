"""S2. Ids of another citizen or portal, swapped into every place of every path: nothing is read or changed.

"Not yours" and "not there" are the same bytes in the same time. Controls: a look-up by id alone, which reads another's
link; and one that returns early, whose time tells.
"""

import asyncio
import statistics

import pytest
from api_citizens import logged_in
from patience import within

ABSENT = {
    "case_id": "case_01JCZ5QK8V9XW3T6R2M4N7P0AB", "link_id": "lnk_01JCZ5QK8V9XW3T6R2M4N7P0AB",
    "session_id": "ses_01JCZ5QK8V9XW3T6R2M4N7P0AB", "citizen_id": "ctz_abcdefghijklmnopqrstuvwxyz",
}  # fmt: skip
PROOF = {"service_id": "office.proof", "form": {"account": "A1"}}


def faceless(got):
    problem = {name: value for name, value in got.json.items() if name not in {"request_id", "instance"}}
    hidden = {"Request-Id", "Date", "RateLimit"}
    return got.status, problem, {name: value for name, value in got.headers.items() if name not in hidden}


@pytest.fixture
async def two_citizens(town):
    """Asha with a link, a session and a case; Bina and another portal, who want them."""
    asha = await logged_in(town, "9000000000", name="asha")
    link = (await town.ask("POST", "/citizens/me/links", portal="asha", json=PROOF)).json
    body = {"service_id": "office.permit", "form": {"name": "A", "mobile": "9000000000"}}
    case = await town.ask("POST", "/cases", portal="asha", json=body, Idempotency_Key="k", Prefer="wait=5")
    await logged_in(town, "9000000001", name="bina")
    town.theirs = {
        "case_id": case.json["id"], "link_id": link["id"], "session_id": asha["session_id"],
        "citizen_id": asha["citizen_id"],
    }  # fmt: skip
    return town


READS = [
    "/cases/{case_id}", "/cases/{case_id}/events", "/cases/{case_id}/legs", "/cases/{case_id}/receipt",
    "/cases/{case_id}/slots", "/sessions/{session_id}", "/citizens/me/links/{link_id}", "/citizens/{citizen_id}",
    "/citizens/{citizen_id}/links", "/citizens/{citizen_id}/changes", "/citizens/{citizen_id}/bills",
    "/citizens/{citizen_id}/form-values?service_id=office.permit",
]  # fmt: skip
WRITES = [
    ("DELETE", "/sessions/{session_id}", None), ("DELETE", "/citizens/me/links/{link_id}", None),
    ("POST", "/citizens/me/links/{link_id}/verifications", {}), ("POST", "/sessions/{session_id}/resends", None),
    ("PATCH", "/citizens/{citizen_id}", {"gender": "OTHER"}), ("POST", "/citizens/{citizen_id}/links", PROOF),
    ("POST", "/citizens/{citizen_id}/enquiries", {}), ("POST", "/cases/{case_id}/actions", {"action": "WITHDRAW"}),
]  # fmt: skip


@pytest.mark.figure("S2")
@pytest.mark.parametrize("path", READS)
async def test_another_s_id_reads_nothing_and_looks_like_one_of_nobody(two_citizens, path, figure):
    town = two_citizens
    foreign = await town.ask("GET", path.format(**town.theirs), portal="bina")
    absent = await town.ask("GET", path.format(**ABSENT), portal="bina")
    assert foreign.status == 404
    assert faceless(foreign) == faceless(absent)
    mine = await town.ask("GET", path.format(**town.theirs), portal="asha")
    assert mine.status in {200, 409}, mine.body
    figure.measured(f"another's id in {len(READS)} places to read: the bytes of nobody's")


@pytest.mark.figure("S2")
@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_another_s_id_changes_nothing(two_citizens, method, path, body, figure):
    town = two_citizens
    headers = {"Idempotency_Key": "x", "If_Match": "*"}
    foreign = await town.ask(method, path.format(**town.theirs), portal="bina", json=body, **headers)
    absent = await town.ask(method, path.format(**ABSENT), portal="bina", json=body, **headers)
    assert foreign.status == 404
    assert faceless(foreign) == faceless(absent)
    me = (await town.ask("GET", "/citizens/me", portal="asha")).json
    assert "gender" not in me
    links = (await town.ask("GET", "/citizens/me/links", portal="asha")).json["items"]
    assert [link["state"] for link in links] == ["VERIFIED"]
    figure.measured(f"in {len(WRITES)} to write: nothing changed")


async def test_no_member_of_a_record_that_is_not_the_citizen_s_to_set_can_be_set(two_citizens):
    for member in ("id", "number", "state", "version", "portal_id", "hold_until", "has_password", "citizen_id"):
        got = await two_citizens.ask("PATCH", "/citizens/me", portal="asha", json={member: "x"}, If_Match="*")
        assert (got.status, got.json["errors"][0]["code"]) == (400, "unknown_field"), member


async def test_the_answer_has_no_member_beyond_those_that_are_listed(two_citizens):
    me = (await two_citizens.ask("GET", "/citizens/me", portal="asha")).json
    assert me.keys() <= {
        "citizen_id", "number", "state", "missing", "name", "date_of_birth", "gender", "residency", "mobile", "email",
        "username", "has_password", "address", "language", "hold_until", "created_at", "updated_at", "explanation",
    }  # fmt: skip
    link = (await two_citizens.ask("GET", "/citizens/me/links", portal="asha")).json["items"][0]
    assert link.keys() <= {
        "id", "agency", "agency_title", "service_id", "kind", "identifier", "state", "exclusive", "created_at",
        "verified_at", "explanation",
    }  # fmt: skip


@pytest.mark.figure("S2")
async def test_the_control_a_look_up_by_id_alone_reads_another_s_link(two_citizens, monkeypatch, figure):
    town = two_citizens
    links = town.parts.citizens.links

    async def by_id_alone(self, _citizen_id, link_id):
        rows = await town.store.read("select * from link where id = $1", link_id)
        return self._opened(rows[0]) if rows else None

    monkeypatch.setattr(type(links), "one", by_id_alone)
    got = await town.ask("GET", f"/citizens/me/links/{town.theirs['link_id']}", portal="bina")
    assert got.status == 200
    figure.control("a look-up by id alone: another's link is read")


async def medians(town, samples, foreign, absent):
    """Seconds a look-up of another's link and of none take in the room itself, taken in turns."""
    times = {foreign: [], absent: []}
    clock = asyncio.get_running_loop().time
    for _ in range(samples):
        for link_id, taken in times.items():
            started = clock()
            await town.look(link_id)
            taken.append(clock() - started)
    return statistics.median(times[foreign]), statistics.median(times[absent])


@pytest.mark.slow
@pytest.mark.figure("S2", "in time")
async def test_another_s_link_takes_as_long_as_none_and_an_early_return_would_be_seen(two_citizens, figure):
    town = two_citizens
    [bina] = await town.store.read("select id from citizen order by id desc limit 1")
    links = town.parts.citizens.links
    town.look = lambda link_id: links.one(bina["id"], link_id)
    foreign, absent = await medians(town, 2000, town.theirs["link_id"], ABSENT["link_id"])
    apart = abs(foreign - absent)
    within(apart * 1e6, max(50.0, 0.01e6 * foreign), "not yours and not there, us apart")
    # On a fast machine everything is within 50 us; a share of the look-up tells there too.
    within(apart, 0.25 * foreign, "not yours and not there, s apart")
    figure.measured(f"medians of 2,000 looks {apart * 1e6:.0f} us apart, {100 * apart / foreign:.1f} %")

    async def early(link_id):
        if not await town.store.read("select id from link where id = $1", link_id):
            return None
        return await links.of(bina["id"]) and await links.of(bina["id"])

    town.look = early
    foreign, absent = await medians(town, 500, town.theirs["link_id"], ABSENT["link_id"])
    assert abs(foreign - absent) > 0.25 * foreign, (foreign, absent)
    figure.control(f"an early return: {100 * abs(foreign - absent) / foreign:.0f} % apart")
