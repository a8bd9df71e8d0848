#include "acquisition/simulate/lemi424.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <iterator>
#include <numbers>

#include "acquisition/simulate/field.hpp"

namespace daq::simulate {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::array<double, 1> kRates{1};
constexpr std::array<std::string_view, 18> kValues{"bx",
                                                   "by",
                                                   "bz",
                                                   "temperature_e",
                                                   "temperature_h",
                                                   "e1",
                                                   "e2",
                                                   "e3",
                                                   "e4",
                                                   "battery",
                                                   "elevation",
                                                   "latitude",
                                                   "latitude_hemisphere",
                                                   "longitude",
                                                   "longitude_hemisphere",
                                                   "satellites",
                                                   "gps_fix",
                                                   "clock_difference"};

void append_time(mth5::UtcNanos time, std::string& out) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::seconds>(time - day)};
  fmt::format_to(std::back_inserter(out), "{:04} {:02} {:02} {:02} {:02} {:02}", static_cast<int>(date.year()),
                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                 clock.minutes().count(), clock.seconds().count());
}

/// Slowly varying things of a station that stands in the sun: temperatures, battery, a GPS fix that wanders.
void fill_station(Lemi424Record& record, Random& random) {
  const double day = std::chrono::duration<double, std::ratio<86400>>(record.time.time_since_epoch()).count();
  const double sun = std::sin(2 * std::numbers::pi * (day - 0.6));
  record.electronics_celsius = 38 + 6 * sun + 0.01 * random.gaussian();
  record.sensor_celsius = 28 + 2 * sun;
  record.battery_v = 12.9 + 0.15 * sun + 0.005 * random.gaussian();
  record.elevation_m = 2202 + random.gaussian();
  record.latitude = 3404.8384 + 0.0002 * random.gaussian();
  record.longitude = 10712.8443 + 0.0002 * random.gaussian();
  record.satellites = 12;
  record.gps_fix = 2;
}

class Lemi424Lines : public RecordSource {
 public:
  explicit Lemi424Lines(const SignalSettings& settings)
      : settings_{settings},
        field_{settings.rate_hz, settings.seed, settings.earth},
        station_{settings.seed, 2},
        noise_{settings.seed, 3} {}

  std::optional<std::string_view> next() override {
    Lemi424Record record;
    record.time = settings_.start + std::chrono::seconds{index_};
    fill_station(record, station_);
    switch (settings_.signal) {
      case Signal::Mt:
        fill_mt(record);
        break;
      case Signal::Sine:
        fill(record, [&](std::size_t channel) {
          const Sine& sine = kLemi424Sines[channel];
          return sine.mean + sine.amplitude * std::sin(2 * std::numbers::pi * static_cast<double>(index_) / sine.period_s);
        });
        break;
      case Signal::Counter:
        fill(record, [&](std::size_t channel) { return lemi424_counter(index_, channel); });
        break;
    }
    ++index_;
    line_.clear();
    append_line(record, line_);
    return line_;
  }

 private:
  void fill_mt(Lemi424Record& record) {
    const auto field = field_.next(record.time);
    record.b_nt = {23770 + field.bx, 230 + field.by, 41840 + field.bz};
    // e3 and e4 are a second pair of dipoles over the same ground: same field, own electrodes.
    constexpr double kDipoleM = 100;  // 1 mV/km is 1 uV/m; as delivered it does not divide by the length
    record.e = {145 + field.ex, -105 + field.ey, 196 + field.ex, 25 + field.ey};
    for (auto& value : record.e) value = kDipoleM * (value + 0.005 * noise_.gaussian());
  }
  template <class Value>
  static void fill(Lemi424Record& record, Value value) {
    for (std::size_t i = 0; i < record.b_nt.size(); ++i) record.b_nt[i] = value(i);
    for (std::size_t i = 0; i < record.e.size(); ++i) record.e[i] = value(record.b_nt.size() + i);
  }

  SignalSettings settings_;
  NaturalField field_;
  Random station_;
  Random noise_;
  std::uint64_t index_ = 0;
  std::string line_;
};

void describe(std::string_view record, Description& out) {
  out.time.reset();
  out.values.clear();
  std::array<int, 6> time{};
  std::size_t n_fields = 0;
  for (std::size_t at = 0;;) {
    at = record.find_first_not_of(kBlanks, at);
    if (at == std::string_view::npos || n_fields == time.size() + kValues.size()) break;
    const auto field = record.substr(at, record.find_first_of(kBlanks, at) - at);
    at += field.size();
    if (n_fields < time.size()) {
      const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), time[n_fields]);
      if (error != std::errc{} || end != field.data() + field.size()) return;
    } else {
      out.values.push_back(field);
    }
    ++n_fields;
  }
  if (n_fields > time.size()) out.time = mth5::from_calendar(time[0], time[1], time[2], time[3], time[4], time[5]);
  if (!out.time) out.values.clear();
}

void set_time(std::string& record, mth5::UtcNanos time) {
  const std::size_t begin = record.find_first_not_of(kBlanks);
  std::size_t end = begin;
  for (int field = 0; field < 6; ++field) end = record.find_first_of(kBlanks, record.find_first_not_of(kBlanks, end));
  std::string text;
  append_time(time, text);
  record.replace(begin, end - begin, text);
}

/// Without GPS a line ends behind the battery.
void lose_lock(std::string& record) {
  constexpr int kFields = 16;
  std::size_t end = 0;
  for (int field = 0; field < kFields && end != std::string::npos; ++field)
    end = record.find_first_of(kBlanks, record.find_first_not_of(kBlanks, end));
  if (end != std::string::npos) record.replace(end, record.size() - end, "\n");
}

}  // namespace

void append_line(const Lemi424Record& record, std::string& out) {
  append_time(record.time, out);
  const auto& b = record.b_nt;
  const auto& e = record.e;
  fmt::format_to(std::back_inserter(out),
                 " {:9.3f} {:9.3f} {:9.3f} {:6.2f} {:6.2f} {:9.3f} {:9.3f} {:9.3f} {:9.3f} {:5.2f} {:6.1f} {:010.5f} {} "
                 "{:011.5f} {} {:2} {} {}\n",
                 b[0], b[1], b[2], record.electronics_celsius, record.sensor_celsius, e[0], e[1], e[2], e[3], record.battery_v,
                 record.elevation_m, record.latitude, record.north_south, record.longitude, record.east_west, record.satellites,
                 record.gps_fix, record.clock_difference_s);
}

Instrument lemi424() {
  Instrument instrument;
  instrument.name = "lemi424";
  instrument.description = "LEMI-424 long-period magnetotelluric instrument: text, one line a second";
  instrument.rates_hz.assign(kRates.begin(), kRates.end());
  instrument.time_resolution = std::chrono::seconds{1};
  instrument.values.assign(kValues.begin(), kValues.end());
  instrument.generate = [](const SignalSettings& settings) { return std::make_unique<Lemi424Lines>(settings); };
  instrument.describe = describe;
  instrument.set_time = set_time;
  instrument.lose_lock = lose_lock;
  return instrument;
}

}  // namespace daq::simulate
