"""The phased rollout: its plan, its gates and the controller that schedules each day."""
