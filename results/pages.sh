#!/usr/bin/env bash
# Writes the pages of this folder and the picture in README.md from the result files.
set -euo pipefail
cd "$(dirname "$0")/.."

layout() { bitext-bench leaderboard --layout "$1" --output "results/$1.md" "${@:2}"; }

layout table1 --models table1 table4-priority
layout table2 --models table2 "e5-small-q4 (prompt"
layout table3
layout table4 --models table4 table2-soft "e5-small-q4 (prompt"
layout table5
layout table6
python results/comparisons.py
python results/picture.py
