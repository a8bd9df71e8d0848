#include "acquisition/simulate/signal.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace daq::simulate {

Instrument named(const config::Instrument& profile) {
  Instrument instrument;
  instrument.name = profile.name;
  instrument.description = profile.description;
  instrument.rates_hz = {profile.sample_rate};
  for (const auto& channel : profile.channels) instrument.values.push_back(channel.name);
  return instrument;
}

double natural(const config::ChannelProfile& channel, const NaturalField::Sample& field) {
  constexpr double kUsualDipoleM = 100;
  const auto component = channel.metadata.text("component");
  const char axis = component.empty() ? '\0' : component.back();
  const auto kind = channel.metadata.kind();
  const auto units = channel.metadata.text("units");
  double value = 0;
  if (kind == mth5::Kind::Magnetic) value = axis == 'x' ? field.bx : axis == 'y' ? field.by : field.bz;
  if (kind == mth5::Kind::Electric) value = axis == 'y' || axis == '2' || axis == '4' ? field.ey : field.ex;
  if (units == "digital counts") return value * 1000;
  if (units == "microTesla") return value / 1000;
  if (units == "picoTesla") return value * 1000;
  if (units != "microVolt" && units != "milliVolt") return value;
  const auto length = channel.metadata.number("dipole_length", 0);
  const double microvolt = value * (length > 0 ? length : kUsualDipoleM);  // 1 mV/km is 1 uV/m
  return units == "microVolt" ? microvolt : microvolt / 1000;
}

double sine(std::uint64_t index) { return 1000 * std::sin(2 * std::numbers::pi * static_cast<double>(index) / 20); }

double counter(std::uint64_t index, std::size_t channel, std::size_t bits) {
  return static_cast<double>((index * 8 + channel) % (std::uint64_t{1} << (std::min<std::size_t>(bits, 24) - 1)));
}

void Newest::describe(std::string_view bytes, Description& out) const {
  out.time.reset();
  out.values.clear();
  if (bytes.data() != record) return;
  out.time = time;
  out.values.assign(values.begin(), values.end());
}

}  // namespace daq::simulate
