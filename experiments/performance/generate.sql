-- Order lines of {customers} customers, {lines} lines, in order of time, about five lines an order.
-- Every value is a hash of its row number, so the same DuckDB version makes the same rows.
COPY (
    SELECT 'i' || lpad(i::VARCHAR, 5, '0') AS item_id,
        'department ' || hash(i, 1) % 24 AS department,
        'category ' || hash(i, 2) % 300 AS category
    FROM range(50000) t(i)
) TO '{folder}/items.parquet';

COPY (
    SELECT 'c' || lpad(i::VARCHAR, 7, '0') AS customer_id FROM range({customers}) t(i)
) TO '{folder}/customers.parquet';

COPY (
    -- the order of a line grows with its number by runs of 1 to 9 lines
    WITH numbered AS (SELECT i, (i + hash(i // 5, 3) % 5) // 5 AS o FROM range({lines}) t(i)),
    drawn AS (
        SELECT i, o, (hash(o, 4) % 1000000) / 1e6 AS whose, (hash(i, 5) % 1000000) / 1e6 AS which,
            -- two years that end 30 days after 2017-08-30, the snapshot
            (1443571200 + o * (63072000::DOUBLE * 5 / {lines}))::BIGINT AS epoch
        FROM numbered
    )
    SELECT 'c' || lpad(floor({customers} * pow(whose, 1.3))::BIGINT::VARCHAR, 7, '0') AS customer_id,
        'o' || lpad(o::VARCHAR, 8, '0') AS order_id,
        'i' || lpad(floor(50000 * which * which)::BIGINT::VARCHAR, 5, '0') AS item_id,
        make_timestamp(epoch * 1000000) AS ordered_at, epoch AS ordered_at_epoch_s, 1::BIGINT AS quantity,
        (50 + hash(i, 6) % 3000)::BIGINT AS paid_cents,
        (CASE WHEN hash(i, 7) % 3 = 0 THEN hash(i, 8) % 400 ELSE 0 END)::BIGINT AS discount_cents,
        (CASE WHEN hash(i, 9) % 40 = 0 THEN hash(i, 10) % 200 ELSE 0 END)::BIGINT AS coupon_cents
    FROM drawn
) TO '{folder}/order_lines.parquet';
