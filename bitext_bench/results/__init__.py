"""Evaluation, result records and files, tables, verification and mteb's formats."""
