"""The functions and classes that `import bitext_bench` shows."""
