"""The lock names no place, the wheel holds everything, and a bare machine needs nothing but python and make."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SHIPPED = (
    "aggregator/texts/en.toml",
    "aggregator/texts/or.toml",
    "aggregator/texts/hi.toml",
    "aggregator/cli/first_registry.toml",
    "aggregator/store/migrations/0001_cases.sql",
    "aggregator/reference/facts/services.jsonl",
    "aggregator/reference/lexicon/words.toml",
    "aggregator/api/templates/blank.html",
    "adapters/locker/digilocker/adapter.toml",
    "adapters/rto/vahan/adapter.toml",
    "adapters/rto/vahan/VahanInfo.wsdl",
    "adapters/rto/vahan/forms/dl_renewal.json",
    "adapters/rto/vahan/simulator.py",
    "adapters/rto/vahan/samples/find.receipt.xml",
    "adapters/passport/seva/forms/fresh.json",
)


def tracked(*paths):
    listed = subprocess.run(["git", "ls-files", *paths], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    return listed.stdout.split()


def test_pk1_the_builder_is_pinned_because_constraints_do_not_reach_it():
    assert all("==" in requirement for requirement in PROJECT["build-system"]["requires"])


def test_pk2_the_lock_pins_every_version_and_names_no_place():
    lock = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "@" not in lock
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+", line) for line in lock.split())


def test_pk2_every_dependency_is_in_the_lock():
    locked = {line.partition("==")[0] for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split()}
    extras = [name for names in PROJECT["project"]["optional-dependencies"].values() for name in names]
    asked = {re.match(r"[A-Za-z0-9._-]+", each)[0].lower() for each in PROJECT["project"]["dependencies"] + extras}
    assert asked - locked == set()


def test_pk3_no_file_that_records_where_packages_came_from_is_tracked():
    assert tracked("uv.lock", "*/uv.lock") == []
    assert "uv.lock" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


def test_pk4_development_tools_are_an_extra_that_an_old_pip_understands():
    assert "dependency-groups" not in PROJECT
    assert "dev" in PROJECT["project"]["optional-dependencies"]


def test_pk5_the_door_is_make_and_names_no_host():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("run", "test", "check", "figures", "bench", "constraints", "demo"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    assert "://" not in makefile
    assert "://" not in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_pk5_every_target_has_a_line_in_the_list():
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "story of a city" in listed
    assert "lock anew" in listed


def test_pk6_the_floor_is_stated_and_checked_by_the_door():
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert "version_info < (3, 11)" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel, built as a registry would get it, or a skip where the builder cannot be fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if built.returncode and "hatchling" in built.stderr:
        pytest.skip("hatchling cannot be fetched here")
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_pk1_the_wheel_holds_every_file_that_is_read_at_run_time(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert [name for name in SHIPPED if name not in names] == []
    assert not [name for name in names if name.startswith(("tests/", "data/"))]


@pytest.mark.slow
def test_pk1_an_installed_wheel_runs_a_sandbox_city_from_any_folder(wheel, tmp_path):
    """Unpacked alone, with this environment's libraries: the project's own folder is nowhere on the path."""
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    script = (
        "import sys; sys.path[:0] = [sys.argv.pop(1)];"
        "import aggregator; assert aggregator.__file__.startswith(sys.path[0]), aggregator.__file__;"
        "from aggregator.cli import main; sys.exit(main())"
    )
    found = ["search", "ask", "gadi nama badaliba", "--registry", "city/registry.toml"]
    told = []
    for words in (["registry", "init", "city"], ["registry", "check", "city"], found):
        ran = subprocess.run(
            [sys.executable, "-I", "-c", script, str(site), *words],
            cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        told.append(ran.stdout)
    assert "1 agency, 1 service" in told[1]
    assert "rto.transfer_ownership" in told[2], "the reference catalogue and its search words travel inside the wheel"
