"""Predicts when a rollout is done and what it costs, by simulating it."""
