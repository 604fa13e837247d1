#!/usr/bin/env bash
# Writes the pages in this folder, and the picture in README.md, from the result files.
set -euo pipefail
cd "$(dirname "$0")/.."

paper_table() { bitext-bench leaderboard --paper-table "$1" --output "results/table$1.md" "${@:2}"; }

paper_table 1 --models table1 table4-priority
paper_table 2 --models table2 "e5-small-q4 (prompt"
paper_table 3
paper_table 4 --models table4 table2-soft "e5-small-q4 (prompt"
paper_table 5
paper_table 6
python results/comparisons.py
bitext-bench leaderboard --format svg --output results/chart.svg
