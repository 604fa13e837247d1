#!/usr/bin/env bash
# Trains and scores those rows of the paper's tables that are not in results/experiments/ yet.
#
#     results/tables.sh DATA MODELS WORK [PATTERN [JOBS]]
#
# DATA has train/, train-more/ and the test sets; MODELS has e5-small-q4 and all-mpnet-base-v2. Checkpoints, logs and vectors
# go to WORK. PATTERN (for grep -E) selects rows by name, and JOBS rows run in parallel. A row takes minutes; finished rows are
# skipped.
# The loop in training/README.md makes table2-*-en-ja, on all en-ja corpora.
set -euo pipefail
data=$(realpath "$1") models=$(realpath "$2") work=$(realpath -m "$3") pattern=${4:-.} jobs=${5:-1}
results=$(cd "$(dirname "$0")" && pwd)
everyday="manythings-tatoeba small_parallel_enja tatoeba-test-v2021"  # the domain of Tatoeba
more="kss talpco manythings-tatoeba-2 tatoeba-indirect xpersona african-storybook x-risawoz xsid ami-ja bsd wmt24-chat"
mkdir -p "$work/train"

# Make pairs without English from two translations of the same English sentence.
pivot() {  # source, target, corpora
    local a=$1 b=$2 side corpus; shift 2
    mkdir -p "$work/train/pivot"
    for side in "$a" "$b"; do
        for corpus in "$@"; do cat "$data/train/$corpus/en-$side.tsv" 2>/dev/null || true; done >"$work/pivot.$side"
    done
    awk -F'\t' 'NR == FNR { if (!($1 in seen)) seen[$1] = $2; next } $1 in seen { print seen[$1] "\t" $2 }' \
        "$work/pivot.$a" "$work/pivot.$b" >"$work/train/pivot/$a-$b.tsv"
}

# One line for each run: name, student, teacher, flags. The seed is appended to the name.
rows() {
    local e5=e5-small-q4 mpnet=all-mpnet-base-v2 all="ko-fr ko-ja ko-ru fr-ja fr-ru ja-ru" pair other
    flags() { printf -- '--pair %s ' "$@"; }
    for pair in en-ko en-fr en-ru; do
        echo "table2-soft-$pair $e5 $e5 --tms $(flags $pair)"
        echo "table2-hard-$pair $e5 $e5 --label hard $(flags $pair)"
        echo "table2-mse-$pair $e5 $e5 --loss embedding-mse $(flags $pair)"
        echo "table2-ranking-$pair $e5 $e5 --loss translation-ranking --set num_hard_negatives=1 $(flags $pair)"
    done
    for pair in en-ko en-fr en-ja en-ru; do
        echo "table4-priority-$pair $e5 $e5 $(flags $pair)"
        echo "table4-average-$pair $e5 $e5 --label average $(flags $pair)"
    done
    for pair in en-ko en-fr; do
        echo "table1-e5-mpnet-$pair $e5 $mpnet $(flags $pair)"
        echo "table1-mpnet-e5-$pair $mpnet $e5 $(flags $pair)"
    done
    for pair in en-ko en-ja; do  # more everyday sentences and ten times the steps
        echo "longer-soft-$pair $e5 $e5 --tms --max-steps 2000 --set eval_steps=250 $(flags $pair)"
        echo "longer-hard-$pair $e5 $e5 --label hard --max-steps 2000 --set eval_steps=250 $(flags $pair)"
    done
    for other in en-xx all; do
        pair="en-ko en-fr en-ja en-ru"; [ $other = en-xx ] || pair="$pair $all"
        echo "table5-average-$other $e5 $e5 --label average $(flags $pair)"
        echo "table5-priority-$other $e5 $e5 $(flags $pair)"
        echo "table5-tms-$other $e5 $e5 --tms $(flags $pair)"
    done
    echo "table3-mse-en-xx $e5 $e5 --loss embedding-mse $(flags en-ko en-fr en-ja en-ru)"
    echo "table6-fr-xx $e5 $e5 $(flags en-ko en-fr en-ja en-ru ko-fr fr-ja fr-ru)"
    echo "table6-ru-xx $e5 $e5 $(flags en-ko en-fr en-ja en-ru ko-ru fr-ru ja-ru)"
}

run() {  # seed, name, student, teacher, flags
    local seed=$1 name=$2-seed$1 student=$3 teacher=$4 prompt="query: " teacher_prompt="query: " dtype=fp32 tasks languages
    local corpora="$everyday pivot"; shift 4
    case $name in longer-*) corpora="$everyday $more" ;; esac
    [ "$student" != all-mpnet-base-v2 ] || prompt="" dtype=bf16
    [ "$teacher" != all-mpnet-base-v2 ] || teacher_prompt=""
    tasks="Tatoeba BUCC-style-mining STSBenchmark KorSTS JSTS STSBenchmarkMultilingualSTS" languages="en ko fr ja ru"
    case $name in
    *-en-ko-*) tasks="Tatoeba STSBenchmark KorSTS" languages="en ko" ;;
    *-en-fr-*) tasks="Tatoeba BUCC-style-mining STSBenchmark STSBenchmarkMultilingualSTS" languages="en fr" ;;
    *-en-ja-*) tasks="Tatoeba STSBenchmark JSTS" languages="en ja" ;;
    *-en-ru-*) tasks="Tatoeba BUCC-style-mining STSBenchmark STSBenchmarkMultilingualSTS" languages="en ru" ;;
    *) tasks="$tasks FLORES-200" ;;
    esac
    # shellcheck disable=SC2086
    {
        bitext-bench train --recipe cpu-minutes --model "$models/$student" --teacher "$models/$teacher" \
            --prompt "$prompt" --teacher-prompt "$teacher_prompt" --data "$work/train" --corpora $corpora --benchmarks "$data" \
            --seed "$seed" --output "$work/$name" --cache-folder "$work/vectors" "$@" &&
        bitext-bench run --model "$work/$name" --data "$data" --tasks $tasks --languages $languages \
            --output "$results/experiments" --cache-folder "$work/vectors" --dtype $dtype
    } >"$work/$name.log" 2>&1 && echo "$name" || { echo "$name failed: see $work/$name.log" >&2; return 1; }
}

for corpus in $everyday; do ln -sfn "$data/train/$corpus" "$work/train/$corpus"; done
for corpus in $more; do ln -sfn "$data/train-more/$corpus" "$work/train/$corpus"; done
for pair in "ko fr" "ko ja" "ko ru" "fr ja" "fr ru" "ja ru"; do
    # shellcheck disable=SC2086
    pivot $pair $everyday python-docs libreoffice-help
done
export -f run
export data models work results everyday more
rows | while read -r name rest; do for seed in 42 43 44; do echo "$seed $name $rest"; done; done | grep -E "$pattern" |
    while read -r seed name rest; do
        compgen -G "$results/experiments/local__$name-seed$seed/*/Tatoeba.json" >/dev/null || echo "$seed $name $rest"
    done | xargs -r -P "$jobs" -L 1 bash -c 'run "$@"' run
