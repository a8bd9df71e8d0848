#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "acquisition/decode/description.hpp"
#include "mth5/time.hpp"

/// Blocks, in which the source of an .atss box (Metronix) hands on what stands in files of one channel each. They are frames
/// that a profile describes like any other. Page: apps/acquisition/doc/atss.md. Thread: any; pure.
namespace daq::decode {

inline constexpr std::size_t kMostAtssChannels = 32;
inline constexpr std::size_t kMostAtssBlock = 49'152;  ///< bytes

/// Rows that fit into a block of so many channels, 1 to kMostAtssChannels.
[[nodiscard]] std::size_t most_atss_rows(std::size_t n_channels);

/// What the headers of a run say; NaN = nothing.
struct AtssState {
  double latitude = 0, longitude = 0, elevation = 0;  ///< degrees, degrees, m
  std::vector<double> contact_resistance;             ///< [n_channels], ohm
};

/// @param time  of the first row @param rows  [n][n_channels], n at most most_atss_rows()
void append_atss_samples(std::string& out, mth5::UtcNanos time, std::size_t n_channels, std::span<const double> rows);
void append_atss_state(std::string& out, mth5::UtcNanos time, const AtssState& state);

/// One whole block, as the functions above make it: for who serves files made of them.
struct AtssBlock {
  mth5::UtcNanos time{};
  std::size_t n_channels = 0;
  std::optional<AtssState> state{};  ///< else samples
  std::vector<double> rows{};        ///< [n][n_channels]
};
/// nullopt: it is none, or not all of it.
[[nodiscard]] std::optional<AtssBlock> read_atss_block(std::span<const char> bytes);

/// Whether a profile reads blocks of its channels as they are written: each value, its time, and states or passing over them.
[[nodiscard]] bool reads_atss_blocks(const Description& description);

}  // namespace daq::decode
