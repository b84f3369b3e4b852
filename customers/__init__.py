"""Customers, and the relationships that stores own."""
