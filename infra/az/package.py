"""The deployment package: a zip of the files that `.funcignore` lets through, as `func` and `azd` build it.

`functions.sh deploy` uploads it; a test unpacks it and has the functions in it found. Git matches the patterns, being
whose rules `.funcignore` follows.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IGNORE = ".funcignore"
_MOMENT = (1980, 1, 1, 0, 0, 0)
"""Of every file, the earliest that a zip can say: the same files make the same package."""


class PackageError(Exception):
    """The package cannot be built; the message says why and what to do."""


def files(root: Path = ROOT) -> list[str]:
    """What ships of the app in `root`: paths relative to it, in order, committed to git or not.

    Raises:
        PackageError: there is no git, no clone or no `.funcignore`, or what is left is no function app.
    """
    if not (root / IGNORE).is_file():
        raise PackageError(f"{root / IGNORE}: there is no such file, and without it everything would ship")
    patterns = f"--exclude-from={root / IGNORE}"
    kept = _listed(root, "--cached", "--others", patterns) - _listed(root, "--cached", "--ignored", patterns)
    found = sorted(name for name in kept if (root / name).is_file())
    if missing := {"function_app.py", "host.json", "requirements.txt"} - set(found):
        raise PackageError(f"{root}: {', '.join(sorted(missing))} would not ship; look at {IGNORE}")
    return found


def build(target: Path, root: Path = ROOT) -> list[str]:
    """Write the package to `target` and return what is in it.

    Raises:
        PackageError: see `files`.
    """
    names = files(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name in names:
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.external_attr = 0o644 << 16
            package.writestr(entry, (root / name).read_bytes(), zipfile.ZIP_DEFLATED)
    return names


def _listed(root: Path, *options: str) -> set[str]:
    command = ["git", "-C", str(root), "ls-files", "-z", *options]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout
    except FileNotFoundError:
        raise PackageError("git is not installed; it says which files the package has") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()[:1]
        raise PackageError(f"{root}: git cannot list it ({''.join(said)}); deploy from a clone") from None
    return set(filter(None, listed.decode().split("\0")))


def main() -> int:
    parser = argparse.ArgumentParser(prog="package.py", description="Build the function app's deployment package.")
    parser.add_argument("target", type=Path, help="the zip file to write")
    target = parser.parse_args().target
    try:
        names = build(target)
    except PackageError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    print(f"{target}: {len(names)} files, {target.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
