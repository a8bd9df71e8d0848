#include <cstdio>
#include <exception>

#include "mth5/file.hpp"

/// crash_recover FILE: opens a dead writer's file, which recovers it, and closes it: what a power cut during recovery is recorded
/// from.
int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: crash_recover FILE\n");
    return 2;
  }
  try {
    mth5::File::open(argv[1], "r+").close();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "crash_recover: error: %s\n", e.what());
    return 1;
  }
  return 0;
}
