#!/usr/bin/env bash
# Sets up, builds, and shows the main job with no hardware: a recorded LEMI-424, a serial line, a live MTH5 file, its readers.
# Everything it makes is in a new folder below build/demo. About a minute once the programs are built.
#   scripts/demo.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
unset "${!MTH5D_@}" # settings of another mth5d
(($# == 0)) || fail "takes no options, but was given: $*"

scripts/setup.sh
build release programs
bin=$root/build/release/bin

base=build/demo/$(date -u +%Y%m%dT%H%M%SZ)
demo=$base
mkdir -p build/demo
for ((n = 2; ; ++n)); do
  mkdir "$demo" 2>/dev/null && break
  [[ -d $demo ]] || fail "$demo: cannot be created"
  demo=${base}_$n
done
mkdir "$demo/data"
log=$demo/mth5d.log

# Whatever happens, nothing is left running.
sim='' daemon='' monitor=''
clean_up() {
  for pid in $sim $daemon $monitor; do kill "$pid" 2>/dev/null || true; done
  wait
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# give_up WHAT: what went wrong and what the programs said.
give_up() {
  echo "--- $demo/mth5-sim.log" >&2
  tail -n 10 "$demo/mth5-sim.log" >&2 || true
  [[ -e $log ]] && { echo "--- $log" >&2 && tail -n 20 "$log" >&2; }
  fail "$1"
}
# wait_for SECONDS WHAT COMMAND...: until COMMAND succeeds.
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < deadline)) || give_up "$what did not come within its time"
    for pid in $sim $daemon; do kill -0 "$pid" 2>/dev/null || give_up "a program ended before $what came"; done
    sleep 0.1
  done
}
# wait_end SECONDS PID NAME: until the process has ended; it must have ended well.
wait_end() {
  local deadline=$((SECONDS + $1)) code=0
  while kill -0 "$2" 2>/dev/null; do
    ((SECONDS < deadline)) || give_up "$3 still runs after $1 s"
    sleep 0.1
  done
  wait "$2" || code=$?
  ((code == 0)) || give_up "$3 ended with exit code $code"
}

say "1. an instrument: two recordings of a LEMI-424, 20 times as fast as it is, on a pseudo terminal, once mth5d tells it to start"
"$bin/mth5-sim" lemi424 --await-start --to "pty:$demo/lemi" --speed 20 --replay tests/data/lemi424/202010010000.TXT \
  tests/data/lemi424/202010020000.TXT 2>"$demo/mth5-sim.log" &
sim=$!
wait_for 10 "the pseudo terminal $demo/lemi" test -e "$demo/lemi"
ls -l "$demo/lemi"

say "2. the recorder: mth5d reads it as any serial port, with $demo/mth5d.yaml"
cat >"$demo/mth5d.yaml" <<EOF
# Written by scripts/demo.sh. Every key, with comments: config/mth5d.yaml
survey: {id: DEMO}
station: {id: L424}              # no location: it comes from the GPS of the instrument
output: {directory: "$root/$demo/data"}
flush: {interval: 1s}            # readers see new samples at least so often
sources:
  - name: lemi
    serial: {device: "$root/$demo/lemi", baud: 115200}
    instrument: lemi424
EOF
cat "$demo/mth5d.yaml"
"$bin/mth5d" --config "$demo/mth5d.yaml" --check-config
"$bin/mth5d" --config "$demo/mth5d.yaml" --status-file "$demo/status.json" 2>"$log" &
daemon=$!
first_file() { compgen -G "$demo/data/*.h5" >"$demo/file"; }
wait_for 30 "the first file in $demo/data" first_file
file=$(head -n 1 "$demo/file")
rm "$demo/file"

say "3. a reader: mth5-monitor follows the file while it grows (samples so far, and how many are new)"
"$bin/mth5-monitor" --channels bx,by,bz,e1,e2 "$file" &
monitor=$!
wait_end 60 "$sim" mth5-sim
sim=''

say "4. the recorder's own state, now that the instrument is gone: it waits for it to come back"
status() { "$bin/mth5d" --status --status-file "$demo/status.json" || true; } # exit code 1: a source does not deliver, as it should be here
is_waiting() { grep -q 'lemi=waiting' <<<"$(status)"; }
wait_for 20 "the end of the recordings in $demo/status.json" is_waiting
status

say "5. mth5d is told to stop (TERM): it writes what it still has, and closes the file"
kill -TERM "$daemon"
wait_end 30 "$daemon" mth5d
daemon=''
wait_end 30 "$monitor" mth5-monitor
monitor=''

say "6. the report: mth5-summary (the recordings are two minutes each, a day apart: hence the gap)"
"$bin/mth5-summary" "$file"

python=python3
[[ -x build/venv/bin/python ]] && python=$root/build/venv/bin/python
cat <<EOF

== done
the file        $root/$file
the log         $root/$log
all else        $root/$demo
In Python (pip install mth5; scripts/test.sh makes an environment with it, build/venv) two lines open it:

  $python
  >>> from mth5.mth5 import MTH5; m = MTH5(); m.open_mth5("$root/$file", "r")
  >>> print(m.channel_summary.to_dataframe()[["station", "run", "component", "start", "n_samples"]])
EOF
