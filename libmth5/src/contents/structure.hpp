#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "h5/handle.hpp"
#include "mth5/contents.hpp"
#include "mth5/filter.hpp"
#include "mth5/types.hpp"

/// What is in an MTH5 file, found by walking its groups, or by its channel_summary (read/index.hpp). Thread: as Reader.
namespace mth5::contents {

struct Structure {
  std::string file_version;
  std::vector<SurveyInfo> surveys;
  std::vector<StationInfo> stations;
  std::vector<RunInfo> runs;          ///< n_samples not yet known
  std::vector<ChannelInfo> channels;  ///< n_samples not yet known
  std::vector<h5::Dataset> datasets;  ///< one per channel, of Depth::OpenChannels; each takes some 10 KiB
  std::vector<Filter> filters;
  std::vector<std::string> tables;  ///< names below /Acquisition
  bool has_acquisition = false;
  std::string file_uuid;             ///< of /Acquisition; "" = none
  std::int64_t layout = 0;           ///< of /Acquisition; 0 = none
  std::size_t unfollowed_links = 0;  ///< soft, external, or to what is in the tree already
  std::vector<std::size_t> n_runs;   ///< by station, of Depth::Stations: how many links it has that may be runs
};

using Visiting = std::function<void(const std::string& object)>;

enum class Depth {
  Stations,  ///< no run is looked at: `runs` and what follows stay empty
  Channels,  ///< none stays open
  OpenChannels
};

/// Asked of each run, whose channels it does not look at where the answer is true; they are left out. May be empty.
using IsKnown = std::function<bool(hid_t group, const std::string& survey, const std::string& station, const std::string& run)>;

/// @param path       for messages
/// @param most       objects: more are damage, and must not fill the memory
/// @param visiting   told each object before it is touched; may be empty
/// @param whole      all that HDF5 knows of each group is read, as h5py does: also parts of its index that hold no link
/// @param is_known   see there; not asked at Depth::Stations
/// @throws FormatError (not MTH5, unknown version, too large), FileError (HDF5 failed: a transient of a live file, or damage)
[[nodiscard]] Structure walk(hid_t file, const std::string& path, Depth depth, std::size_t most, const Visiting& visiting,
                             bool whole = false, const IsKnown& is_known = {});

/// Names of the hard links of a group, by name. @param where  path in the file; `most` as above
/// @throws FormatError, FileError
[[nodiscard]] std::vector<std::string> member_names(hid_t group, const std::string& path, const std::string& where,
                                                    std::size_t most);

/// Names of the groups of a station that may be its runs, by name. @param station  path in the file; `most` as above
/// @throws FormatError, FileError
[[nodiscard]] std::vector<std::string> run_names(hid_t file, const std::string& path, const std::string& station,
                                                 std::size_t most);

/// How many objects a file of that size may have.
[[nodiscard]] std::size_t most_objects(std::uintmax_t file_bytes);

/// Path of a station in the file.
[[nodiscard]] std::string station_path(const std::string& file_version, const std::string& survey, const std::string& station);
/// Path of a run in the file; a channel is one step further.
[[nodiscard]] std::string run_path(const std::string& file_version, const std::string& survey, const std::string& station,
                                   const std::string& run);

inline constexpr double kMinSampleRate = 1e-6, kMaxSampleRate = 1e9;  ///< Hz
/// Rates that can be one, in Hz; 0 = not known.
[[nodiscard]] double checked_rate(double rate);

/// nullopt: no channel (more than one dimension, not a number), or one whose samples lie in other files (`elsewhere`).
[[nodiscard]] std::optional<SampleType> sample_type(const h5::Dataset& dataset, const std::string& name,
                                                    bool* elsewhere = nullptr);

/// The value that stands for "not known" in a dataset of whole numbers; nullopt for others, and where none was chosen.
[[nodiscard]] std::optional<double> fill_value(hid_t dataset, const std::string& name);

/// Puts `fresh` over `known`: what was there keeps its index, what is new comes behind it, what is gone keeps its entry with no
/// dataset. @returns by channel of `fresh`, which index it has in `known`
std::vector<std::size_t> merge(Structure& known, Structure fresh);
/// The same for all but runs and channels.
void merge_frame(Structure& known, Structure& fresh);

}  // namespace mth5::contents
