"""Tell people who follow a link from machines that look at it: bots, previews in chats, and browsers that run ahead."""

import re
from collections.abc import Mapping

from crawlerdetect import CrawlerDetect

LONGEST_AGENT = 600  # what comes after it decides nothing, and takes time

_AHEAD = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_AHEAD_OF_TIME = re.compile("prefetch|prerender|preview", re.IGNORECASE)
# Every browser calls itself so, those inside of apps too; what fetches previews for some chats does not.
_BROWSER = re.compile(r"(Mozilla|Opera)/\d")
_PREVIEW = re.compile("preview", re.IGNORECASE)
_CRAWLERS = CrawlerDetect()


def is_person(headers: Mapping[str, str]) -> bool:
    """Whether somebody seems to look at the page themselves, as far as the headers of their request say."""
    if any(_AHEAD_OF_TIME.search(headers.get(name, "")) for name in _AHEAD):
        return False
    agent = headers.get("user-agent", "")[:LONGEST_AGENT]
    if not _BROWSER.match(agent) or _PREVIEW.search(agent):
        return False
    return not _CRAWLERS.is_crawler(agent)
