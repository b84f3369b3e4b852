"""The same customers as plain rows: a row per tag, and a row per attribute."""

import asyncpg

# Attributes: 1 is the tier (101 to 104), 2 the day of the last purchase, 3 what was spent. Tags: 1 and 2.
_TABLES = """
CREATE UNLOGGED TABLE bench_tag (tag int, customer int);
CREATE UNLOGGED TABLE bench_attribute (attribute int, value int, customer int);
"""
# Scattered by a hash, so that neighbours have nothing in common.
_ROWS = """
INSERT INTO bench_attribute
SELECT attribute, CASE attribute
    WHEN 1 THEN 101 + abs(hashint4(n) % 100) % 4
    WHEN 2 THEN {today} - abs(hashint4(n + 100000000) % 730)
    ELSE abs(hashint4(n + 200000000) % 2000000) END, n
FROM generate_series(0, {last}) n, (VALUES (1), (2), (3)) a (attribute);
INSERT INTO bench_tag SELECT 1, n FROM generate_series(0, {last}) n WHERE abs(hashint4(n + 300000000) % 100) < 12;
INSERT INTO bench_tag SELECT 2, n FROM generate_series(0, {last}) n WHERE abs(hashint4(n + 400000000) % 100) < 25;
CREATE UNIQUE INDEX ON bench_tag (tag, customer);
CREATE INDEX ON bench_attribute (attribute, value, customer);
CREATE INDEX ON bench_attribute (customer, attribute);
VACUUM ANALYZE bench_tag;
VACUUM ANALYZE bench_attribute;
"""

PLAIN = """
SELECT count(*) FROM bench_tag wanted
JOIN bench_attribute tier ON tier.customer = wanted.customer AND tier.attribute = 1 AND tier.value = 103
JOIN bench_attribute last ON last.customer = wanted.customer AND last.attribute = 2 AND last.value >= $1
JOIN bench_attribute spend ON spend.customer = wanted.customer AND spend.attribute = 3 AND spend.value >= $2
WHERE wanted.tag = 1
AND NOT EXISTS (SELECT FROM bench_tag other WHERE other.tag = 2 AND other.customer = wanted.customer)
"""

OVER_ARRAYS = """
SELECT count(*) FROM bench_array
WHERE terms @> '{1,103}' AND NOT terms @> '{2}' AND last >= $1 AND spend >= $2
"""

ATTRIBUTES = """
SELECT array_agg(value ORDER BY customer) FILTER (WHERE attribute = 1) AS tier,
       array_agg(value ORDER BY customer) FILTER (WHERE attribute = 2) AS last,
       array_agg(value ORDER BY customer) FILTER (WHERE attribute = 3) AS spend,
       (SELECT array_agg(customer) FROM bench_tag WHERE tag = 1 AND customer BETWEEN $1 AND $2) AS tag_1,
       (SELECT array_agg(customer) FROM bench_tag WHERE tag = 2 AND customer BETWEEN $1 AND $2) AS tag_2
FROM bench_attribute WHERE customer BETWEEN $1 AND $2
"""

_ARRAYS = """
CREATE UNLOGGED TABLE bench_array AS
SELECT tier.customer, last.value AS last, spend.value AS spend, tier.value || coalesce(tags, '{}'::int[]) AS terms
FROM bench_attribute tier
JOIN bench_attribute last ON last.customer = tier.customer AND last.attribute = 2
JOIN bench_attribute spend ON spend.customer = tier.customer AND spend.attribute = 3
LEFT JOIN (SELECT customer, array_agg(tag) AS tags FROM bench_tag GROUP BY customer) tagged
    ON tagged.customer = tier.customer
WHERE tier.attribute = 1
"""


async def fill(connection: "asyncpg.Connection[asyncpg.Record]", customers: int, today: int) -> None:
    """Make up that many customers, with the indexes that the join likes best."""
    await tune(connection)
    await connection.execute(_TABLES)
    for statement in _ROWS.format(today=today, last=customers - 1).strip().split(";\n"):
        await connection.execute(statement)


async def fill_arrays(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """The same in one row each, with an array of what has a name."""
    for statement in (_ARRAYS, "CREATE INDEX ON bench_array USING gin (terms)", "VACUUM ANALYZE bench_array"):
        await connection.execute(statement)


async def tune(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Room to sort and hash in memory."""
    await connection.execute("SET work_mem = '512MB'; SET maintenance_work_mem = '1GB'")
