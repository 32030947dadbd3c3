"""What a caller can do to many crons or jobs in one call."""
