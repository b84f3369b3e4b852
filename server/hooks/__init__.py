"""Webhooks of malls: taken in over HTTP, and applied straight after."""
