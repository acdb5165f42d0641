"""The step setup."""
