"""The limit: DuckDB reads every value of a table, under the same memory limit as the steps.

`python -I reading.py TABLE MEMORY`, in the environment of a step.
"""

import sys
import tempfile

import duckdb


def main(table: str, memory: str) -> int:
    """Hash all cells of each row, and fold the rows' hashes into one."""
    reader = "read_csv" if table.endswith(".csv") else "read_parquet"
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(config={"memory_limit": memory, "temp_directory": folder})
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"SELECT bit_xor(hash(*COLUMNS(*))) FROM {reader}('{table}')")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
