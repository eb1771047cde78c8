"""What ships: the function app and nothing else, whatever lies about in the directory that is deployed."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from infra.az.package import PackageError, build, files

ROOT = Path(__file__).resolve().parents[2]
APP = {"function_app.py", "functions", "host.json", "requirements.txt", "shared"}
LEFT_BEHIND = (
    ".azure/prod/.env",
    ".env",
    ".git-credentials",
    ".github/workflows/test.yml",
    ".gitignore",
    ".local/eventhubs/log.db",
    ".venv/bin/python",
    ".venv-quixstreams/lib/x.py",
    ".vscode/settings.json",
    ".mypy_cache/x.json",
    "azure.yaml",
    "docker-compose.yml",
    "functions/__pycache__/split.cpython-311.pyc",
    "infra/az/out/dev/functions.json",
    "infra/main.bicep",
    "local.settings.json",
    "local/azurite/node_modules/x.js",
    "requirements-dev.txt",
    "shared/models/__pycache__/place.cpython-311.pyc",
    "stream_analytics/job.asaql",
    "tests/unit/test_split.py",
    "tools/cli.py",
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of an app as small as it can be, with this repository's .funcignore."""
    clone = tmp_path / "clone"
    for name in ("function_app.py", "functions/__init__.py", "functions/split.py", "host.json", "requirements.txt"):
        write(clone / name)
    write(clone / "shared" / "records.py")
    (clone / ".funcignore").write_text((ROOT / ".funcignore").read_text())
    subprocess.run(["git", "init", "-q", clone], check=True)
    subprocess.run(["git", "-C", clone, "add", "."], check=True)
    return clone


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")


def test_only_the_function_app_ships() -> None:
    assert {name.split("/")[0] for name in files()} == APP


def test_the_whole_function_app_ships() -> None:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", *APP], capture_output=True, text=True, check=True).stdout
    committed = {name for name in listed.splitlines() if (ROOT / name).is_file()}
    assert committed <= set(files())


@pytest.mark.parametrize("committed", [True, False], ids=["committed", "lying about"])
def test_nothing_else_ships_committed_or_not(clone: Path, committed: bool) -> None:
    before = files(clone)
    for name in LEFT_BEHIND:
        write(clone / name)
    if committed:
        subprocess.run(["git", "-C", clone, "add", "--force", "."], check=True)
    assert files(clone) == before


def test_what_is_not_committed_yet_ships(clone: Path) -> None:
    write(clone / "functions" / "new.py")
    assert "functions/new.py" in files(clone)


def test_what_is_deleted_but_still_committed_does_not(clone: Path) -> None:
    (clone / "functions" / "split.py").unlink()
    assert "functions/split.py" not in files(clone)


def test_the_same_files_make_the_same_package(clone: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "deeper" / "second.zip"
    assert build(first, clone) == build(second, clone) == zipfile.ZipFile(first).namelist()
    assert first.read_bytes() == second.read_bytes()


def test_an_app_that_would_not_run_is_refused(clone: Path) -> None:
    with (clone / ".funcignore").open("a") as ignore:
        ignore.write("*.json\n")
    with pytest.raises(PackageError, match=r"host\.json would not ship; look at \.funcignore"):
        files(clone)


def test_without_funcignore_nothing_is_built(clone: Path) -> None:
    (clone / ".funcignore").unlink()
    with pytest.raises(PackageError, match="everything would ship"):
        files(clone)


def test_outside_a_clone_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / ".funcignore").touch()
    with pytest.raises(PackageError, match="deploy from a clone"):
        files(tmp_path)
