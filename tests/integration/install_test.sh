#!/usr/bin/env bash
# What `cmake --install` puts where, and that the installed daemon finds its instrument profiles.  install_test.sh SOURCE BUILD
set -euo pipefail
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$2" --prefix "$prefix" >/dev/null
for file in bin/mth5d bin/mth5-sim bin/mth5-monitor bin/mth5-summary bin/mth5-recover share/man/man1/mth5-recover.1 share/man/man8/mth5d.8 share/man/man1/mth5-monitor.1 \
  share/man/man1/mth5-summary.1 share/man/man1/mth5-sim.1 share/mth5-daq/instruments/lemi424.yaml lib/systemd/system/mth5d.service \
  include/mth5/file.hpp include/mth5/reader.hpp; do
  [[ -f $prefix/$file ]] || { echo "install: $file is missing"; exit 1; }
done
listed=$(cd / && "$prefix/bin/mth5d" --list-instruments)
grep -q "^lemi424 .*($prefix/bin/../share/mth5-daq/instruments/lemi424.yaml)\|^lemi424 .*($prefix/share/mth5-daq/instruments/lemi424.yaml)" <<<"$listed" ||
  { echo "install: the installed mth5d lists: $listed"; exit 1; }
# A program outside of CMake: what pkg-config says is enough to compile, link and run it.
pc=$(find "$prefix" -name mth5.pc)
[[ -n $pc ]] || { echo "install: mth5.pc is missing"; exit 1; }
cat >"$prefix/probe.cpp" <<'EOF'
#include <cstdio>
#include "mth5/reader.hpp"
int main(int, char** arguments) { return std::printf("%zu\n", mth5::Reader{arguments[1]}.runs().size()) > 0 ? 0 : 1; }
EOF
flags=$(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --cflags --libs mth5)
sanitizers=$(sed -n 's/^MTH5_SANITIZE:STRING=\(..*\)/-fsanitize=\1/p' "$2/CMakeCache.txt")
# shellcheck disable=SC2086
"${CXX:-c++}" -std=c++20 $sanitizers "$prefix/probe.cpp" -o "$prefix/probe" $flags
runs=$("$prefix/probe" "$1/tests/data/mth5/python_v020.h5")
[[ $runs == 2 ]] || { echo "install: the program built by pkg-config counts '$runs' runs, not 2"; exit 1; }
echo "install: good"
