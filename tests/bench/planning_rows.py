"""The rows of a large brand, made by PostgreSQL itself: whom a morning's plans are measured on."""

# Two fifths of the customers bought on one day; the others on 2 to 21, the last of them up to two years ago. A third
# have an order of the last weeks from the mini-mall, a twentieth stale tags, a tenth were called within 40 days, and
# some came to their guide from somebody else. Everybody was called once, two months ago.
# The customers of a store lie scattered over all the brand's.
ROWS = """
CREATE FUNCTION key(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT (lpad(kind::text, 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
INSERT INTO region (brand_id, id, code, name, path, version)
SELECT '{brand}', key(1, 1), 'cn', '全国', '/cn/', 1;
INSERT INTO store (brand_id, id, region_id, code, name, time_zone, opening_hours, state, version)
SELECT '{brand}', key(2, n), key(1, 1), 'S' || n, 'S' || n, 'Asia/Shanghai', '[]', 'open', 1
FROM generate_series(0, {stores} - 1) n;
INSERT INTO staff (brand_id, id, number, name, role, state, store_id, hired_at, version)
SELECT '{brand}', key(3, n), 'G' || n, '王芳', 'guide', 'active', key(2, n % {stores}), now(), 1
FROM generate_series(0, {stores} * {guides} - 1) n;
INSERT INTO account (brand_id, id, store_id, kind, staff_id, version)
SELECT '{brand}', key(4, n), key(2, n % {stores}), 'guide', key(3, n), 1
FROM generate_series(0, {stores} * {guides} - 1) n;
INSERT INTO customer (brand_id, id, member_number, name, tier, tier_until, birthday, do_not_contact, joined_at, version)
SELECT '{brand}', key(5, n), n::text, '王芳', CASE WHEN n % 4 = 0 THEN '金卡' END,
    CASE WHEN n % 4 = 0 THEN date '{now}' + (n % 400)::int END, date '1980-01-01' + (n % 7000)::int,
    n % 50 = 0, timestamptz '{now}' - interval '2 years', 1
FROM generate_series(1, {customers}) n;
INSERT INTO relationship (brand_id, id, customer_id, store_id, holder_id, is_primary, last_contact_at, created_at,
    version)
SELECT '{brand}', key(6, n), key(5, n), key(2, n % {stores}), key(4, n % ({stores} * {guides})), true,
    CASE WHEN n % 10 = 0 THEN timestamptz '{now}' - make_interval(days => (n % 40)::int) END,
    timestamptz '{now}' - interval '2 years', 1
FROM generate_series(1, {customers}) n;
INSERT INTO holding (brand_id, id, relationship_id, account_id, reason, by_actor_id, from_at)
SELECT '{brand}', key(7, n), key(6, n), key(4, n % ({stores} * {guides})),
    CASE WHEN n % 20 = 0 THEN 'handover' ELSE 'created' END, key(3, 0),
    timestamptz '{now}' - make_interval(days => (n % 600)::int)
FROM generate_series(1, {customers}) n;
INSERT INTO purchase_profile (brand_id, customer_id, orders, purchase_days, gross, refunds, net, net_12_months,
    first_day, last_day, median_gap_days, rhythm, counted_from, as_of)
SELECT '{brand}', key(5, n), days, days, spent, 0, spent, CASE WHEN ago < 365 THEN spent ELSE 0 END,
    date '{now}' - ago - (days - 1) * 30, date '{now}' - ago, CASE WHEN days > 1 THEN 30 END,
    CASE WHEN days = 1 THEN 0 ELSE
        (days - 1) * exp((date '{now}' - ago - days * 15 - date '2000-01-01') / 365.0::float8) END,
    date '{now}', date '{now}'
FROM (SELECT n, CASE WHEN n % 5 < 2 THEN 1 ELSE 2 + n % 20 END::int AS days, abs(hashint4(n::int)) % 730 AS ago,
        abs(hashint4(n::int + 100000000) % 2000000) AS spent
    FROM generate_series(1, {customers}) n) drawn;
INSERT INTO score_scale (brand_id, scored_on, cuts, patience_days)
SELECT '{brand}', date '{now}', '{{}}', 160;
INSERT INTO mall_order (brand_id, id, source, number, store_id, customer_id, relationship_id, serving_account_id,
    state, channel, amount, currency, placed_at, day, completed_at, version)
SELECT '{brand}', key(8, n), 'mall', n::text, key(2, n % {stores}), key(5, n), key(6, n),
    key(4, n % ({stores} * {guides})), 'completed', 'mini_mall', 10000, 'CNY',
    timestamptz '{now}' - make_interval(days => (n % 120)::int), date '{now}' - (n % 120)::int,
    timestamptz '{now}' - make_interval(days => (n % 120)::int - 3), 1
FROM generate_series(3, {customers}, 3) n WHERE n % 120 > 3;
INSERT INTO refund (brand_id, id, source, number, store_id, customer_id, relationship_id, amount, currency, placed_at,
    day, is_void, version)
SELECT '{brand}', key(10, n), 'mall', n::text, key(2, n % {stores}), key(5, n), key(6, n), 1000, 'CNY',
    timestamptz '{now}' - make_interval(days => (n % 300)::int), date '{now}' - (n % 300)::int, false, 1
FROM generate_series(20, {customers}, 20) n;
INSERT INTO tag_group (brand_id, id, name, choice, color, position, roles, store_ids, version)
SELECT '{brand}', key(11, 1), '品类', 'multi', '#8c8c8c', 1, '[]', '[]', 1;
INSERT INTO tag (brand_id, id, group_id, name, color, position, synonyms, version)
SELECT '{brand}', key(9, 1), key(11, 1), '爱外套', '#8c8c8c', 1, '[]', 1;
INSERT INTO customer_tag (brand_id, customer_id, tag_id, set_by, confidence, set_at, checked_at, valid_until)
SELECT '{brand}', key(5, n), key(9, 1), 'guide', 100, timestamptz '{now}', timestamptz '{now}',
    timestamptz '{now}' + CASE WHEN n % 60 = 0 THEN interval '-9 days' ELSE interval '99 days' END
FROM generate_series(15, {customers}, 15) n;
INSERT INTO product (brand_id, id, code, name, category, listed_on, price, images, is_withdrawn, is_kept,
    version)
SELECT '{brand}', key(12, n), 'P' || n, '新品' || n, '外套', date '{now}' - n, 10000, '[]', false, true, 1
FROM generate_series(1, 10) n;
INSERT INTO task (brand_id, id, store_id, account_id, relationship_id, customer_id, kind, title, priority, due_at,
    state, source, created_at, closed_at, version)
SELECT brand_id, gen_random_uuid(), store_id, holder_id, id, customer_id, 'revisit', '回访', 50,
    timestamptz '{now}' - interval '60 days', 'done', 'rule', timestamptz '{now}' - interval '61 days',
    timestamptz '{now}' - interval '60 days', 1
FROM relationship;
VACUUM ANALYZE
"""
