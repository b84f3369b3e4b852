"""GraphQL: one module per domain, plus what they share."""
