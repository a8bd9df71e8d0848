#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>

/// HDF5 trusts what it reads: a damaged file can crash it, or make it loop or take all memory. So a file that nobody writes is
/// first gone through in a child process. Thread: main, while no other thread runs (it forks) and no file is open in HDF5.
namespace analysis {

struct SandboxLimits {
  std::chrono::milliseconds cpu_per_object{10'000};
  std::size_t memory_bytes = std::size_t{2} << 30;  ///< address space of the child; not held in builds with a sanitizer
};

/// Walks the structure, the attributes, the tables and the chunk indexes of a file and reads the ends of each channel: all that
/// the tools do with a file but for the samples between. Nothing is done for a file that a libmth5 writer holds.
/// @throws FormatError "FILE: damaged, at OBJECT: …" if the file is damaged or the child died of it, FileError if it cannot be
/// opened
void check_in_sandbox(const std::filesystem::path& path, const SandboxLimits& limits = {});

}  // namespace analysis
