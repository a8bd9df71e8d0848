# Sourced by others: the libraries that everything is built with, by Debian's names; also those of another processor.
# shellcheck disable=SC2034
library_packages=(libhdf5-dev libxxhash-dev libssl-dev libkissfft-dev libncurses-dev libboost-dev libboost-program-options-dev libspdlog-dev libfmt-dev libyaml-cpp-dev
  nlohmann-json3-dev libsystemd-dev libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev) # CMake configures tests and benchmarks with all else
