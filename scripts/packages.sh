# Sourced by others: the libraries that everything is built with, by Debian's names; also those of another processor. And where this machine has
# Debian's packages from, for a file system of its own.
# shellcheck disable=SC2034
library_packages=(libhdf5-dev libxxhash-dev libssl-dev libkissfft-dev libncurses-dev libboost-dev libboost-program-options-dev libspdlog-dev libfmt-dev libyaml-cpp-dev libmseed-dev
  nlohmann-json3-dev libsystemd-dev libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev) # CMake configures tests and benchmarks with all else

# debian_sources: files of apt that name Debian, into the array sources
debian_sources() {
  local list
  sources=()
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    if [[ -s $list ]] && grep -q debian "$list"; then sources+=("$list"); fi
  done
}
