"""What becomes of customers, for any scope, by set-based SQL over the orders: who is new, stays, lapses, and weighs."""
