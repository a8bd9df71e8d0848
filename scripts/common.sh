# Sourced by the other scripts: where we are, how to say things, how to build.
set -Eeuo pipefail # -E: the trap below holds in functions too
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '\n== %s\n' "$*"; }
fail() {
  trap - ERR
  printf '%s: error: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}
trap 'printf "%s: error: line %s failed: %s\n" "$(basename "$0")" "$LINENO" "$BASH_COMMAND" >&2' ERR

# logged LOG COMMAND...: all output goes to LOG; of a failure the end of it is shown.
logged() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 && return
  tail -n 40 "$log" >&2
  fail "'$*' failed; all it said is in $log"
}

# build PRESET [TARGET...]; with MTH5_UNITY=ON in the environment several files at a time, as CI does
build() {
  local preset=$1
  shift
  say "building ${*:-everything} (preset $preset, into build/$preset)"
  logged "build/$preset.configure.log" cmake --preset "$preset" ${MTH5_UNITY:+-DMTH5_UNITY="$MTH5_UNITY"}
  local command=(cmake --build --preset "$preset" ${1:+--target "$@"})
  if [[ -t 1 ]]; then
    "${command[@]}" || fail "'${command[*]}' failed: see above" # ninja keeps to one line there
  else
    logged "build/$preset.build.log" "${command[@]}"
    tail -n 1 "build/$preset.build.log"
  fi
}
