"""THE DEMO WORLD: an embedded PostgreSQL primary, a writable copy of it, a shop, and what shows them."""
