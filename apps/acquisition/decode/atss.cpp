#include "acquisition/decode/atss.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "acquisition/decode/checksum.hpp"

namespace daq::decode {

namespace {

static_assert(std::endian::native == std::endian::little, "doubles of a file are taken as they are");

constexpr std::string_view kSync = "atss";
constexpr std::size_t kAtssHeader = 20, kAtssCheck = 4;
constexpr std::uint8_t kSamples = 1, kState = 2;
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kPosition = 3;  // values of a state before those of the channels

const Checksum& checksum() {
  static const Checksum check{*find_check("crc32/iso-hdlc")};
  return check;
}

template <class T>
void put(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

template <class T>
T get(std::span<const char> bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

void append_block(std::string& out, std::uint8_t kind, mth5::UtcNanos time, std::size_t n_channels,
                  std::span<const double> values) {
  const auto begin = out.size();
  const auto length = kAtssHeader + values.size_bytes() + kAtssCheck;
  out.reserve(begin + length);
  out += kSync;
  put(out, kind);
  put(out, static_cast<std::uint8_t>(n_channels));
  put(out, kVersion);
  put(out, static_cast<std::uint32_t>(length));
  put(out, static_cast<std::uint64_t>(time.time_since_epoch().count()));
  out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  put(out, checksum().of(std::span{out}.subspan(begin)));
}

}  // namespace

std::size_t most_atss_rows(std::size_t n_channels) {
  return (kMostAtssBlock - kAtssHeader - kAtssCheck) / sizeof(double) / n_channels;
}

void append_atss_samples(std::string& out, mth5::UtcNanos time, std::size_t n_channels, std::span<const double> rows) {
  append_block(out, kSamples, time, n_channels, rows);
}

void append_atss_state(std::string& out, mth5::UtcNanos time, const AtssState& state) {
  std::vector<double> values{state.latitude, state.longitude, state.elevation};
  values.insert(values.end(), state.contact_resistance.begin(), state.contact_resistance.end());
  append_block(out, kState, time, state.contact_resistance.size(), values);
}

std::optional<AtssBlock> read_atss_block(std::span<const char> bytes) {
  if (bytes.size() < kAtssHeader + kAtssCheck || !std::equal(kSync.begin(), kSync.end(), bytes.begin())) return std::nullopt;
  const auto kind = get<std::uint8_t>(bytes, 4);
  const auto n_channels = std::size_t{get<std::uint8_t>(bytes, 5)};
  const auto length = std::size_t{get<std::uint32_t>(bytes, 8)};
  if ((kind != kSamples && kind != kState) || get<std::uint16_t>(bytes, 6) != kVersion || n_channels == 0 ||
      n_channels > kMostAtssChannels || length != bytes.size())
    return std::nullopt;
  const auto size = length - kAtssHeader - kAtssCheck;
  const bool fits =
      kind == kSamples ? size % (n_channels * sizeof(double)) == 0 : size == (kPosition + n_channels) * sizeof(double);
  if (!fits || get<std::uint32_t>(bytes, length - kAtssCheck) != checksum().of(bytes.first(length - kAtssCheck)))
    return std::nullopt;
  AtssBlock block{.time = mth5::UtcNanos{mth5::Nanos{get<std::int64_t>(bytes, 12)}}, .n_channels = n_channels};
  std::vector<double> values(size / sizeof(double));
  std::memcpy(values.data(), bytes.data() + kAtssHeader, size);
  if (kind == kSamples) {
    block.rows = std::move(values);
    return block;
  }
  block.state = AtssState{values[0], values[1], values[2], {values.begin() + kPosition, values.end()}};
  return block;
}

bool reads_atss_blocks(const Description& description) {
  const auto n_channels = std::visit([](const auto& d) { return d.n_channels; }, description);
  if (n_channels == 0 || n_channels > kMostAtssChannels) return false;
  std::vector<double> rows(3 * n_channels);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = 0.1 + static_cast<double>(i);
  rows.back() = std::numeric_limits<double>::quiet_NaN();  // a channel that is left out
  const mth5::UtcNanos time{mth5::Nanos{1'777'593'600'123'456'789}};
  std::string blocks;
  append_atss_samples(blocks, time, n_channels, rows);
  const auto of_samples = blocks.size();
  append_atss_state(blocks, time, {1, 2, 3, std::vector<double>(n_channels, 4)});
  const auto decoder = make_decoder(description);
  Batch batch;
  decoder->feed({.bytes = std::span{blocks}.first(of_samples), .datagram = true}, batch);
  decoder->feed({.bytes = std::span{blocks}.subspan(of_samples), .datagram = true}, batch);
  const auto same = [](double a, double b) { return a == b || (a != a && b != b); };
  return batch.frames.size() == 1 && batch.frames[0].n_samples == 3 && batch.frames[0].time == time &&
         decoder->counters().bytes_decoded == blocks.size() &&
         std::equal(rows.begin(), rows.end(), batch.samples.begin(), batch.samples.end(), same);
}

}  // namespace daq::decode
