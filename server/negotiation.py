"""Read what a client accepts: media types and languages, by their weights."""

from collections.abc import Iterator
from dataclasses import dataclass

RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"


@dataclass(frozen=True, slots=True)
class _Range:
    name: str
    weight: float
    index: int
    is_readable: bool

    def covers(self, media_type: str) -> bool:
        return self.name in (media_type, media_type.partition("/")[0] + "/*", "*/*")

    @property
    def specificity(self) -> int:
        return 0 if self.name == "*/*" else 1 if self.name.endswith("/*") else 2


def media_type(accept: str | None, *, is_page: bool = False) -> str | None:
    """What to answer with: of the types that weigh most the one that is named first; `None` if none will do.

    A client that doesn't say, or takes anything, gets plain JSON. `text/html` is for a client that names it,
    where a page is there to be shown.
    """
    if accept is None or not accept.strip():
        return JSON
    ranges = list(_ranges(accept))
    offers = (JSON, RESPONSE, HTML) if is_page else (JSON, RESPONSE)
    best: tuple[float, int, int] | None = None
    chosen = None
    for offer in offers:
        covering = [found for found in ranges if found.covers(offer)]
        if not covering:
            continue
        rule = max(covering, key=lambda found: (found.specificity, found.weight))
        if rule.weight == 0 or not rule.is_readable or (offer == HTML and rule.specificity < 2):
            continue
        rank = (rule.weight, rule.specificity, -rule.index)
        if best is None or rank > best:
            best, chosen = rank, offer
    return chosen


def language(accept_language: str | None) -> str:
    """`en` for a client that prefers English to Chinese, otherwise `zh`."""
    weights = {"zh": 0.0, "en": 0.0}
    for name, parameters in _parts(accept_language or ""):
        tag = name.partition("-")[0]
        if tag in weights:
            weights[tag] = max(weights[tag], _weight(parameters))
    return "en" if weights["en"] > weights["zh"] else "zh"


def is_json(content_type: str | None) -> bool:
    """Whether a body is JSON in UTF-8, as far as its header says."""
    for name, parameters in _parts(content_type or ""):
        return name == JSON and parameters.get("charset", "utf-8") in ("utf-8", "utf8")
    return False


def _ranges(accept: str) -> Iterator[_Range]:
    for index, (name, parameters) in enumerate(_parts(accept)):
        is_readable = parameters.get("charset", "utf-8") in ("utf-8", "utf8")
        yield _Range(name, _weight(parameters), index, is_readable)


def _parts(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    for part in header.lower().split(","):
        name, *rest = (piece.strip() for piece in part.split(";"))
        pairs = (piece.partition("=") for piece in rest)
        yield name, {key.strip(): value.strip().strip('"') for key, _, value in pairs}


def _weight(parameters: dict[str, str]) -> float:
    try:
        return min(1.0, max(0.0, float(parameters.get("q", "1"))))
    except ValueError:
        return 0.0
