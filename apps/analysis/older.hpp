#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/series.hpp"

namespace analysis {

/// Samples in a row; what is filled is NaN.
struct Samples {
  mth5::UtcNanos start{};
  std::vector<double> values;
};

/// The samples of a channel before a time, back to the beginning of their run and at most so many: for who reads a series from
/// its end. nullopt: there are none. Thread: that of the reader.
/// @param series  of one file; its parts in order of time
/// @throws mth5::FileError, mth5::FormatError as Reader::read()
[[nodiscard]] std::optional<Samples> read_before(const mth5::Reader& file, const Series& series, const std::string& component,
                                                 mth5::UtcNanos before, std::int64_t most);

/// The samples of a channel in a stretch of time, in order of time: pieces of a row each, from its beginning on and so many at
/// most. @throws as read_before()
[[nodiscard]] std::vector<Samples> read_within(const mth5::Reader& file, const Series& series, const std::string& component,
                                               const Window& window, std::int64_t most);

}  // namespace analysis
