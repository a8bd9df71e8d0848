#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "mth5/metadata.hpp"
#include "mth5/time.hpp"

/// What is in an MTH5 file, as Reader tells it. Thread: values.
namespace mth5 {

/// What a channel is without a look at its attributes, which Reader::channel_metadata() reads.
struct ChannelInfo {
  std::string survey, station, run, component;
  Kind kind = Kind::Auxiliary;  ///< Electric, Magnetic or Auxiliary
  /// Of the stored samples: "digital counts", "nanoTesla"; as they stand in the file where MTH5 does not know them; "" if it does
  /// not tell.
  std::string units;
  double sample_rate = 0;      ///< Hz; 0 if the file does not tell
  UtcNanos start;              ///< of sample 0
  std::int64_t n_samples = 0;  ///< consistent over the channels of a run at the last refresh()

  /// Time of the last sample; start if there is none.
  [[nodiscard]] UtcNanos end() const {
    return n_samples > 0 && sample_rate > 0 ? sample_time(start, sample_rate, n_samples - 1) : start;
  }
};

/// What a run is without a look at its attributes, which Reader::run_metadata() reads.
struct RunInfo {
  std::string survey, station, id;
  double sample_rate = 0;  ///< Hz; 0 if the file does not tell
  UtcNanos start;
  std::int64_t n_samples = 0;         ///< of the shortest channel: what all channels have
  std::vector<std::size_t> channels;  ///< indexes into Reader::channels()

  [[nodiscard]] UtcNanos end() const {
    return n_samples > 0 && sample_rate > 0 ? sample_time(start, sample_rate, n_samples - 1) : start;
  }
};

struct StationInfo {
  std::string survey, id;
  Metadata metadata;
};

struct SurveyInfo {
  std::string id;
  Metadata metadata;
};

/// The row of /Acquisition/state: what the writer last committed.
struct Commit {
  std::int64_t generation;        ///< grows with each change of structure
  std::int64_t sequence;          ///< visible commits so far
  UtcNanos time;                  ///< host time of the last visible commit
  std::int64_t durable_sequence;  ///< of the last commit whose sync returned
  UtcNanos durable_time;
  std::int64_t visible_samples;  ///< per channel, summed over all runs
  std::int64_t durable_samples;
  std::int64_t buffered_samples;  ///< were in the recorder's ring at that commit
  std::int64_t writer_pid;
  bool closed;     ///< the writer closed the file in order, or a recovery did after it had died
  bool recovered;  ///< the latter, and nobody has resumed in the file
};

}  // namespace mth5
