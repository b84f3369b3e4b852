"""Reads of commission: plans, what orders are worth, the ledger, statements and what finance ties them to."""
