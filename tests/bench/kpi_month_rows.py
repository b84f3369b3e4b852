"""A month of a large brand, made by PostgreSQL itself: what its figures are counted from."""

# Customers belong to one store each; a fifth of the orders are nobody's credit but the store's, a tenth are guests',
# and one in a thousand was given back. Every guide makes two links a day, each opened three times, and has four tasks
# due. A tenth of the customers began in the month.
ROWS = """
CREATE FUNCTION key(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT (lpad(kind::text, 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
INSERT INTO region (brand_id, id, code, name, path, version)
SELECT '{brand}', key(1, 1), 'cn', '全国', '/cn/', 1;
INSERT INTO store (brand_id, id, region_id, code, name, time_zone, opening_hours, city, state, version)
SELECT '{brand}', key(2, n), key(1, 1), 'S' || n, 'S' || n, 'Asia/Shanghai',
    (SELECT json_agg(json_build_array('10:00', '22:00')) FROM generate_series(1, 7)),
    'C' || n % 40, 'open', 1
FROM generate_series(0, {stores} - 1) n;
INSERT INTO staff (brand_id, id, number, name, role, state, store_id, hired_at, version)
SELECT '{brand}', key(3, n), 'G' || n, '王芳', 'guide', 'active', key(2, n % {stores}), timestamptz '{month}', 1
FROM generate_series(0, {guides} - 1) n;
INSERT INTO account (brand_id, id, store_id, kind, staff_id, version)
SELECT '{brand}', key(4, n), key(2, n % {stores}), 'guide', key(3, n), 1 FROM generate_series(0, {guides} - 1) n;
INSERT INTO account (brand_id, id, store_id, kind, version)
SELECT '{brand}', key(4, {guides} + n), key(2, n), 'public', 1 FROM generate_series(0, {stores} - 1) n;
INSERT INTO assignment (brand_id, id, staff_id, role, store_id, starts_at)
SELECT '{brand}', key(5, n), key(3, n), 'guide', key(2, n % {stores}), timestamptz '{month}' - interval '1 year'
FROM generate_series(0, {guides} - 1) n;
INSERT INTO customer (brand_id, id, member_number, name, do_not_contact, joined_at, version)
SELECT '{brand}', key(6, n), n::text, '王芳', false, timestamptz '{month}', 1 FROM generate_series(1, {customers}) n;
INSERT INTO relationship (brand_id, id, customer_id, store_id, holder_id, is_primary, created_at, version)
SELECT '{brand}', key(7, n), key(6, n), key(2, n % {stores}), key(4, n % {guides}), true, timestamptz '{month}'
    + CASE WHEN n % 10 = 0 THEN make_interval(secs => n % 2600000) ELSE interval '-1 year' END, 1
FROM generate_series(1, {customers}) n;
INSERT INTO holding (brand_id, id, relationship_id, account_id, reason, by_actor_id, from_at)
SELECT '{brand}', key(8, n), key(7, n), key(4, n % {guides}), 'created', key(3, 0), timestamptz '{month}'
FROM generate_series(1, {customers}) n;
INSERT INTO share (brand_id, id, code, store_id, account_id, kind, title, look, created_at, expires_at, version)
SELECT '{brand}', key(9, n), n::text, key(2, n % {guides} % {stores}), key(4, n % {guides}), 'page', 'x', '[]',
    timestamptz '{month}' + make_interval(hours => (n / {guides} * 12 + 2)::int), timestamptz '{month}', 1
FROM generate_series(0, {guides} * 62 - 1) n;
INSERT INTO share_open (brand_id, id, share_id, opened_at)
SELECT brand_id, gen_random_uuid(), id, created_at + interval '1 hour' FROM share, generate_series(1, 3);
INSERT INTO mall_order (brand_id, id, source, number, store_id, customer_id, relationship_id, serving_account_id,
    state, channel, city, amount, currency, placed_at, paid_at, day, answered_at, answered_by_id, share_id, version)
SELECT '{brand}', key(10, n), CASE n % 3 WHEN 0 THEN 'mall' ELSE 'pos' END, n::text, key(2, customer % {stores}),
    CASE WHEN n % 10 > 0 THEN key(6, customer) END, CASE WHEN n % 10 > 0 THEN key(7, customer) END,
    key(4, customer % {guides}), 'completed', CASE n % 3 WHEN 0 THEN 'mini_mall' ELSE 'pos' END,
    CASE n % 3 WHEN 0 THEN 'C' || n % 40 END, 1000 + n % 90000, 'CNY', at, at + interval '1 minute',
    (at AT TIME ZONE 'Asia/Shanghai')::date, CASE n % 3 WHEN 0 THEN at + interval '9 minutes' END,
    CASE n % 3 WHEN 0 THEN key(3, customer % {guides}) END, CASE WHEN n % 50 = 0 THEN key(9, customer % {guides}) END, 1
FROM (SELECT n, 1 + abs(hashint8(n)::bigint) % {customers} AS customer,
        timestamptz '{month}' + make_interval(secs => (n * 2678399.0 / {orders})) AS at
    FROM generate_series(1, {orders}) n) drawn;
INSERT INTO order_line (brand_id, order_id, line, product_code, name, kind, quantity, amount)
SELECT brand_id, id, line, 'P', 'x', 'goods', 1, amount / 2 FROM mall_order, generate_series(1, 2) line;
INSERT INTO credit (brand_id, id, order_id, part, store_id, account_id, reason, points, amount, is_elsewhere,
    decided_at, version)
SELECT brand_id, key(12, ('x' || right(id::text, 12))::bit(48)::bigint), id, 1, store_id,
    CASE WHEN amount % 5 > 0 AND customer_id IS NOT NULL THEN serving_account_id END, 'holder', 10000, amount, false,
    placed_at, 1
FROM mall_order;
INSERT INTO refund (brand_id, id, source, number, order_id, store_id, customer_id, relationship_id, amount, currency,
    placed_at, day, is_void, version)
SELECT brand_id, id, source, number, id, store_id, customer_id, relationship_id, 500, 'CNY', placed_at, day, false, 1
FROM mall_order WHERE amount % 33 = 0;
INSERT INTO refund_charge (brand_id, refund_id, part, account_id, amount, placed_at)
SELECT r.brand_id, r.id, 1, c.account_id, r.amount, r.placed_at
FROM refund r JOIN credit c ON c.brand_id = r.brand_id AND c.order_id = r.order_id;
INSERT INTO task (brand_id, id, store_id, account_id, relationship_id, customer_id, kind, title, priority, due_at,
    state, source, created_at, closed_at, version)
SELECT '{brand}', key(13, n), key(2, n % {guides} % {stores}), key(4, n % {guides}), NULL,
    key(6, 1 + n % {customers}), 'revisit', '回访', 50,
    timestamptz '{month}' + make_interval(hours => (n / {guides} * 6)::int),
    CASE WHEN n % 4 > 0 THEN 'done' ELSE 'pending' END, 'rule', timestamptz '{month}', timestamptz '{month}'
        + make_interval(hours => (n / {guides} * 6 - 3)::int), 1
FROM generate_series(0, {guides} * 124 - 1) n;
VACUUM ANALYZE
"""
