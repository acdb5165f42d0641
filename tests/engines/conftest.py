"""The bucket server of the sources' tests."""

from tests.mlops_steps.data.sources.conftest import buckets, guarded, writers

__all__ = ["buckets", "guarded", "writers"]
