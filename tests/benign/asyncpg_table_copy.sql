-- same: rows
COPY products (id, sku) TO STDOUT
