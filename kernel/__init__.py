"""What every domain shares: errors, clock, actor, database, unit of work, feed, jobs, Redis."""
