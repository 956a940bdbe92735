"""Which proofs a link takes: the author says what the interface can, the city takes one of them, nobody adds any."""

import pytest

CODED = """
    @operation(Class.OPAQUE)
    async def send_code(self, order):
        return Receipt("S1")

    @operation(Class.OPAQUE)
    async def check_code(self, order):
        return Receipt("S1")
"""
ENQUIRY = 'kind = "ENQUIRY"\noperation = "find"\nproofs = ["FACTOR", "AGENCY_CODE"]\n'


def author_says(town, lines):
    town.edit('kind = "APPLICATION"\noperation = "submit"\n', lines, town.driver / "adapter.toml")


def city_says(town, proof):
    town.edit('[services."rto.transfer"]\n', f'[services."rto.transfer"]\nproof = "{proof}"\n')


@pytest.fixture
def coded(toytown):
    """Toytown, whose driver has the agency send codes."""
    file = toytown.driver / "__init__.py"
    file.write_text(file.read_text("utf-8") + CODED, "utf-8")
    author_says(toytown, ENQUIRY)
    return toytown


def test_without_a_word_a_link_takes_what_only_the_owner_knows(toytown):
    assert toytown.load().services["rto.transfer"].proofs == ("FACTOR",)


def test_a_service_takes_what_its_driver_can_and_the_city_may_choose_one(coded):
    assert coded.load().services["rto.transfer"].proofs == ("FACTOR", "AGENCY_CODE")
    city_says(coded, "AGENCY_CODE")
    assert coded.load().services["rto.transfer"].proofs == ("AGENCY_CODE",)


def test_a_proof_that_no_driver_can_is_refused_where_it_stands(toytown):
    city_says(toytown, "AGENCY_CODE")
    [problem] = toytown.check()
    assert "proof is AGENCY_CODE, and the drivers of its agencies have only FACTOR" in problem.message
    assert (problem.line > 0, problem.column > 0) == (True, True)


def test_codes_of_a_driver_that_cannot_send_them_are_refused(toytown):
    author_says(toytown, ENQUIRY)
    [problem] = toytown.check()
    assert "has AGENCY_CODE, and the driver has no operation send_code and no check_code" in problem.message


def test_only_what_is_asked_can_be_linked(coded):
    coded.edit('kind = "ENQUIRY"', 'kind = "APPLICATION"', coded.driver / "adapter.toml")
    problems = [one for one in coded.check() if "proofs" in one.message]
    assert "stands at an offer of kind APPLICATION" in problems[0].message


def test_a_word_nobody_knows_is_refused(coded):
    city_says(coded, "BIOMETRY")
    assert any("BIOMETRY" in one.message for one in coded.check())
