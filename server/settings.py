"""Read the product's settings from the environment, and say in one sentence what is wrong with them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server import keys
from server.errors import CannotStart


class Environment(StrEnum):
    """In development missing keys are made up and GraphiQL is served; in production neither happens."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    """From which importance on something is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseSettings):
    """One process's settings. An empty variable counts as unset."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, validate_default=False)

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    secret_key: SecretStr = Field(default=SecretStr(""), min_length=32)
    data_key: SecretStr = SecretStr("")
    daogou_env: Environment = Environment.DEVELOPMENT
    daogou_home: Path = Path("var")
    daogou_log_level: LogLevel = LogLevel.INFO
    access_token_minutes: int = Field(default=15, ge=1, le=24 * 60)
    refresh_token_days: int = Field(default=30, ge=1, le=365)
    public_url: str | None = Field(default=None, max_length=200)
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    daogou_wecom_url: str = Field(default="https://qyapi.weixin.qq.com", max_length=200)
    worker_poll_seconds: float = Field(default=0.1, ge=0.01, le=5)

    @field_validator("data_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        keys.decode_data_key(value.get_secret_value())
        return value

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _origins(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        origins = tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
        if not all(origin.startswith(("http://", "https://")) for origin in origins):
            raise ValueError("an origin starts with http:// or https://")
        return origins

    @field_validator("public_url", "daogou_wecom_url")
    @classmethod
    def _is_an_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        address = urlsplit(value)
        bare = not (address.path.strip("/") or address.query or address.fragment or address.username)
        if address.scheme not in ("http", "https") or not address.hostname or not bare or not value.isascii():
            raise ValueError("an origin starts with http:// or https://, and ends with the host or port")
        return value.rstrip("/")

    @property
    def public_address(self) -> str:
        """Where the product is reached from outside, without a slash at the end; links that guides share lead there."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def is_production(self) -> bool:
        return self.daogou_env is Environment.PRODUCTION

    @property
    def is_embedded(self) -> bool:
        """Whether Redis is emulated inside the process, so that the worker must live there too."""
        return self.redis_url is None

    @property
    def database(self) -> str:
        """The address of the database; unset, that of an SQLite file in the home folder."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{quote(str(self.daogou_home.absolute() / 'daogou.db'))}"

    @property
    def redis(self) -> str | None:
        """The address of Redis, or `None` for the emulation."""
        return self.redis_url.get_secret_value() if self.redis_url is not None else None

    @property
    def data_key_bytes(self) -> bytes:
        """The 32 bytes that personal data is sealed with."""
        return keys.decode_data_key(self.data_key.get_secret_value())

    def with_keys(self) -> Self:
        """The same with both keys: made up and kept in the home folder in development, required in production."""
        missing = [
            name
            for name, value in (("SECRET_KEY", self.secret_key), ("DATA_KEY", self.data_key))
            if not value.get_secret_value()
        ]
        if not missing:
            return self
        if self.is_production:
            raise CannotStart(f"{' and '.join(missing)} must be set in production; {keys.HOW_TO_MAKE}")
        kept = keys.kept_in(self.daogou_home)
        return self.model_copy(update={name.lower(): SecretStr(kept[name]) for name in missing})


_EXPECTED = {
    "HOST": "an address to listen on",
    "PORT": "a whole number from 1 to 65535",
    "SECRET_KEY": "at least 32 characters long",
    "DATA_KEY": "32 bytes in base64",
    "DAOGOU_ENV": "development or production",
    "DAOGOU_HOME": "a folder",
    "DAOGOU_LOG_LEVEL": "debug, info, warning or error",
    "ACCESS_TOKEN_MINUTES": "a whole number of minutes from 1 to 1440",
    "REFRESH_TOKEN_DAYS": "a whole number of days from 1 to 365",
    "PUBLIC_URL": "an origin like https://go.shop.example",
    "ALLOWED_ORIGINS": "origins like https://shop.example, separated by commas",
    "DAOGOU_WECOM_URL": "an origin like https://qyapi.weixin.qq.com",
    "WORKER_POLL_SECONDS": "a number of seconds from 0.01 to 5",
}
_SECRET = {"SECRET_KEY", "DATA_KEY", "DATABASE_URL", "REDIS_URL"}


def load() -> Settings:
    """The settings of this process, keys included. Raises `CannotStart` with one sentence that names the variable."""
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        name = str(wrong["loc"][0]).upper()
        shown = "" if name in _SECRET else f", not {wrong['input']!r}"
        raise CannotStart(f"{name} must be {_EXPECTED.get(name, 'different')}{shown}.") from error
    return settings.with_keys()
