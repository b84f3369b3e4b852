"""Settings come from the environment; a wrong one is one sentence."""

import base64
import json
import logging
import re
import stat
from pathlib import Path

import pytest
import structlog

from server import logs, settings
from server.errors import CannotStart

KEY = base64.b64encode(bytes(32)).decode()
SECRET = "s" * 32


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DAOGOU_HOME", str(tmp_path / "home"))


def test_without_any_variable_it_is_a_development_copy_on_the_loopback(tmp_path: Path) -> None:
    read = settings.load()

    assert (read.host, read.port, read.daogou_env) == ("127.0.0.1", 8000, settings.Environment.DEVELOPMENT)
    assert read.database == f"sqlite:///{tmp_path}/home/daogou.db"
    assert read.redis is None
    assert read.is_embedded
    assert (read.access_token_minutes, read.refresh_token_days) == (15, 30)


def test_development_keys_are_made_once_and_only_the_owner_reads_them(tmp_path: Path) -> None:
    first, second = settings.load(), settings.load()

    file = tmp_path / "home" / "keys.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["keys.json"]
    assert (first.secret_key, first.data_key) == (second.secret_key, second.data_key)
    assert len(first.data_key_bytes) == 32
    assert len(first.secret_key.get_secret_value()) >= 32


def test_a_key_from_the_environment_counts_more_than_the_kept_one(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = settings.load()
    monkeypatch.setenv("DATA_KEY", KEY)

    read = settings.load()

    assert read.data_key_bytes == bytes(32)
    assert read.secret_key == kept.secret_key


def test_production_makes_no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DAOGOU_ENV", "production")
    monkeypatch.setenv("SECRET_KEY", SECRET)

    with pytest.raises(CannotStart, match=r"^DATA_KEY must be set in production; "):
        settings.load()

    assert not (tmp_path / "home").exists()


def test_production_starts_with_both_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAOGOU_ENV", "production")
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("DATA_KEY", KEY)

    assert settings.load().is_production


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "abc", "PORT must be a whole number from 1 to 65535, not 'abc'."),
        ("PORT", "0", "PORT must be a whole number from 1 to 65535, not '0'."),
        ("PORT", "65536", "PORT must be a whole number from 1 to 65535, not '65536'."),
        ("DAOGOU_ENV", "prod", "DAOGOU_ENV must be development or production, not 'prod'."),
        ("DAOGOU_LOG_LEVEL", "loud", "DAOGOU_LOG_LEVEL must be debug, info, warning or error, not 'loud'."),
        (
            "ACCESS_TOKEN_MINUTES",
            "0",
            "ACCESS_TOKEN_MINUTES must be a whole number of minutes from 1 to 1440, not '0'.",
        ),
        ("REFRESH_TOKEN_DAYS", "x", "REFRESH_TOKEN_DAYS must be a whole number of days from 1 to 365, not 'x'."),
        ("WORKER_POLL_SECONDS", "9", "WORKER_POLL_SECONDS must be a number of seconds from 0.01 to 5, not '9'."),
        (
            "ALLOWED_ORIGINS",
            "shop.example",
            "ALLOWED_ORIGINS must be origins like https://shop.example, separated by commas, not 'shop.example'.",
        ),
        (
            "DAOGOU_WECOM_URL",
            "qyapi.weixin.qq.com",
            "DAOGOU_WECOM_URL must be an origin like https://qyapi.weixin.qq.com, not 'qyapi.weixin.qq.com'.",
        ),
        *(
            ("PUBLIC_URL", wrong, f"PUBLIC_URL must be an origin like https://go.shop.example, not '{wrong}'.")
            for wrong in (
                "shop.example",
                "ftp://shop.example",
                "https://shop.example/s",
                "https://a@shop.example",
                "https://",
            )
        ),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(CannotStart, match=f"^{re.escape(sentence)}$"):
        settings.load()


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATA_KEY"])
def test_a_wrong_key_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "sesame")

    with pytest.raises(CannotStart, match=f"^{name} must be ") as caught:
        settings.load()

    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{}", "[]", json.dumps({"SECRET_KEY": SECRET, "DATA_KEY": "AAAA"})])
def test_damaged_kept_keys_are_not_replaced(tmp_path: Path, content: str) -> None:
    file = tmp_path / "home" / "keys.json"
    file.parent.mkdir()
    file.write_text(content)

    with pytest.raises(CannotStart, match=r"keys\.json is damaged"):
        settings.load()

    assert file.read_text() == content


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://a.example, http://localhost:5173/")

    assert settings.load().allowed_origins == ("https://a.example", "http://localhost:5173")


def test_links_lead_to_the_public_address_or_else_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9000")
    assert settings.load().public_address == "http://localhost:9000"

    monkeypatch.setenv("PUBLIC_URL", "https://go.shop.example/")
    assert settings.load().public_address == "https://go.shop.example"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    monkeypatch.setenv("PORT", "")

    assert settings.load().is_embedded
    assert settings.load().port == 8000


def test_keys_and_addresses_are_not_shown_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("DATABASE_URL", "postgresql://daogou:hunter2@db/daogou")

    shown = repr(settings.load())

    assert SECRET not in shown
    assert "hunter2" not in shown


@pytest.fixture
def production_log(monkeypatch: pytest.MonkeyPatch) -> settings.Settings:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    monkeypatch.setenv("DAOGOU_ENV", "production")
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("DATA_KEY", KEY)
    return settings.load()


def test_a_log_line_is_json_and_hides_what_is_secret(
    production_log: settings.Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(production_log)
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        logging.getLogger("kernel").warning(
            "called 13812345678 with %s", token, extra={"password": "hunter2", "body": {"phone": "1", "n": 3}}
        )

    line = json.loads(capsys.readouterr().err)

    assert line["event"] == "called [hidden] with [hidden]"
    assert line["password"] == "[hidden]"
    assert line["body"] == {"phone": "[hidden]", "n": 3}
    assert line["request_id"] == "r-1"
    assert line["level"] == "warning"


def test_an_error_in_the_log_hides_phones_tokens_and_passwords_too(
    production_log: settings.Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(production_log)
    try:
        raise RuntimeError("postgresql://daogou:hunter2@db said no to +86 138-1234-5678")
    except RuntimeError:
        logging.getLogger("server").exception("broken")

    written = capsys.readouterr().err

    assert "RuntimeError" in written
    assert "hunter2" not in written
    assert "1234-5678" not in written


def test_identifiers_and_amounts_are_left_readable(
    production_log: settings.Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(production_log)
    known = {"job_id": "0197c8f0-1381-7345-9138-123456780000", "at": 1772424000123, "order": "NO13812345678"}
    logging.getLogger("server").warning("seen", extra=known)

    line = json.loads(capsys.readouterr().err)

    assert {name: line[name] for name in known} == known
