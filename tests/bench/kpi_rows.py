"""The rows of a large brand's figures, made by PostgreSQL itself: what rankings are measured on."""

# Everybody has a row of each day, and each day's sales come from two channels by turns; orders lie as thick as in the
# largest demo data: some 20,000 a day.
ROWS = """
CREATE FUNCTION key(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT (lpad(kind::text, 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
INSERT INTO region (brand_id, id, parent_id, code, name, path, version)
SELECT '{brand}', key(1, 0), NULL, 'cn', '全国', '/cn/', 1;
INSERT INTO region (brand_id, id, parent_id, code, name, path, version)
SELECT '{brand}', key(1, n), key(1, 0), 'r' || n, 'r' || n, '/cn/r' || n || '/', 1
FROM generate_series(1, {regions}) n;
INSERT INTO store (brand_id, id, region_id, code, name, time_zone, opening_hours, state, version)
SELECT '{brand}', key(2, n), key(1, 1 + n % {regions}), 'S' || n, 'S' || n, 'Asia/Shanghai', '[]', 'open', 1
FROM generate_series(0, {stores} - 1) n;
INSERT INTO staff (brand_id, id, number, name, role, state, store_id, hired_at, version)
SELECT '{brand}', key(3, n), 'G' || n, '王芳', 'guide', 'active', key(2, n % {stores}), now(), 1
FROM generate_series(0, {stores} * {guides} - 1) n;
INSERT INTO account (brand_id, id, store_id, kind, staff_id, version)
SELECT '{brand}', key(4, n), key(2, n % {stores}), 'guide', key(3, n), 1
FROM generate_series(0, {stores} * {guides} - 1) n;
INSERT INTO account (brand_id, id, store_id, kind, version)
SELECT '{brand}', key(5, n), key(2, n), 'public', 1 FROM generate_series(0, {stores} - 1) n;
INSERT INTO kpi_store (brand_id, store_id, first, last)
SELECT '{brand}', key(2, n), date '{first}', date '{today}' FROM generate_series(0, {stores} - 1) n;
INSERT INTO kpi_sales (brand_id, span, grain, starts_on, store_id, account_id, channel, source, orders, guest_orders,
    gross, units, refund_count, refunds, hours_known, off_hours, city_known, cross_city)
SELECT '{brand}', 'day', 'account', day::date, key(2, n % {stores}), key(4, n),
    CASE WHEN (n + extract(day FROM day)::int) % 2 = 0 THEN 'pos' ELSE 'mini_mall' END, 'bench', 1 + n % 3, 0,
    (n * 7919 + extract(doy FROM day)::int * 104729) % 100000, 2, n % 2, (n * 31) % 5000, 1, 0, 1, 0
FROM generate_series(timestamp '{first}', timestamp '{last}', interval '1 day') day,
    generate_series(0, {stores} * {guides} - 1) n;
INSERT INTO kpi_sales (brand_id, span, grain, starts_on, store_id, account_id, channel, source, orders, guest_orders,
    gross, units, refund_count, refunds, hours_known, off_hours, city_known, cross_city)
SELECT brand_id, span, 'store', starts_on, store_id, key(5, ('x' || right(store_id::text, 12))::bit(48)::bigint),
    channel, source, sum(orders), sum(guest_orders), sum(gross), sum(units), sum(refund_count), sum(refunds),
    sum(hours_known), sum(off_hours), sum(city_known), sum(cross_city)
FROM kpi_sales GROUP BY brand_id, span, starts_on, store_id, channel, source;
INSERT INTO kpi_sales (brand_id, span, grain, starts_on, store_id, account_id, channel, source, orders, guest_orders,
    gross, units, refund_count, refunds, hours_known, off_hours, city_known, cross_city)
SELECT brand_id, unit, grain, date_trunc(unit, starts_on)::date, store_id, account_id, channel, source, sum(orders),
    sum(guest_orders), sum(gross), sum(units), sum(refund_count), sum(refunds), sum(hours_known), sum(off_hours),
    sum(city_known), sum(cross_city)
FROM kpi_sales, (VALUES ('week'), ('month')) AS units (unit) WHERE span = 'day'
GROUP BY brand_id, unit, grain, date_trunc(unit, starts_on), store_id, account_id, channel, source;
INSERT INTO kpi_work (brand_id, span, grain, starts_on, store_id, account_id, at_work, sharers, links, link_opens,
    link_orders, link_gross, tasks_due, tasks_done, tasks_on_time, contacts_due, contacts_reached, contacts_bought,
    customers_added, customers_lost, customers_active, answers, answer_seconds, commission, tags_checked, tags_right)
SELECT '{brand}', 'day', 'account', day::date, key(2, n % {stores}), key(4, n), 1,
    (n + extract(day FROM day)::int) % 2, 1, 2, 0, 0, 3, 2, 1, 3, 2, n % 2, 0, 0, 1, 1, n % 999, n % 777, 0, 0
FROM generate_series(timestamp '{first}', timestamp '{last}', interval '1 day') day,
    generate_series(0, {stores} * {guides} - 1) n;
INSERT INTO kpi_work SELECT brand_id, span, 'store', starts_on, store_id,
    key(5, ('x' || right(store_id::text, 12))::bit(48)::bigint), {sums}
FROM kpi_work GROUP BY brand_id, span, starts_on, store_id;
INSERT INTO kpi_work SELECT brand_id, unit, grain, date_trunc(unit, starts_on)::date, store_id, account_id, {sums}
FROM kpi_work, (VALUES ('week'), ('month')) AS units (unit) WHERE span = 'day'
GROUP BY brand_id, unit, grain, date_trunc(unit, starts_on), store_id, account_id;
CREATE TABLE raw_order AS
SELECT '{brand}'::uuid AS brand_id, key(6, n) AS id, key(2, (n * 7919) % {stores}) AS store_id,
    date '{first}' + (n / {orders_a_day})::int AS day, (n * 31) % 100000 AS amount, 'paid' AS state
FROM generate_series(0::bigint, {orders_a_day} * 92 - 1) n;
CREATE INDEX ON raw_order (brand_id, store_id, day);
CREATE INDEX ON raw_order (brand_id, day);
VACUUM ANALYZE
"""
