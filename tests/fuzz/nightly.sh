#!/usr/bin/env bash
# The decoders on inputs that libFuzzer makes from tests/fuzz/corpus, by coverage: builds the preset fuzz (or fuzz-sanitized) and runs each target.
#   tests/fuzz/nightly.sh [--runs N] [--seed S] [--longest BYTES] [--sanitized] [--keep DIR] [TARGET...]
#     --runs: of each target (unless told 100,000,000 of text and frame, 10,000,000 of the others)
#     --keep: what was found to reach new code stays there for the next time (build/fuzz/corpus unless told); so does an input that fails
#     TARGET: text, frame, datacast, miniseed, seedlink, atss, header (all unless told)
# Ends with 1 as soon as a promise of decoder_check.hpp is broken, and names the file with the input. The same input again:
#   build/fuzz/fuzz/text_decoder_fuzz FILE
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"
seed=$(date +%Y%m%d) runs='' longest=300 preset=fuzz keep=build/fuzz/corpus targets=()
while (($#)); do
  case $1 in
    --runs) runs=$2 && shift ;;
    --seed) seed=$2 && shift ;;
    --longest) longest=$2 && shift ;;
    --keep) keep=$2 && shift ;;
    --sanitized) preset=fuzz-sanitized ;;
    text | frame | datacast | miniseed | seedlink | atss | header) targets+=("$1") ;;
    *) fail "unknown option or target $1 (--runs, --seed, --longest, --sanitized, --keep; text, frame, datacast, miniseed, seedlink, atss, header)" ;;
  esac
  shift
done
((${#targets[@]})) || targets=(text frame datacast miniseed seedlink atss header)
command -v clang++-14 >/dev/null || fail "clang++-14 is missing; scripts/setup.sh --dev installs it"
build "$preset" "${targets[@]/%/_decoder_fuzz}"
for target in "${targets[@]}"; do
  formats=1
  [[ $target == text ]] && formats=11
  [[ $target == frame || $target == seedlink ]] && formats=4
  folder=$keep/$target
  mkdir -p "$folder/seeds" "$folder/found"
  for file in tests/fuzz/corpus/"${target}"_decoder/*; do
    for ((format = 0; format < formats; ++format)); do # the first byte chooses the format
      {
        ((formats == 1)) || printf "\\x$(printf %02x "$format")"
        cat "$file"
      } >"$folder/seeds/$(basename "$file").$format"
    done
  done
  default=10000000
  [[ $target == text || $target == frame ]] && default=100000000
  most=$longest
  [[ $target != miniseed && $target != seedlink ]] || ((most >= 1024)) || most=1024 # records have 128 bytes and more
  [[ $target != atss ]] || ((most >= 2048)) || most=2048     # a run is begun after five answers
  say "$target: ${runs:-$default} runs, seed $seed, inputs up to $most bytes (log: $folder/log)"
  # entropic: counting what is rare takes half of the time of a run
  build/"$preset"/fuzz/"${target}"_decoder_fuzz -entropic=0 -runs="${runs:-$default}" -seed="$seed" -max_len="$most" -timeout=60 -rss_limit_mb=2048 \
    -artifact_prefix="$folder/" "$folder/found" "$folder/seeds" >"$folder/log" 2>&1 || {
    tail -n 20 "$folder/log" >&2
    fail "$target: a promise is broken (seed $seed); the input is in $folder"
  }
  grep -E '^Done|DONE' "$folder/log" # runs, seconds, and code that was reached
done
