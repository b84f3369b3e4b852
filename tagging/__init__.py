"""The tag library, and tags on customers."""
