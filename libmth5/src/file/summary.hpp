#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "h5/handle.hpp"

/// The summary tables that Python `mth5` reads. Source: mth5-format, section 3: names, offsets and sizes to the byte.
namespace mth5::file {

/// One row of channel_summary; packed as on disk by pack().
struct ChannelRow {
  std::string survey, station, run;
  double latitude = 0, longitude = 0, elevation = 0;  ///< NaN = not known
  std::string component, start, end;
  std::int64_t n_samples = 0;
  double sample_rate = 0;
  std::string measurement_type;
  double azimuth = 0, tilt = 0;
  std::string units;
  bool has_data = false;
  hobj_ref_t channel_reference = 0, run_reference = 0, station_reference = 0;
};

inline constexpr std::size_t kChannelRowBytes = 343;
using PackedRow = std::array<char, kChannelRowBytes>;
[[nodiscard]] PackedRow pack(const ChannelRow& row);
/// The part of a row that changes while a run grows: `end` and `n_samples`, side by side.
inline constexpr std::size_t kGrowthOffset = 160;
using PackedGrowth = std::array<char, 36 + 8>;
[[nodiscard]] PackedGrowth pack_growth(const ChannelRow& row);
/// The byte that says whether a channel has data.
inline constexpr std::size_t kHasDataOffset = 318;
/// Gives a row the position of `place`, if it is of the same survey and station.
void move_to(PackedRow& row, const ChannelRow& place);
[[nodiscard]] h5::Datatype channel_summary_type();

/// Creates channel_summary (no rows yet, unfiltered so that rows can be overwritten in place), tf_summary and fc_summary (one
/// zero row each, Python's own "empty") in `/Experiment` or `/Survey`.
void create_summaries(hid_t root);

/// Whether the rows of that channel_summary can be overwritten in place while readers are attached. It is there.
[[nodiscard]] bool is_plain_channel_summary(hid_t file, const char* path);

/// Makes those that are missing, and channel_summary anew, without rows, if its rows cannot be overwritten in place: Python
/// writes it compressed.
void replace_unfit_summaries(hid_t root);

}  // namespace mth5::file
