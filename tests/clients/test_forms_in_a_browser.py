"""Every form of every service in a real browser: in two renderers other people wrote, and on our own pages.

Needs Node, npm's packages (fetched into a temporary folder) and Debian's chromium; without them the tests skip with a
sentence. Where continuous integration says that chromium is there (AGGREGATOR_REQUIRE_CHROMIUM), missing is failing.
"""

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from figures import NIGHT, Figure
from foreign_contracts import npm
from form_samples import sample
from served_city import KEY, ROOT, a_city

from aggregator.discovery.forms import localised
from aggregator.discovery.forms.renderers import data_schema, ui_schema
from aggregator.registry.load import read

TOOLS = (
    "playwright-core@1.65.1", "axe-core@4.14.1", "esbuild@0.28.2", "react@18.3.1", "react-dom@18.3.1",
    "@jsonforms/core@3.8.0", "@jsonforms/react@3.8.0", "@jsonforms/vanilla-renderers@3.8.0",
    "@rjsf/core@6.11.1", "@rjsf/utils@6.11.1", "@rjsf/validator-ajv8@6.11.1",
)  # fmt: skip
NODE = Path(__file__).parent / "node"
LANGUAGES = ("en", "or", "hi")
EVERY = NIGHT or os.environ.get("AGGREGATOR_FORMS_EVERY", "") == "true"
"""Every page in every language: at night, or when asked. Else the languages take turns over the services."""
AROUND = (
    "/catalogue", "/catalogue?life_event=vehicle", "/catalogue?category=complaint", "/catalogue/rto.transfer_ownership",
    "/catalogue/ortps.fore.04", "/catalogue/no.such", "/forms",
)  # fmt: skip
SEARCHES = (("en", "wrong name in vehicle papers"), ("or", "ଜନ୍ମ ପ୍ରମାଣପତ୍ର"), ("hi", "रेल टिकट"))
SENDS = ("rto.transfer_ownership", "police.complaint_register", "passport.fresh")

pytestmark = pytest.mark.slow


def chromium() -> str:
    """The browser's path. Skips where it is not, fails where it was promised."""
    found = shutil.which("chromium")
    if found is None:
        sentence = "Debian's chromium is not installed"
        if os.environ.get("AGGREGATOR_REQUIRE_CHROMIUM") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    return found


@pytest.fixture(scope="module")
def services() -> Mapping[str, Any]:
    """Every service of the whole city, as registry.toml has them."""
    return read(ROOT / "registry.toml", env={}).services


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tools, our three scripts and the bundle of the two renderers."""
    chromium()
    folder = tmp_path_factory.mktemp("forms")
    (folder / "package.json").write_text('{"type": "module", "private": true}')
    npm(folder, "install", *TOOLS)
    for script in ("forms_face.jsx", "forms_check.mjs", "forms_pages.mjs"):
        shutil.copy(NODE / script, folder / script)
    words = ["forms_face.jsx", "--bundle", "--outfile=face.js", "--log-level=error", "--minify"]
    words.append('--define:process.env.NODE_ENV="production"')
    made = subprocess.run(
        [str(folder / "node_modules" / ".bin" / "esbuild"), *words],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with a_city(tmp_path_factory.mktemp("city"), ROOT / "registry.toml") as url:
        yield url


def asked(url: str, path: str, language: str = "en", body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {KEY}", "Accept-Language": language, "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/v1{path}", data, headers)  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own server
        return json.load(answer)


def in_chromium(bench: Path, script: str, file: str, work: Mapping[str, Any]) -> Any:
    command = ["node", script, chromium(), file]
    done = subprocess.run(
        command, cwd=bench, input=json.dumps(work), capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def rendered(bench: Path, city: str, services: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every form, empty and filled in, as two renderers show it; the languages take turns."""
    wanted = [
        (service, renderer, LANGUAGES[at % 3])
        for at, service in enumerate(sorted(services))
        for renderer in ("jsonforms", "rjsf")
    ]
    with ThreadPoolExecutor(8) as pool:
        payloads = pool.map(lambda one: asked(city, f"/services/{one[0]}/form?renderer={one[1]}", one[2]), wanted)
    forms = [
        {
            "service": service, "renderer": renderer, "payload": payload,
            "sample": sample(services[service].form, whole=True),
        }
        for (service, renderer, _), payload in zip(wanted, payloads, strict=True)
    ]  # fmt: skip
    told = in_chromium(bench, "forms_check.mjs", "face.js", {"forms": forms})
    return [{**one, **seen} for one, seen in zip(forms, told, strict=True)]


@pytest.mark.figure("D1", "two renderers of others")
def test_every_form_shows_every_field_in_both_renderers(rendered: list[dict[str, Any]], figure: Figure) -> None:
    assert len(rendered) >= 2 * 50
    for one in rendered:
        where = (one["service"], one["renderer"])
        titles = [field["title"] for field in one["payload"]["data_schema"]["properties"].values()]
        assert [title for title in titles if title not in one["empty"]["text"]] == [], where
        assert one["empty"]["controls"] >= len(titles), where
        assert one["noise"] == [], where
    figure.measured(
        f"{len(rendered) // 2} forms in each, empty and filled in; 0 fields missing, 0 errors of the browser"
    )


def test_both_renderers_miss_what_is_needed_and_take_a_good_answer(rendered: list[dict[str, Any]], city: str) -> None:
    for one in rendered:
        where = (one["service"], one["renderer"])
        schema = one["payload"]["data_schema"]
        needed = set(schema.get("required", ())) - {
            name for name, field in schema["properties"].items() if "default" in field
        }
        assert needed <= {error["field"] for error in one["empty"]["errors"]}, where
        assert one["full"]["errors"] == [], (where, one["full"]["errors"])
        checked = asked(city, f"/services/{one['service']}/form-checks", body={"form": one["full"]["data"]})
        assert checked == {"valid": True, "errors": []}, where


@pytest.mark.figure("D1", "two renderers of others")
def test_a_renderer_that_ignored_the_schema_would_be_caught(
    bench: Path, rendered: list[dict[str, Any]], figure: Figure
) -> None:
    """The control: the same forms with their rules taken out find nothing missing."""
    one = next(one for one in rendered if one["payload"]["data_schema"].get("required"))
    loose = {name: part for name, part in one["payload"]["data_schema"].items() if name != "required"}
    work = {
        "service": one["service"], "renderer": "jsonforms", "sample": {},
        "payload": {**one["payload"], "data_schema": loose},
    }  # fmt: skip
    told = in_chromium(bench, "forms_check.mjs", "face.js", {"forms": [work]})
    assert told[0]["empty"]["errors"] == []
    assert one["empty"]["errors"] != []
    figure.control("a form without its rules: 0 mistakes found in an empty one")


@pytest.fixture(scope="module")
def pages(bench: Path, city: str, services: Mapping[str, Any]) -> dict[str, Any]:
    """Our own pages: every form fresh in each language, wrong, right and blank."""
    work = {
        "base": city, "languages": LANGUAGES, "sends": SENDS, "every": EVERY,
        "around": AROUND, "searches": SEARCHES,
        "shots": os.environ.get("AGGREGATOR_FORM_SHOTS", ""),
        "few": os.environ.get("AGGREGATOR_FORM_SHOTS_OF", "").split(),
        "services": [{"id": name, "sample": sample(services[name].form)} for name in sorted(services)],
    }  # fmt: skip
    told: dict[str, Any] = in_chromium(bench, "forms_pages.mjs", "node_modules/axe-core/axe.min.js", work)
    return told


@pytest.mark.figure("D1", "our pages")
def test_our_pages_have_no_axe_violation(pages: dict[str, Any], figure: Figure) -> None:
    judged = 0
    for one in pages["told"]:
        assert one["failed"] == "", one["service"]
        seen = {**one["fresh"], "wrong": one["wrong"], "right": one["right"], "blank": one["blank"]}
        for name, page in seen.items():
            assert page["violations"] == [], (one["service"], name)
            assert not page["wide"], (one["service"], name)
            assert page["scripts"] == 0, (one["service"], name)
        judged += len(seen)
        assert all(page["language"] == name for name, page in one["fresh"].items())
        assert not EVERY or set(one["fresh"]) == set(LANGUAGES)
    spoken = "each in 3 languages" if EVERY else "languages in turn"
    figure.measured(f"{len(pages['told'])} forms, {judged} pages, {spoken}: 0 violations, none wider than a phone")


@pytest.mark.figure("D2")
def test_the_pages_around_the_forms_have_no_axe_violation_and_nothing_is_cut(
    pages: dict[str, Any], figure: Figure
) -> None:
    looks = 0
    for one in pages["around"]:
        for name, page in one["seen"].items():
            if name == "stops":
                continue
            assert page["violations"] == [], (one["address"], name)
            assert not page["wide"], (one["address"], name)
            assert page.get("cut", 0) == 0, (one["address"], name)
            looks += 1
    for page in pages["found"]:
        assert page["violations"] == [], page["words"]
        assert page["scripts"] == 0
    figure.measured(f"{looks + len(pages['found'])} looks at {len(AROUND)} pages and {len(SEARCHES)} searches: 0 found")


def test_the_keyboard_reaches_everything_in_the_order_it_is_read_and_shows_where_it_is(pages: dict[str, Any]) -> None:
    for one in pages["around"]:
        stops = one["seen"]["stops"]
        assert len(stops) >= 5, one["address"]
        assert all(stop["seen"] and stop["ring"] >= 2 for stop in stops), (one["address"], stops)
        tops = [stop["top"] for stop in stops[1:]]
        assert tops == sorted(tops), one["address"]


def test_a_wrong_page_lists_every_mistake_at_the_top_and_beside_its_field(
    pages: dict[str, Any], services: Mapping[str, Any]
) -> None:
    for one in pages["told"]:
        form = services[one["service"]].form
        needed = [
            name for name in form.get("required", ())
            if "default" not in form["properties"][name] and form["properties"][name].get("type") != "boolean"
        ]  # fmt: skip
        listed = [link.removeprefix("#f-") for link, _ in one["wrong"]["summary"]]
        if not needed and not form.get("anyOf"):
            continue
        assert set(needed) <= set(listed), one["service"]
        assert one["wrong"]["dangling"] == 0, one["service"]
        assert one["wrong"]["beside"] >= len(needed), one["service"]
        assert one["right"]["summary"] == [], (one["service"], one["right"]["summary"])


def test_a_form_sent_twice_from_one_page_is_one_case(pages: dict[str, Any]) -> None:
    sent = [one for one in pages["told"] if "sent" in one]
    assert {one["service"] for one in sent} == set(SENDS)
    for one in sent:
        assert one["sent"]["violations"] == []
        assert len(one["sent"]["number"].replace("-", "")) == 16
        assert one["sent"]["number"] == one["twice"]["number"]


CONDITIONAL = {
    "type": "object",
    "title": {"en": "Parking"},
    "additionalProperties": False,
    "required": ["holder"],
    "properties": {
        "holder": {
            "type": "string",
            "title": {"en": "Who holds it"},
            "default": "SELF",
            "oneOf": [{"const": "SELF", "title": {"en": "I do"}}, {"const": "FIRM", "title": {"en": "A firm"}}],
        },
        "firm": {"type": "string", "title": {"en": "Name of the firm"}, "maxLength": 50},
    },
    "if": {"properties": {"holder": {"const": "FIRM"}}, "required": ["holder"]},
    "then": {"required": ["firm"]},
}


def test_a_field_asked_for_by_an_answer_shows_and_hides_in_both_renderers(bench: Path) -> None:
    form = localised(CONDITIONAL, "en")
    steps = [{"choose": "I do"}, {"choose": "A firm"}, {"into": "Name of the firm", "type": "Acme"}]
    typed = [
        {
            "service": "parking", "renderer": renderer, "steps": steps,
            "payload": {"data_schema": data_schema(form, renderer), "ui_schema": ui_schema(form, renderer)},
        }
        for renderer in ("jsonforms", "rjsf")
    ]  # fmt: skip
    for told in in_chromium(bench, "forms_check.mjs", "face.js", {"forms": [], "typed": typed}):
        shown = ["Name of the firm" in seen["text"] for seen in told["seen"]]
        assert shown == [False, True, True], told["renderer"]
        assert told["seen"][-1]["data"] == {"holder": "FIRM", "firm": "Acme"}, told["renderer"]
        assert told["noise"] == [], told["renderer"]
