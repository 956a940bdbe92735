"""What commands print: tables in every script, colour, one sentence for a problem."""

import io
import subprocess
import sys

import pytest
from command_city import ROOT, registry

from aggregator.cli import main
from aggregator.cli.over_http import Answer, Server, told
from aggregator.cli.table import cells, clean, coloured, paint, table

__all__ = ["registry"]  # fixtures


def test_a_reader_that_has_seen_enough_is_no_error():
    words = [sys.executable, "-m", "aggregator.cli", "adapter", "list"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        listing.stdout.close()
        assert listing.stderr.read() == b""
        assert listing.wait(60) == 0


def test_a_table_lines_up_in_every_script():
    drawn = table(("NAME", "STATE"), [("ଓଡ଼ିଆ", "up"), ("हिन्दी", "down"), ("plain", "stopped")])
    assert (
        len(
            {
                cells(line[: line.rindex(word)])
                for line, word in zip(drawn.splitlines(), ("STATE", "up", "down", "stopped"), strict=True)
            }
        )
        == 1
    )


def test_nothing_from_a_wire_moves_the_cursor():
    assert "\x1b" not in clean("\x1b[2Jgone")
    assert "\x1b" not in table(("A",), [("\x1b[31mred",)])


def test_colour_is_for_terminals_that_want_it(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    assert not coloured(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm")
    assert coloured(Terminal())
    assert not coloured(io.StringIO())
    assert paint("up", stream=Terminal()) == "\x1b[32mup\x1b[0m"
    monkeypatch.setenv("TERM", "dumb")
    assert not coloured(Terminal())


def test_a_problem_document_becomes_one_sentence():
    problem = b'{"title":"Not found","detail":"There is no such case.","code":"not-found"}'
    assert told(Answer(404, {}, problem)) == "Not found. There is no such case (404 not-found)"
    assert told(Answer(502, {}, b"<html>")) == "the server answered 502 without an explanation"
    assert Server("http://127.0.0.1:8080/", "k").url == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    "command", [["agency", "stopped"], ["payments", "list"], ["citizens", "duplicates"], ["audit", "export", "copy"]]
)
def test_a_vault_key_that_cannot_be_used_is_told_by_every_command_that_needs_it(
    command, tmp_path, registry, capsys, monkeypatch
):
    data = tmp_path / "data"
    data.mkdir()
    (data / "vault.key").write_text("no key")
    monkeypatch.chdir(tmp_path)
    assert main([*command, "--data", str(data), "--registry", str(registry)]) == 2
    assert "the vault's key cannot be used" in capsys.readouterr().err
