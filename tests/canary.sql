-- Puts a canary into every value of the shop that demo/policy.toml masks: a mark that no mask can produce.
-- Text carries "cnry"; what a mask keeps the shape of carries the digits 813813813; dates lie in 1871.
-- tests/proxy/demo/test_canary.py holds this file and the policy together.

SET LOCAL session_replication_role = replica;  -- no trigger, no foreign key check: keys stay as they are

UPDATE public.customers SET
  name = 'Cnry cnryname' || id,
  email = CASE WHEN email IS NOT NULL THEN 'cnry' || id || '@cnry.example' END,
  phone = CASE WHEN phone IS NOT NULL THEN '+49 813813813 ' || id END,
  birthday = CASE WHEN birthday IS NOT NULL THEN date '1871-01-01' + (id % 365)::int END,
  settings = settings - 'newsletter' - 'delivery' - 'seen' - 'since' || jsonb_build_object('cnrykey', 'cnryvalue' || id),
  notes = CASE WHEN notes IS NOT NULL THEN 'cnrynote' || id || ' cnry' || id || '@cnry.example' END;

UPDATE public.addresses SET
  recipient = 'Cnry cnryname' || customer_id,
  street = 'cnrystreet ' || id,
  postcode = CASE WHEN postcode IS NOT NULL THEN '813813813' END,
  city = 'Cnrycity cnry' || id % 20;

UPDATE public.payment_methods SET
  holder = CASE WHEN holder IS NOT NULL THEN 'Cnry cnryname' || customer_id END,
  account = CASE WHEN account IS NOT NULL THEN 'DE813813813' || lpad(id::text, 10, '0') END;

UPDATE public.orders o SET
  email = CASE WHEN c.email IS NOT NULL THEN c.email END,
  note = CASE WHEN note IS NOT NULL THEN 'cnrynote for cnry' || o.id END
FROM public.customers c WHERE c.id = o.customer_id;

UPDATE public.support_tickets t SET
  sender = CASE WHEN t.sender IS NOT NULL THEN COALESCE(o.email, 'cnryticket' || t.id || '@cnry.example') END,
  body = 'cnrybody ' || COALESCE(o.email, 'cnry') || ' cnry' || t.id
FROM public.orders o WHERE o.id = t.order_id;

UPDATE public.audit_trail SET
  old = jsonb_build_object('email', 'cnryold' || row_id || '@cnry.example', 'phone', '813813813'),
  new = jsonb_build_object('email', 'cnrynew' || row_id || '@cnry.example', 'phone', '813813813');

UPDATE public.emails e SET
  recipient = COALESCE(c.email, 'cnrymail' || e.id || '@cnry.example'),
  body = 'cnryletter to cnry' || e.customer_id
FROM public.customers c WHERE c.id = e.customer_id;
