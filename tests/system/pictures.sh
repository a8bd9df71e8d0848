#!/usr/bin/env bash
# Pictures of the full screen of mth5-monitor for the README, from the cells of a terminal that tmux plays: a replayed recording with an
# electrode that opens.
#   tests/system/pictures.sh BUILD [DIRECTORY]     DIRECTORY: apps/mth5-monitor/pictures
set -Eeuo pipefail
source=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
bin=$(realpath "$1")/bin
pictures=${2:-$source/apps/mth5-monitor/pictures}
work=$(mktemp -d)
export LC_ALL=C.UTF-8
tmux() { command tmux -L "mth5-pictures-$$" -f /dev/null "$@"; }
trap 'tmux kill-server 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'echo "pictures: line $LINENO failed: $BASH_COMMAND" >&2' ERR
# see PATTERN: waits until the screen shows it.
see() {
  local end=$((SECONDS + 120))
  until tmux capture-pane -p | grep -qE -- "$1"; do
    ((SECONDS < end)) || { tmux capture-pane -p >&2; echo "pictures: '$1' does not show" >&2; exit 1; }
    sleep 0.05
  done
}
press() { tmux send-keys "$@"; }
keep() { tmux capture-pane -pe | python3 "$source/tests/system/cells.py" 80 24 >"$pictures/$1.svg"; }

mkdir -p "$pictures" "$work/data"
"$bin/mth5-sim" lemi424 --to "file:$work/well.TXT" --speed max --start 2026-05-01T00:00:00Z --duration 5h --seed 3 2>/dev/null
# From 04:02 on e1 is open: far off, and it moves as it likes.
awk 'NR > 14520 {$12 = sprintf("%.3f", 2400000 + 5000 * sin(NR / 7) + 1000 * rand())} {print}' OFS=' ' "$work/well.TXT" >"$work/day.TXT"
printf 'survey: {id: TEST}\nstation: {id: MT001}\noutput: {directory: %s}\nsources:\n  - {name: lemi, file: {path: %s, speed: max}, instrument: lemi424}\n' \
  "$work/data" "$work/day.TXT" >"$work/mth5d.yaml"
"$bin/mth5d" --config "$work/mth5d.yaml" --until-eof 2>"$work/log"
tmux new-session -d -x 80 -y 24 -c "$work" "$bin/mth5-monitor --replay 300 $work/data/*.h5"
see 'GOOD'
press - - -
see 'T0[1-3]:.*'
see 'OK  GOOD'
keep traces
press 2 Tab; see 'nT\^2/Hz  of the last'; keep spectra
press 1; see 'electrode or cable open'; keep open
press 3; see '░|▒|▓|█'
while tmux capture-pane -p | grep -q 'reading'; do sleep 0.02; done
keep spectrogram
