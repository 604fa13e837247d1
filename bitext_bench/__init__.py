"""bitext-bench: scores of sentence encoders on bitext mining and STS that can be believed."""

__version__ = "0.1.0"
