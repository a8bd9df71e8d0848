#!/usr/bin/env bash
# Every public header compiles alone, in any order, without HDF5 on the include path.  headers_test.sh SOURCE BUILD
set -u
failed=0
for header in "$1"/libmth5/include/mth5/*.hpp; do
  name=mth5/$(basename "$header")
  printf '#include "%s"\n#include "%s"\nint main() {}\n' "$name" "$name" |
    "${CXX:-g++}" -std=c++20 -fsyntax-only -Wall -Wextra -Werror -I "$1/libmth5/include" -x c++ - || {
    echo "headers: $name does not compile alone"
    failed=1
  }
done
[ $failed -eq 0 ] && echo "headers: good"
exit $failed
