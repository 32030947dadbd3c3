"""Waiting for the end of jobs and executions, by events."""
