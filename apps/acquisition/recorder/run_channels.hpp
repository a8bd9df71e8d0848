#pragma once

#include <span>
#include <vector>

#include "acquisition/config/config.hpp"

/// What the samples of a channel are, by what the instrument says. Thread: writer.
namespace daq::recorder {

/// The line lengths by which the instrument says that it has divided the samples of each channel (ChannelProfile::divided_by),
/// NaN where there is none or it is not known; empty if no channel has one.
/// @param newest  state of health of the source, NaN = not known; may be empty
[[nodiscard]] std::vector<double> told_lengths(const std::vector<config::ChannelProfile>& channels,
                                               std::span<const double> newest);

/// Whether both are the same, NaN like NaN.
[[nodiscard]] bool same_lengths(std::span<const double> a, std::span<const double> b);

/// A channel as a run describes it. Samples of microvolts that the instrument divides by a line length are a field, in mV/km,
/// while that is more or less than 1; it becomes the dipole_length that nobody gave. While it is 1 they are microvolts, and the
/// filters of the profile lead to a field. While it is not known they are called microvolts without any filter. The comments say
/// which.
/// @param channel  one that has a divided_by
/// @param soh      of the instrument
/// @param length   told_lengths() of this channel
[[nodiscard]] config::ChannelProfile as_told(config::ChannelProfile channel, const std::vector<config::SohProfile>& soh,
                                             double length);

}  // namespace daq::recorder
