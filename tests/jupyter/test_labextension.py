"""The sidebar's sources: what must hold of them whatever they do."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAB = ROOT / "labextension"


def test_the_lock_file_holds_no_address_of_a_package() -> None:
    text = (LAB / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert all("integrity" in package for name, package in json.loads(text)["packages"].items() if name)


def test_there_is_one_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert json.loads((LAB / "package.json").read_text())["version"] == version
    assert json.loads((LAB / "package-lock.json").read_text())["version"] == version


@pytest.mark.parametrize("file", [*LAB.glob("style/*.css")], ids=lambda file: file.name)
def test_colours_come_from_the_theme(file: Path) -> None:
    for line in file.read_text().splitlines():
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", line), line


@pytest.mark.parametrize("file", [*LAB.glob("style/icons/*.svg")], ids=lambda file: file.name)
def test_icons_take_the_themes_colour(file: Path) -> None:
    assert 'class="jp-icon3"' in file.read_text()


def test_settings_have_words_and_defaults() -> None:
    schema = json.loads((LAB / "schema" / "plugin.json").read_text())
    assert schema["title"]
    assert schema["jupyter.lab.setting-icon"]
    for key, setting in schema["properties"].items():
        assert {"title", "description", "default", "type"} <= setting.keys(), key


def test_the_server_extension_is_enabled_on_installation() -> None:
    config = json.loads((ROOT / "jupyter-config" / "devinprod.json").read_text())
    assert config == {"ServerApp": {"jpserver_extensions": {"devinprod_jupyter": True}}}
