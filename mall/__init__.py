"""Products, orders, refunds, and who earned them."""
