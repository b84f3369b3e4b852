"""Reads of tasks, the rules and campaigns that make them, and plans."""
