"""The promises of live sync, kept while real processes are killed and real networks fail."""
