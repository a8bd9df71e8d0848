#include "acquisition/decode/miniseed.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "acquisition/decode/description.hpp"
#include "acquisition/decode/miniseed_samples.hpp"
#include "acquisition/decode/skips.hpp"

namespace daq::decode {
namespace {

constexpr std::size_t kFixedHeader = 48;  // bytes
constexpr int kSteim1 = 10;               // where no blockette 1000 says otherwise, as others take it
constexpr int kText = 0;                  // encoding
constexpr double kRateTolerance = 1e-3;   // of the rate: a clock's own may stand in the record

bool is_letter_or_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

/// What some makers leave in codes that they do not use: no letter of ASCII.
bool is_foreign(char c) { return static_cast<unsigned char>(c) >= 0x80; }

/// Numbers of a record, in its byte order.
class RecordFields {
 public:
  RecordFields(std::span<const char> bytes, bool big_endian) : bytes_{bytes}, big_endian_{big_endian} {}

  [[nodiscard]] std::uint8_t u8(std::size_t at) const { return static_cast<std::uint8_t>(bytes_[at]); }
  [[nodiscard]] std::uint16_t u16(std::size_t at) const { return static_cast<std::uint16_t>(number(at, 2)); }
  [[nodiscard]] std::int16_t i16(std::size_t at) const { return static_cast<std::int16_t>(u16(at)); }
  [[nodiscard]] std::int32_t i32(std::size_t at) const { return static_cast<std::int32_t>(number(at, 4)); }
  [[nodiscard]] float f32(std::size_t at) const { return std::bit_cast<float>(number(at, 4)); }

 private:
  [[nodiscard]] std::uint32_t number(std::size_t at, std::size_t n) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < n; ++i) value = value << 8 | u8(at + (big_endian_ ? i : n - 1 - i));
    return value;
  }
  std::span<const char> bytes_;
  bool big_endian_;
};

bool is_day(const RecordFields& fields) {
  const auto year = fields.u16(20), day = fields.u16(22);
  return year >= 1900 && year <= 2100 && day >= 1 && day <= 366;
}

/// Whether a record can begin here: 48 bytes that hardly stand so among samples.
bool is_header(std::span<const char> bytes) {
  if (bytes.size() < kFixedHeader) return false;
  const auto blank = [](char c) { return c == ' ' || c == '\0'; };
  for (std::size_t i = 0; i < 6; ++i)
    if (!blank(bytes[i]) && (bytes[i] < '0' || bytes[i] > '9')) return false;
  if (std::string_view{"DRQM"}.find(bytes[6]) == std::string_view::npos || !blank(bytes[7])) return false;
  for (std::size_t i = 8; i < 20; ++i)
    if (!blank(bytes[i]) && bytes[i] != '-' && !is_letter_or_digit(bytes[i]) && !is_foreign(bytes[i])) return false;
  const RecordFields big{bytes, true};
  return (is_day(big) || is_day({bytes, false})) && big.u8(24) <= 23 && big.u8(25) <= 59 && big.u8(26) <= 60;
}

std::string text(std::span<const char> bytes) {
  std::string all{bytes.data(), bytes.size()};
  all.erase(std::remove_if(all.begin(), all.end(), [](char c) { return c == ' ' || c == '\0' || is_foreign(c); }), all.end());
  return all;
}

double rate_of(int factor, int multiplier) {
  if (factor == 0 || multiplier == 0) return 0;
  const double rate = factor > 0 ? factor : -1.0 / factor;
  return multiplier > 0 ? rate * multiplier : -rate / multiplier;
}

/// "10 Hz", "0.1 Hz".
std::string shown_rate(double rate_hz) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), static_cast<float>(rate_hz));
  return std::string{text.data(), end} + " Hz";
}

std::optional<mth5::UtcNanos> start_of(const RecordFields& fields) {
  constexpr unsigned kWhole = 10'000;  // ten thousandths; some round up to a second
  const std::chrono::year year{fields.u16(20)};
  const auto day = fields.u16(22);
  if (day > (year.is_leap() ? 366 : 365) || fields.u16(28) > kWhole) return std::nullopt;
  mth5::UtcNanos start{std::chrono::sys_days{year / 1 / 1} + std::chrono::days{day - 1}};
  start += std::chrono::hours{fields.u8(24)} + std::chrono::minutes{fields.u8(25)} + std::chrono::seconds{fields.u8(26)};
  start += fields.u16(28) * std::chrono::microseconds{100};
  constexpr unsigned kCorrected = 2;  // the correction is in the time already
  if ((fields.u8(36) & kCorrected) == 0) start += fields.i32(40) * std::chrono::microseconds{100};
  return start;
}

/// A code with all of its parts.
using Parts = std::array<std::string, 4>;
std::optional<Parts> split_code(std::string_view code) {
  std::vector<std::string> parts;
  for (;;) {
    const auto dot = code.find('.');
    parts.emplace_back(code.substr(0, dot));
    if (dot == code.npos) break;
    code.remove_prefix(dot + 1);
  }
  if (parts.size() == 3 || parts.size() > 4) return std::nullopt;
  Parts all{"*", "*", "*", "*"};
  std::move(parts.begin(), parts.end(), all.end() - static_cast<std::ptrdiff_t>(parts.size()));
  return all;
}

class MiniSeedDecoder final : public Decoder {
 public:
  explicit MiniSeedDecoder(const MiniSeedFormat& format) : format_{format}, bound_(format.n_channels), told_(format.n_channels) {
    for (const auto& code : format.codes) codes_.push_back(*split_code(code));
  }

  void feed(const Chunk& chunk, Batch& out) override {
    skips_.begins_with(chunk.bytes);
    counters_.bytes_in += chunk.bytes.size();
    arrival_ = chunk.arrival;
    if (held_.empty()) {  // whole records are taken from where they are
      const auto rest = take(chunk.bytes, false, out);
      held_.assign(chunk.bytes.end() - static_cast<std::ptrdiff_t>(rest), chunk.bytes.end());
    } else {
      held_.insert(held_.end(), chunk.bytes.begin(), chunk.bytes.end());
      const auto rest = take(held_, false, out);
      held_.erase(held_.begin(), held_.end() - static_cast<std::ptrdiff_t>(rest));
    }
    counters_.bytes_pending = held_.size();
    if (chunk.datagram) end_of_stream(out);
  }

  void end_of_stream(Batch& out) override {
    static_cast<void>(take(held_, true, out));
    held_.clear();
    counters_.bytes_pending = 0;
  }

  [[nodiscard]] const ledger::SourceCounters& counters() const override { return counters_; }
  [[nodiscard]] const std::vector<Refusal>& refusals() const override { return skips_.examples(); }
  [[nodiscard]] std::vector<std::string> take_news() override { return std::exchange(news_, {}); }

 private:
  /// @param ended  nothing comes behind these bytes
  /// @returns how many bytes at the end are the beginning of a record
  std::size_t take(std::span<const char> bytes, bool ended, Batch& out) {
    while (!bytes.empty()) {
      if (!is_header(bytes)) {
        const auto n = next_header(bytes, 1, 1, bytes.size())
                           .value_or(ended || bytes.size() < kFixedHeader ? bytes.size() : bytes.size() - kFixedHeader + 1);
        if (!ended && bytes.size() < kFixedHeader) return bytes.size();
        skips_.add_with_example(Skip::Garbage, bytes.first(n), {});
        bytes = bytes.subspan(n);
        continue;
      }
      const auto n = take_at(bytes, ended, out);
      if (!n) return bytes.size();
      bytes = bytes.subspan(*n);
    }
    return 0;
  }

  /// A record begins here. @returns bytes done with; nullopt: its end has not come
  std::optional<std::size_t> take_at(std::span<const char> bytes, bool ended, Batch& out) {
    const auto says = length_of(bytes);
    if (!says && bytes.size() < kMostBlockettes && !ended) return std::nullopt;
    const auto length = says.value_or(kMostRecord);
    if (length > kMostRecord) return refuse(Skip::TooLong, bytes.first(kFixedHeader), "length");
    // Another one that begins within it: it is cut off, or its length is wrong.
    const auto next = next_header(bytes, kLeastRecord, kLeastRecord, std::min(length, bytes.size()));
    if (next && says) return refuse(Skip::CutOff, bytes.first(*next), {});
    if (!next && bytes.size() < length) {
      if (!ended) return std::nullopt;
      if (says) return refuse(Skip::CutOff, bytes, {});
    }
    const auto record = bytes.first(next.value_or(std::min(length, bytes.size())));
    return take_record(record, out);
  }

  std::size_t take_record(std::span<const char> record, Batch& out) {
    const auto header = read_record_header(record);
    if (!header) {
      const bool dated = start_of(order(record)).has_value();
      return refuse(dated ? Skip::BadValue : Skip::BadTime, record, dated ? "header" : "time");
    }
    if (header->rate_hz <= 0 || header->n_samples == 0 || header->encoding == kText)
      return refuse(Skip::OtherRecord, record, header->id());
    const auto channel = channel_of(*header);
    if (!channel) return refuse(Skip::OtherRecord, record, header->id() + " at " + shown_rate(header->rate_hz));
    const auto first = out.samples.size();
    auto result = samples_.unpack(*header, record, out.samples);
    if (result.why != Skip::Count) return refuse(result.why, record, header->id() + ": " + result.place);
    for (auto i = result.whole ? out.samples.size() : first; i < out.samples.size(); ++i)
      if (!std::isfinite(out.samples[i])) {
        out.samples[i] = std::numeric_limits<double>::quiet_NaN();
        ++counters_.fields_unknown;
      }
    const auto quality = header->timing_quality;
    out.frames.push_back({.channel = static_cast<std::uint16_t>(*channel),
                          .n_samples = static_cast<std::uint32_t>(header->n_samples),
                          .first = first,
                          .time = header->start,
                          .kind = quality && *quality >= format_.locked_from ? TimeKind::Gps : TimeKind::Device,
                          .time_step = header->time_step,
                          .after_skip = skips_.take_since_frame(),
                          .arrival = arrival_});
    if (format_.n_soh > 0) {
      out.states.push_back({header->start, out.soh.size()});
      out.soh.push_back(quality ? *quality : std::numeric_limits<double>::quiet_NaN());
    }
    ++counters_.frames;
    skips_.decoded(record.size());
    return record.size();
  }

  std::optional<std::size_t> channel_of(const RecordHeader& header) {
    if (std::abs(header.rate_hz - format_.sample_rate) > kRateTolerance * format_.sample_rate) return std::nullopt;
    const Parts parts{header.network, header.station, header.location, header.channel};
    const auto id = header.id();
    std::optional<std::size_t> taken;  // a code that fits, and has another one
    for (std::size_t c = 0; c < codes_.size(); ++c) {
      bool fit = true;
      for (std::size_t i = 0; fit && i < parts.size(); ++i) fit = fnmatch(codes_[c][i].c_str(), parts[i].c_str(), 0) == 0;
      if (!fit) continue;
      if (bound_[c].empty()) bound_[c] = id;
      if (bound_[c] == id) return c;
      if (!taken) taken = c;
    }
    if (taken) tell_other(*taken, id);
    return std::nullopt;
  }

  /// Said once of each code.
  void tell_other(std::size_t c, const std::string& id) {
    if (std::exchange(told_[c], 1) != 0) return;
    news_.push_back("code '" + format_.codes[c] + "' fits " + id + " too, which is left out: " + bound_[c] +
                    " came first; write NET.STA.LOC.CHA of the one that is meant");
  }

  static constexpr std::size_t kMostBlockettes = 4096;  // bytes in which blockette 1000 is looked for

  static RecordFields order(std::span<const char> bytes) {
    const RecordFields big{bytes, true};
    return is_day(big) ? big : RecordFields{bytes, false};
  }

  /// As blockette 1000 says; nullopt: there is none, or it is not there yet.
  static std::optional<std::size_t> length_of(std::span<const char> bytes) {
    bytes = bytes.first(std::min(bytes.size(), kMostBlockettes));
    const auto fields = order(bytes);
    std::size_t at = fields.u16(46);
    for (int n = 0; n < 64 && at >= kFixedHeader && at + 8 <= bytes.size(); ++n) {
      if (fields.u16(at) == 1000) {
        const auto power = fields.u8(at + 6);
        return power >= 7 && power < 32 ? std::size_t{1} << power : kMostRecord + 1;
      }
      const std::size_t next = fields.u16(at + 2);
      if (next < at + 4) break;
      at = next;
    }
    return std::nullopt;
  }

  /// The first place from `from` on, in steps, where a record can begin, before `end`.
  static std::optional<std::size_t> next_header(std::span<const char> bytes, std::size_t from, std::size_t step,
                                                std::size_t end) {
    for (auto at = from; at < end && at + kFixedHeader <= bytes.size(); at += step)
      if (is_header(bytes.subspan(at))) return at;
    return std::nullopt;
  }

  /// @returns how many bytes are done with: up to where the next record may begin
  std::size_t refuse(Skip why, std::span<const char> bytes, std::string place) {
    skips_.add_with_example(why, bytes, std::move(place));
    skips_.end_event();  // the next one is another
    return bytes.size();
  }

  const MiniSeedFormat format_;
  std::vector<Parts> codes_;
  std::vector<std::string> bound_;  ///< [channel]: id of the records that are its own; "" = none has come
  std::vector<char> told_;          ///< [channel]: that its code fits several was said
  std::vector<std::string> news_;
  RecordSamples samples_;
  std::vector<char> held_;  ///< the beginning of a record, less than kMostRecord bytes, between calls
  ledger::SourceCounters counters_;
  Skips skips_{counters_};
  mth5::UtcNanos arrival_{};
};

}  // namespace

std::optional<RecordHeader> read_record_header(std::span<const char> bytes) {
  if (!is_header(bytes)) return std::nullopt;
  const bool big = is_day({bytes, true});
  const RecordFields fields{bytes, big};
  const auto start = start_of(fields);
  if (!start) return std::nullopt;
  RecordHeader header{.network = text(bytes.subspan(18, 2)),
                      .station = text(bytes.subspan(8, 5)),
                      .location = text(bytes.subspan(13, 2)),
                      .channel = text(bytes.subspan(15, 3)),
                      .start = *start,
                      .time_step = std::chrono::microseconds{100},
                      .rate_hz = rate_of(fields.i16(32), fields.i16(34)),
                      .n_samples = fields.u16(30),
                      .encoding = kSteim1,
                      .big_endian = big,
                      .data_at = fields.u16(44)};
  if (header.location == "--") header.location.clear();
  std::size_t at = fields.u16(46);
  while (at != 0) {
    if (at < kFixedHeader || at + 8 > bytes.size()) return std::nullopt;
    const auto type = fields.u16(at);
    const std::size_t next = fields.u16(at + 2);
    if (type == 100) {
      const double rate = fields.f32(at + 4);
      if (!std::isfinite(rate) || rate < 0) return std::nullopt;
      header.rate_hz = rate;
    } else if (type == 1000) {
      const auto power = fields.u8(at + 6);
      if (power < 7 || power > 31) return std::nullopt;
      header.encoding = fields.u8(at + 4);
      header.big_endian = fields.u8(at + 5) != 0;
      header.bytes = std::size_t{1} << power;
    } else if (type == 1001) {
      header.timing_quality = std::min<unsigned>(fields.u8(at + 4), 100);
      header.start += std::chrono::microseconds{static_cast<std::int8_t>(fields.u8(at + 5))};
      header.time_step = std::chrono::microseconds{1};
    }
    if (next != 0 && next < at + 4) return std::nullopt;
    at = next;
  }
  if (header.n_samples > 0 && (header.data_at < kFixedHeader || header.data_at >= bytes.size())) header.data_at = 0;
  return header;
}

std::string check_record_code(std::string_view code) {
  const auto parts = split_code(code);
  const auto good = [](char c) { return is_letter_or_digit(c) || c == '?' || c == '*'; };
  constexpr std::array<std::size_t, 4> kLongest{2, 5, 2, 3};
  bool right = parts.has_value() && !parts->at(3).empty();
  for (std::size_t i = 0; right && i < kLongest.size(); ++i)
    right = (*parts)[i].size() <= kLongest[i] && std::all_of((*parts)[i].begin(), (*parts)[i].end(), good);
  return right
             ? ""
             : "is no code of a channel: CHA, LOC.CHA or NET.STA.LOC.CHA, with ? for any character, such as ?FX or XX.MT01..LFX";
}

Density miniseed_density(const MiniSeedFormat& /*format*/) {
  return {.least_frame_bytes = kLeastRecord,
          .samples_per_frame = std::numeric_limits<std::uint16_t>::max(),
          .samples_per_byte = 1.75,  // seven in a word of Steim2
          .held_bytes = kMostRecord,
          .channels_apart = true};
}

Numbering miniseed_numbering(const MiniSeedFormat& /*format*/) { return {.kind = TimeKind::Gps}; }

FrameSize first_miniseed_frame(const MiniSeedFormat& /*format*/, std::span<const char> bytes) {
  // Up to the next record of the first one's channel: they are of about one time.
  std::size_t at = 0;
  std::string id;
  std::size_t n_samples = 0;
  while (at < bytes.size()) {
    const auto header = read_record_header(bytes.subspan(at));
    if (!header || !header->bytes || *header->bytes > bytes.size() - at) break;
    if (at > 0 && header->id() == id) break;
    if (at == 0) {
      id = header->id();
      n_samples = header->n_samples;
    }
    at += *header->bytes;
  }
  return {at, n_samples};
}

std::unique_ptr<Decoder> make_miniseed_decoder(const MiniSeedFormat& format) {
  if (format.codes.empty() || format.codes.size() != format.n_channels || format.n_soh > 1 || !(format.sample_rate > 0))
    throw std::invalid_argument{"miniseed format: not one code for each channel, or no rate"};
  for (const auto& code : format.codes)
    if (const auto wrong = check_record_code(code); !wrong.empty())
      throw std::invalid_argument{"miniseed format: '" + code + "' " + wrong};
  return std::make_unique<MiniSeedDecoder>(format);
}

}  // namespace daq::decode
