"""The step validate-data."""
