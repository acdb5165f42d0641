"""The checks of a contract on Spark: the same conditions, in its words, with the same answers."""
