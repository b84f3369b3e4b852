"""Reads of products, orders and refunds."""
