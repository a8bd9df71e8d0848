#include "support/station_file.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace support {

namespace {

using std::chrono::seconds;

constexpr std::array kComponents{"ex", "ey", "hx", "hy", "hz"};

std::vector<mth5::ChannelSpec> channels(double rate) {
  std::vector<mth5::ChannelSpec> all;
  for (const std::string name : kComponents) {
    mth5::Metadata channel{name[0] == 'e' ? mth5::Kind::Electric : mth5::Kind::Magnetic};
    channel.set("component", name);
    channel.set("units", std::string{name[0] == 'e' ? "milliVolt per kilometer" : "nanoTesla"});
    if (name[0] == 'e') channel.set("dipole_length", 100.0);
    all.push_back({channel, mth5::SampleType::Float32, static_cast<std::size_t>(std::max(10'000.0, 1'024 * rate))});
  }
  return all;
}

mth5::TableSpec health_table() {
  using Type = mth5::Column::Type;
  return {"state_of_health/box0",
          {{"time", Type::Int64, 0, "ns"},
           {"battery", Type::Float64, 0, "volts"},
           {"temperature", Type::Float64, 0, "celsius"},
           {"satellites", Type::Float64, 0, ""}},
          "state of health",
          1'000};
}

}  // namespace

FieldSignal::FieldSignal(std::size_t channel, double rate) : random_{0x9e3779b97f4a7c15U * (channel + 1)}, rate_{rate} {
  const bool electric = channel < 2;
  step_ = electric ? 0.001 : 0.01;
  noise_ = electric ? 0.004 : 0.02;
  mains_size_ = rate > 100 ? 3 * noise_ : 0;
  level_ = std::array{20.0, -35.0, 22'000.0, 150.0, 41'000.0}.at(channel);
  day_size_ = electric ? 0.4 : 20;
  double size = electric ? 0.02 : 0.1;
  for (std::size_t i = 0; i < kPeriods.size(); ++i, size *= electric ? 1.6 : 4) {
    keep_.at(i) = 1 - 1 / (kPeriods.at(i) * rate);
    size_.at(i) = size * std::sqrt(1 - keep_.at(i) * keep_.at(i));
  }
}

float FieldSignal::next() {
  constexpr double kTurn = 2 * 3.14159265358979;
  double value = level_ + noise_ * normal();
  for (std::size_t i = 0; i < kPeriods.size(); ++i) {
    state_.at(i) = keep_.at(i) * state_.at(i) + size_.at(i) * normal();
    value += state_.at(i);
  }
  value += day_size_ * turn(day_, kTurn / 86'400 / rate_);
  if (mains_size_ > 0) value += mains_size_ * turn(mains_, kTurn * 50 / rate_);
  if (random() % static_cast<std::uint64_t>(7'200 * rate_) == 0) value += 400 * noise_;
  return static_cast<float>(step_ * std::round(value / step_));
}

std::uint64_t FieldSignal::random() {
  random_ ^= random_ << 13U;
  random_ ^= random_ >> 7U;
  random_ ^= random_ << 17U;
  return random_;
}

/// Four even numbers together are nearly normal, of standard deviation 1.
double FieldSignal::normal() {
  const auto bits = random();
  const auto sum = (bits & 0xffffU) + ((bits >> 16U) & 0xffffU) + ((bits >> 32U) & 0xffffU) + (bits >> 48U);
  return (static_cast<double>(sum) / 65'536 - 2) * 1.7320508;
}

/// Turns a point on the unit circle, by a quarter at most. @returns its sine
double FieldSignal::turn(Point& point, double angle) {
  const double a = angle * angle;
  const double sine =
      angle * (1 - a / 6 * (1 - a / 20 * (1 - a / 42 * (1 - a / 72 * (1 - a / 110 * (1 - a / 156 * (1 - a / 210)))))));
  const double cosine = std::sqrt(1 - sine * sine);
  point = {point[0] * cosine - point[1] * sine, point[0] * sine + point[1] * cosine};
  return point[1];
}

StationFile::StationFile(const std::filesystem::path& path, double rate, std::vector<Event> events, seconds after)
    : rate_{rate},
      events_{std::move(events)},
      after_{after},
      file_{path, {{.source = 0, .name = "box0-a", .station = "MT07", .rate = rate, .channels = channels(rate)}}} {
  for (std::size_t c = 0; c < kComponents.size(); ++c) signals_.emplace_back(c, rate);
  file_.file().edit([&](mth5::Edit& edit) { health_ = edit.add_table(health_table()); });
}

void StationFile::add_run(const std::string& id, seconds after, std::int64_t n, std::pair<std::int64_t, std::int64_t> filled) {
  const auto run = file_.add_run(0, id, after_ + after);
  constexpr std::int64_t kBlock = 86'400;
  std::vector<float> block;
  for (std::int64_t done = 0; done < n; done += kBlock) {
    const auto size = std::min(kBlock, n - done);
    block.clear();
    for (std::size_t c = 0; c < kComponents.size(); ++c)
      for (auto i = done; i < done + size; ++i) {
        const float value = changed(c, samples_ + i, signals_[c].next());
        block.push_back(i >= filled.first && i < filled.second ? std::numeric_limits<float>::quiet_NaN() : value);
      }
    const auto per_channel = static_cast<std::size_t>(size);
    file_.file().append(file_.id_of(run), mth5::Matrix<const float>{block.data(), kComponents.size(), per_channel, per_channel});
  }
  for (std::int64_t day = 0; static_cast<double>(day * 86'400) * rate_ < static_cast<double>(n); ++day) {
    const auto sample = static_cast<std::int64_t>(static_cast<double>(day * 86'400) * rate_);
    const std::chrono::nanoseconds drift{day * 34'560};  // 0.4 ppm
    file_.anchor(id, sample, AcquisitionFile::start() + after_ + after + std::chrono::days{day} + drift, "gps",
                 1e-6 * static_cast<double>(day % 5), -0.4, day % 9 != 8);
  }
  samples_ += n;
  filled_ += filled.second - filled.first;
}

void StationFile::gap(seconds after, std::int64_t samples, std::string_view reason, std::string_view before,
                      std::string_view behind) {
  file_.gap(0, "", after_ + after, samples, reason, before, behind, before == behind);
}

void StationFile::close(seconds end) {
  mth5::Rows rows{health_table()};
  for (seconds at{0}; at < end; at += std::chrono::minutes{30}) {
    const double hours = static_cast<double>(at.count()) / 3'600;
    const double from_noon = std::abs(std::fmod(hours, 24) - 14) / 12;
    rows.add(static_cast<std::int64_t>((AcquisitionFile::start() + after_ + at).time_since_epoch().count()));
    rows.add(13.2 - 1.6 * hours / (static_cast<double>(end.count()) / 3'600) - 0.25 * from_noon);
    rows.add(41.0 - 25 * from_noon);
    rows.add(static_cast<double>(6 + at.count() / 1'800 % 7));
  }
  file_.file().append_rows(health_, rows);
  constexpr std::int64_t kDropped = 17, kSkipped = 4'321;
  file_.reason("skipped", 0, "bad-check", kSkipped);
  file_.reason("dropped", 0, "ring-full", kDropped);
  constexpr std::int64_t kFrame = 60;  // bytes
  const auto stored = samples_ - filled_, decoded = stored + kDropped;
  file_.commit(0, AcquisitionFile::start() + after_ + end,
               {{.in = decoded * kFrame + kSkipped, .decoded = decoded * kFrame, .skipped = kSkipped, .frames = decoded}},
               {{.decoded = decoded, .stored = stored, .dropped = kDropped, .visible = samples_}}, 40 * 86'400.0);
  file_.file().close();
}

float StationFile::changed(std::size_t channel, std::int64_t at, float value) {
  for (auto& event : events_) {
    if (event.channel != channel || at < event.first || at >= event.end) continue;
    if (at == event.first) event.value = value;
    if (event.kind == Event::Kind::Stuck) value = event.value;
    if (event.kind == Event::Kind::Missing) value = std::numeric_limits<float>::quiet_NaN();
    if (event.kind == Event::Kind::Jump) value += 30;
    if (event.kind == Event::Kind::Cut) value = at / 16 % 2 == 0 ? 500.0F : -500.0F;
  }
  return value;
}

}  // namespace support
