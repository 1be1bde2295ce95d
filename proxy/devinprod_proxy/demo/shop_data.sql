-- What is in the shop: the same rows every time, for a given number of customers (shop.customers).
--
-- Everything is a function of row numbers and hashes of them. Order i is placed at moment(i), by one of
-- the 40 + i/6 customers that existed then; what order 10112 is does not depend on how many follow.

CREATE FUNCTION pg_temp.h(i bigint, salt int, n int) RETURNS int LANGUAGE sql IMMUTABLE
  RETURN ((pg_catalog.hashint8extended(i, salt) & 9223372036854775807) % n)::int;

CREATE FUNCTION pg_temp.pick(i bigint, salt int, words text[]) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN words[1 + pg_temp.h(i, salt, cardinality(words))];

CREATE FUNCTION pg_temp.customers() RETURNS int LANGUAGE sql STABLE RETURN current_setting('shop.customers')::int;
CREATE FUNCTION pg_temp.orders() RETURNS int LANGUAGE sql STABLE RETURN 6 * current_setting('shop.customers')::int;

-- The first shop took its 600 orders from March 2017 to June 2019, this one all others up to November 2026.
CREATE FUNCTION pg_temp.moment(i numeric) RETURNS timestamptz LANGUAGE sql STABLE
  RETURN CASE WHEN i <= 600
    THEN timestamptz '2017-03-06 08:00+00' + i::float8 * interval '836 days' / 600
    ELSE timestamptz '2019-06-21 08:00+00'
         + (i - 600)::float8 * interval '2709 days' / greatest(1, pg_temp.orders() - 600) END
    + pg_temp.h(i::bigint, 1, 36000) * interval '1 second';

CREATE FUNCTION pg_temp.given(k bigint) RETURNS text LANGUAGE sql IMMUTABLE RETURN
  pg_temp.pick(k, 2, '{Anna,Lukas,Marie,Jonas,Sophie,Felix,Lena,Paul,Emma,Maximilian,Hannah,Leon,Mia,Elias,Clara,Noah,Johanna,Finn,Charlotte,Moritz,Zoë,Søren,Łukasz,Małgorzata,Žofie,Jiří,Çağla,Özge,İbrahim,Fatma,Núria,Iñaki,José,María,François,Chloé,Anaïs,Gaëlle,Benoît,Giulia,Lorenzo,Niccolò,Beatrice,Björn,Åsa,Göran,Märta,Aino,Väinö,Sigríður,Þór,Niamh,Siobhán,Pádraig,Oliver,Grace,Harry,Isla,Aleksandra,Дмитрий,Ольга,Наталья,Ελένη,Γιώργος,Duc,Thị Hương,小明,丽,健太,さくら,지훈,محمد,ليلى,דוד,Priya,Arjun,Amara,Chidi,Kwame,Mary Ann,Jean-Luc,Anne-Sophie,Karl-Heinz,Hans-Jürgen,Ursula,Renate,Günther,Brigitte,Dieter,Heike}');

CREATE FUNCTION pg_temp.family(k bigint) RETURNS text LANGUAGE sql IMMUTABLE RETURN
  pg_temp.pick(k, 3, '{Müller,Schmidt,Schneider,Fischer,Weber,Meyer,Wagner,Becker,Schulz,Hoffmann,Schäfer,Koch,Bauer,Richter,Klein,Wolf,Schröder,Neumann,Schwarz,Zimmermann,Braun,Krüger,Hofmann,Hartmann,Lange,Schmitt,Werner,Krause,Meier,Lehmann,Köhler,Herrmann,Walter,König,Mayer,Huber,Kaiser,Fuchs,Peters,Lang,Scholz,Möller,Weiß,Jung,Hahn,Schubert,Vogel,Friedrich,Keller,Günther,Frank,Berger,Winkler,Roth,Beck,Lorenz,Baumann,Franke,Albrecht,Schuster,Simon,Ludwig,Böhm,Winter,Kraus,Martin,Schumacher,Krämer,Vogt,Stein,Jäger,Otto,Sommer,Groß,Seidel,Heinrich,Brandt,Haas,Schreiber,Graf,Dietrich,Ziegler,Kuhn,Kühn,Pohl,Engel,Horn,Busch,Bergmann,Thomas,Voigt,Sauer,Arnold,Wolff,Pfeiffer,Lindqvist,Ångström,Sørensen,Kjær,Nowak,Wójcik,Kowalczyk,Dvořák,Černý,Nagy,Szabó,Yılmaz,Öztürk,García,Fernández,Ibáñez,Lefèvre,Dubois,Rossi,Bianchi,D’Angelo,O''Connor,O''Brien,MacLeod,Smith,Jones,van der Berg,de Vries,von Hohenstein,Popović,Иванова,Παπαδόπουλος,Nguyen,Tanaka,王,김,Khan,Okafor,Mensah,Fernandes Costa e Silva}');

-- A name in the letters that a mailbox has; what transliterates to nothing becomes "kunde".
CREATE FUNCTION pg_temp.mailbox(name text) RETURNS text LANGUAGE sql IMMUTABLE RETURN
  COALESCE(nullif(trim(BOTH '.' FROM regexp_replace(translate(
    replace(replace(replace(replace(lower(name), 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ß', 'ss'),
    'ëøłžřčçşğıñúíóéèêïîôàáâåøðþýœšěůőű', 'eolzrccsginuioeeeiioaaaaodtyoseuou'), '[^a-z]+', '.', 'g')), ''), 'kunde');

CREATE FUNCTION pg_temp.street(k bigint) RETURNS text LANGUAGE sql IMMUTABLE RETURN
  pg_temp.pick(k, 4, '{Hauptstraße,Bahnhofstr.,Gartenweg,Lindenallee,Am Markt,Schulstraße,Kirchgasse,Bergstr.,Mühlenweg,Rosenweg,Goethestraße,Schillerplatz,Zum Alten Hafen,Friedrich-Ebert-Ring,Dorfstraße,Kastanienallee,Lange Reihe,An der Kante,Nelkenweg,Gießereistr.}') || ' ' || 1 + pg_temp.h(k, 5, 180)
  || CASE pg_temp.h(k, 6, 9) WHEN 0 THEN 'a' WHEN 1 THEN ' / 3. OG' WHEN 2 THEN ' c/o WG' ELSE '' END;

CREATE FUNCTION pg_temp.town(k bigint) RETURNS text[] LANGUAGE sql IMMUTABLE RETURN string_to_array(
  pg_temp.pick(k, 7, '{10115|Berlin|DE,20095|Hamburg|DE,80331|München|DE,50667|Köln|DE,60311|Frankfurt am Main|DE,70173|Stuttgart|DE,04109|Leipzig|DE,01067|Dresden|DE,28195|Bremen|DE,30159|Hannover|DE,90402|Nürnberg|DE,99084|Erfurt|DE,37073|Göttingen|DE,72070|Tübingen|DE,18055|Rostock|DE,1010|Wien|AT,8010|Graz|AT,8001|Zürich|CH,3011|Bern|CH,75011|Paris|FR,1012 AB|Amsterdam|NL,111 22|Stockholm|SE,1050|København|DK,SW1A 1AA|London|GB,00-001|Warszawa|PL}'), '|');

-- Customers ----------------------------------------------------------------------------------------

INSERT INTO public.customers (id, name, email, phone, birthday, settings, notes, created_at)
SELECT c, person, email,
  CASE WHEN pg_temp.h(c, 13, 5) > 0 THEN
    CASE pg_temp.h(c, 14, 5)
      WHEN 0 THEN '+49 ' || 150 + pg_temp.h(c, 15, 30) || ' ' || 1000000 + pg_temp.h(c, 16, 8999999)
      WHEN 1 THEN '0' || 150 + pg_temp.h(c, 15, 30) || '/' || 1000000 + pg_temp.h(c, 16, 8999999)
      WHEN 2 THEN '0049' || 30 + pg_temp.h(c, 15, 60) || 100000 + pg_temp.h(c, 16, 899999)
      WHEN 3 THEN '(0' || 30 + pg_temp.h(c, 15, 60) || ') ' || 100 + pg_temp.h(c, 16, 899) || ' ' || 10 + pg_temp.h(c, 17, 89) || '-0'
      ELSE '+44 7' || 100 + pg_temp.h(c, 15, 899) || ' ' || 100000 + pg_temp.h(c, 16, 899999) END END,
  CASE WHEN pg_temp.h(c, 18, 300) = 0 THEN date '1900-01-01'
       WHEN pg_temp.h(c, 18, 900) = 1 THEN date '2062-04-12'
       WHEN pg_temp.h(c, 19, 3) > 0 THEN date '1941-01-01' + pg_temp.h(c, 20, 24000) END,
  CASE pg_temp.h(c, 21, 6)
    WHEN 0 THEN '{}'::jsonb
    WHEN 1 THEN jsonb_build_object('theme', 'dark', 'newsletter', pg_temp.h(c, 22, 2) = 0)
    WHEN 2 THEN jsonb_build_object('theme', 'light', 'language', 'de', 'newsletter', jsonb_build_object('to', email, 'weekly', true))
    WHEN 3 THEN jsonb_build_object('language', 'en', 'delivery', jsonb_build_object('leave_with', pg_temp.given(c * 31) || ' ' || pg_temp.family(c * 31)))
    WHEN 4 THEN jsonb_build_object('theme', 'auto', 'seen', jsonb_build_array('wishlist', 'app', 'b2b'), 'since', 2017 + pg_temp.h(c, 23, 9))
    ELSE jsonb_build_object('theme', 'light') END,
  CASE pg_temp.h(c, 24, 14)
    WHEN 0 THEN 'Rang on ' || (date '2021-01-04' + pg_temp.h(c, 25, 1900)) || ', wants the invoice sent to ' || COALESCE(email, 'nobody') || ' as PDF.'
    WHEN 1 THEN 'Partner orders too: ' || lower(pg_temp.mailbox(pg_temp.given(c + 9))) || '@' || 'nordpost.example' || '. Same address.'
    WHEN 2 THEN 'VIP, see ticket. Do not call before 10.'
    WHEN 3 THEN 'Paid twice in ' || 2019 + pg_temp.h(c, 25, 7) || ', settled with ' || pg_temp.given(c + 4) || ' by phone'
    WHEN 4 THEN '' END,
  -- A few rows of an import have no time.
  CASE WHEN pg_temp.h(c, 26, 700) = 0 THEN timestamptz '1970-01-01 00:00+00'
       ELSE pg_temp.moment(greatest(0, (c - 40) * 6)) - pg_temp.h(c, 27, 3000) * interval '1 minute' END
FROM (
  SELECT c,
    CASE WHEN pg_temp.h(c, 28, 500) = 0 THEN upper(plain)
         WHEN pg_temp.h(c, 28, 500) = 1 THEN convert_from(convert_to(plain, 'UTF8'), 'LATIN1')  -- read as Latin-1 once
         WHEN pg_temp.h(c, 28, 500) = 2 THEN normalize(plain, NFD)
         WHEN pg_temp.h(c, 28, 500) = 3 THEN '  ' || plain || ' '
         WHEN pg_temp.h(c, 28, 500) = 4 THEN 'Gast'
         WHEN pg_temp.h(c, 28, 500) = 5 THEN split_part(plain, ' ', 1) || ' '
         ELSE plain END AS person,
    CASE WHEN pg_temp.h(c, 29, 60) = 0 THEN NULL
         WHEN pg_temp.h(c, 29, 110) = 5 THEN 'unbekannt-' || c
         WHEN pg_temp.h(c, 29, 120) = 2 THEN initcap(pg_temp.mailbox(plain)) || c || '@Posthaus.Example'
         WHEN pg_temp.h(c, 29, 150) = 3 THEN pg_temp.mailbox(plain) || '+shop' || c || '@nordpost.example'
         WHEN pg_temp.h(c, 29, 600) = 4 THEN pg_temp.mailbox(plain) || c || '@nordpost.example '
         ELSE pg_temp.mailbox(plain) || CASE WHEN c > 60 THEN c::text ELSE '' END || '@'
              || pg_temp.pick(c, 30, '{posthaus,nordpost,freimail,lindenhof,kontor,uni-rabenau,webkiste,talmail}')
              || '.example' END AS email
  FROM (
    SELECT c,
      -- One in sixty opened a second account: the person of some rows before, once more.
      pg_temp.given(twin) || ' ' || pg_temp.family(twin) AS plain
    FROM (SELECT c, CASE WHEN c > 100 AND pg_temp.h(c, 31, 60) = 0 THEN c - 1 - pg_temp.h(c, 32, 60) ELSE c END AS twin
          FROM generate_series(1, pg_temp.customers()) AS c) AS numbered
  ) AS named
) AS people;

INSERT INTO public.addresses (id, customer_id, recipient, street, postcode, city, country)
SELECT row_number() OVER (ORDER BY c.id, n), c.id,
  CASE WHEN n = 1 THEN c.name ELSE pg_temp.given(c.id + 7) || ' ' || pg_temp.family(c.id) END,
  pg_temp.street(c.id * 3 + n),
  -- Somebody typed the town into the wrong field.
  CASE WHEN pg_temp.h(c.id, 33, 400) = 0 THEN NULL ELSE town[1] END,
  CASE WHEN pg_temp.h(c.id, 33, 400) = 0 THEN town[1] || ' ' || town[2] ELSE town[2] END,
  town[3]
FROM public.customers c, generate_series(1, 1 + (pg_temp.h(c.id, 34, 4) / 3)) AS n,
     LATERAL (SELECT pg_temp.town(c.id * 3 + n) AS town) AS t;

UPDATE public.customers c SET default_address_id = a.id
FROM (SELECT customer_id, min(id) AS id FROM public.addresses GROUP BY 1) AS a
WHERE a.customer_id = c.id;

INSERT INTO public.payment_methods (id, customer_id, kind, holder, account, expires, created_at)
SELECT row_number() OVER (ORDER BY c.id, n), c.id, kind,
  CASE WHEN kind IN ('card', 'sepa') THEN c.name END,
  CASE kind
    WHEN 'card' THEN '4' || lpad(pg_temp.h(c.id, 35 + n, 1000000000)::text, 9, '0') || lpad(pg_temp.h(c.id, 37 + n, 1000000)::text, 6, '0')
    WHEN 'sepa' THEN 'DE' || 10 + pg_temp.h(c.id, 39, 89) || lpad(pg_temp.h(c.id, 40, 1000000000)::text, 9, '0') || lpad(pg_temp.h(c.id, 41, 1000000000)::text, 9, '0')
    WHEN 'paypal' THEN left(c.email, 34)
    WHEN 'giftcard' THEN 'G-' || lpad(pg_temp.h(c.id, 42, 100000000)::text, 8, '0') END,
  CASE WHEN kind = 'card' THEN date '2020-01-31' + 31 * pg_temp.h(c.id, 43, 110) END,
  c.created_at + interval '3 minutes'
FROM public.customers c, generate_series(1, 1 + pg_temp.h(c.id, 44, 5) / 4) AS n,
     LATERAL (SELECT CASE WHEN n = 2 THEN 'giftcard'
                ELSE pg_temp.pick(c.id, 45, '{card,card,card,sepa,sepa,paypal,paypal,invoice}') END AS kind) AS k;

-- Products -----------------------------------------------------------------------------------------

-- What a thing is follows from its price, what it is made of from what it is.
INSERT INTO public.products (id, sku, title, price, active, tags, attributes)
SELECT i + 1, 'K-' || lpad((1000 + i * 7)::text, 5, '0'),
  material || ' ' || thing
    || CASE WHEN i % 37 = 0 THEN E'\u00A0– 2nd choice' WHEN i % 53 = 0 THEN ' „Großmutter“'
            ELSE pg_temp.pick(i, 85, '{"","",""," No. 2",", large",", small",", set of two"}') END,
  price, pg_temp.h(i, 47, 12) > 0,
  CASE pg_temp.h(i, 48, 4) WHEN 0 THEN '{}' WHEN 1 THEN '{gift}' WHEN 2 THEN '{kitchen,gift}' ELSE '{table}' END::text[],
  CASE WHEN pg_temp.h(i, 49, 5) > 0
       THEN jsonb_build_object('weight_g', 50 + pg_temp.h(i, 50, 4000), 'material', lower(material)) ELSE '{}' END
FROM generate_series(0, 399) AS i,
  LATERAL (SELECT (ARRAY[2.49, 3.90, 4.95, 7.50, 9.90, 12.90, 17.95, 24.90, 39.00, 59.90, 89.00, 129.00, 249.00])
                  [1 + pg_temp.h(i, 46, 13)] AS price) AS prices,
  LATERAL (SELECT string_to_array(CASE
    WHEN price < 5 THEN pg_temp.pick(i, 82, '{wood/spoon,wood/honey dipper,ceramic/egg cup,textile/pot holder,textile/tea towel,glass/tea light holder,wood/coaster,metal/teaspoon}')
    WHEN price < 20 THEN pg_temp.pick(i, 82, '{ceramic/mug,ceramic/milk jug,ceramic/butter dish,glass/tumbler,glass/storage jar,metal/sieve,metal/ladle,wood/trivet,textile/oven glove,textile/bread bag}')
    WHEN price < 60 THEN pg_temp.pick(i, 82, '{wood/chopping board,wood/salad bowl,wood/pepper mill,ceramic/teapot,ceramic/baking dish,textile/apron,textile/table runner,glass/carafe,glass/cake dome,metal/kettle}')
    ELSE pg_temp.pick(i, 82, '{metal/casserole,metal/roasting tin,metal/frying pan,metal/wine cooler,textile/tablecloth,ceramic/dinner service,wood/knife block,wood/butcher block,glass/punch bowl}')
    END, '/') AS kind) AS kinds,
  LATERAL (SELECT kind[2] AS thing, CASE kind[1]
    WHEN 'wood' THEN pg_temp.pick(i, 83, '{Walnut,Oak,Beech,Olive wood,Maple,Ash,Cherry,Bamboo}')
    WHEN 'ceramic' THEN pg_temp.pick(i, 83, '{Porcelain,Stoneware,Bone china,Speckled stoneware,Earthenware,Blue-rimmed}')
    WHEN 'textile' THEN pg_temp.pick(i, 83, '{Linen,Cotton,Half-linen,Washed linen,Organic cotton,Striped}')
    WHEN 'glass' THEN pg_temp.pick(i, 83, '{Smoked glass,Recycled glass,Crystal,Pressed glass,Mouth-blown}')
    ELSE pg_temp.pick(i, 83, '{Cast iron,Copper,Stainless steel,Enamelled,Carbon steel}') END AS material) AS materials;

-- Orders and their lines ---------------------------------------------------------------------------

CREATE TEMP TABLE drafted ON COMMIT DROP AS
SELECT i, 10000 + i AS id,
  1 + pg_temp.h(i, 51, greatest(40, least(pg_temp.customers(), 40 + i / 6))) AS customer_id,
  pg_temp.moment(i) AS placed_at
FROM generate_series(1, pg_temp.orders()) AS i;

INSERT INTO public.order_lines (order_id, position, product_id, quantity, unit_price, discount, discount_kind)
SELECT id, n, product_id, quantity, unit_price,
  CASE WHEN percent THEN (ARRAY[5, 10, 15, 20, 25, 50])[1 + pg_temp.h(i * 8 + n, 58, 6)]
       WHEN discounted THEN least((ARRAY[1, 2, 2.5, 5, 10])[1 + pg_temp.h(i * 8 + n, 58, 5)], unit_price * quantity)
       ELSE 0 END,
  CASE WHEN i <= 600 THEN NULL WHEN percent THEN 'percent' WHEN discounted THEN 'amount'
       WHEN pg_temp.h(i, 59, 3) = 0 THEN 'amount' END
FROM (
  SELECT d.i, d.id, n, p.id AS product_id,
    CASE WHEN pg_temp.h(d.i * 8 + n, 54, 5) = 0 THEN 2 + pg_temp.h(d.i * 8 + n, 55, 5) ELSE 1 END AS quantity,
    -- Prices rose over the years.
    CASE WHEN d.i <= 600 THEN round(p.price * 0.8, 2) WHEN pg_temp.h(d.i, 56, 3) = 0 THEN round(p.price * 0.95, 2) ELSE p.price END AS unit_price,
    pg_temp.h(d.i * 8 + n, 57, 8) = 0 AS discounted,
    pg_temp.h(d.i * 8 + n, 57, 8) = 0 AND (d.i <= 600 OR pg_temp.h(d.i * 8 + n, 60, 2) = 0) AS percent
  FROM drafted d, generate_series(1, 1 + pg_temp.h(d.i, 52, 3) + pg_temp.h(d.i, 53, 7) / 6) AS n
  JOIN LATERAL (SELECT 1 + pg_temp.h(d.i * 8 + n, 61, 400) AS id) AS choice ON true
  JOIN public.products p ON p.id = choice.id
) AS lines;

INSERT INTO public.orders (id, customer_id, email, address_id, status, currency, shipping, voucher, total, note, placed_at)
SELECT d.id, d.customer_id,
  CASE WHEN pg_temp.h(d.i, 62, 40) = 0 THEN lower(trim(c.email)) ELSE c.email END,
  CASE WHEN pg_temp.h(d.i, 63, 90) > 0 THEN c.default_address_id END,
  (CASE WHEN d.i > pg_temp.orders() - 40 THEN 'placed' WHEN d.i > pg_temp.orders() - 90 THEN 'paid'
        WHEN d.i > pg_temp.orders() - 220 THEN 'shipped'
        WHEN d.i > 600 AND pg_temp.h(d.i, 64, 25) = 0 THEN 'cancelled'
        WHEN pg_temp.h(d.i, 64, 25) = 1 AND pg_temp.h(d.i, 65, 2) = 0 THEN 'refunded'
        ELSE 'delivered' END)::public.order_status,
  CASE WHEN a.country = 'CH' THEN 'CHF' WHEN a.country = 'GB' THEN 'GBP' WHEN a.country = 'SE' THEN 'SEK' ELSE 'EUR' END,
  shipping, voucher,
  -- What was charged. Two rows lost it in the move of 2019.
  CASE WHEN d.i NOT IN (88, 431) THEN l.goods + shipping - COALESCE(voucher, 0) END,
  CASE pg_temp.h(d.i, 66, 30)
    WHEN 0 THEN 'Please ring at ' || pg_temp.family(d.i) || ', not at mine'
    WHEN 1 THEN 'Geschenk! Rechnung bitte nur an ' || COALESCE(c.email, 'mich')
    WHEN 2 THEN '🎁 for ' || pg_temp.given(d.i + 5) END,
  d.placed_at
FROM drafted d
JOIN public.customers c ON c.id = d.customer_id
JOIN public.addresses a ON a.id = c.default_address_id
JOIN (
  SELECT order_id, sum(CASE WHEN COALESCE(discount_kind, 'percent') = 'percent'
                            THEN round(quantity * unit_price * (100 - discount) / 100, 2)
                            ELSE quantity * unit_price - discount END) AS goods
  FROM public.order_lines GROUP BY order_id
) AS l ON l.order_id = d.id
CROSS JOIN LATERAL (SELECT
  CASE WHEN l.goods >= 60 THEN 0 ELSE 4.90 END AS shipping,
  CASE WHEN l.goods >= 20 AND pg_temp.h(d.i, 67, 30) = 0 THEN 5.00 END AS voucher) AS extra;

-- Payments, refunds --------------------------------------------------------------------------------

INSERT INTO public.refunds (id, order_id, amount, reason, requested_at, approved_at, approved_by)
SELECT row_number() OVER (ORDER BY requested_at, id), id, total, reason, requested_at, approved_at,
  CASE WHEN approved_at IS NOT NULL THEN pg_temp.pick(id, 68, '{h.brandt,l.yilmaz,k.meier}') END
FROM (
  SELECT o.id, o.total,
    pg_temp.pick(o.id, 69, '{arrived broken,wrong colour,not as pictured,ordered twice,too late,changed mind,NULL}') AS reason,
    o.placed_at + interval '6 days' AS requested_at,
    CASE WHEN o.status = 'refunded' THEN o.placed_at + interval '8 days' END AS approved_at
  FROM public.orders o
  WHERE o.total IS NOT NULL
    AND (o.status = 'refunded' OR (o.status = 'delivered' AND o.id > 10000 + pg_temp.orders() - 900 AND pg_temp.h(o.id, 70, 60) = 0))
) AS wanted;

-- The split ones were paid with a gift card first.
CREATE TEMP TABLE charged ON COMMIT DROP AS
SELECT o.id, o.customer_id, o.status, o.total, o.placed_at, r.id AS refund_id, r.approved_at,
  CASE WHEN g.id IS NOT NULL AND o.total > 20 AND pg_temp.h(o.id, 71, 12) = 0 THEN g.id END AS giftcard_id,
  m.id AS method_id
FROM public.orders o
LEFT JOIN public.refunds r ON r.order_id = o.id
LEFT JOIN public.payment_methods g ON g.customer_id = o.customer_id AND g.kind = 'giftcard'
LEFT JOIN public.payment_methods m ON m.customer_id = o.customer_id AND m.kind <> 'giftcard'
WHERE o.status <> 'cancelled' AND o.total IS NOT NULL;

INSERT INTO public.payments (id, order_id, method_id, kind, amount, status, reference, refund_id, created_at)
SELECT row_number() OVER (ORDER BY created_at, order_id, part), order_id, method_id, kind, amount, status,
  md5(order_id || ':' || part)::uuid, refund_id, created_at
FROM (
  SELECT id AS order_id, 0 AS part, giftcard_id AS method_id, 'charge' AS kind, round(total * 0.4, 2) AS amount,
    CASE WHEN status = 'refunded' THEN 'refunded' ELSE 'captured' END AS status, NULL::bigint AS refund_id,
    placed_at + interval '20 seconds' AS created_at
  FROM charged WHERE giftcard_id IS NOT NULL
  UNION ALL
  SELECT id, 1, method_id, 'charge', total - CASE WHEN giftcard_id IS NULL THEN 0 ELSE round(total * 0.4, 2) END,
    CASE status WHEN 'refunded' THEN 'refunded' WHEN 'placed' THEN 'pending' ELSE 'captured' END, NULL,
    placed_at + interval '45 seconds'
  FROM charged
  UNION ALL
  SELECT id, 2, method_id, 'charge', total, 'failed', NULL, placed_at + interval '30 seconds'
  FROM charged WHERE giftcard_id IS NULL AND pg_temp.h(id, 72, 25) = 0
  UNION ALL
  SELECT id, 3, method_id, 'refund', -total, 'captured', refund_id, approved_at + interval '1 hour'
  FROM charged WHERE status = 'refunded'
) AS parts;

-- One refund was approved after the job's last run: of the newest delivered order that was paid in two parts.
INSERT INTO public.refunds (id, order_id, amount, reason, requested_at, approved_at, approved_by)
SELECT (SELECT max(id) + 1 FROM public.refunds), id, total, 'arrived broken',
  timestamptz '2026-11-17 09:12+00', timestamptz '2026-11-20 15:40+00', 'l.yilmaz'
FROM charged
WHERE giftcard_id IS NOT NULL AND status = 'delivered' AND refund_id IS NULL
ORDER BY id DESC LIMIT 1;

-- Letters, tickets, the trail ----------------------------------------------------------------------

INSERT INTO public.support_tickets (id, customer_id, order_id, sender, subject, body, status, opened_at)
SELECT t, CASE WHEN pg_temp.h(t, 73, 12) > 0 THEN o.customer_id END, o.id, o.email,
  pg_temp.pick(t, 74, '{Where is my parcel?,Rechnung fehlt,Broken on arrival,Retoure,Re: Re: AW: your order,Wrong total,Newsletter,(no subject)}'),
  CASE pg_temp.h(t, 75, 5)
    WHEN 0 THEN 'Hello, order ' || o.id || ' has not come. You can write to ' || COALESCE(o.email, 'me') || ' or call.'
    WHEN 1 THEN E'Guten Tag,\n\nleider fehlt die Rechnung.\n\nMit freundlichen Grüßen\n' || c.name
    WHEN 2 THEN 'The mug is broken. Photos follow. ' || c.name || ', ' || COALESCE(c.phone, 'no phone')
    WHEN 3 THEN 'hi can u change the address to ' || pg_temp.street(t) || ' thx'
    ELSE 'Bitte nehmen Sie ' || COALESCE(o.email, 'mich') || ' aus dem Verteiler!!!' END,
  CASE WHEN pg_temp.h(t, 76, 15) = 0 THEN 'open' WHEN pg_temp.h(t, 76, 15) = 1 THEN 'waiting' ELSE 'solved' END,
  o.placed_at + (1 + pg_temp.h(t, 77, 20)) * interval '1 day'
FROM generate_series(1001, 1000 + pg_temp.customers() / 3) AS t
JOIN public.orders o ON o.id = 10001 + pg_temp.h(t, 78, pg_temp.orders())
JOIN public.customers c ON c.id = o.customer_id
WHERE t <> 4711;

INSERT INTO public.support_tickets (id, customer_id, order_id, sender, subject, body, status, opened_at)
SELECT 4711, o.customer_id, o.id, o.email, 'total is wrong',
  E'Hello,\n\nI looked at my old order ' || o.id || ' today and its total is not what I paid. My bank says '
  || o.total || ' ' || o.currency || E'. Which is it?\n\n' || c.name || E'\n' || COALESCE(c.email, ''),
  'open', timestamptz '2026-11-19 16:42+00'
FROM public.orders o JOIN public.customers c ON c.id = o.customer_id WHERE o.id = 10112;

INSERT INTO public.emails (id, customer_id, recipient, subject, body, queued_at, sent_at)
SELECT row_number() OVER (ORDER BY o.placed_at, o.id), o.customer_id, o.email, 'Your order ' || o.id,
  'Dear ' || c.name || E',\n\nthank you for your order. We charged ' || o.total || ' ' || o.currency || E'.\n\nYours, Kastanie',
  o.placed_at + interval '1 minute',
  CASE WHEN o.status <> 'placed' THEN o.placed_at + interval '2 minutes' END
FROM public.orders o JOIN public.customers c ON c.id = o.customer_id
WHERE o.email IS NOT NULL AND o.total IS NOT NULL AND o.id > 10000 + pg_temp.orders() * 4 / 5;

INSERT INTO public.audit_trail (id, at, actor, action, table_name, row_id, old, new)
SELECT row_number() OVER (ORDER BY c.id), c.created_at + (1 + pg_temp.h(c.id, 80, 500)) * interval '1 day',
  pg_temp.pick(c.id, 81, '{shop_service,h.brandt,l.yilmaz,import2019}'), 'update', 'customers', c.id,
  jsonb_build_object('email', lower(pg_temp.mailbox(c.name)) || '@alt.example', 'phone', NULL),
  jsonb_build_object('email', c.email, 'phone', c.phone)
FROM public.customers c WHERE pg_temp.h(c.id, 79, 6) = 0;

-- Sequences go on after what was loaded.
SELECT setval(pg_get_serial_sequence('public.' || t, 'id'), n) FROM (VALUES
  ('customers', (SELECT max(id) FROM public.customers)), ('addresses', (SELECT max(id) FROM public.addresses)),
  ('payment_methods', (SELECT max(id) FROM public.payment_methods)), ('products', 400),
  ('orders', (SELECT max(id) FROM public.orders)), ('refunds', (SELECT max(id) FROM public.refunds)),
  ('payments', (SELECT max(id) FROM public.payments)), ('support_tickets', (SELECT max(id) FROM public.support_tickets)),
  ('audit_trail', (SELECT max(id) FROM public.audit_trail)), ('emails', (SELECT max(id) FROM public.emails))) AS s(t, n);
