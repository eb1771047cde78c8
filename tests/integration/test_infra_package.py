"""The deployment package, unpacked where nothing but requirements.txt is installed: the host finds every function."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

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

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def python(pytestconfig: pytest.Config) -> Path:
    """An interpreter with requirements.txt and nothing else, as in Azure. Made once for each content of that file."""
    assert pytestconfig.cache is not None
    pins = (ROOT / "requirements.txt").read_bytes()
    key = hashlib.sha256(pins + sys.version.encode()).hexdigest()[:12]
    directory = pytestconfig.cache.mkdir("deployed") / key
    installed = directory / "installed"
    if not installed.is_file():
        shutil.rmtree(directory, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        command = [directory / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "-r", ROOT / "requirements.txt"], check=True)
        installed.touch()
    return directory / "bin" / "python"


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


def index(python: Path, host: Path, app: Path) -> subprocess.CompletedProcess[str]:
    # -I: neither the directory we stand in nor PYTHONPATH leads back to the repository.
    script = f"import sys; sys.path.insert(0, {str(host)!r})\n{INDEX}"
    return subprocess.run([python, "-I", "-c", script, app], capture_output=True, text=True, cwd=app)


def test_every_function_is_found_in_the_package(python: Path, host: Path, app: Path) -> None:
    indexed = index(python, host, app)
    assert indexed.returncode == 0, indexed.stderr
    found = json.loads(indexed.stdout)
    assert sorted(found["names"]) == sorted({path.stem for path in (ROOT / "functions").glob("*.py")} - {"__init__"})
    assert found["files"]
    assert {name for name, file in found["files"].items() if not Path(file).is_relative_to(app)} == set()


def test_a_file_that_does_not_ship_is_missed(python: Path, host: Path, app: Path) -> None:
    """GIVEN a package without one module of shared/, THEN the host says so: this test can fail."""
    (app / "shared" / "routing.py").unlink()
    indexed = index(python, host, app)
    assert indexed.returncode != 0
    assert "No module named 'shared.routing'" in indexed.stderr


def test_a_library_that_is_not_in_requirements_txt_is_missed(python: Path, host: Path, app: Path) -> None:
    with (app / "function_app.py").open("a") as module:
        module.write("import pytest\n")
    indexed = index(python, host, app)
    assert indexed.returncode != 0
    assert "No module named 'pytest'; is it in requirements.txt" in indexed.stderr
