"""The deployment package, unpacked where nothing but requirements.txt is installed: the host finds every function."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from infra.az.package import build

ROOT = Path(__file__).resolve().parents[2]
INDEX = """
import json, sys
from pathlib import Path
from local.functions.worker.indexing import index

app = Path(sys.argv[1])
names = [function.name for function in index(app)]
ours = {name: module.__file__ for name, module in sys.modules.items() if name.split(".")[0] in ("functions", "shared")}
print(json.dumps({"names": names, "files": ours}))
"""


def needed(requirements: Iterable[str], extra: str = "") -> dict[str, metadata.Distribution]:
    """The distributions that these requirements bring on this interpreter, and what those require, by name."""
    found: dict[str, metadata.Distribution] = {}
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            distribution = metadata.distribution(requirement.name)
            assert requirement.specifier.contains(distribution.version, prereleases=True), text
            found[distribution.name] = distribution
            for extra_of_it in requirement.extras or {""}:
                found |= needed(distribution.requires or (), extra_of_it)
    return found


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """requirements.txt and nothing else, as in Azure: those files of this environment that its packages own."""
    directory = tmp_path_factory.mktemp("libraries")
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    for distribution in needed(line for line in lines if line).values():
        for file in distribution.files or ():
            if ".." not in file.parts:  # a script
                (directory / file).parent.mkdir(parents=True, exist_ok=True)
                (directory / file).symlink_to(distribution.locate_file(file))
    return directory


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The host's code by itself: beside the repository's, a file that the package lacks would be found there."""
    host = tmp_path_factory.mktemp("host")
    shutil.copytree(ROOT / "local" / "functions", host / "local" / "functions")
    shutil.copy(ROOT / "local" / "__init__.py", host / "local")
    return host


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The package, unpacked in an empty directory."""
    build(tmp_path / "app.zip")
    with zipfile.ZipFile(tmp_path / "app.zip") as package:
        package.extractall(tmp_path / "app")
    return tmp_path / "app"


def index(libraries: Path, host: Path, app: Path) -> subprocess.CompletedProcess[str]:
    # -I: neither the directory we stand in nor PYTHONPATH leads back to the repository; -S: nor to what it installed.
    script = f"import sys; sys.path[:0] = [{str(host)!r}, {str(libraries)!r}]\n{INDEX}"
    return subprocess.run([sys.executable, "-I", "-S", "-c", script, app], capture_output=True, text=True, cwd=app)


def test_every_function_is_found_in_the_package(libraries: Path, host: Path, app: Path) -> None:
    indexed = index(libraries, host, app)
    assert indexed.returncode == 0, indexed.stderr
    found = json.loads(indexed.stdout)
    assert sorted(found["names"]) == sorted({path.stem for path in (ROOT / "functions").glob("*.py")} - {"__init__"})
    assert found["files"]
    assert {name for name, file in found["files"].items() if not Path(file).is_relative_to(app)} == set()


def test_a_file_that_does_not_ship_is_missed(libraries: Path, host: Path, app: Path) -> None:
    """GIVEN a package without one module of shared/, THEN the host says so: this test can fail."""
    (app / "shared" / "routing.py").unlink()
    indexed = index(libraries, host, app)
    assert indexed.returncode != 0
    assert "No module named 'shared.routing'" in indexed.stderr


def test_a_library_that_is_not_in_requirements_txt_is_missed(libraries: Path, host: Path, app: Path) -> None:
    with (app / "function_app.py").open("a") as module:
        module.write("import pytest\n")
    indexed = index(libraries, host, app)
    assert indexed.returncode != 0
    assert "No module named 'pytest'; is it in requirements.txt" in indexed.stderr
