#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "sandbox/sandbox.hpp"

/// Thread: main; see run().
namespace sandbox {

enum class Extent {
  All,      ///< every object
  Samples,  ///< what a report of all samples touches: the index and all channels, without the attributes of runs and channels
  Shown     ///< what a look at a file touches: its index, and the runs that can still grow. 3,000 runs take no longer than three
};

/// Walks the structure, the attributes, the tables and the chunk indexes of a file and reads the ends of each channel: all that
/// the tools do with a file but for the samples between. In the child of a run().
/// @param damaged  told of each channel, run or table that cannot be read: the name of the table ("" = none is meant), and what
/// is wrong in one line. In a file that is being written it is so again in the file opened anew. Empty: the first such ends the
/// walk
/// @throws mth5::Error
void walk(const std::filesystem::path& path, Reports& reports, Extent extent = Extent::All,
          const std::function<void(const std::string& table, const std::string& message)>& damaged = {});

/// What of a file is damaged though all else can be read.
struct Damage {
  std::vector<std::string> lines;   ///< one of each object, with the file's name: "FILE: OBJECT: …: damaged"
  std::vector<std::string> tables;  ///< those of them that are tables under /Acquisition, for ReaderOptions::leave_out
};

/// The walk for a tool that is going to open the file itself, in a child. Also for a file that is being written, as the byte of
/// a writer's lock says nothing of what is in it; what a writer's commit makes unreadable for a moment is no damage there.
/// @throws FormatError "FILE: damaged, at OBJECT: …" if nothing can be read of it or the child died of it, FileError if it cannot
/// be opened, or was not looked at to its end in `limits.wall`
Damage check(const std::filesystem::path& path, const Limits& limits = {}, const Watch& watch = {}, Extent extent = Extent::All);

}  // namespace sandbox
