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

}  // namespace analysis
