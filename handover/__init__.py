"""Departures: what a leaver still holds, and moving it."""
