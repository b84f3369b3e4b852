"""Reads of the tag library, and of the tags that customers carry."""
