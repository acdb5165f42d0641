"""Checks that a project already has in the words of another tool, turned into a contract."""
