"""Changes of many crons or jobs in one call."""
