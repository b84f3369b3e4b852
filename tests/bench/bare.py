"""The baseline: a bare endpoint that runs one SQL statement which returns the whole workbench as JSON."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

STATEMENT = """
WITH mine AS (
  SELECT t.* FROM task t
  WHERE t.brand_id = $1 AND t.account_id = $2 AND t.state = 'pending'
    AND (t.snoozed_until IS NULL OR t.snoozed_until <= now())
  ORDER BY t.priority DESC, t.due_at, t.id LIMIT 20
), latest AS (
  SELECT o.* FROM mall_order o
  WHERE o.brand_id = $1 AND o.serving_account_id = $2 ORDER BY o.placed_at DESC, o.id DESC LIMIT 20
)
SELECT json_build_object(
  'tasks', (SELECT json_agg(json_build_object(
      'id', m.id, 'kind', m.kind, 'title', m.title, 'reason', m.reason, 'priority', m.priority,
      'dueAt', m.due_at, 'version', m.version,
      'customer', (SELECT json_build_object(
          'id', c.id, 'name', c.name, 'tier', c.tier, 'phoneMasked', c.phone_masked,
          'tags', (SELECT json_agg(json_build_object('id', g.id, 'name', g.name, 'color', g.color))
                   FROM customer_tag ct JOIN tag g ON g.brand_id = $1 AND g.id = ct.tag_id
                   WHERE ct.brand_id = $1 AND ct.customer_id = c.id),
          'lastOrder', (SELECT json_build_object('id', l.id, 'number', l.number, 'amount', l.amount,
                                                 'placedAt', l.placed_at)
                        FROM mall_order l WHERE l.brand_id = $1 AND l.customer_id = c.id
                        ORDER BY l.placed_at DESC LIMIT 1))
        FROM customer c WHERE c.brand_id = $1 AND c.id = m.customer_id)))
    FROM mine m),
  'orders', (SELECT json_agg(json_build_object(
      'id', o.id, 'number', o.number, 'state', o.state, 'amount', o.amount, 'placedAt', o.placed_at,
      'lines', (SELECT json_agg(json_build_object('name', n.name, 'quantity', n.quantity, 'amount', n.amount)
                                ORDER BY n.line)
                FROM order_line n WHERE n.brand_id = $1 AND n.order_id = o.id)))
    FROM latest o),
  'today', (SELECT json_build_object('orders', count(*), 'gross', coalesce(sum(o.amount), 0))
            FROM mall_order o JOIN credit e ON e.brand_id = $1 AND e.order_id = o.id
            WHERE o.brand_id = $1 AND o.store_id = $3 AND o.day = current_date AND e.account_id = $2),
  'month', (SELECT json_build_object('orders', count(*), 'gross', coalesce(sum(o.amount), 0))
            FROM mall_order o JOIN credit e ON e.brand_id = $1 AND e.order_id = o.id
            WHERE o.brand_id = $1 AND o.store_id = $3 AND e.account_id = $2
              AND o.day >= date_trunc('month', current_date)::date)
)::text
"""


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["BARE_DATABASE"], min_size=4, max_size=20) as pool:
        app.state.pool = pool
        yield


async def workbench(request: Request) -> Response:
    keys = [UUID(request.query_params[name]) for name in ("brand", "account", "store")]
    body = await request.app.state.pool.fetchval(STATEMENT, *keys)
    return Response(body, media_type="application/json")


app = Starlette(routes=[Route("/workbench", workbench)], lifespan=_lifespan)
