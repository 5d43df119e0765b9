"""A bundle is closed to others, replaces only itself, and follows no link."""

import stat
import tarfile
from pathlib import Path

import pytest

from stack.bundle.folder import MARK, write_bundle
from stack.errors import StackError

FILES = {"summary.md": "# one\n", "logs/a-1.log": "x\ud800\n"}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_folder_files_and_tar_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, "stack-failure", FILES)
    assert folder == tmp_path / "stack-failure"
    assert {mode(path) for path in (folder, folder / "logs")} == {0o700}
    files = [path for path in folder.rglob("*") if path.is_file()]
    tar = tmp_path / "stack-failure.tar.gz"
    assert {mode(path) for path in (*files, tar)} == {0o600}
    assert sorted(str(path.relative_to(folder)) for path in files) == [
        ".gitignore",
        "logs/a-1.log",
        "summary.md",
    ]
    assert (folder / ".gitignore").read_text().endswith("\n*\n")
    with tarfile.open(tar) as archive:
        members = {member.name: member for member in archive}
    assert set(members) == {f"stack-failure/{path.relative_to(folder)}" for path in files}
    assert {(each.mode, each.uid, each.uname) for each in members.values()} == {(0o600, 0, "")}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stack-failure", tar.name]


def test_its_own_folder_is_replaced_whole(tmp_path: Path) -> None:
    write_bundle(tmp_path, "stack-failure", {"old.txt": "old", **FILES})
    folder = write_bundle(tmp_path, "stack-failure", FILES)
    assert folder.name == "stack-failure"
    assert not (folder / "old.txt").exists()


def test_without_the_folder_its_tar_is_replaced_too(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, "stack-failure", FILES)
    folder.rename(tmp_path / "kept")
    assert write_bundle(tmp_path, "stack-failure", FILES) == folder


@pytest.mark.parametrize(
    "what", ["folder", "empty folder", "file", "link", "dead link", "mark is a link"]
)
def test_what_somebody_else_made_stays(tmp_path: Path, what: str) -> None:
    theirs, elsewhere = tmp_path / "stack-failure", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".gitignore").write_text(MARK)
    if what.endswith("folder") or what == "mark is a link":
        theirs.mkdir()
    if what == "folder":
        (theirs / "thesis.txt").write_text("years of work")
    elif what == "file":
        theirs.write_text("notes")
    elif what == "link":
        theirs.symlink_to(elsewhere)
    elif what == "dead link":
        theirs.symlink_to(tmp_path / "nowhere")
    elif what == "mark is a link":
        (theirs / ".gitignore").symlink_to(elsewhere / ".gitignore")
    before = sorted(map(str, tmp_path.rglob("*")))
    assert write_bundle(tmp_path, "stack-failure", FILES) == tmp_path / "stack-failure-2"
    left = sorted(str(path) for path in tmp_path.rglob("*") if "failure-2" not in str(path))
    assert left == before


@pytest.mark.parametrize("what", ["tar", "text", "link"])
def test_a_tar_of_somebody_else_stays(tmp_path: Path, what: str) -> None:
    theirs = tmp_path / "stack-failure.tar.gz"
    (tmp_path / "notes").write_text("notes")
    if what == "tar":
        with tarfile.open(theirs, "w:gz") as archive:
            archive.add(tmp_path / "notes", "stack-failure/notes")
    elif what == "text":
        theirs.write_text("notes")
    else:
        theirs.symlink_to(tmp_path / "notes")
    before = theirs.read_bytes()
    assert write_bundle(tmp_path, "stack-failure", FILES).name == "stack-failure-2"
    assert theirs.read_bytes() == before
    assert theirs.is_symlink() == (what == "link")


def test_it_ends_where_all_names_are_taken(tmp_path: Path) -> None:
    for name in ("stack-failure", *(f"stack-failure-{n}" for n in range(2, 10))):
        (tmp_path / name).mkdir()
    with pytest.raises(StackError, match="was not made by stack") as caught:
        write_bundle(tmp_path, "stack-failure", FILES)
    place = tmp_path / "stack-failure"
    assert caught.value.hint == f"move it away: mv {place} {place}.old"


def test_a_folder_that_is_missing_is_made_by_the_hint(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="not written: not found") as caught:
        write_bundle(tmp_path / "no", "stack-failure", FILES)
    assert caught.value.hint == f"mkdir -p {tmp_path}/no"


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="not written: a part of this path is not a folder"):
        write_bundle(tmp_path / "file", "stack-failure", FILES)
