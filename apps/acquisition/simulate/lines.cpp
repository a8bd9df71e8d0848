#include "acquisition/simulate/lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "acquisition/simulate/signal.hpp"

namespace daq::simulate {

namespace {

using decode::TextColumn;
using decode::TextFormat;
using Use = TextColumn::Use;

constexpr int kUsualDecimals = 3;
constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Decimals of seconds: the profile's, else as many as tell the samples of a rate apart and say their times as well as nine can.
int time_decimals(const TextFormat& format, double rate_hz) {
  for (const auto& column : format.columns)
    if (column.use == Use::Form && column.decimals >= 0) return column.decimals;
  double period = 1 / rate_hz;
  int decimals = 0;
  for (; decimals < 9 && std::abs(period - std::nearbyint(period)) > 1e-6; ++decimals) period *= 10;
  return decimals;
}

mth5::Nanos step_of(int decimals) {
  mth5::Nanos step = std::chrono::seconds{1};
  for (; decimals > 0; --decimals) step /= 10;
  return step;
}

std::string line_end(const TextFormat& format) {
  if (format.terminator == "cr") return "\r";
  if (format.terminator == "nul") return std::string(1, '\0');
  if (format.terminator == "none") return "";
  return "\n";
}

/// A number as the instrument prints it, and what it is worth then: NaN if it means that there is none.
struct Printed {
  std::string text;
  double value;
};
double worth(const TextColumn& column, double number) {
  if (column.missing && number == *column.missing) return std::numeric_limits<double>::quiet_NaN();
  return number * column.scale + column.offset;
}
Printed print(const TextFormat& format, const TextColumn& column, double physical) {
  Printed printed;
  double value = (physical - column.offset) / column.scale;
  if (column.hex) {
    const int bits = column.bits == 0 ? 52 : column.bits;
    const double half = std::ldexp(1, bits - 1);
    const double low = column.bits == 0 ? 0 : -half, high = column.bits == 0 ? 2 * half - 1 : half - 1;
    printed.value = std::clamp(std::nearbyint(value), low, high);
    const auto number = static_cast<std::uint64_t>(static_cast<std::int64_t>(printed.value)) & ((std::uint64_t{1} << bits) - 1);
    printed.text = fmt::format("{:0{}X}", number, column.bits == 0 ? 1 : (column.bits + 3) / 4);
    printed.value = worth(column, printed.value);
    return printed;
  }
  if (column.digits > 0) value = std::fmod(value, std::pow(10, column.digits));  // there is no room for more
  const bool steady = column.use == Use::Soh && column.decimals < 0;             // as short as it can be written
  printed.text =
      steady ? fmt::format("{}", value) : fmt::format("{:.{}f}", value, column.decimals >= 0 ? column.decimals : kUsualDecimals);
  std::from_chars(printed.text.data(), printed.text.data() + printed.text.size(), printed.value);
  printed.value = worth(column, printed.value);
  if (column.digits > 0) {
    const auto sign = std::size_t{printed.text.starts_with('-')};
    const auto digits = std::min(printed.text.find('.'), printed.text.size()) - sign;
    printed.text.insert(sign, column.digits - std::min(column.digits, digits), '0');
  }
  if (format.decimal == "comma") std::replace(printed.text.begin(), printed.text.end(), '.', ',');
  return printed;
}

/// What the magnetic field is at a middle latitude: a fluxgate for long periods tells it whole.
double base_nt(std::string_view component) {
  constexpr double kX = 20'000, kY = 500, kZ = 43'000;
  const char axis = component.empty() ? 'z' : component.back();
  return axis == 'x' ? kX : axis == 'y' ? kY : axis == 'z' ? kZ : std::hypot(kX, kY, kZ);
}

using Members = std::vector<std::pair<std::string_view, std::string_view>>;

/// The members of those whose path goes through `name`, by the rest of their paths.
Members below(const Members& members, std::string_view name) {
  Members inside;
  for (const auto& [path, text] : members)
    if (path == name || (path.starts_with(name) && path[name.size()] == '.'))
      inside.emplace_back(path.substr(std::min(path.size(), name.size() + 1)), text);
  return inside;
}

/// JSON of values by their paths ("field.x", of a list "field.0"); a path that is "" is the value itself.
void put_json(std::string& out, const Members& members) {
  if (members.empty()) return void(out += "null");
  if (members.front().first.empty()) return void(out += members.front().second);
  std::vector<std::string> names;
  std::size_t list = 0;  // entries of one
  for (const auto& [path, unused] : members) {
    const std::string name{path.substr(0, path.find('.'))};
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && end == name.data() + name.size() && number < 1000) list = std::max(list, number + 1);
  }
  if (list > 0) {
    names.clear();
    for (std::size_t i = 0; i < list; ++i) names.push_back(fmt::format("{}", i));
  }
  out += list > 0 ? '[' : '{';
  for (const auto& name : names) {
    if (&name != &names.front()) out += ',';
    if (list == 0) fmt::format_to(std::back_inserter(out), "\"{}\":", name);
    put_json(out, below(members, name));
  }
  out += list > 0 ? ']' : '}';
}

/// A line by its parts: what stands in each column but those of the time.
class Line {
 public:
  Line(const config::Instrument& profile, double rate_hz)
      : profile_{profile},
        format_{std::get<TextFormat>(profile_.decoder)},
        decimals_{time_decimals(format_, rate_hz)},
        texts_(format_.columns.size()) {
    const auto& lengths = format_.lengths;
    shortest_ = longest_ = format_.columns.size();
    if (!lengths.empty() && !format_.json) {
      shortest_ = std::min(*std::min_element(lengths.begin(), lengths.end()), shortest_);
      longest_ = std::min(*std::max_element(lengths.begin(), lengths.end()), longest_);
    }
  }

  [[nodiscard]] const config::Instrument& profile() const { return profile_; }
  [[nodiscard]] const TextFormat& format() const { return format_; }
  [[nodiscard]] mth5::Nanos resolution() const { return step_of(decimals_); }
  [[nodiscard]] bool has_lock() const { return shortest_ < longest_; }
  void set(std::size_t column, std::string text) { texts_[column] = std::move(text); }
  void set_time(mth5::UtcNanos time) { time_ = time; }

  [[nodiscard]] std::string text(bool locked) const {
    const auto n = locked ? longest_ : shortest_;
    std::vector<std::string> fields(texts_.begin(), texts_.begin() + static_cast<std::ptrdiff_t>(n));
    for (std::size_t i = 0; i < n; ++i)
      if (const auto& column = format_.columns[i]; column.use >= Use::Year && column.use <= Use::Form) fields[i] = time(column);
    std::string line;
    if (format_.json) {
      Members members;
      for (std::size_t i = 0; i < n; ++i) members.emplace_back(format_.columns[i].key, fields[i]);
      put_json(line, members);
    } else {
      for (std::size_t i = 0; i < n; ++i) {
        const bool joined = i > 0 && joins(i);
        line.append(i == 0 || joined ? 0 : 1, format_.delimiter).append(padded(fields[i], format_.columns[i].width));
      }
    }
    if (format_.checksum == "nmea") {
      unsigned sum = 0;
      for (const char c : line) sum ^= static_cast<unsigned char>(c);
      line = fmt::format("${}*{:02X}", line, sum);
    }
    if (format_.terminator == "none") line.resize(format_.line_bytes, ' ');
    return line + line_end(format_);
  }

 private:
  /// Whether a column follows the one before without a delimiter: one of a width another, and a number its brackets.
  [[nodiscard]] bool joins(std::size_t i) const {
    const auto& columns = format_.columns;
    const auto is_text = [&](std::size_t k) { return k < columns.size() && columns[k].use == Use::Text; };
    if (columns[i - 1].width > 0 && columns[i].width > 0) return true;
    if (is_text(i - 1) && columns[i].width == 0) return is_text(i + 1);
    return is_text(i) && columns[i - 1].width == 0 && i >= 2 && is_text(i - 2);
  }
  [[nodiscard]] static std::string padded(const std::string& text, std::size_t width) {
    return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
  }

  /// What a column of the time says.
  [[nodiscard]] std::string time(const TextColumn& column) const {
    const auto second = std::chrono::floor<std::chrono::seconds>(time_);
    const auto day = std::chrono::floor<std::chrono::days>(second);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{second - day};
    std::string fraction;
    if (decimals_ > 0)
      fraction =
          fmt::format("{}{:0{}}", format_.decimal == "comma" ? ',' : '.', (time_ - second) / step_of(decimals_), decimals_);
    const auto part = [&](char letter) -> std::string {
      switch (letter) {
        case 'Y':
          return fmt::format("{:04}", static_cast<int>(date.year()));
        case 'y':
          return fmt::format("{:02}", static_cast<int>(date.year()) % 100);
        case 'm':
          return fmt::format("{:02}", static_cast<unsigned>(date.month()));
        case 'b':
          return std::string{kMonths[static_cast<unsigned>(date.month()) - 1]};
        case 'd':
          return fmt::format("{:02}", static_cast<unsigned>(date.day()));
        case 'H':
          return fmt::format("{:02}", clock.hours().count());
        case 'M':
          return fmt::format("{:02}", clock.minutes().count());
        case 'S':
          return fmt::format("{:02}", clock.seconds().count()) + fraction;
        case 'z':
          return "+00:00";
        case 'Q':
          return fmt::format("{}", std::chrono::floor<std::chrono::milliseconds>(time_).time_since_epoch().count());
        default:  // s
          return fmt::format("{}", second.time_since_epoch().count()) + fraction;
      }
    };
    if (column.use != Use::Form)
      return part("YmdHMS"[static_cast<std::size_t>(column.use) - static_cast<std::size_t>(Use::Year)]);
    std::string text;
    for (std::size_t i = 0; i < column.name.size(); ++i) {
      if (column.name[i] != '%' || i + 1 == column.name.size()) {
        text += column.name[i];
        continue;
      }
      const bool unpadded = column.name[++i] == '-' && i + 1 < column.name.size();
      const auto number = part(column.name[unpadded ? ++i : i]);
      text += unpadded && number.starts_with('0') ? number.substr(1) : number;
    }
    return format_.json ? '"' + text + '"' : text;
  }

  const config::Instrument profile_;
  const TextFormat format_;
  const int decimals_;
  std::size_t shortest_, longest_;  ///< fields of lines without and with lock
  std::vector<std::string> texts_;
  mth5::UtcNanos time_{};
};

/// The newest line, and what it says.
struct NewestLine {
  explicit NewestLine(const config::Instrument& profile) : line{profile, profile.sample_rate} {}
  Line line;
  Newest newest;
};

class Lines final : public RecordSource {
 public:
  Lines(const SignalSettings& settings, std::shared_ptr<NewestLine> newest)
      : settings_{settings}, field_{settings.rate_hz, settings.seed, settings.earth}, newest_{std::move(newest)} {
    const auto& format = newest_->line.format();
    for (std::size_t i = 0; i < format.columns.size(); ++i) {
      const auto& column = format.columns[i];
      if (column.use == Use::Soh) newest_->line.set(i, state(column));
      if (column.use == Use::Hemisphere) newest_->line.set(i, is_longitude(column) ? "E" : "N");
      if (column.use == Use::Skip) newest_->line.set(i, std::string(std::max<std::size_t>(column.width, 1), '0'));
      if (column.use == Use::Text) newest_->line.set(i, column.name);
    }
  }

  std::optional<std::string_view> next() override {
    const auto& format = newest_->line.format();
    const auto time = mth5::sample_time(settings_.start, settings_.rate_hz, static_cast<std::int64_t>(index_));
    const auto said = std::chrono::floor<mth5::Nanos>(time) - (time.time_since_epoch() % newest_->line.resolution());
    const auto field = field_.next(time);
    auto& newest = newest_->newest;
    newest.values.assign(newest_->line.profile().channels.size(), {});
    for (std::size_t i = 0; i < format.columns.size(); ++i) {
      const auto& column = format.columns[i];
      if (column.use == Use::Token) newest_->line.set(i, fmt::format("{}", index_));
      if (column.use != Use::Channel) continue;
      const auto printed = print(format, column, sample(column, field, time));
      newest_->line.set(i, printed.text);
      newest.values[column.index] = fmt::format("{}", printed.value);
    }
    newest_->line.set_time(said);
    newest.time = said;
    record_.clear();
    if (index_ == 0)
      for (std::size_t i = 1; i <= format.header_lines; ++i) record_ += fmt::format("header {}", i) + line_end(format);
    record_ += newest_->line.text(true);
    newest.record = record_.data();
    ++index_;
    return record_;
  }

 private:
  [[nodiscard]] bool is_longitude(const TextColumn& column) const {
    return newest_->line.profile().soh[column.index].name.find("lon") != std::string::npos;
  }

  [[nodiscard]] std::string state(const TextColumn& column) const {
    const auto& format = newest_->line.format();
    if (!column.degrees_minutes) return print(format, column, steady(newest_->line.profile().soh[column.index].name)).text;
    const int decimals = column.decimals >= 0 ? column.decimals : 5;
    auto text = is_longitude(column) ? fmt::format("{:0{}.{}f}", 2400.5473, 6 + decimals, decimals)
                                     : fmt::format("{:0{}.{}f}", 4947.9334, 5 + decimals, decimals);
    if (format.decimal == "comma") std::replace(text.begin(), text.end(), '.', ',');
    return text;
  }

  /// In the number of the line.
  [[nodiscard]] double sample(const TextColumn& column, const NaturalField::Sample& field, mth5::UtcNanos time) const {
    const auto& channel = newest_->line.profile().channels[column.index];
    if (settings_.signal == Signal::Counter)
      return counter(index_, column.index, column.hex && column.bits > 0 ? static_cast<std::size_t>(column.bits) : 24);
    if (settings_.signal == Signal::Sine) return sine(index_);
    const auto units = channel.metadata.text("units");
    double value = natural(channel, field, time);
    if (channel.metadata.kind() == mth5::Kind::Magnetic && (units == "nanoTesla" || units == "microTesla"))
      value += base_nt(channel.metadata.text("component")) * (units == "microTesla" ? 1e-3 : 1);
    return value;
  }

  const SignalSettings settings_;
  NaturalField field_;
  std::shared_ptr<NewestLine> newest_;
  std::uint64_t index_ = 0;
  std::string record_;
};

}  // namespace

Instrument lined(const config::Instrument& profile) {
  const auto newest = std::make_shared<NewestLine>(profile);
  auto instrument = named(profile);
  instrument.time_resolution = newest->line.resolution();
  instrument.line_end = line_end(newest->line.format());
  instrument.generate = [newest](const SignalSettings& settings) { return std::make_unique<Lines>(settings, newest); };
  instrument.describe = [newest](std::string_view record, Description& out) { newest->newest.describe(record, out); };
  if (newest->line.format().time != "host")
    instrument.set_time = [newest](std::string& record, mth5::UtcNanos at) {
      newest->line.set_time(at);
      record = newest->line.text(true);
    };
  if (newest->line.has_lock()) instrument.lose_lock = [newest](std::string& record) { record = newest->line.text(false); };
  return instrument;
}

}  // namespace daq::simulate
