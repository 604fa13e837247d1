"""The functions and classes exported by `bitext_bench`."""
