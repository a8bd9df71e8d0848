#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/ledger/guarded.hpp"
#include "acquisition/timing/timeline.hpp"

/// A source has bytes, a stream has samples: what becomes runs.
namespace daq::stream {

/// What never changes of a stream.
struct Stream {
  std::uint16_t source = 0;  ///< index in the configuration
  std::string name;          ///< of the source, where it has one stream; else SOURCE_STREAM
  mth5::Metadata station{mth5::Kind::Station};
  bool location_known = false;  ///< else the instrument's GPS tells it
  double sample_rate = 0;       ///< Hz, nominal
  std::vector<config::ChannelProfile> channels;
  mth5::Metadata run{mth5::Kind::Run};
  std::string run_id;  ///< pattern of run names
  timing::Options timing;
  decode::TimeKind time_kind = decode::TimeKind::Gps;  ///< at best
  std::chrono::nanoseconds channel_wait{};             ///< for a channel that arrives apart from the others
  bool channels_apart = false;                         ///< they do

  [[nodiscard]] std::string station_id() const { return station.text("id"); }
  [[nodiscard]] std::vector<std::string> components() const;
};

/// All streams of a daemon, by number. The io thread adds one when it meets it first; whoever has heard of a number, by a record
/// in the ring, finds it here. Thread: any.
class Streams {
 public:
  /// @returns its number
  std::uint16_t add(Stream stream) {
    return streams_.change([&](auto& all) {
      all.push_back(std::move(stream));
      return static_cast<std::uint16_t>(all.size() - 1);
    });
  }
  /// Stays where it is. @throws std::out_of_range
  [[nodiscard]] const Stream& at(std::size_t index) const {
    return streams_.look([&](const auto& all) -> const Stream& { return all.at(index); });
  }
  [[nodiscard]] std::size_t size() const {
    return streams_.look([](const auto& all) { return all.size(); });
  }

 private:
  ledger::Guarded<std::deque<Stream>> streams_;  ///< nothing moves
};

/// What becomes of the values of channels in the file; empty: they are stored as they come. Whole numbers have no NaN: what is
/// not known becomes the profile's `fill`, which the dataset has as its fill value, else the least value of the type, which the
/// instrument may send as well: the table of gaps says which of the samples it stands for.
[[nodiscard]] std::vector<StoredAs> stored_as(const std::vector<config::ChannelProfile>& channels);

/// Why a lost sample may not be seen where samples come one by one without a counter, with times that are cut to a step; "" where
/// the step is less than what lies between two. @param step  0: not known, or exact
[[nodiscard]] std::string doubt_of_times(mth5::Nanos step, double sample_rate);

/// The streams that a source's profile declares.
[[nodiscard]] std::vector<Stream> declared(const config::Config& config, std::uint16_t source);

}  // namespace daq::stream
