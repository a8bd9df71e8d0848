#!/usr/bin/env bash
# The full screen of mth5-monitor on a terminal that tmux plays: its views and keys, its size, and that the terminal is as before
# however it ends.
#   tests/system/screen.sh BUILD
set -Eeuo pipefail
bin=$(realpath "$1")/bin
work=$(mktemp -d)
export LC_ALL=C.UTF-8
tmux() { command tmux -L "mth5-screen-$$" -f /dev/null "$@"; }
daemon=''
clean_up() {
  tmux kill-server 2>/dev/null || true
  [[ -z $daemon ]] || kill "$daemon" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap clean_up EXIT
trap 'echo "screen: line $LINENO failed: $BASH_COMMAND" >&2' ERR
fail() {
  trap - ERR
  echo "screen: $*; the screen:" >&2
  tmux capture-pane -p >&2
  exit 1
}
shown() { tmux capture-pane -p | grep -qE -- "$1"; }
# see PATTERN: waits until the screen shows it.
see() {
  local end=$((SECONDS + 20))
  until shown "$1"; do ((SECONDS < end)) || fail "'$1' does not show"; sleep 0.05; done
}
gone() {
  local end=$((SECONDS + 20))
  while shown "$1"; do ((SECONDS < end)) || fail "'$1' still shows"; sleep 0.05; done
}
# recorded: waits until there is a data file.
recorded() {
  local end=$((SECONDS + 30))
  until compgen -G "$work/data/*.h5" >/dev/null; do ((SECONDS < end)) || fail "no data file"; sleep 0.05; done
}
press() { tmux send-keys "$@"; }
# run COMMAND: in the shell of the terminal; $monitor is its process.
run() {
  press -l "$*; echo ended \$?" && press Enter
  see "$first"
  monitor=$(pgrep -n -P "$(tmux display -p '#{pane_pid}')")
}
# ended CODE: it has ended, and the terminal is as it was.
ended() {
  see "ended $1"
  [[ $(tmux display -p '#{alternate_on}#{cursor_flag}') == 01 ]] || fail "the shell's screen or its cursor did not come back"
  press -l 'clear; stty -g >now; diff before now && echo the same' && press Enter
  see '^the same'
  press -l 'clear' && press Enter
  gone '^the same'
}

mkdir "$work/data"
"$bin/mth5-sim" lemi424 --to "file:$work/day.TXT" --speed max --start 2026-05-01T00:00:00Z --duration 8h 2>/dev/null
cat >"$work/mth5d.yaml" <<C
survey: {id: TEST}
station: {id: MT001}
output: {directory: $work/data}
sources:
  - name: lemi
    file: {path: $work/day.TXT, speed: 60}
    instrument: lemi424
C
"$bin/mth5d" --config "$work/mth5d.yaml" --status-file "$work/status.json" 2>"$work/mth5d.log" &
daemon=$!
tmux new-session -d -x 80 -y 24 -c "$work" "env -u NO_COLOR PS1='$ ' bash --norc"
press -l "stty -g >before; clear" && press Enter

first='MT001  live'
run "$bin/mth5-monitor" "$work/data"
see '^ OK  GOOD'
see 'buffered [0-9,]+  visible [0-9,]+  durable [0-9,]+  at risk now [0-9,]+ sample'
see '^>bx'; see 'autoscale'
press a; see 'fixed scale'
press a d; see 'autoscale  trend taken off'
press d - ; see '^ 5min'
press +; see '^ 1min'
press Tab; see '^>by'
press BTab; see '^>bx'
press j; see '^>by'
press k; see '^>bx'
press Down; see '^>by'
press Up; see '^>bx'
press -l $'\e[Ma!!'; see '^>by' # the wheel
press -l $'\e[M`!!'; see '^>bx'
press Left; see '^ 1min to '
press Right; gone '^ 1min to '
press PPage; see '^ 1min to '
press NPage; gone '^ 1min to '
for keys in 'g G' 'Home End' 'Left End'; do
  press "${keys% *}"; see '^ 1min to '
  press "${keys#* }"; gone '^ 1min to '
done
press / e 1 Enter; see '^>e1'; gone '^.bx'
press / Escape; see '^.bx'
press 2; see 'nT\^2/Hz  of the last'; see 'typical range'
press r; gone 'typical range'
press l; see '0\.[0-9]+ Hz.*0\.[0-9]+ Hz'
press 3; see '^ >.* 1min'; press - - -; see 'nT\^2/Hz'; see '░|▒|▓|█'
press d; see 'of the median'
press a; see 'fixed'
press d; gone 'of the median'
press + + +
press 1; see 'autoscale'
press 4; see '^ ! / X'; see '^ e4 +100'; see 'coherence squared'
press 6; see 'ledger balances'
press 5; see 'lemi: gps'
press -l $'\e[M $(' ; see '^.bx' # a click at the fourth column of the eighth row, the name of the first view
press 5; see 'lemi: gps'
press '?'; see 'this page; the same key'
press Escape; gone 'this page; the same key'
press h; see 'this page; the same key'
press F1; gone 'this page; the same key'
press Space; see 'FROZEN'
press Space; gone 'FROZEN'
press s s s; see 'saved: mth5-monitor_'
saved_three() { (($(compgen -G "$work/mth5-monitor_*.txt" | wc -l) == 3)); }
for _ in {1..200}; do saved_three && break; sleep 0.05; done
saved_three || fail "three screens of about one second are not three files"
grep -q 'MT001  live' "$work"/mth5-monitor_*.txt || fail "the saved screen does not hold what was seen"
tmux resize-window -x 60 -y 10; see '^too small: 80x24 shows all'
tmux resize-window -x 120 -y 40; see 'MT001  live'
tmux resize-window -x 80 -y 24; see 'q quit'
press C-z; see 'Stopped'
press -l 'fg' && press Enter; see 'q quit'
press C-l; see 'q quit'
press q; gone 'q quit'
press -l 'echo ended $?' && press Enter
ended 0

for signal in TERM HUP QUIT; do
  run "$bin/mth5-monitor" "$work/data"
  kill -s "$signal" "$monitor"
  ended 0
done
run "$bin/mth5-monitor" "$work/data"
press C-c
ended 130
for end in ABRT:134 USR1:138 USR2:140 ALRM:142 XCPU:152 RTMIN:162; do # ABRT: as an assertion does
  run "$bin/mth5-monitor" "$work/data"
  kill -s "${end%:*}" "$monitor"
  ended "${end#*:}"
done

# The file is taken away, and another one; the monitor is stopped from outside while samples come, and the shell sets the terminal otherwise.
mkdir "$work/away"
run "$bin/mth5-monitor" "$work/data"
press 3 - - -; see '░|▒|▓|█'
mv "$work"/data/*.h5 "$work/away"
see 'renamed to|deleted, or moved|waiting for'
recorded
gone 'renamed to|deleted, or moved|waiting for'
rm "$work"/data/*.h5
see 'renamed to|deleted, or moved|waiting for'
recorded
gone 'renamed to|deleted, or moved|waiting for'
see 'MT001  live'
see '░|▒|▓|█'
kill -s STOP "$monitor"
see 'Stopped'
stood=$SECONDS
while ((SECONDS < stood + 5)); do sleep 0.5; done # five minutes of samples
press -l 'stty sane; fg' && press Enter
see 'MT001  live'
press 4; see '^ e4 +[0-9]+' # and keys are taken one by one, though the shell has set lines
press q; gone 'q quit'
press -l 'code=$?; stty $(cat before); echo ended $code' && press Enter
ended 0

# Colour, and none.
run "$bin/mth5-monitor" "$work/data"
tmux capture-pane -pe | grep -q $'\e\\[[0-9;]*3[0-7]' || fail "there is no colour"
press q; ended 0
run "NO_COLOR=1 $bin/mth5-monitor" "$work/data"
! tmux capture-pane -pe | grep -q $'\e\\[[0-9;]*3[0-7]' || fail "there is colour in spite of NO_COLOR"
press q; ended 0
run "NO_COLOR=1 $bin/mth5-monitor --color always" "$work/data"
tmux capture-pane -pe | grep -q $'\e\\[[0-9;]*3[0-7]' || fail "--color does not beat NO_COLOR"
press q; ended 0
# A Linux console has colours, and blocks in place of Braille: no character that its own font, code page 437, lacks.
run "TERM=linux $bin/mth5-monitor" "$work/data"
tmux capture-pane -pe | grep -q $'\e\\[[0-9;]*3[0-7]' || fail "there is no colour on a Linux console"
for view in '1 autoscale' '2 of.the.last' '3 ^.>' '4 coherence.squared' '5 lemi:.gps' '6 ledger.balances'; do
  press "${view% *}"; see "${view#* }"
  tmux capture-pane -p | python3 -c 'import sys; sys.exit(bool(set(sys.stdin.read()) - set(bytes(range(32, 255)).decode("cp437") + "\n")))' ||
    fail "view ${view% *} has characters that a Linux console lacks"
done
press 1; see '▀|▄|█'
press q; see 'ended 0'
press -l 'clear' && press Enter
# No character beyond ASCII where they are not wanted, or not known.
for how in "--ascii" ""; do
  run "LC_ALL=$([[ -n $how ]] && echo C.UTF-8 || echo C) $bin/mth5-monitor $how" "$work/data"
  press 6; see 'ledger balances'
  ! tmux capture-pane -p | LC_ALL=C grep -q '[^ -~]' || fail "there are characters beyond ASCII"
  press q; ended 0
done
# Where no screen can be shown there are lines.
first='^# .*MT001_'
run "TERM=dumb timeout -s INT 3 $bin/mth5-monitor" "$work/data"
ended 124
tmux resize-window -x 79 -y 24
run "timeout -s INT 3 $bin/mth5-monitor" "$work/data"
ended 124
tmux resize-window -x 80 -y 24

# A line of 9600 baud is not asked for more than it carries: so many bytes a second, the first screen apart.
first='MT001  live'
press -l 'stty 9600; clear' && press Enter
tmux pipe-pane "cat >$work/sent"
SECONDS=0
run "$bin/mth5-monitor --interval 20ms" "$work/data"
press 6; see 'ledger balances'
for _ in 1 2 3 4 5 6 7 8; do press 5 6; sleep 1; done
press q
see 'ended 0'
tmux pipe-pane
sent=$(stat -c %s "$work/sent")
((sent > 2000)) || fail "only $sent bytes were sent: nothing was measured"
((sent < 672 * (SECONDS + 4))) || fail "$sent bytes in $SECONDS s: more than 70 % of 960 bytes a second"

# Of a directory in which nobody writes, the newest file is kept, and older samples are read as they are wanted.
kill "$daemon" && wait "$daemon" && daemon=''
press -l 'stty 38400; clear' && press Enter
first='MT001  closed'
run "$bin/mth5-monitor" "$work/data"
press - - - - - - -
see '^ 12h'
gone 'reading older samples|not read yet'
press q
see 'ended 0'

# A file replayed so fast that each look is of other samples: they are read and drawn between two looks.
first='MT001  replay'
run "$bin/mth5-monitor --replay 200" "$work"/data/*.h5
press 3; see '[·░▒▓█]{20}'
press q
see 'ended 0'
echo "screen: good ($sent bytes in $SECONDS s at 9600 baud)"
