"""The step deploy-canary."""
