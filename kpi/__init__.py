"""Figures per day, guide, store and region."""
