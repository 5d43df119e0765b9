"""Packages of npm for tests: pinned by a lock file below tests, installed once beside the tools."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from tests.locks import locked

PLACE = Path(__file__).parents[1] / ".venv" / ".npm"


def installed(source: Path) -> Path:
    """Give a folder with the files of ``source`` and its packages as locked.

    Its name says what it holds, so that nothing in it is ever old. Several test processes may ask.
    """
    files = sorted(file for file in source.iterdir() if file.is_file())
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    folder = PLACE / f"{source.name}-{digest.hexdigest()[:12]}"
    PLACE.mkdir(parents=True, exist_ok=True)
    with locked(PLACE / f"{source.name}.lock"):
        if not (folder / "done").exists():
            install(files, folder)
    return folder


def install(files: list[Path], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for file in files:
        shutil.copy(file, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    (folder / "done").touch()
