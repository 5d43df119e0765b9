"""Packages of npm for tests: pinned by a lock file below tests, installed once into a cache."""

import hashlib
import shutil
import subprocess
from pathlib import Path


def installed(source: Path, cache: Path) -> Path:
    """Give a folder below ``cache`` with the files of ``source``, and its packages as locked."""
    lock = (source / "package-lock.json").read_bytes()
    folder = cache / hashlib.sha256(lock).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    if not (folder / "done").exists():
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
        (folder / "done").touch()
    return folder
