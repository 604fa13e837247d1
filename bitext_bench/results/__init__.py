"""From a plan of tasks to result files and tables, and back: records, files, verification, mteb's formats."""
