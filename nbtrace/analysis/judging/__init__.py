"""Judging a recording: budgets that it has to keep, and limits of how far it may change against a baseline."""
