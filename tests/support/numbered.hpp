#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mth5/reader.hpp"

/// Lines of a LEMI-424 in which every value tells the second it belongs to, and what of them a file holds.
namespace support {

/// Channel values of line k are k + 0.25 * channel.
/// @param k     seconds since 2020-10-04T00:00:00Z
/// @param end   "\n", "\r\n", ""
[[nodiscard]] std::string numbered_line(int k, const std::string& end = "\n");
/// Lines [first, last).
[[nodiscard]] std::string numbered_lines(int first, int last);
/// The same with another time in front of the values of k, for clocks gone wild: "2099 01 01 00 00 00".
[[nodiscard]] std::string numbered_line_at(const std::string& time, int k);

struct Stored {
  mth5::FileState state;
  std::vector<int> seconds;  ///< of all samples, run after run
  std::vector<int> starts;   ///< first second of each run
};
/// Reads a whole file. Any sample of any channel that is not at its own time is a failure of the test.
[[nodiscard]] Stored stored(const std::filesystem::path& file);
/// first, first + 1, … last - 1.
[[nodiscard]] std::vector<int> seconds(int first, int last);

/// A row of /Acquisition/gaps.
struct StoredGap {
  int start;
  int samples;
  std::string reason;
  friend bool operator==(const StoredGap&, const StoredGap&) = default;
};
[[nodiscard]] std::vector<StoredGap> stored_gaps(const std::filesystem::path& file);
void PrintTo(const StoredGap& gap, std::ostream* out);

}  // namespace support
