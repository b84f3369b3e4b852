"""Reads of customers and relationships."""
