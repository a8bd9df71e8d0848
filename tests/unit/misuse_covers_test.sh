#!/usr/bin/env bash
# Every public function that takes arguments is called wrongly in tests/unit/misuse*_test.cpp.  misuse_covers_test.sh SOURCE BUILD
set -u
cd "$1" || exit 1
# A declaration begins a line of a header, outside of private parts, and has arguments.
names=$(awk '
  /^ *private:/ {hidden = 1}
  /^};/ {hidden = 0}
  !hidden && /^ *(\[\[nodiscard\]\] )?[A-Za-z_:][A-Za-z0-9_:<>,&* ]* \*?&?[a-z_0-9]+\([^)]/ && !/^ *(return|throw|if|for|while|const auto|else|using|static_assert)\>/ {
    sub(/\(.*/, ""); sub(/.*[ *&]/, ""); print
  }' libmth5/include/mth5/*.hpp | sort -u)
# Those that take but an enumeration, or compute a place in memory that the caller owns: there is no wrong call to refuse.
without="attributes channel is_filter mth5_type sample_bytes to_string units"
n=0 failed=0
for name in $names; do
  n=$((n + 1))
  case " $without " in *" $name "*) continue ;; esac
  grep -qE "(\.|->|::|> *)$name(<[a-z0-9_:]+>)?\(" tests/unit/misuse*_test.cpp && continue
  echo "misuse: $name() of libmth5/include is called wrongly nowhere"
  failed=1
done
[ "$n" -ge 60 ] || { echo "misuse: only $n functions were found: the pattern fits no more"; failed=1; }
[ $failed -eq 0 ] && echo "misuse: good, $n functions"
exit $failed
