"""The features of all offers at once, as one Ibis expression graph for DuckDB and Spark."""
