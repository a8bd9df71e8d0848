#pragma once

#include <filesystem>

#include "sandbox/sandbox.hpp"

/// Thread: main; see run().
namespace sandbox {

enum class Extent {
  All,      ///< every object
  Samples,  ///< what a report of all samples touches: the index and all channels, without the attributes of runs and channels
  Shown     ///< what a look at a file touches: its index, and the runs that can still grow. 3,000 runs take no longer than three
};

/// Walks the structure, the attributes, the tables and the chunk indexes of a file and reads the ends of each channel: all that
/// the tools do with a file but for the samples between. In the child of a run(). @throws mth5::Error
void walk(const std::filesystem::path& path, Reports& reports, Extent extent = Extent::All);

/// The same for a tool that is going to open the file itself, in a child. Also for a file that is being written, as the byte of
/// a writer's lock says nothing of what is in it; what a writer's commit makes unreadable for a moment is no damage there.
/// @throws FormatError "FILE: damaged, at OBJECT: …" if the file is damaged or the child died of it, FileError if it cannot be
/// opened
void check(const std::filesystem::path& path, const Limits& limits = {}, const Watch& watch = {}, Extent extent = Extent::All);

}  // namespace sandbox
