#include "acquisition/simulate/frames.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include "acquisition/simulate/signal.hpp"

namespace daq::simulate {

namespace {

using decode::FrameFormat;
using decode::FrameKind;
using decode::Number;
using decode::NumberAt;

std::size_t place(std::ptrdiff_t at, const std::string& frame) {
  return at < 0 ? frame.size() - static_cast<std::size_t>(-at) : static_cast<std::size_t>(at);
}

/// Writes `n` bytes of a number, under a mask of its bits.
void put(std::string& frame, std::size_t at, std::size_t n, bool big_endian, std::uint64_t bits,
         std::uint64_t mask = ~std::uint64_t{0}) {
  for (std::size_t i = 0; i < n; ++i) {
    const auto shift = 8 * (big_endian ? n - 1 - i : i);
    const auto old = static_cast<unsigned char>(frame[at + i]);
    const auto keep = static_cast<unsigned char>(~(mask >> shift) & 0xFF);
    frame[at + i] = static_cast<char>((old & keep) | (bits >> shift & mask >> shift & 0xFF));
  }
}
void put(std::string& frame, const NumberAt& number, std::uint64_t bits, std::uint64_t mask = ~std::uint64_t{0}) {
  put(frame, place(number.at, frame), decode::size_of(number.type), number.big_endian, bits, mask);
}

void put(std::string& frame, std::size_t at, const decode::Marker& marker) {
  for (std::size_t i = 0; i < marker.bytes.size(); ++i) {
    const auto mask = marker.mask.empty() ? 0xFF : marker.mask[i];
    frame[at + i] = static_cast<char>((static_cast<unsigned char>(frame[at + i]) & ~mask) | (marker.bytes[i] & mask));
  }
}

/// The nearest number of a type: its bits, and the value it then has.
struct Stored {
  std::uint64_t bits;
  double value;
};
Stored stored(Number type, bool offset_binary, double value) {
  if (type == Number::F32) return {std::bit_cast<std::uint32_t>(static_cast<float>(value)), static_cast<float>(value)};
  if (type == Number::F64) return {std::bit_cast<std::uint64_t>(value), value};
  const auto bits = 8 * decode::size_of(type);
  const bool is_signed = offset_binary || decode::is_signed(type);
  const double half = std::ldexp(1, static_cast<int>(bits) - 1);
  const double low = is_signed ? -half : 0, high = is_signed ? half : 2 * half;
  double whole = std::clamp(std::nearbyint(value), low, high);
  if (whole == high) whole = std::min(high - 1, std::nextafter(high, 0));
  const auto number =
      whole < 0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(whole)) : static_cast<std::uint64_t>(whole);
  return {offset_binary ? number + (std::uint64_t{1} << (bits - 1)) : number, whole};
}

std::int64_t divide_down(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

/// Writes a time, cut to what its form can say. @param time  of the first sample; @returns the one that it says
mth5::UtcNanos put_time(std::string& frame, const decode::FrameTime& form, mth5::UtcNanos time, std::size_t n_samples,
                        double rate_hz) {
  const mth5::Nanos span{form.of_last_sample ? std::llround(static_cast<double>(n_samples - 1) / rate_hz * 1e9) : 0};
  const auto moved = form.shift - span;  // of what it says
  const auto said = time - moved;
  if (form.bcd) {
    const auto second = std::chrono::floor<std::chrono::seconds>(said);
    const auto day = std::chrono::floor<std::chrono::days>(second);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{second - day};
    const int parts[] = {static_cast<int>(date.year()) % 100,
                         static_cast<int>(static_cast<unsigned>(date.month())),
                         static_cast<int>(static_cast<unsigned>(date.day())),
                         static_cast<int>(clock.hours().count()),
                         static_cast<int>(clock.minutes().count()),
                         static_cast<int>(clock.seconds().count())};
    for (std::size_t i = 0; i < 6; ++i)
      frame[place(form.number.at, frame) + i] = static_cast<char>(parts[i] / 10 << 4 | parts[i] % 10);
    return second + moved;
  }
  const auto since = (said - form.epoch).count();
  if (decode::is_float(form.number.type)) {
    const auto number = stored(form.number.type, false, static_cast<double>(since) / static_cast<double>(form.unit.count()));
    put(frame, form.number, number.bits);
    return form.epoch + mth5::Nanos{std::llround(number.value * static_cast<double>(form.unit.count()))} + moved;
  }
  const auto units = divide_down(since, form.unit.count());
  put(frame, form.number, static_cast<std::uint64_t>(units));
  auto says = form.epoch + mth5::Nanos{units * form.unit.count()};
  if (form.ticks) {
    const auto ticks = std::llround(static_cast<double>(since - units * form.unit.count()) * 1e-9 * form.ticks_hz);
    put(frame, *form.ticks, static_cast<std::uint64_t>(ticks));
    says += mth5::Nanos{std::llround(static_cast<double>(ticks) / form.ticks_hz * 1e9)};
  }
  return says + moved;
}

void put_check(std::string& frame, const FrameKind& kind) {
  if (kind.checks.empty()) return;
  const auto& check = kind.checks.front();
  const decode::Checksum checksum{check.rule};
  const auto from = place(check.from, frame);
  const auto to = check.to > 0 ? static_cast<std::size_t>(check.to) : frame.size() - static_cast<std::size_t>(-check.to);
  const auto value = checksum.of(std::span{frame}.subspan(from, to - from));
  const auto at = place(check.at, frame);
  if (!check.hex) return put(frame, at, checksum.size(), check.big_endian, value);
  std::string bytes(checksum.size(), '\0');
  put(bytes, 0, bytes.size(), check.big_endian, value);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    fmt::format_to(frame.begin() + static_cast<std::ptrdiff_t>(at + 2 * i), "{:02X}", static_cast<unsigned char>(bytes[i]));
}

/// A frame of a kind, but for what is read of it and its check.
std::string begun(const FrameKind& kind, std::size_t length) {
  std::string frame(length, '\0');
  put(frame, 0, kind.sync);
  put(frame, frame.size() - kind.trailer.bytes.size(), kind.trailer);
  for (const auto& match : kind.match) put(frame, match.number, match.value, match.mask);
  if (kind.length_field) put(frame, kind.length_field->number, frame.size() - kind.length_field->add);
  return frame;
}

const FrameKind& data_kind(const FrameFormat& format) {
  return *std::find_if(format.kinds.begin(), format.kinds.end(), [](const FrameKind& kind) { return !kind.samples.empty(); });
}

/// What the instrument says of its lock where it has none: a state that the profile names, else the least number that is none.
std::uint64_t unlocked(const FrameKind& kind) {
  const auto& locked = kind.lock->values;
  const auto is_locked = [&](std::uint64_t value) { return std::find(locked.begin(), locked.end(), value) != locked.end(); };
  for (const auto& field : kind.fields)
    if (field.number.at == kind.lock->number.at)
      for (const auto& [value, meaning] : field.values)
        if (!is_locked(value)) return value;
  std::uint64_t value = 0;
  while (is_locked(value)) ++value;
  return value;
}

/// Samples in a frame; where a frame may have any number, eight frames a second.
std::size_t rows(const FrameFormat& format) {
  const auto& kind = data_kind(format);
  if (kind.per_frame != 0) return kind.per_frame;
  const auto most = decode::most_rows(kind);
  if (kind.length != 0) return most;
  return std::clamp<std::size_t>(static_cast<std::size_t>(format.sample_rate / 8), 1, most);
}

class Frames final : public RecordSource {
 public:
  Frames(const config::Instrument& profile, const SignalSettings& settings, std::shared_ptr<Newest> newest)
      : profile_{profile},
        format_{std::get<FrameFormat>(profile_.decoder)},
        kind_{data_kind(format_)},
        rows_{rows(format_)},
        settings_{settings},
        field_{settings.rate_hz, settings.seed, settings.earth},
        newest_{std::move(newest)} {
    std::size_t length = kind_.length;
    if (length == 0) length = decode::least_length(kind_) + rows_ * (kind_.per_frame == 0 ? kind_.samples.front().row_step : 0);
    empty_ = begun(kind_, length);
    for (const auto& kind : format_.kinds) {
      if (!kind.samples.empty() || kind.fields.empty() || !kind.until.empty()) continue;  // answers and text come when asked for
      auto frame = begun(kind, decode::least_length(kind));
      for (const auto& field : kind.fields) put_field(frame, kind, field);
      put_check(frame, kind);
      states_.push_back(std::move(frame));
    }
  }

  std::optional<std::string_view> next() override {
    frame_ = empty_;
    if (kind_.counter) {
      const auto count = kind_.counter->of_samples ? index_ : index_ / rows_;
      put(frame_, kind_.counter->number, kind_.counter->modulus == 0 ? count : count % kind_.counter->modulus);
    }
    const auto time = mth5::sample_time(settings_.start, settings_.rate_hz, static_cast<std::int64_t>(index_));
    newest_->says_time = kind_.time.has_value();
    newest_->time = kind_.time ? put_time(frame_, *kind_.time, time, rows_, settings_.rate_hz) : time;
    put_samples(time);
    for (const auto& field : kind_.fields) put_field(frame_, kind_, field);
    if (kind_.lock) put(frame_, kind_.lock->number, kind_.lock->values.front(), kind_.lock->mask);
    if (kind_.time) put_time(frame_, *kind_.time, time, rows_, settings_.rate_hz);
    put_check(frame_, kind_);
    index_ += rows_;
    newest_->record = frame_.data();
    const auto second = std::chrono::floor<std::chrono::seconds>(time);
    says_state_ = said_state_ != second;
    said_state_ = second;
    return frame_;
  }

  /// Once a second.
  [[nodiscard]] std::span<const std::string> before() const override {
    return says_state_ ? std::span<const std::string>{states_} : std::span<const std::string>{};
  }

 private:
  void put_samples(mth5::UtcNanos time) {
    newest_->values.assign(profile_.channels.size(), {});
    for (std::size_t row = 0; row < rows_; ++row) {
      const auto at = mth5::sample_time(time, settings_.rate_hz, static_cast<std::int64_t>(row));
      const auto field = field_.next(at);
      for (const auto& block : kind_.samples) {
        for (std::size_t i = 0; i < block.slots.size(); ++i) {
          const auto& slot = block.slots[i];
          if (slot.skip) continue;
          const bool once = block.row_step == 0;
          const auto sample = signal(slot, block, field, index_ + (once ? 0 : row), at);
          if (!once || row == 0) {
            newest_number_.resize(std::max(newest_number_.size(), slot.channel + 1));
            newest_number_[slot.channel] = stored(block.first.type, block.offset_binary, sample);
            put(frame_, static_cast<std::size_t>(block.first.at) + row * block.row_step + i * block.slot_step,
                decode::size_of(block.first.type), block.first.big_endian, newest_number_[slot.channel].bits);
          }
          auto& text = newest_->values[slot.channel];
          fmt::format_to(std::back_inserter(text), "{}{}", row == 0 ? "" : " ",
                         newest_number_[slot.channel].value * slot.scale + slot.offset);
        }
      }
    }
  }

  /// In the numbers of the frame.
  [[nodiscard]] double signal(const decode::FrameSamples::Slot& slot, const decode::FrameSamples& block,
                              const NaturalField::Sample& field, std::uint64_t index, mth5::UtcNanos time) const {
    const auto& channel = profile_.channels[slot.channel];
    if (settings_.signal == Signal::Counter) return counter(index, slot.channel, 8 * decode::size_of(block.first.type));
    const bool counts = channel.metadata.text("units") == "digital counts";
    const double value = settings_.signal == Signal::Mt ? natural(channel, field, time) : sine(index) * (counts ? 1000 : 1);
    return (value - slot.offset) / slot.scale;
  }

  void put_field(std::string& frame, const FrameKind& kind, const decode::FrameField& field) const {
    if (!field.values.empty() || field.mask != 0) {
      const auto mask = field.mask == 0 ? ~std::uint64_t{0} : field.mask;
      const auto bits = field.values.empty() ? std::uint64_t{0} : field.values.front().first;
      return put(frame, field.number, bits << std::countr_zero(mask), mask);
    }
    // What stands where the kind is told stays.
    for (const auto& match : kind.match)
      if (match.number.at == field.number.at) return;
    put(frame, field.number,
        stored(field.number.type, false, (steady(profile_.soh[field.soh].name) - field.offset) / field.scale).bits);
  }

  const config::Instrument profile_;
  const FrameFormat format_;
  const FrameKind& kind_;
  const std::size_t rows_;
  const SignalSettings settings_;
  NaturalField field_;
  std::shared_ptr<Newest> newest_;
  std::vector<Stored> newest_number_;
  std::uint64_t index_ = 0;
  std::string empty_, frame_;
  std::vector<std::string> states_;  ///< frames without samples that say something of the instrument
  bool says_state_ = false;
  std::optional<std::chrono::sys_seconds> said_state_;
};

}  // namespace

Instrument framed(const config::Instrument& profile) {
  const auto& format = std::get<FrameFormat>(profile.decoder);
  const auto& time = data_kind(format).time;
  auto instrument = named(profile);
  instrument.samples_per_record = rows(format);
  const bool whole_seconds =
      time && (time->bcd || (time->unit == std::chrono::seconds{1} && !decode::is_float(time->number.type)));
  instrument.time_resolution = whole_seconds ? std::chrono::seconds{1} : time && !time->ticks ? time->unit : mth5::Nanos{1};
  instrument.line_end.clear();
  const auto newest = std::make_shared<Newest>();
  instrument.generate = [profile, newest](const SignalSettings& settings) {
    return std::make_unique<Frames>(profile, settings, newest);
  };
  instrument.describe = [newest](std::string_view record, Description& out) { newest->describe(record, out); };
  if (data_kind(format).lock) {
    instrument.lose_lock = [format](std::string& record) {
      const auto& kind = data_kind(format);
      put(record, kind.lock->number, unlocked(kind), kind.lock->mask);
      put_check(record, kind);
    };
  }
  if (!time) return instrument;
  instrument.set_time = [format](std::string& record, mth5::UtcNanos at) {
    const auto& kind = data_kind(format);
    put_time(record, *kind.time, at, rows(format), format.sample_rate);
    put_check(record, kind);
  };
  return instrument;
}

}  // namespace daq::simulate
