-- control: none: drops everything
DROP OWNED BY shop_owner
