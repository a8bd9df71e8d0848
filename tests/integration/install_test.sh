#!/usr/bin/env bash
# What `cmake --install` puts where, and that the installed daemon finds its instrument profiles.  install_test.sh SOURCE BUILD
set -euo pipefail
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$2" --prefix "$prefix" >/dev/null
for file in bin/mth5d bin/mth5-sim bin/mth5-monitor bin/mth5-summary bin/mth5-recover share/man/man1/mth5-recover.1 share/man/man8/mth5d.8 share/man/man1/mth5-monitor.1 \
  share/man/man1/mth5-summary.1 share/man/man1/mth5-sim.1 share/mth5-daq/instruments/lemi424.yaml share/mth5-daq/schema/mth5-summary.schema.json lib/systemd/system/mth5d.service \
  lib/systemd/system/mth5d@.service lib/systemd/system/mth5-finalize@.service lib/systemd/system/mth5-finalize@.timer lib/systemd/system/mth5-summary.service lib/systemd/system/mth5-summary.timer \
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
fail() { echo "install: $*"; exit 1; }
# The unit starts the program where it is, for each prefix; pages have version and date; nothing knows where it was built.
service=$prefix/lib/systemd/system/mth5d.service several=$prefix/lib/systemd/system/mth5d@.service
grep -qx "ExecStart=$prefix/bin/mth5d --config /etc/mth5d/mth5d.yaml" "$service" || fail "mth5d.service: $(grep ExecStart= "$service")"
grep -qx "ExecStart=$prefix/bin/mth5d --config /etc/mth5d/%i.yaml" "$several" || fail "mth5d@.service: $(grep ExecStart= "$several")"
grep -qx "Wants=mth5-finalize@mth5d.timer" "$service" && grep -qx "Wants=mth5-finalize@%i.timer" "$several" || fail "mth5d.service: no timer for archives"
archive=$prefix/lib/systemd/system/mth5-finalize@.service
grep -qx "ExecStart=$prefix/bin/mth5d --config /etc/mth5d/%i.yaml --finalize" "$archive" || fail "mth5-finalize@.service: $(grep ExecStart= "$archive")"
report=$prefix/lib/systemd/system/mth5-summary.service
grep -q "^ExecStart=$prefix/bin/mth5-summary --check " "$report" || fail "mth5-summary.service: $(grep ExecStart= "$report")"
if grep -E '^(DynamicUser|NoNewPrivileges|SystemCallFilter|Restrict|Lock|MemoryDeny|ProtectKernel|ProtectClock|PrivateDevices)' "$report"; then
  fail "mth5-summary.service: a setgid sendmail would not work"
fi
for page in "$prefix"/share/man/man*/*; do
  grep -m 1 '^\.TH' "$page" | grep -qE '^\.TH [A-Z0-9.-]+ [158] "20[0-9]{2}-[0-9]{2}-[0-9]{2}" "mth5-daq [0-9.]+" ' || fail "$page: $(grep -m 1 TH "$page")"
done
# What a manual page sends its reader to is where it says, and mth5d.yaml(5) does send somewhere.
named=$(grep -rhoE '/usr/share/[^ ,;)]+' "$prefix/share/man" | sed 's/\\//g; s/[.]$//' | sort -u)
for page in atss commands datacast filters miniseed; do
  grep -qx "/usr/share/doc/mth5-daq/$page.md" <<<"$named" || fail "mth5d.yaml(5) does not say where $page.md is"
done
for path in $named; do [[ -e $prefix${path#/usr} ]] || fail "a manual page names $path, which is not installed"; done
if grep -rlE 'config/instruments|apps/[a-z]+/doc|The page [a-z0-9-]+\.md' "$prefix/share/man"; then fail "a manual page names what only the sources have"; fi
if grep -rl '@[A-Z0-9_]*@' "$service" "$several" "$archive" "$report" "$prefix/share"; then fail "something was not filled in"; fi
case $(sed -n 's/^MTH5_SANITIZE:STRING=//p' "$2/CMakeCache.txt")$(sed -n 's/^CMAKE_BUILD_TYPE:[A-Z]*=//p' "$2/CMakeCache.txt") in
  Rel*) if grep -rlaF "$1/" "$prefix"; then fail "what is installed holds the path of the sources"; fi ;;
esac

# What is not built is asked for before anything is copied.
half=$(mktemp -d)
trap 'rm -rf "$prefix" "$half"' EXIT
sed "s|$2/bin/mth5-recover|$2/bin/mth5-missing|" "$2/cmake_install.cmake" >"$half/cmake_install.cmake"
if cmake -DCMAKE_INSTALL_PREFIX="$half/prefix" -P "$half/cmake_install.cmake" >"$half/log" 2>&1; then fail "a program that is missing is no error"; fi
grep -q 'mth5-missing is not built, so nothing is installed; first: cmake --build .* --target programs' <(tr -s '\n ' ' ' <"$half/log") ||
  fail "$(cat "$half/log")"
[[ ! -e $half/prefix ]] || fail "half an installation is left"
echo "install: good"
