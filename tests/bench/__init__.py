"""Measurements: ratios against a baseline of the same run. They inform; they never fail a build."""
