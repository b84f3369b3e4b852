"""What comes from outside in bulk: file imports through declarative mappings."""
