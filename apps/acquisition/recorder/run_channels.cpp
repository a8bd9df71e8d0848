#include "acquisition/recorder/run_channels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace daq::recorder {

namespace {

constexpr const char* kField = "milliVolt per kilometer";
constexpr double kLongestLine = 20e3;  ///< m, of an electrode line in the field; what is said to be longer is a wrong answer

void say(mth5::Metadata& metadata, const std::string& text) {
  const auto before = metadata.text("comments");
  metadata.set("comments", before.empty() ? text : before + "; " + text);
}

}  // namespace

std::vector<double> told_lengths(const std::vector<config::ChannelProfile>& channels, std::span<const double> newest) {
  std::vector<double> lengths;
  if (std::none_of(channels.begin(), channels.end(), [](const auto& channel) { return channel.divided_by.has_value(); }))
    return lengths;
  for (const auto& channel : channels)
    lengths.push_back(channel.divided_by && *channel.divided_by < newest.size() ? newest[*channel.divided_by]
                                                                                : std::numeric_limits<double>::quiet_NaN());
  return lengths;
}

bool same_lengths(std::span<const double> a, std::span<const double> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](double one, double other) { return one == other || (std::isnan(one) && std::isnan(other)); });
}

config::ChannelProfile as_told(config::ChannelProfile channel, const std::vector<config::SohProfile>& soh, double length) {
  const auto& name = soh.at(channel.divided_by.value()).name;
  auto& metadata = channel.metadata;
  if (length == 1) {
    say(metadata, "line length " + name + " of the instrument is 1: microvolts, not divided by a length");
    return channel;
  }
  channel.filters.clear();
  metadata.erase("filters");
  if (!(length > 0) || length > kLongestLine) {
    say(metadata, "line length " + name +
                      " of the instrument is not known: microvolts if it is 1, as delivered, else microvolts per meter");
    return channel;
  }
  metadata.set("units", std::string{kField});
  const double given = metadata.number("dipole_length", 0);
  if (!(given > 0)) metadata.set("dipole_length", length);
  auto text = fmt::format("divided by the instrument by its line length {} of {} m", name, length);
  if (given > 0 && std::abs(given - length) > 1e-3 * given) text += fmt::format(", not by the dipole_length of {} m", given);
  say(metadata, text);
  return channel;
}

}  // namespace daq::recorder
