"""Pages of our own that a link shows: what it is about where the brand has no mall for it, or that it is over."""

import base64
import hashlib
from html import escape

from starlette.responses import HTMLResponse

from mall.models import Landing, Shown, minor_digits

_STYLE = (
    "body{margin:0;font:17px/1.5 system-ui,sans-serif;color:#222;background:#faf9f7}"
    "main{max-width:32rem;margin:0 auto;padding:2rem 1.25rem;overflow-wrap:anywhere}"
    "h1{font-size:1.35rem}img{width:100%;border-radius:8px;background:#eee}"
    "ul{list-style:none;padding:0}li{margin:0 0 1.5rem}.price{color:#666}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src https:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


def shown(landing: Landing) -> HTMLResponse:
    """What the link is about: its title, and its products with their prices and images."""
    products = "".join(f"<li>{_product(product, landing)}</li>" for product in landing.products)
    return _page(landing.title, f"<ul>{products}</ul>" if products else "")


def over(status: int) -> HTMLResponse:
    """That the link leads nowhere: 404 where there is none, 410 where there was."""
    return _page(
        "这个链接已失效",
        "<p>链接不存在或已过期，请向您的导购索取新的链接。</p>"
        '<p lang="en">This link has expired or never existed. Please ask your shop assistant for a new one.</p>',
        status,
    )


def busy() -> HTMLResponse:
    """That it has to be tried again."""
    return _page(
        "请稍后再试",
        '<p>系统繁忙，请稍后再打开这个链接。</p><p lang="en">We are busy. Please open the link again in a moment.</p>',
        503,
    )


def _product(product: Shown, landing: Landing) -> str:
    name = escape(product.name)
    # Anything else than https would be refused by the browser, as the page's policy says.
    is_shown = product.image is not None and product.image.startswith("https://")
    image = f'<img src="{escape(product.image or "")}" alt="{name}">' if is_shown else ""
    title = f"<h2>{name}</h2>" if len(landing.products) > 1 or product.name != landing.title else ""
    return f'{image}{title}<p class="price">{escape(_price(product.price, landing.currency))}</p>'


def _price(amount: int, currency: str) -> str:
    digits = minor_digits(currency)
    return f"{currency} {amount / 10**digits:,.{digits}f}"


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    title = escape(title)
    return HTMLResponse(
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{body}</main></body></html>",
        status,
        HEADERS,
    )
