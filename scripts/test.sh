#!/usr/bin/env bash
# Sets everything up and runs all tests: with ASan and UBSan (preset dev), and those of threads again with TSan.
#   scripts/test.sh [--quick]      --quick: preset dev only
#   scripts/test.sh --system       instead: what is installed, the examples, Debian packages and the service under a real systemd in a container, and arm64; needs root
# A test that the machine cannot run is skipped only if tests/may_skip.txt says that it may be.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
quick=no system=no tsan=
parallel=$(($(nproc) * 2)) # tests wait more than they work
long_days='^integration/Aurora.FindsTheImpedanceOfAHalfSpace' # a quicker one says nearly the same
for option in "$@"; do
  case $option in
    --quick) quick=yes ;;
    --system) system=yes ;;
    *) fail "unknown option $option (--quick, --system)" ;;
  esac
done

# run_tests PRESET CTEST-OPTION...
run_tests() {
  # The same cases of the property tests in every run: one that fails tells of a change. Others: RC_PARAMS='seed=7 max_success=1000'.
  export RC_PARAMS=${RC_PARAMS:-seed=1}
  local log=build/${stage:-$1}.tests.log code=0
  ctest --preset "$@" 2>&1 | tee "$log" || code=$?
  scripts/skipped.sh "$log" || fail "tests were skipped that must not be: see above"
  ((code == 0)) || fail "tests failed (preset $1)"
}

# with_tsan PRESET CTEST-OPTION...: tests of that preset with the programs of tsan, those that are built there
with_tsan() {
  MTH5_TEST_BIN=$root/build/tsan/bin stage=$1-with-tsan run_tests "$@" -j "$parallel"
}

# Importing mth5 and aurora takes longer than most of what tests do with them: a server has them, for all scripts of tests/integration.
start_python() {
  python_folder=$(mktemp -d)
  exec {python_output}< <(exec build/venv/bin/python tests/support/python_server.py "$python_folder/socket")
  python_pid=$!
  trap 'kill "$python_pid"; rm -r "$python_folder"; [[ -z $tsan ]] || kill -- "-$tsan" 2>/dev/null || true' EXIT
  export MTH5_TEST_PYTHON_SERVER=$python_folder/socket
}

# Only what has threads of ours gains from TSan anything but time: these of the unit tests, and two programs, which the tests of dev run once
# more, with the other programs as they are.
threads=(unit_ring unit_recorder unit_stream_source)
# build_tsan: beside the tests of dev, which wait now and then, with what they leave of the processor; in a session of its own, which can be ended
build_tsan() {
  exec setsid nice -n 19 bash -c 'source scripts/common.sh && CMAKE_BUILD_PARALLEL_LEVEL=1 build tsan "$@"' bash mth5d mth5-sim "${threads[@]/%/_test}" >build/tsan.log 2>&1
}

# A pattern of the tests that drive programs with threads: of their suites, which may have an instantiation's name in front. Not of what
# these do before they have threads (what is found at a start, and on which disk), nor of what runs no program.
suites_with_threads() {
  local file suites
  suites=$(for file in tests/integration/{daemon,sim,service}_test.cpp tests/fault/*_test.cpp; do
    [[ $file =~ /(nth_call|kill|hostile_folder|recovery_order|damaged_input|environment|resume|real_disk|one_writer)_test ]] || sed -n 's/^TEST\(_[FP]\)\?(\([A-Za-z0-9]*\),.*/\2/p' "$file"
  done | sort -u | paste -sd '|')
  printf '^(integration|fault)/([A-Za-z0-9]+/)?(%s)[./]' "$suites"
}

if [[ $system == yes ]]; then
  [[ $EUID -eq 0 ]] || fail "--system boots a container: run it as root"
  scripts/setup.sh --system --package
  build release programs unit_sandbox_test integration_golden_test integration_aurora_test integration_reports_test
  say "limits of memory, which sanitizers do not let hold"
  run_tests release -R '^unit/Sandbox'
  say "golden reports, of a month and of a day at 256 Hz too"
  build/release/tests/integration_golden_test --gtest_also_run_disabled_tests
  say "days that take aurora minutes"
  run_tests release -R "$long_days"
  say "what is installed"
  bash tests/integration/install_test.sh "$root" "$root/build/release"
  say "reports that are measured and drawn in threads, under TSan" # without what hardly does more than Python
  build tsan mth5-summary
  with_tsan release -R '^integration/Reports.(ComeInSeveralFormats|DrawCurves|LeaveAside)'
  say "the examples of the library"
  bash tests/system/examples.sh "$root" "$root/build/release"
  say "Debian packages, the same to the byte when built again"
  scripts/package.sh --again
  say "the packages and the service, under a real systemd"
  tests/system/systemd.sh build/packages
  say "the tests of the packages, by autopkgtest"
  tests/system/autopkgtest.sh build/packages
  say "the full screen of mth5-monitor, in tmux"
  tests/system/screen.sh build/release
  say "the page of mth5-summary, in a browser"
  tests/system/page.sh build/release
  say "the reports, by other parsers"
  tests/system/parsers.sh build/release
  say "files that grow behind Apache's WebDAV"
  build/venv/bin/python tests/system/webdav.py build/release
  say "the demonstration, README's first command"
  scripts/demo.sh
  say "arm64, cross-built and run by qemu"
  tests/system/arm64.sh build/release
  say "Debian packages for arm64"
  scripts/package.sh --arm64
  say "all tests of the system passed"
  exit
fi

scripts/setup.sh --test
start_python
build dev
read -r -u "$python_output" || fail "tests/support/python_server.py has ended: see above"
if [[ $quick == no ]]; then
  build_tsan &
  tsan=$!
fi
say "tests (dev: ASan, UBSan)"
run_tests dev -j "$parallel" -E "$long_days"
if [[ $quick == no ]]; then
  wait "$tsan" || { cat build/tsan.log >&2 && fail "the build with TSan failed"; }
  cat build/tsan.log
  say "tests (tsan): rings, recorder, sources"
  run_tests tsan -j "$parallel" -L unit -LE script # those are of the sources, and of programs that are not built here
  say "tests (dev, with programs under TSan): everything that runs threads"
  with_tsan dev -R "$(suites_with_threads)" -E 'EqualsPython|ReadersStreamOn|StopAmongGaps|RecordsAnArray|Log.TellsOfGaps|Log.OfACalmDay'
fi
say "all tests passed"
