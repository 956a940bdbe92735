"""`aggregator adapter call --record` against a running simulator: a sample without its people, or none at all."""

from aggregator.cli import main
from aggregator.sdk.testing.conformance import candidates

REGISTRY = """
[city]
name = "Bhubaneswar"
timezone = "Asia/Kolkata"
[agencies.passport]
kind = "passport"
driver = "seva"
title = { en = "Passport office", or = "ପାସପୋର୍ଟ", hi = "पासपोर्ट" }
url = "http://127.0.0.1:7101"
sandbox = true
"""
SEVA = next(candidate for candidate in candidates() if candidate.name == "seva")
MOBILE = "9437012345"
FORM = {
    "scheme": "Normal", "given_name": "Sarojini", "surname": "Mahapatra", "date_of_birth": "1984-03-27", "gender": "F",
    "place_of_birth": "Cuttack", "mobile": MOBILE, "email": "s.mahapatra@mail.example", "address_line1": "Qr 5",
    "address_line2": "Unit 4", "district": "Khordha", "state": "Odisha", "pin": "751001", "police_station": "Capital",
}  # fmt: skip


def _call(sandbox, into, operation, capsys, **told):
    words = ["adapter", "call", "passport", operation, "--record", "--into", str(into), "--url", sandbox.url]
    registry = into / "registry.toml"
    registry.write_text(REGISTRY, "utf-8")
    words += ["--registry", str(registry), "--data", str(into / "data")]
    for name, value in told.items():
        words += ["--set", f"{name}={value}"]
    code = main(words)
    caught = capsys.readouterr()
    return code, caught.out + caught.err


def test_an_answer_becomes_a_sample_named_by_what_it_means(sandbox_of, tmp_path, capsys):
    code, said = _call(sandbox_of(SEVA), tmp_path, "submit", capsys, service="fresh", **FORM)
    assert code == 0, said
    (sample,) = tmp_path.glob("submit.receipt*.json")
    assert f"{tmp_path.name}/{sample.name}" in said
    assert not [value for value in (MOBILE, "Sarojini", "1984") if value in sample.read_text("utf-8")]


def test_the_same_sample_is_not_written_twice(sandbox_of, tmp_path, capsys):
    asked = {"file_no": "SI9990000000000", "date_of_birth": "1990-01-01"}
    assert _call(sandbox_of(SEVA), tmp_path, "track", capsys, **asked)[0] == 0
    code, said = _call(sandbox_of(SEVA), tmp_path, "track", capsys, **asked)
    assert code == 1
    assert "--note" in said
