#!/bin/bash
# Runs in the container of systemd.sh, as its root: what an operator does with the service.
set -Eeuo pipefail
trap 'echo "probe: line $LINENO failed: $BASH_COMMAND"; systemctl status --no-pager mth5d || true; journalctl --no-pager -u "mth5d*" | tail -n 40' ERR
fail() {
  echo "probe: $*"
  return 1
}
# wait_for SECONDS WHAT COMMAND...
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || fail "$what: not within its time"
    sleep 0.2
  done
}
says() { systemctl show -p StatusText --value "$1" | grep -q "$2"; }
files() {
  local all=(/var/lib/mth5d/*.h5)
  if [[ -e ${all[0]} ]]; then echo ${#all[@]}; else echo 0; fi
}
main_pid() { systemctl show -p MainPID --value "$1"; }
has_files() { (($(files) >= $1)); }

[[ ! -e /bin/kill ]] || echo "note: this system has /bin/kill, so reload is not tried without it"

# The instrument is off: the machine comes up all the same, and the status says what is waited for.
wait_for 60 "the state running of the machine" sh -c '[ "$(systemctl is-system-running)" = running ] || [ -z "$(systemctl list-jobs --no-legend | grep -v probe)" ]'
systemctl is-active --quiet mth5d || fail "mth5d is not active while the instrument is off"
systemctl is-active --quiet multi-user.target || fail "multi-user.target waits for an instrument that is off"
wait_for 10 "what it waits for in the status" says mth5d 'lemi=waiting'
code=0
mth5d --status || code=$?
((code == 1)) || fail "--status: exit $code while a source does not deliver"
[[ $(files) == 0 ]] || fail "a file without a sample"
echo "up while the instrument is off"

# start returns at once.
systemctl stop mth5d
before=$SECONDS
systemctl start mth5d
((SECONDS - before <= 5)) || fail "start took $((SECONDS - before)) s"

# The instrument comes: a line that udev would give to the group dialout.
switch_on() {
  mth5-sim lemi424 --to pty:/run/line-mth5d --duration 1h --speed 10 2>/run/sim.log &
  sim=$!
  wait_for 10 "the line" test -e /run/line-mth5d
  chmod 666 "$(readlink -f /run/line-mth5d)"
}
switch_off() {
  kill "$sim"
  wait "$sim" || true
}
switch_on
wait_for 30 "the first file" has_files 1
wait_for 30 "receiving" says mth5d '^recording lemi=receiving'
mth5d --status || fail "--status: not good while all is well"
echo "records"

systemctl reload mth5d || fail "reload"
wait_for 30 "a second file after reload" has_files 2
echo "reloaded"

old=$(main_pid mth5d)
kill -9 "$old"
again() { [[ $(main_pid mth5d) != "$old" && $(main_pid mth5d) != 0 ]] && systemctl is-active --quiet mth5d; }
wait_for 30 "the restart after a crash" again
journalctl --no-pager -u mth5d | grep -q 'recovered file=' || fail "the file of the crash was not recovered"
# A pty keeps the lock of the process that was killed for as long as its other end is open, which no serial port does.
switch_off
switch_on
wait_for 30 "receiving after the crash" says mth5d '^recording lemi=receiving'
echo "came back after kill -9, with what was recorded"

systemctl stop mth5d
[[ $(systemctl show -p Result --value mth5d) == success ]] || fail "stop: $(systemctl show -p Result --value mth5d)"
mth5-summary /var/lib/mth5d >/run/summary || [[ $? == 5 || $? == 6 ]] || fail "mth5-summary"
grep -q 'MTH5D' /run/summary || fail "the summary has no station"
switch_off
echo "stopped"

# What hangs is started again; what a new process would not cure is not. By systemd's own watchdog, with less patience than in the field.
journal_of() { journalctl --no-pager -o cat --since "@$watched_since" -u mth5d; }
journal_says() { journal_of | grep -q "$1"; }
mkdir -p /run/systemd/system/mth5d.service.d
printf '[Service]\nWatchdogSec=4\nEnvironment=LD_PRELOAD=/hang.so\n' >/run/systemd/system/mth5d.service.d/watchdog.conf
systemctl daemon-reload
watched_since=$(date +%s)
systemctl start mth5d
switch_on
wait_for 30 "receiving under the watchdog" says mth5d '^recording lemi=receiving'
old=$(main_pid mth5d)
# The disk does not answer: a process that the kernel holds cannot be ended, and what waits in its ring would be lost.
fsfreeze --freeze /var/lib/mth5d
if ! { wait_for 30 "the warning of a slow disk" journal_says 'slow disk' && sleep 12; }; then fsfreeze --unfreeze /var/lib/mth5d; fail "frozen"; fi
fsfreeze --unfreeze /var/lib/mth5d
[[ $(main_pid mth5d) == "$old" ]] || fail "a disk that did not answer for three times the watchdog had mth5d started again"
settled() { mth5d --status | grep -Eq 'buffered [0-9]{1,2} '; }
wait_for 30 "what waited for the disk in the file" settled
[[ -z $(journal_of | grep -i 'ring-full\|watchdog') ]] || fail "what came while the disk did not answer: $(journal_of)"
echo "waited for a disk that did not answer"
# The instrument is silent for three times the watchdog.
switch_off
sleep 12
[[ $(main_pid mth5d) == "$old" ]] || fail "a silent instrument had mth5d started again"
switch_on
wait_for 30 "receiving after silence" says mth5d '^recording lemi=receiving'
echo "left alone while the instrument was silent"
# A thread that hangs.
touch /run/hang
wait_for 60 "the message of the thread that hangs" journal_says 'the thread mth5-writer has not come round for'
rm /run/hang
wait_for 60 "the restart after a thread hung" again
switch_off
switch_on
wait_for 30 "receiving after a thread hung" says mth5d '^recording lemi=receiving'
journal_says 'recovered file=' || fail "the file of the thread that hung was not recovered"
echo "started again when a thread hung"
# A process that was stopped.
old=$(main_pid mth5d)
kill -STOP "$old"
wait_for 60 "the restart of a stopped process" again
switch_off
switch_on
wait_for 30 "receiving after it was stopped" says mth5d '^recording lemi=receiving'
echo "started again when it was stopped"
# A recovery that takes longer than a start may: it is not ended while it comes further.
printf '[Service]\nTimeoutStartSec=3\n' >/run/systemd/system/mth5d.service.d/slow.conf
systemctl daemon-reload
old=$(main_pid mth5d)
touch /run/slow
kill -9 "$old"
wait_for 120 "the recovery on a slow disk" again
rm /run/slow
began=$(systemctl show -p ExecMainStartTimestampMonotonic --value mth5d)
ready=$(systemctl show -p ActiveEnterTimestampMonotonic --value mth5d)
((ready - began > 4000000)) || fail "a recovery that was to take longer than TimeoutStartSec took $(((ready - began) / 1000)) ms"
[[ -z $(journal_of | grep -i 'timed out') ]] || fail "a recovery that came further was ended: $(journal_of)"
switch_off
switch_on
wait_for 30 "receiving after a slow recovery" says mth5d '^recording lemi=receiving'
echo "recovered on a slow disk, in $(((ready - began) / 1000)) ms"
systemctl stop mth5d
switch_off
rm -r /run/systemd/system/mth5d.service.d
systemctl daemon-reload

# What is closed is archived by a unit of its own, and what its archive holds is removed when it is old enough.
systemctl is-active --quiet mth5-finalize@mth5d.timer || fail "the timer of the archives was not started with the recorder"
sed -i 's/^output: {/output: {finalize: gzip-4, retention: 1h, /' /etc/mth5d/mth5d.yaml
mth5-sim lemi424 --to file:/run/old.TXT --start "$(date -u -d '3 days ago' +%FT%TZ)" --duration 1min --speed max
runuser -u mth5d -- mth5d --config /etc/mth5d/mth5d.yaml --until-eof --status-file /tmp/old.json --set sources.lemi.file.path=/run/old.TXT \
  --set sources.lemi.file.speed=max || fail "an old recording was not stored"
n=$(files)
systemctl start mth5-finalize@mth5d || fail "mth5-finalize@mth5d: $(journalctl --no-pager -u mth5-finalize@mth5d)"
[[ $(ls /var/lib/mth5d/archive/*.h5 | wc -l) == "$n" ]] || fail "$n files, archived: $(ls /var/lib/mth5d/archive)"
[[ $(files) == $((n - 1)) ]] || fail "retention of one old file: $(ls /var/lib/mth5d)"
mth5-summary --verify /var/lib/mth5d >/run/verify || fail "$(cat /run/verify)"
journalctl --no-pager -u mth5-finalize@mth5d | grep -q 'removed, as its newest sample is older than 1h' || fail "the journal does not tell what was removed"
echo "archived $n files, and removed one of them"

# The report of the office: a page and an index, a cache, a mail as yesterday there was nothing, and figures for Prometheus.
cat >/usr/sbin/sendmail <<'M'
#!/bin/sh
cat >"$STATE_DIRECTORY/mail"
M
chmod 755 /usr/sbin/sendmail
printf 'OPTIONS=--mail office@example.org\n' >/etc/mth5d/summary.env
mkdir -p /etc/systemd/system/mth5-summary.service.d /var/lib/prometheus/node-exporter
cp /usr/share/doc/mth5-daq/examples/mth5-summary-prometheus.conf /etc/systemd/system/mth5-summary.service.d/prometheus.conf
chown mth5d /var/lib/prometheus/node-exporter
systemctl daemon-reload
systemctl start mth5-summary || fail "mth5-summary.service: $(journalctl --no-pager -u mth5-summary)"
[[ $(systemctl show -p Result --value mth5-summary) == success ]] || fail "mth5-summary.service: $(systemctl show -p Result --value mth5-summary)"
for made in /var/lib/mth5-summary/{index.html,"$(date -u -d yesterday +%F)".html,mail} /var/lib/prometheus/node-exporter/mth5.prom /var/cache/mth5-summary/*; do
  [[ -s $made ]] || fail "the report left no $made: $(ls -R /var/lib/mth5-summary /var/cache/mth5-summary /var/lib/prometheus)"
done
python3 - /var/lib/mth5-summary/mail <<'M' || fail "the mail: $(cat /var/lib/mth5-summary/mail)"
import email, email.policy, sys
mail = email.message_from_file(open(sys.argv[1]), policy=email.policy.default)
assert mail["to"] == "office@example.org" and "MTH5D: no samples" in mail["subject"], mail["subject"]
assert mail.get_body(("plain",)).get_content().startswith("CRITICAL MTH5D: no samples in the time of this report")
M
grep -q '^mth5_report_success 1' /var/lib/prometheus/node-exporter/mth5.prom || fail "$(cat /var/lib/prometheus/node-exporter/mth5.prom)"
systemctl start mth5-summary.timer
systemctl list-timers --no-pager mth5-summary.timer | grep -q mth5-summary.service || fail "the timer of the report: $(systemctl list-timers --no-pager)"
systemctl stop mth5-summary.timer
echo "reported"

# How well the clock of the machine is known, by a chronyd that was left to itself: chronyc runs, and is answered, within what the unit allows.
printf 'local stratum 1\nbindcmdaddress 127.0.0.1\npidfile /run/chronyd.pid\n' >/run/chrony.test
chronyd -x -f /run/chrony.test
cp /etc/mth5d/mth5d.yaml /run/mth5d.yaml.before
echo '  - {name: ntp, chrony: {every: 1s}}' >>/etc/mth5d/mth5d.yaml
systemctl start mth5d
chrony_told() { grep -q "not known .*ntp: chrony: follows nobody but this computer's own clock" <<<"$(mth5d --status || true)"; } # its source is silent
wait_for 30 "what chronyd says" chrony_told
systemctl stop mth5d
kill "$(cat /run/chronyd.pid)"
cp /run/mth5d.yaml.before /etc/mth5d/mth5d.yaml
echo "asked chronyd for the clock"

# Several on one machine.
systemctl start mth5d@east mth5d@west
for name in east west; do wait_for 10 "mth5d@$name" says "mth5d@$name" 'lemi=waiting'; done
[[ -e /run/mth5d/TEST-EAST.json && -e /run/mth5d/TEST-WEST.json ]] || fail "status files: $(ls /run/mth5d)"
systemctl stop mth5d@west
[[ -e /run/mth5d/TEST-EAST.json ]] || fail "stopping one took the status file of the other"
json=$(mth5d --status --json || true) # exit 1: its source does not deliver
[[ $(grep -c '"running":true' <<<"$json") == 1 ]] || fail "--status of both: $json"
systemctl stop mth5d@east
echo "several on one machine"

# An upgrade leaves the recording alone; the next start has the new program.
systemctl start mth5d
switch_on
wait_for 30 "receiving before the upgrade" says mth5d '^recording lemi=receiving'
old=$(main_pid mth5d)
dpkg -i /packages/next.deb >/run/upgrade.log 2>&1 || fail "upgrade: $(cat /run/upgrade.log)"
grep -q "recording goes on with the program of before" /run/upgrade.log || fail "the upgrade does not say that the program of before goes on: $(cat /run/upgrade.log)"
[[ $(main_pid mth5d) == "$old" ]] && says mth5d '^recording lemi=receiving' || fail "the upgrade disturbed the recording"
systemctl restart mth5d
switch_off
switch_on
wait_for 30 "receiving with the new program" says mth5d '^recording lemi=receiving'
echo "upgraded while it records"

# What a user of the package does, by the tests of the package themselves.
/tests/record >/run/record.log 2>&1 || fail "debian/tests/record: $(cat /run/record.log)"
echo "the tests of the package"

# Removed while it records: the recorders are stopped in order while they have their units, and come back with the package.
wait_for 30 "receiving before the removal" says mth5d '^recording lemi=receiving'
systemctl enable --quiet mth5d@east # whose station has no instrument
systemctl start mth5d@east
wait_for 10 "mth5d@east" says mth5d@east 'lemi=waiting'
removed_since=$(date +%s)
dpkg -r mth5-daq >/run/remove.log 2>&1 || fail "removal: $(cat /run/remove.log)"
for unit in mth5d.service mth5d@east.service mth5-finalize@mth5d.timer mth5-finalize@east.timer; do
  if systemctl is-active --quiet "$unit"; then fail "the removal left $unit running"; fi
done
if alive=$(grep -lx mth5d /proc/[0-9]*/comm 2>/dev/null); then fail "the removal left a recorder: $alive"; fi
journalctl --no-pager -o cat --since "@$removed_since" -u mth5d | grep -q 'file closed' || fail "the removal closed no file: $(journalctl --no-pager --since "@$removed_since")"
if journalctl --no-pager -o cat --since "@$removed_since" | grep -i 'watchdog\|to trigger vanished'; then fail "what ran outlived its unit"; fi
python3 - /var/lib/mth5d/*.h5 <<'P' || fail "the removal left a file that is not closed"
import sys
import h5py

for name in sys.argv[1:]:
    h5py.File(name, "r").close()  # refuses a file whose writer did not close it
P
[[ -L /etc/systemd/system/multi-user.target.wants/mth5d@east.service ]] || fail "a removal is no purge, and took what was enabled"
dpkg -i /packages/next.deb >/run/again.log 2>&1 || fail "installed again: $(cat /run/again.log)"
[[ $(systemctl show -p NeedDaemonReload --value mth5d) == no ]] || fail "the package does not reload the units"
switch_off
systemctl start mth5d
switch_on
wait_for 30 "receiving after the package came back" says mth5d '^recording lemi=receiving'
echo "removed while it records: the file is closed"

# Removed for good: programs, configuration and units go; what was recorded stays, and that is said.
kept=(/var/lib/mth5d/*.h5) # the recorder may begin one more meanwhile
[[ -e ${kept[0]} ]] || fail "there is no recording to purge"
dpkg --purge mth5-daq >/run/purge.log 2>&1 || fail "purge: $(cat /run/purge.log)"
grep -q "stays in /var/lib/mth5d" /run/purge.log || fail "purge does not say where the recordings are: $(cat /run/purge.log)"
for file in "${kept[@]}"; do [[ -e $file ]] || fail "purge took $file along"; done
left=$(find /etc/systemd/system -name 'mth5*' -lname '*mth5*')
[[ -z $left ]] || fail "purge left enabled what is gone: $left"
[[ ! -e /usr/bin/mth5d && ! -e /lib/systemd/system/mth5d.service ]] || fail "purge left programs or units"
echo "purged, without the recordings"
echo "probe: good"
