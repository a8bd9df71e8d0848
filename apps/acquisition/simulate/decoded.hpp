#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/decode/decoder.hpp"
#include "acquisition/simulate/instrument.hpp"

namespace daq::simulate {

/// What the decoder of a profile made of a record: the truth of a recording, which nobody made up. It is the decoder's own word,
/// so it proves nothing of the decoder; it is the reference for all that comes behind it, and for faults. Thread: one.
class Decoded {
 public:
  explicit Decoded(std::size_t n_channels) : values_(n_channels) {}

  /// The samples of a record: of each channel with blanks between, "" if it has none of it.
  void set(const decode::Batch& batch);
  /// As Instrument::describe. The time is that of the first sample; one of arrival is none.
  void describe(Description& out) const;

 private:
  std::optional<mth5::UtcNanos> time_;
  std::vector<std::string> values_;  ///< by channel
};

/// The same of records that are lines of an instrument of a profile, as Instrument::describe, one after the other.
/// @param now  the date of times of day is the nearest to it
[[nodiscard]] std::function<void(std::string_view record, Description& out)> describe_lines(const config::Instrument& profile,
                                                                                            mth5::UtcNanos now);

}  // namespace daq::simulate
