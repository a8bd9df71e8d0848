#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/measures/pyramid.hpp"
#include "analysis/verdict/verdict.hpp"

namespace view {

/// The samples of the channels, as far as a plot needs them. Thread: that of the reader.
struct Traces {
  struct Channel {
    analysis::ChannelFacts facts;
    double rate = 0;
    analysis::Pyramid pyramid = {};
    bool whole = false;                           ///< nothing older is in the file
    std::optional<double> first = {}, last = {};  ///< the oldest and the newest sample, of differences
  };
  std::vector<Channel> channels;  ///< in the order in which they were found
  std::size_t left_out = 0;       ///< channels beyond those that can be followed
  bool differences = false;       ///< each sample is what it differs from the one before
  bool filling = false;           ///< older samples are being read

  /// Behind the newest sample of all; nullopt: there is none.
  [[nodiscard]] std::optional<mth5::UtcNanos> end() const;
  /// Of the oldest.
  [[nodiscard]] std::optional<mth5::UtcNanos> start() const;
};

}  // namespace view
