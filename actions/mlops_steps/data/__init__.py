"""What several steps do with tables: read, split, withhold, profile."""
