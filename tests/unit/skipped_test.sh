#!/usr/bin/env bash
# scripts/skipped.sh: what may be skipped, and what not.  skipped_test.sh SOURCE BUILD
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() {
  echo "skipped: $*"
  exit 1
}
printf '# comment\nfault/Disk.Full  CAP_SYS_ADMIN  mounts a disk\nfault/Disk.Odd  CAP_ODD  is odd\n' >"$dir/list"
# judge LOG-LINE...: its exit code in $code, what it says in $said; without CAP_SYS_ADMIN.
drop=()
[[ $EUID -ne 0 ]] || drop=(setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin)
judge() {
  printf '%s\n' "$@" >"$dir/log"
  code=0
  said=$("${drop[@]}" bash "$source/scripts/skipped.sh" "$dir/log" "$dir/list" 2>&1) || code=$?
}
source=$1
judge '100% tests passed, 0 tests failed out of 9'
[[ $code == 0 && -z $said ]] || fail "nothing was skipped: $said"
judge 'The following tests did not run:' '	 12 - fault/Disk.Full (Skipped)'
[[ $code == 0 && $said == *'1 TESTS WERE SKIPPED'*'fault/Disk.Full: needs CAP_SYS_ADMIN: mounts a disk'* ]] || fail "listed: $said"
judge '	 12 - fault/Disk.Full (Skipped)' '	 13 - fault/Disk.FullAgain (Skipped)'
[[ $code == 1 && $said == *'fault/Disk.FullAgain: must not be skipped: it is not in'* ]] || fail "not listed: $said"
judge '	 12 - fault/Disk.Odd (Skipped)'
[[ $code == 1 && $said == *'CAP_ODD'* ]] || fail "unknown capability: $said"
if ((($(sed -n 's/^CapEff:\s*/16#/p' /proc/self/status) >> 21) & 1)); then
  drop=()
  judge '	 12 - fault/Disk.Full (Skipped)'
  [[ $code == 1 && $said == *'CAP_SYS_ADMIN is there'* ]] || fail "the capability is there: $said"
fi
# The list names tests that exist.
while read -r test _; do
  name=${test#*/}
  grep -rqE "TEST(_[FP])?\(${name%%.*}, ${name#*.}\)" "$source/tests/${test%%/*}" || fail "tests/may_skip.txt: there is no test $test"
done < <(grep -v '^#' "$source/tests/may_skip.txt")
echo "skipped: good"
