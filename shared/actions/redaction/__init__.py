"""What is not kept of requests: set for a team, and applied to jobs and crons before they are stored."""
