#include "acquisition/simulate/signal.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <utility>

namespace daq::simulate {

Instrument named(const config::Instrument& profile) {
  Instrument instrument;
  instrument.name = profile.name;
  instrument.description = profile.description;
  instrument.rates_hz = {profile.sample_rate};
  for (const auto& channel : profile.channels) instrument.values.push_back(channel.name);
  return instrument;
}

namespace {

/// What is no field: a temperature of a day, and else the swell of the sea, as a seismometer sees it, of another phase in each
/// channel.
double auxiliary(const config::ChannelProfile& channel, mth5::UtcNanos time) {
  constexpr double kSwellS = 6.5, kSwellsS = 60;
  const auto t = std::chrono::duration<double>(time - std::chrono::floor<std::chrono::days>(time)).count();
  const auto turn = [](double turns) { return std::sin(2 * std::numbers::pi * turns); };
  if (channel.metadata.text("units") == "celsius") return 15 + 8 * turn(t / 86400);
  double phase = 0;
  for (const char c : channel.name) phase += 0.137 * static_cast<double>(static_cast<unsigned char>(c));
  return 1000 * turn(t / kSwellS + phase) * (1 + 0.3 * turn(t / kSwellsS));
}

}  // namespace

double natural(const config::ChannelProfile& channel, const NaturalField::Sample& field, mth5::UtcNanos time) {
  constexpr double kUsualDipoleM = 100;
  const auto component = channel.metadata.text("component");
  const char axis = component.empty() ? '\0' : component.back();
  const auto kind = channel.metadata.kind();
  const auto units = channel.metadata.text("units");
  double value = 0;
  if (kind == mth5::Kind::Magnetic) value = axis == 'x' ? field.bx : axis == 'y' ? field.by : field.bz;
  if (kind == mth5::Kind::Auxiliary) return auxiliary(channel, time);
  if (kind == mth5::Kind::Electric) value = axis == 'y' || axis == '2' || axis == '4' ? field.ey : field.ex;
  if (units == "digital counts") return value * 1000;
  if (units == "microTesla") return value / 1000;
  if (units == "picoTesla") return value * 1000;
  if (units != "microVolt" && units != "milliVolt") return value;
  const auto length = channel.metadata.number("dipole_length", 0);
  const double microvolt = value * (length > 0 ? length : kUsualDipoleM);  // 1 mV/km is 1 uV/m
  return units == "microVolt" ? microvolt : microvolt / 1000;
}

double steady(std::string_view name) {
  constexpr std::pair<std::string_view, double> kKnown[] = {
      {"satellites", 12}, {"gps_fix", 2},       {"clock_difference", 0},    {"quality", 99},        {"elevation", 1200},
      {"time_valid", 7},  {"leap_seconds", 18}, {"position_accuracy", 2.5}, {"time_accuracy", 3e-8}};
  for (const auto& [known, value] : kKnown)
    if (name == known) return value;
  return 12.5;
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
  out.says_time = says_time;
  out.values.assign(values.begin(), values.end());
}

}  // namespace daq::simulate
