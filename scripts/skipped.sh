#!/usr/bin/env bash
# Which tests ctest skipped, and whether they may be: tests/may_skip.txt.
#   scripts/skipped.sh LOG [LIST]      LOG: what ctest printed
# Prints each with its reason. Exit 1 if one is not listed, or is listed for a capability that this process has.
set -euo pipefail
log=$1 list=${2:-$(dirname "$0")/../tests/may_skip.txt}
# The capabilities of linux/capability.h that the list may name.
declare -A bits=([CAP_SYS_ADMIN]=21)
effective=$((16#$(sed -n 's/^CapEff:\s*//p' /proc/self/status)))

mapfile -t skipped < <(sed -nE 's/^\s*[0-9]+ - (.*) \(Skipped\)\s*$/\1/p' "$log" | sort -u)
((${#skipped[@]})) || exit 0
printf '\n== %d TESTS WERE SKIPPED\n' ${#skipped[@]}
bad=0
for test in "${skipped[@]}"; do
  read -r _ capability reason < <(grep -F -- "$test " "$list" | awk -v test="$test" '$1 == test') || true
  if [[ -z ${capability:-} ]]; then
    echo "$test: must not be skipped: it is not in tests/may_skip.txt"
    bad=1
  elif [[ -z ${bits[$capability]:-} ]]; then
    echo "$test: needs $capability, which scripts/skipped.sh does not know"
    bad=1
  elif (((effective >> bits[$capability]) & 1)); then
    echo "$test: must not be skipped: $capability is there"
    bad=1
  else
    echo "$test: needs $capability: $reason"
  fi
  capability='' reason=''
done
exit $bad
