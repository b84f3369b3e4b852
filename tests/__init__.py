"""The specification, as sentences that run."""
