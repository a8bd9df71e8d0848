#!/usr/bin/env bash
# Arrows point down only (ARCHITECTURE.md, rooms): which folder may include what. Prints every line that breaks a rule.
set -u
cd "$1" || exit 1
broken=0
# rule WHY WHERE PATTERN: no line of the files below WHERE may match PATTERN
rule() {
  local why=$1 where=$2 pattern=$3 hits
  [ -n "$(find $where -name '*.[ch]pp' -print -quit)" ] || { echo "layers: $where holds no source: the rule '$why' checks nothing"; broken=1; return; }
  hits=$(grep -rnE --include='*.hpp' --include='*.cpp' "$pattern" $where)
  [ -z "$hits" ] && return
  echo "layers: $why:"
  echo "$hits"
  broken=1
}
inc='^ *# *include *[<"]'
rule 'hdf5.h only under libmth5/src' 'libmth5/include apps' "${inc}(hdf5|H5)"
rule 'libmth5 knows nothing of the programs' libmth5 "${inc}(acquisition|analysis|cli)/"
rule 'libmth5 has no Asio, YAML, spdlog, program_options' libmth5 "${inc}(boost/asio|yaml-cpp|spdlog|boost/program_options)"
rule 'file and read do not know each other' libmth5/src/file "${inc}(read/|mth5/(reader|channel)\.hpp)"
rule 'read and file do not know each other' libmth5/src/read "${inc}(file/|mth5/(file|recover)\.hpp)"
rule 'contents is below file and read' libmth5/src/contents "${inc}(file/|read/|mth5/(file|recover|reader|channel)\.hpp)"
rule 'vfd is below file and read' libmth5/src/vfd "${inc}(file|read|contents|meta)/"
rule 'h5 and meta are below file and read' 'libmth5/src/h5 libmth5/src/meta' "${inc}(file|read|contents)/"
rule 'acquisition and analysis do not know each other' apps/acquisition "${inc}(analysis|cli)/"
rule 'analysis and acquisition do not know each other' apps/analysis "${inc}(acquisition|cli|site)/"
rule 'the archive knows no program, and reads files only' apps/archive "${inc}(acquisition|cli|site|view|mth5-[a-z]+/|mth5/file\.)"
rule 'files of a site know no program' apps/site "${inc}(acquisition|view|mth5-[a-z]+/)"
rule 'views are drawn without a terminal, and know no program' apps/view "${inc}(acquisition|cli|mth5-[a-z]+/|n?curses|termios|unistd.h)"
rule 'the terminal is reached in one place' 'apps/acquisition apps/analysis apps/cli apps/mth5d apps/mth5-sim apps/mth5-summary apps/mth5-recover' "${inc}n?curses"
rule 'the sandbox knows none of its users, and writes no file' apps/sandbox "${inc}(acquisition|analysis|cli|mth5/file|mth5/recover)"
rule 'cli knows none of them' apps/cli "${inc}(acquisition|analysis|site|yaml-cpp)/"
rule 'decoders do no I/O and hold no clock' apps/acquisition/decode "${inc}(boost/asio|unistd.h|fcntl.h|fstream|yaml-cpp|spdlog|ctime)|_clock::now|host_now|steady_now"
rule 'the timeline does no I/O and holds no clock' apps/acquisition/timing "${inc}(boost/asio|unistd.h|fcntl.h|fstream|yaml-cpp|spdlog|ctime)|_clock::now|host_now|steady_now"
rule 'YAML only in config' 'apps/acquisition/source apps/acquisition/recorder apps/acquisition/ring apps/acquisition/status apps/mth5d' "${inc}yaml-cpp"
rule 'Asio only in sources and the daemon' 'apps/acquisition/recorder apps/acquisition/ring apps/acquisition/config apps/acquisition/status' "${inc}boost/asio"
rule 'what threads share is Guarded, or in the ring' 'apps/acquisition/recorder apps/acquisition/status apps/acquisition/stream apps/acquisition/intake apps/acquisition/source apps/acquisition/timing apps/acquisition/decode apps/acquisition/config' 'std::(mutex|lock_guard|unique_lock|scoped_lock)'
rule 'clocks are read in core/time.cpp only: host_now(), steady_now()' 'apps libmth5/include libmth5/src/contents libmth5/src/copy libmth5/src/file libmth5/src/read libmth5/src/vfd libmth5/src/h5 libmth5/src/meta' '_clock::now|(Steady|Clock)::now\(|clock_gettime|gettimeofday'
rule 'bytes of data files go through mth5::io()' 'apps/acquisition/recorder libmth5/include libmth5/src/contents libmth5/src/copy libmth5/src/file libmth5/src/read libmth5/src/vfd libmth5/src/h5 libmth5/src/meta' '(^|[^.>_a-zA-Z]|[^)]::)(p?read|p?write|ftruncate|fdatasync|fsync|(posix_)?fallocate)(64)?\((opened|fd|[a-z_]*fd_?[,.)])'
rule 'links are listed by h5::links_of(): where they change meanwhile, HDF5 may crash' 'apps libmth5/src/contents libmth5/src/copy libmth5/src/file libmth5/src/read libmth5/src/meta' 'H5(L(iterate|visit)|Giterate|Ovisit|[ALO][a-z_]*_by_idx)'
rule 'readers never write: no writer in the tools' 'apps/analysis apps/mth5-monitor apps/mth5-summary' "${inc}mth5/file\\."
rule 'file descriptors are owned by mth5::Descriptor' 'apps libmth5/src' '[^_.>a-zA-Z](::)?close\(([a-z_]*fd_?[,)]|std::exchange)'
rule 'nothing advises h5clear: it cuts files off' 'libmth5 apps' '"[^"]*h5clear -'
[ $broken -eq 0 ] && echo "layers: good"
exit $broken
