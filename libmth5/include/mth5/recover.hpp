#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "mth5/error.hpp"

/// Making files fit for writing again. Thread: as File.
namespace mth5 {

/// For whoever is going to change a file. @throws BusyError if somebody writes it: which process, where /proc tells
void require_no_writer(const std::filesystem::path& path);

/// Whether a file keeps a journal: what was synced survives a cut of power. Files of Python have none, and those made before
/// there was one.
/// @throws FileError
[[nodiscard]] bool has_journal(const std::filesystem::path& path);

/// Puts back what was changed of a file since File::open with OpenOptions::keep_before.
/// @throws BusyError (somebody writes it), FormatError (`before` is no such file), FileError
void undo_changes(const std::filesystem::path& path, const std::filesystem::path& before);

struct SwmrCopy {
  std::int64_t groups = 0, datasets = 0, attributes = 0;
  std::int64_t references = 0;          ///< object references, rewritten to the objects of the copy
  std::int64_t dangling = 0;            ///< of these, references that led nowhere in the source: null in the copy
  std::int64_t samples = 0;             ///< of all channels; each was read back and compared
  std::vector<std::string> notes = {};  ///< what differs from the source, a line each
};

/// Copies an MTH5 file (of any HDF5 version) to a new one whose runs can be appended to under SWMR: HDF5 1.10 format, channels
/// chunked, unlimited and uncompressed, channel_summary with rows that can be overwritten in place. Everything else is as in the
/// source: attributes, links, other datasets with their filters. Bounded memory for channels; other datasets are read whole.
/// @param progress  called now and then with the bytes of channels done and in all
/// @throws FileError (target exists, source missing, disk full), BusyError (somebody writes the source), FormatError (not MTH5,
///         damaged, region references)
SwmrCopy copy_for_swmr(const std::filesystem::path& from, const std::filesystem::path& to,
                       const std::function<void(std::int64_t, std::int64_t)>& progress = {});

}  // namespace mth5
