#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mth5/error.hpp"
#include "mth5/file.hpp"
#include "mth5/probe.hpp"

/// Making files fit for writing again. Thread: as File.
namespace mth5 {

/// For whoever is going to change a file. @throws BusyError if somebody writes it: which process, where /proc tells
void require_no_writer(const std::filesystem::path& path);

/// Whether anything of a file was ever committed: of one whose writer died while it was made nothing can be read. True of files
/// without a journal. @throws FileError
[[nodiscard]] bool was_committed(const std::filesystem::path& path);

/// Brings a file whose writer died to its last commit, puts summaries and times in line with it, and closes it. What is changed
/// is kept in `before` first, a new file; it is in its place, and durable, before the first change. Where nothing has to be
/// changed none is left. A file that somebody holds a reader's lock on is recovered too, if /proc tells that nobody writes it.
/// If it fails the file is put back as it was and `before` removed, and what() says so; where that fails as well, what() says
/// what stands in `before`. HDF5 trusts what it reads: files that may be damaged are recovered in a child process.
/// @throws FileError, FormatError (damaged beyond the journal), BusyError (somebody writes it), StateError
Recovery recover(const std::filesystem::path& path, const std::filesystem::path& before, bool allow_network = false);

/// For who started a recover() in a process that died in it. Puts the file back as it was and removes `before`; needs no HDF5.
/// @returns false if that recovery was finished, or there is no `before`: then nothing is done. @throws as undo_changes()
bool take_back(const std::filesystem::path& path, const std::filesystem::path& before);

/// Puts back what recover() changed of a file, if it is the file that `before` was saved of, and in the state that this recovery
/// led to: nothing was written to it since. Else nothing is changed.
/// @returns bytes behind the last commit that were too many to be kept (over 256 MiB on disk), and are not put back
/// @throws BusyError (somebody writes it), StateError (another file, or changed since, or that recovery broke off), FormatError
///         (`before` is no such file, or damaged), FileError
std::uint64_t undo_changes(const std::filesystem::path& path, const std::filesystem::path& before);

/// By how many bytes a recovery may make a file longer, at most: for who limits that.
inline constexpr std::uint64_t kMostGrowth = (std::uint64_t{16} << 30) + (std::uint64_t{1} << 30);

/// Two runs of a recording that are one in its copy.
struct Bridge {
  std::string station;
  std::string run;           ///< of the copy
  std::string joined;        ///< the run of the recording that follows
  std::int64_t first = 0;    ///< index in the run of the copy, of the first sample that nobody recorded
  std::int64_t samples = 0;  ///< how many of them; 0: the runs followed each other without a gap
  /// false: a sample beside the gap is not known, of one channel or more, and these channels have their fill value in it
  bool interpolated = true;
  double offset_s = 0;  ///< by how much the samples behind it were taken later than their place in the run says
};

struct CopyReport {
  std::int64_t groups = 0, datasets = 0, attributes = 0;
  std::int64_t references = 0;          ///< object references, rewritten to the objects of the copy
  std::int64_t dangling = 0;            ///< of these, references that led nowhere in the source: null in the copy
  std::int64_t samples = 0;             ///< of all channels; each was read from the closed copy and compared
  std::vector<std::string> notes = {};  ///< what differs from the source, a line each
  std::vector<Bridge> bridges = {};     ///< of copy_for_archive(), in the order of their runs
};

/// Copies an MTH5 file (of any HDF5 version) to a new one whose runs can be appended to under SWMR: HDF5 1.10 format, channels
/// chunked, unlimited and uncompressed, channel_summary with rows that can be overwritten in place. Everything else is as in the
/// source: attributes, links, other datasets with their filters. Bounded memory for channels; other datasets are read whole.
/// @param progress  called now and then with the bytes of channels, copied and then compared, done and in all
/// @param visiting  called with the path of each object before HDF5 touches it
/// @throws FileError (target exists, source missing, disk full), BusyError (somebody writes the source), FormatError (not MTH5,
///         damaged, region references), UnsupportedError (needs a newer HDF5, or a filter that is not installed)
CopyReport copy_for_swmr(const std::filesystem::path& from, const std::filesystem::path& to,
                         const std::function<void(std::int64_t, std::int64_t)>& progress = {},
                         const std::function<void(const std::string&)>& visiting = {});

/// Copies a closed MTH5 file to a new one for keeping: channels in chunks of 10,000 to 65,536 samples, shuffled and compressed
/// with gzip, else all as copy_for_swmr(), with the uuid of the source. The copy is read-only, and has its name only when it is
/// durable. The source is not changed; nothing is appended to the copy.
/// @param gzip    1 to 9
/// @param bridge  runs that follow one another after a gap of at most this are joined: one run, whose samples in the gap lie on a
///                straight line between those beside it. The copy lists them (/Acquisition/bridges), and the gaps as filled.
///                nullopt: all runs stay as they are
/// @throws StateError (gzip out of range; with `bridge`, no recording of mth5d), and as copy_for_swmr()
CopyReport copy_for_archive(const std::filesystem::path& from, const std::filesystem::path& to, int gzip,
                            const std::function<void(std::int64_t, std::int64_t)>& progress = {},
                            const std::function<void(const std::string&)>& visiting = {},
                            std::optional<std::chrono::nanoseconds> bridge = {});

/// The name of a copy to `to` that the process `pid` has not finished; a process that dies leaves it.
[[nodiscard]] std::filesystem::path unfinished_copy(const std::filesystem::path& to, std::int64_t pid);

}  // namespace mth5
