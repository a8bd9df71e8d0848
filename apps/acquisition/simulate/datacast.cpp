#include "acquisition/simulate/datacast.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "acquisition/simulate/packets.hpp"

namespace daq::simulate {

namespace {

constexpr mth5::Nanos kStep = std::chrono::milliseconds{1};  // of its times
std::size_t rows(double rate_hz) { return std::max<std::size_t>(1, static_cast<std::size_t>(rate_hz / 4)); }

/// A list of whole numbers for each channel.
std::string text(const NewestPackets& packets, mth5::UtcNanos time) {
  const auto& codes = std::get<decode::DatacastFormat>(packets.profile.decoder).codes;
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  std::string all;
  for (std::size_t c = 0; c < codes.size(); ++c) {
    fmt::format_to(std::back_inserter(all), "{{'{}', {}.{:03}", codes[c], second.time_since_epoch().count(),
                   (time - second) / kStep);
    for (const char letter : " " + packets.newest.values[c]) letter == ' ' ? all += ", " : all += letter;
    all += '}';
  }
  return all;
}

}  // namespace

Instrument datacast(const config::Instrument& profile) {
  auto instrument = packeted(std::make_shared<NewestPackets>(profile),
                             {.n_rows = rows, .step = kStep, .is_whole = [](const auto&) { return true; }, .text = text});
  instrument.message_end = "}";  // a datagram for each channel
  return instrument;
}

}  // namespace daq::simulate
