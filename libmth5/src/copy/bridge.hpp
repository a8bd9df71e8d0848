#pragma once

#include <hdf5.h>

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "mth5/reader.hpp"
#include "mth5/recover.hpp"

/// Runs that are joined in a copy, for programs that want long ones. Page: doc/acquisition.md, "bridges". Thread: one.
namespace mth5::copy {

/// A run of the source in the run of the copy that it became a part of.
struct Part {
  std::string path;  ///< of the run, in the source
  std::string id;
  std::int64_t first = 0;      ///< index of its first sample in the copy
  std::int64_t n_samples = 0;  ///< per channel
  UtcNanos gap_start;          ///< of the first sample that lacks before it; not of the first part
  double offset_s = 0;         ///< of its first sample, behind the place that it has in the copy
};

/// Runs that follow one another, in the order of time; the first gives the copy its name and its start.
struct Chain {
  std::string survey, station;
  double sample_rate = 0;
  UtcNanos start;
  std::vector<std::string> components;
  std::vector<Part> parts;

  [[nodiscard]] std::int64_t n_samples() const { return parts.back().first + parts.back().n_samples; }
  [[nodiscard]] UtcNanos end() const { return sample_time(start, sample_rate, n_samples() - 1); }
};

class Bridges {
 public:
  /// How far beside its place in the run before a run may begin to be joined to it, in samples.
  static constexpr double kMostOffset = 0.1;

  Bridges() = default;
  /// Which runs of a closed recording are joined over gaps up to `longest`: of one station, with the same channels, sample rate
  /// and metadata of channels, where the gap is not of the clock alone. A place is one on the plain axis, start + i / rate, which
  /// is what a copy is read by.
  /// @throws StateError for a file without the recorder's list of gaps, FileError, FormatError
  Bridges(const Reader& source, Nanos longest);

  [[nodiscard]] const std::vector<Chain>& chains() const { return chains_; }
  /// Why runs that the length of their gap would allow are not joined, a line each.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  /// The chain that a run is a part of; nullptr if it stays as it is. @param run  path of its group in the source
  [[nodiscard]] const Chain* chain_of(const std::string& run) const;

  /// Makes the copy tell of them: times, lists, channel_summary, the gaps (filled now), the anchors of the clocks, and a list of
  /// its own, /Acquisition/bridges. @throws FileError, FormatError
  void write_to(hid_t target, const std::vector<Bridge>& bridges) const;

 private:
  void join(const Reader& source, std::vector<std::size_t> runs, Nanos longest);

  std::vector<Chain> chains_;
  std::map<std::string, std::size_t> chain_of_;  ///< by path of a run
  std::vector<std::string> notes_;
  std::map<std::string, std::vector<std::string>> runs_of_;  ///< ids, by path of the station
  std::map<std::string, std::string> station_of_clock_;      ///< by the name of its table
  /// Reason of a gap in the axis of time alone, by station, run before and run behind it.
  std::map<std::tuple<std::string, std::string, std::string>, std::string> moved_;
};

}  // namespace mth5::copy
