"""The empty forms come out of a printer as they should: A4, tagged for readers, every letter in its own script.

Chromium makes the PDF, as a citizen's or a service centre's browser would; our own pages need nothing else.
"""

import re
import subprocess
from pathlib import Path

import pytest
from served_city import ROOT
from test_forms_in_a_browser import chromium

from aggregator.api.form_render import Pages, Shown
from aggregator.api.page_frame import Frame
from aggregator.registry.load import read
from aggregator.texts import say

pytestmark = pytest.mark.slow

SCRIPT = {"en": rb"NotoSans", "or": rb"NotoSansOriya", "hi": rb"NotoSansDevanagari"}
MOST_PAGES = 9


def printed(folder: Path, html: str) -> bytes:
    """The PDF of one page of ours."""
    page, paper = folder / "blank.html", folder / "blank.pdf"
    page.write_text(html, "utf-8")
    command = [
        chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
        f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={paper}", page.as_uri(),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return paper.read_bytes()


@pytest.mark.parametrize("language", ["en", "or", "hi"])
@pytest.mark.parametrize("service_id", ["police.tenant_verification", "rto.transfer_ownership"])
def test_a_blank_form_prints_on_a4_tagged_and_in_its_own_script(language: str, service_id: str, tmp_path: Path) -> None:
    service = read(ROOT / "registry.toml", env={}).services[service_id]
    html = Pages(Frame(say)).blank(Shown(service=service, language=language, city="Testpur"), "The Office")
    paper = printed(tmp_path, html)
    sizes = {tuple(float(one) for one in box.split()) for box in re.findall(rb"/MediaBox ?\[([0-9. ]+)\]", paper)}
    assert len(sizes) == 1
    [(left, bottom, width, height)] = sizes
    assert (left, bottom, round(width / 72 * 25.4), round(height / 72 * 25.4)) == (0, 0, 210, 297)
    assert 1 <= len(re.findall(rb"/Type ?/Page\b", paper)) <= MOST_PAGES
    assert b"/StructTreeRoot" in paper, "a screen reader finds headings and lists"
    assert re.search(rb"/Lang ?\(%s" % language.encode(), paper)
    fonts = set(re.findall(rb"/BaseFont ?/(?:[A-Z]{6}\+)?([A-Za-z]+)", paper))
    if (
        SCRIPT[language] not in fonts
        and not subprocess.run(["fc-list", ":family=Noto Sans Oriya"], capture_output=True, check=False).stdout
    ):
        pytest.skip("the Noto fonts are not installed here")
    assert SCRIPT[language] in fonts, fonts
    assert b"/FontFile2" in paper, "the letters travel with the paper"
