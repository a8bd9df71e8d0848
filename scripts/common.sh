# Sourced by the other scripts: where we are, how to say things, how to run as root.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf '%s: error: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}
trap 'printf "%s: error: line %s failed: %s\n" "$(basename "$0")" "$LINENO" "$BASH_COMMAND" >&2' ERR

# build PRESET [TARGET...]
build() {
  local preset=$1
  shift
  say "building ($preset)"
  cmake --preset "$preset" >"build/$preset.configure.log" 2>&1 || {
    cat "build/$preset.configure.log" >&2
    fail "cmake --preset $preset failed"
  }
  cmake --build --preset "$preset" ${1:+--target "$@"} | tail -n 3
}
