"""Tables from result files, and comparison of models."""
