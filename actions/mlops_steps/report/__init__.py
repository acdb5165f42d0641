"""The step report."""
