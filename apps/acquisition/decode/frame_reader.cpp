#include "acquisition/decode/frame_reader.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string_view>

#include "acquisition/decode/time_form.hpp"

namespace daq::decode {

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

std::uint64_t byte_of(char c) { return static_cast<unsigned char>(c); }

template <std::size_t kSize, bool kBig>
std::uint64_t load(const char* p) noexcept {
  if constexpr (kSize == 3) {
    return kBig ? byte_of(p[0]) << 16 | byte_of(p[1]) << 8 | byte_of(p[2])
                : byte_of(p[2]) << 16 | byte_of(p[1]) << 8 | byte_of(p[0]);
  } else {
    std::uint64_t value = 0;
    std::memcpy(&value, p, kSize);
    static_assert(std::endian::native == std::endian::little);
    return kBig ? __builtin_bswap64(value) >> (64 - 8 * kSize) : value;
  }
}

constexpr std::size_t kSizes[] = {1, 1, 2, 2, 3, 3, 4, 4, 8, 8, 4, 8};  // in the order of Number

template <Number kType, bool kBig>
double value_of(const char* p, std::uint64_t flip) noexcept {
  constexpr std::size_t kSize = kSizes[static_cast<std::size_t>(kType)];
  const auto bits = load<kSize, kBig>(p);
  if constexpr (kType == Number::F32) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  if constexpr (kType == Number::F64) return std::bit_cast<double>(bits);
  if constexpr (is_signed(kType))
    return static_cast<double>(static_cast<std::int64_t>((bits ^ flip) << (64 - 8 * kSize)) >> (64 - 8 * kSize));
  return static_cast<double>(bits);
}

/// One block of samples. Offset binary is two's complement with its upper bit turned round.
template <Number kType, bool kBig>
std::size_t read_block(const FrameSamples& block, const char* p, std::size_t n_rows, double* out, std::size_t n_channels) {
  constexpr std::size_t kSize = kSizes[static_cast<std::size_t>(kType)];
  const std::uint64_t flip = block.offset_binary ? std::uint64_t{1} << (8 * kSize - 1) : 0;
  std::size_t unknown = 0;
  for (const auto& slot : block.slots) {
    const char* from = p;
    p += block.slot_step;
    if (slot.skip) continue;
    double* to = out + slot.channel;
    for (std::size_t row = 0; row < n_rows; ++row, from += block.row_step, to += n_channels) {
      const double value = value_of<kType, kBig>(from, flip);
      if constexpr (is_float(kType)) {
        if (!std::isfinite(value)) {
          *to = kUnknown;
          ++unknown;
          continue;
        }
      }
      *to = value * slot.scale + slot.offset;
    }
  }
  return unknown;
}

using Kernel = std::size_t (*)(const FrameSamples&, const char*, std::size_t, double*, std::size_t);

template <Number kType>
constexpr Kernel kernel_of(bool big_endian) {
  return big_endian ? read_block<kType, true> : read_block<kType, false>;
}

/// Offset binary is read as the signed type of that size.
Kernel kernel_for(const FrameSamples& block) {
  const bool big = block.first.big_endian;
  const bool flip = block.offset_binary;
  switch (block.first.type) {
    case Number::I8:
      return kernel_of<Number::I8>(big);
    case Number::U8:
      return flip ? kernel_of<Number::I8>(big) : kernel_of<Number::U8>(big);
    case Number::I16:
      return kernel_of<Number::I16>(big);
    case Number::U16:
      return flip ? kernel_of<Number::I16>(big) : kernel_of<Number::U16>(big);
    case Number::I24:
      return kernel_of<Number::I24>(big);
    case Number::U24:
      return flip ? kernel_of<Number::I24>(big) : kernel_of<Number::U24>(big);
    case Number::I32:
      return kernel_of<Number::I32>(big);
    case Number::U32:
      return flip ? kernel_of<Number::I32>(big) : kernel_of<Number::U32>(big);
    case Number::I64:
      return kernel_of<Number::I64>(big);
    case Number::U64:
      return flip ? kernel_of<Number::I64>(big) : kernel_of<Number::U64>(big);
    case Number::F32:
      return kernel_of<Number::F32>(big);
    default:
      return kernel_of<Number::F64>(big);
  }
}

const char* place(std::ptrdiff_t at, std::span<const char> frame) {
  return at < 0 ? frame.data() + frame.size() + at : frame.data() + at;
}

/// Of the bytes that are there; so a frame that has only begun can match.
bool begins_with(const Marker& marker, const char* p, std::size_t n) {
  n = std::min(n, marker.bytes.size());
  if (marker.mask.empty()) return n == 0 || std::memcmp(p, marker.bytes.data(), n) == 0;
  for (std::size_t i = 0; i < n; ++i)
    if (((byte_of(p[i]) ^ marker.bytes[i]) & marker.mask[i]) != 0) return false;
  return true;
}

bool matches(const FrameMatch& match, std::span<const char> frame) {
  return ((read_bits(match.number, frame) ^ match.value) & match.mask) == 0;
}

/// Of a signed type.
std::int64_t read_signed(const NumberAt& number, std::span<const char> frame) {
  const auto unused = 64 - 8 * static_cast<unsigned>(size_of(number.type));
  return static_cast<std::int64_t>(read_bits(number, frame) << unused) >> unused;
}

double number_of(const NumberAt& number, std::span<const char> frame) {
  switch (number.type) {
    case Number::F32:
    case Number::F64: {
      const char* const p = place(number.at, frame);
      if (number.type == Number::F32)
        return number.big_endian ? value_of<Number::F32, true>(p, 0) : value_of<Number::F32, false>(p, 0);
      return number.big_endian ? value_of<Number::F64, true>(p, 0) : value_of<Number::F64, false>(p, 0);
    }
    default:
      return is_signed(number.type) ? static_cast<double>(read_signed(number, frame))
                                    : static_cast<double>(read_bits(number, frame));
  }
}

/// Two decimal digits in a byte; -1: they are none.
int bcd(char c) {
  const auto high = static_cast<int>(byte_of(c) >> 4), low = static_cast<int>(byte_of(c) & 15);
  return high > 9 || low > 9 ? -1 : 10 * high + low;
}

std::optional<mth5::UtcNanos> read_bcd(const char* p) {
  CalendarTime calendar;
  for (std::size_t i = 0; i < 5; ++i) calendar.date[i] = bcd(p[i]) + (i == 0 ? 2000 : 0);
  if (bcd(p[0]) < 0 || bcd(p[5]) < 0) return std::nullopt;  // the others would be no date
  calendar.second = bcd(p[5]);
  return calendar.utc();
}

/// nullopt: out of range.
template <class Whole>
std::optional<std::int64_t> nanos(Whole n, mth5::Nanos unit) {
  std::int64_t result = 0;
  return __builtin_mul_overflow(n, unit.count(), &result) ? std::nullopt : std::optional{result};
}

/// Of a real number of units: whole ones apart, so that seconds keep all their decimals.
std::optional<std::int64_t> real_nanos(double n, mth5::Nanos unit) {
  const double ns = n * static_cast<double>(unit.count());
  if (!(std::abs(ns) < 9e18)) return std::nullopt;
  const double whole = std::floor(n);
  return static_cast<std::int64_t>(whole) * unit.count() + std::llround((n - whole) * static_cast<double>(unit.count()));
}

}  // namespace

std::size_t size_of(Number type) { return kSizes[static_cast<std::size_t>(type)]; }

std::uint64_t read_bits(const NumberAt& number, std::span<const char> frame) noexcept {
  if (is_float(number.type)) return 0;
  const char* const p = place(number.at, frame);
  switch (size_of(number.type)) {
    case 1:
      return byte_of(*p);
    case 2:
      return number.big_endian ? load<2, true>(p) : load<2, false>(p);
    case 3:
      return number.big_endian ? load<3, true>(p) : load<3, false>(p);
    case 4:
      return number.big_endian ? load<4, true>(p) : load<4, false>(p);
    default:
      return number.big_endian ? load<8, true>(p) : load<8, false>(p);
  }
}

std::size_t FrameReader::rows_of(const FrameKind& kind, std::size_t tail, std::size_t length) const noexcept {
  if (kind.samples.empty() || kind.per_frame != 0) return kind.per_frame;
  const auto& block = kind.samples.front();
  const std::size_t begin = static_cast<std::size_t>(block.first.at) + tail;
  if (length < begin || (length - begin) % block.row_step != 0) return 0;
  return (length - begin) / block.row_step;
}

FrameReader::FrameReader(const FrameFormat& format) : format_{format} {
  if (const auto wrong = check_frame_format(format); !wrong.empty()) throw std::invalid_argument{"frame format: " + wrong};
  plans_.reserve(format_.kinds.size());
  for (const auto& kind : format_.kinds) {
    Plan plan;
    plan.least = least_length(kind);
    plan.head = kind.sync.bytes.size();
    plan.tail = bytes_behind(kind);
    if (kind.length_field)
      plan.head =
          std::max(plan.head, static_cast<std::size_t>(kind.length_field->number.at) + size_of(kind.length_field->number.type));
    plan.checksums.reserve(kind.checks.size());
    for (const auto& check : kind.checks) plan.checksums.emplace_back(check.rule);
    if (kind.checks.size() == 1) plan.check = 0;
    for (const auto& block : kind.samples) plan.kernels.push_back(kernel_for(block));
    plans_.push_back(std::move(plan));
    const unsigned first = kind.sync.bytes.empty() ? 0 : kind.sync.bytes.front();
    const unsigned mask = kind.sync.bytes.empty() ? 0 : kind.sync.mask.empty() ? 0xFF : kind.sync.mask.front();
    for (unsigned b = 0; b < 256; ++b) begins_[b] = begins_[b] || ((b ^ first) & mask) == 0;
  }
}

std::size_t FrameReader::length_of(const FrameKind& kind, std::span<const char> bytes) const noexcept {
  if (kind.length != 0) return kind.length;
  if (kind.length_field) {
    const auto counted = read_bits(kind.length_field->number, bytes);
    return counted > kind.max_length ? kind.max_length + 1 : static_cast<std::size_t>(counted) + kind.length_field->add;
  }
  const std::string_view text{bytes.data(), std::min(bytes.size(), kind.max_length)};
  const std::string_view end{reinterpret_cast<const char*>(kind.until.data()), kind.until.size()};
  const auto found = text.find(end, kind.sync.bytes.size());
  if (found != std::string_view::npos) return found + end.size();
  return text.size() < kind.max_length ? 0 : kind.max_length + 1;
}

bool FrameReader::fits(std::size_t kind, std::size_t number, std::span<const char> frame) const noexcept {
  const auto& check = format_.kinds[kind].checks[number];
  const auto& checksum = plans_[kind].checksums[number];
  const char* const from = place(check.from, frame);
  const char* const to = check.to > 0 ? frame.data() + check.to : frame.data() + frame.size() + check.to;
  if (to < from) return false;
  const auto expected = checksum.of({from, to});
  const char* p = place(check.at, frame);
  std::uint32_t found = 0;
  const auto size = checksum.size();
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t at = check.big_endian ? i : size - 1 - i;
    if (!check.hex) {
      found = found << 8 | static_cast<std::uint32_t>(byte_of(p[at]));
      continue;
    }
    for (std::size_t digit = 0; digit < 2; ++digit) {
      const char c = p[2 * at + digit];
      const int value = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                               : -1;
      if (value < 0) return false;
      found = found << 4 | static_cast<std::uint32_t>(value);
    }
  }
  return found == expected;
}

std::optional<mth5::UtcNanos> FrameReader::read_time(const FrameTime& time, std::span<const char> frame,
                                                     std::size_t n_samples) const noexcept {
  constexpr mth5::Nanos kSecond = std::chrono::seconds{1};
  std::optional<std::int64_t> since;
  if (time.bcd) {
    if (const auto utc = read_bcd(place(time.number.at, frame))) since = utc->time_since_epoch().count();
  } else if (is_float(time.number.type)) {
    since = real_nanos(number_of(time.number, frame), time.unit);
  } else if (is_signed(time.number.type)) {
    since = nanos(read_signed(time.number, frame), time.unit);
  } else {
    since = nanos(read_bits(time.number, frame), time.unit);
  }
  std::optional<std::int64_t> within = 0, back = 0;
  if (time.ticks) within = real_nanos(static_cast<double>(read_bits(*time.ticks, frame)) / time.ticks_hz, kSecond);
  if (time.of_last_sample && n_samples > 0) back = real_nanos(-static_cast<double>(n_samples - 1) / format_.sample_rate, kSecond);
  if (!since || !within || !back) return std::nullopt;
  std::int64_t sum = *since;
  for (const auto one : {time.epoch.time_since_epoch().count(), time.shift.count(), *within, *back})
    if (__builtin_add_overflow(sum, one, &sum)) return std::nullopt;
  return mth5::UtcNanos{mth5::Nanos{sum}};
}

FrameFront FrameReader::look_for(std::size_t number, std::span<const char> bytes) const noexcept {
  const auto& kind = format_.kinds[number];
  const auto& plan = plans_[number];
  FrameFront front{.kind = number};
  if (!begins_with(kind.sync, bytes.data(), bytes.size())) return front;
  const auto incomplete = [&](std::size_t needed) {
    front.is = FrameFront::Is::Incomplete;
    front.bytes = needed;
    return front;
  };
  if (bytes.size() < plan.head) return incomplete(plan.head);
  front.matched = true;
  const auto length = length_of(kind, bytes);
  const auto bad = [&](Skip why, std::size_t n) {
    front.why = why;
    front.bytes = n;
    return front;
  };
  if (length == 0) return incomplete(bytes.size() + 1);
  if (length > kind.longest()) return bad(Skip::TooLong, plan.head);
  if (length < plan.least) return bad(Skip::BadValue, plan.head);
  if (bytes.size() < length) return incomplete(length);
  const auto frame = bytes.first(length);
  const auto& end = kind.trailer;
  if (!begins_with(end, frame.data() + length - end.bytes.size(), end.bytes.size())) return bad(Skip::CutOff, length);
  for (const auto& match : kind.match)
    if (!matches(match, frame)) {
      front.matched = false;
      return bad(Skip::Garbage, 1);
    }
  if (plan.check != kNoCheck && !fits(number, plan.check, frame)) return bad(Skip::BadCheck, length);
  front.n_samples = rows_of(kind, plan.tail, length);
  if (!kind.samples.empty() && front.n_samples == 0) return bad(Skip::BadValue, length);
  if (kind.time) {
    const auto time = read_time(*kind.time, frame, front.n_samples);
    if (!time) return bad(Skip::BadTime, length);
    front.time = *time;
  }
  front.is = FrameFront::Is::Frame;
  front.bytes = length;
  return front;
}

FrameFront FrameReader::look(std::span<const char> bytes, bool at_end) const noexcept {
  FrameFront best;
  for (std::size_t kind = 0; kind < plans_.size(); ++kind) {
    auto front = look_for(kind, bytes);
    if (front.is == FrameFront::Is::Incomplete && at_end)
      front = {.kind = kind, .bytes = bytes.size(), .why = Skip::CutOff, .matched = true};
    if (front.is != FrameFront::Is::Bad) return front;
    if (front.matched && !best.matched) best = front;
  }
  return best;
}

std::size_t FrameReader::read_samples(const FrameFront& front, std::span<const char> frame, double* out) const noexcept {
  const auto& kind = format_.kinds[front.kind];
  const auto& kernels = plans_[front.kind].kernels;
  std::size_t unknown = 0;
  for (std::size_t i = 0; i < kernels.size(); ++i)
    unknown += kernels[i](kind.samples[i], place(kind.samples[i].first.at, frame), front.n_samples, out, format_.n_channels);
  return unknown;
}

std::size_t FrameReader::read_fields(const FrameFront& front, std::span<const char> frame, double* soh) const noexcept {
  std::size_t unknown = 0;
  for (const auto& field : format_.kinds[front.kind].fields) {
    double value = kUnknown;
    if (field.mask == 0 && field.values.empty()) {
      value = number_of(field.number, frame);
      if (!std::isfinite(value)) value = kUnknown;
    } else {
      const auto mask = field.mask == 0 ? ~std::uint64_t{0} : field.mask;
      const auto bits = (read_bits(field.number, frame) & mask) >> std::countr_zero(mask);
      const auto found =
          std::find_if(field.values.begin(), field.values.end(), [&](const auto& one) { return one.first == bits; });
      if (field.values.empty())
        value = static_cast<double>(bits);
      else if (found != field.values.end())
        value = found->second;
    }
    if (std::isnan(value)) ++unknown;
    soh[field.soh] = value * field.scale + field.offset;
  }
  return unknown;
}

TimeKind FrameReader::time_kind(const FrameFront& front, std::span<const char> frame) const noexcept {
  const auto& kind = format_.kinds[front.kind];
  if (!kind.time) return TimeKind::None;
  if (!kind.lock) return kind.time->kind;
  const auto bits = read_bits(kind.lock->number, frame) & kind.lock->mask;
  const auto& locked = kind.lock->values;
  return std::find(locked.begin(), locked.end(), bits) != locked.end() ? TimeKind::Gps : TimeKind::Device;
}

std::optional<std::uint64_t> FrameReader::counter(const FrameFront& front, std::span<const char> frame) const noexcept {
  const auto& counter = format_.kinds[front.kind].counter;
  return counter ? std::optional{read_bits(counter->number, frame)} : std::nullopt;
}

}  // namespace daq::decode
