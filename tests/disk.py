"""A disk of eight megabytes that is really full when it is full."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mounted at `data` in the test's folder: where a server started there keeps its database."""
    if os.geteuid() != 0:
        pytest.skip("a small disk is a tmpfs, and mounting one needs root")
    folder = tmp_path / "data"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("a small disk is a tmpfs, and this machine does not let us mount one")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, keep_free: int = 0) -> Path:
    """The file that takes what is left but `keep_free` bytes; unlink it to have the room back."""
    ballast = folder / "ballast"
    room = os.statvfs(folder)
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        file.write(b"x" * max(0, room.f_bavail * room.f_bsize - keep_free))
    return ballast
