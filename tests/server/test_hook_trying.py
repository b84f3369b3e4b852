"""`daogou hooks try` says what would come of a message, and the page on mappings is right."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kernel.errors import Refusal
from server.cli import app
from tests.intake.malls import MALLS, Told, sent

PAGE = (Path(__file__).parent.parent.parent / "docs" / "mall-mappings.md").read_text(encoding="utf-8")


def attempt(*words: str) -> str:
    result = CliRunner().invoke(app, ["hooks", "try", *words])
    if result.exception is not None:
        raise result.exception
    return result.output


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def test_the_pages_example_does_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "my-mall.toml").write_text(block("toml"), encoding="utf-8")
    (tmp_path / "message.json").write_text(block("json"), encoding="utf-8")

    told: dict[str, Any] = json.loads(attempt(str(tmp_path / "my-mall.toml"), str(tmp_path / "message.json")))

    order, [refund] = told["order"], told["refunds"]
    assert (order["number"], order["state"], order["amount"]) == ("T2026-0501", "shipped", 16_800)
    assert [(line["product_code"], line["amount"]) for line in order["lines"]] == [
        ("P-7", 18_000),
        ("DISCOUNT", -2_000),
        ("POSTAGE", 800),
    ]
    assert (order["store_code"], order["member_number"]) == ("hangzhou-1", "M-2044")
    assert order["placed_at"] == "2026-03-05T06:00:00+00:00"
    assert (refund["number"], refund["amount"], refund["order_number"]) == ("R-1", 9_000, "T2026-0501")


@pytest.mark.parametrize("mall", sorted(MALLS))
def test_a_shipped_mapping_is_tried_by_its_name(mall: str, tmp_path: Path) -> None:
    message = tmp_path / "message.json"
    message.write_bytes(sent(MALLS[mall](Told())))

    assert json.loads(attempt(mall, str(message), "--currency", "CNY"))["order"]["amount"] == 169_800


def test_what_is_wrong_is_said_with_its_place(tmp_path: Path) -> None:
    message = tmp_path / "message.json"
    message.write_bytes(sent(MALLS["daogou"](Told(extra={"amount": -1}))))

    with pytest.raises(Refusal, match=r"data\.amount: is below zero"):
        attempt("daogou", str(message))
    message.write_text('{"type": "stock"}', encoding="utf-8")
    assert "None of our business" in attempt("daogou", str(message))


def test_every_shape_is_on_the_page() -> None:
    assert all(f"`{mall}`" in PAGE for mall in MALLS)
