"""One pass over the pending jobs: claim, execute, publish, record."""
