#include "acquisition/simulate/miniseed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <memory>
#include <vector>

#include "acquisition/simulate/packets.hpp"

namespace daq::simulate {

namespace {

constexpr std::size_t kRecordBytes = 512, kDataAt = 128;  // bytes
constexpr mth5::Nanos kRecordStep = std::chrono::microseconds{1};
constexpr unsigned kLocked = 100, kUnlocked = 0;  // %, timing quality

std::size_t rows_of(double rate_hz) {
  constexpr std::size_t kFit = (kRecordBytes - kDataAt) / sizeof(double);
  return std::clamp<std::size_t>(static_cast<std::size_t>(rate_hz), 1, kFit);
}

char band_of(double rate_hz) {
  constexpr std::pair<double, char> kBands[] = {{1000, 'F'}, {250, 'C'}, {80, 'H'}, {10, 'B'}, {1.5, 'M'}, {0.5, 'L'}};
  for (const auto& [from, letter] : kBands)
    if (rate_hz >= from) return letter;
  return 'V';
}

void put_number(std::string& record, std::size_t at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) record[at + i] = static_cast<char>(value >> 8 * (bytes - 1 - i) & 0xff);
}

bool is_whole(const config::ChannelProfile& channel) { return channel.type != mth5::SampleType::Float64; }

/// The newest record of channel `c`.
std::string record_of(const NewestPackets& sent, std::size_t c, const std::string& id, mth5::UtcNanos time) {
  std::string record(kRecordBytes, '\0');
  const auto& rows = sent.rows[c];
  const auto word = [&](std::size_t at, std::size_t n, std::string_view text) {
    record.replace(at, n, fmt::format("{:<{}.{}}", text, n, n));
  };
  record.replace(0, 8, fmt::format("{:06}D ", sent.number % 1'000'000));
  std::string_view rest = id;
  std::array<std::string_view, 4> parts;
  for (auto& part : parts) {
    part = rest.substr(0, rest.find('.'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
  word(8, 5, parts[1]);
  word(13, 2, parts[2]);
  word(15, 3, parts[3]);
  word(18, 2, parts[0]);
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const auto of_day = time - day;
  put_number(record, 20, static_cast<std::uint64_t>(static_cast<int>(date.year())), 2);
  put_number(record, 22, static_cast<std::uint64_t>((day - std::chrono::sys_days{date.year() / 1 / 1}).count() + 1), 2);
  put_number(record, 24, static_cast<std::uint64_t>(of_day / std::chrono::hours{1}), 1);
  put_number(record, 25, static_cast<std::uint64_t>(of_day / std::chrono::minutes{1} % 60), 1);
  put_number(record, 26, static_cast<std::uint64_t>(of_day / std::chrono::seconds{1} % 60), 1);
  const auto microseconds = of_day / kRecordStep % 1'000'000;
  put_number(record, 28, static_cast<std::uint64_t>(microseconds / 100), 2);
  put_number(record, 30, rows.size(), 2);
  record[39] = 3;  // blockettes
  put_number(record, 44, kDataAt, 2);
  put_number(record, 46, 48, 2);
  put_number(record, 48, 1000, 2);
  put_number(record, 50, 56, 2);
  const bool whole = is_whole(sent.profile.channels[c]);
  record[52] = whole ? 3 : 5;
  record[53] = 1;
  record[54] = std::countr_zero(kRecordBytes);
  put_number(record, 56, 1001, 2);
  put_number(record, 58, 64, 2);
  record[60] = static_cast<char>(kLocked);
  record[61] = static_cast<char>(microseconds % 100);
  put_number(record, 64, 100, 2);
  put_number(record, 68, std::bit_cast<std::uint32_t>(static_cast<float>(sent.profile.sample_rate)), 4);
  std::size_t at = kDataAt;
  for (const double value : rows) {
    if (whole)
      put_number(record, at, static_cast<std::uint32_t>(static_cast<std::int32_t>(std::llround(value))), 4);
    else
      put_number(record, at, std::bit_cast<std::uint64_t>(value), 8);
    at += whole ? 4 : 8;
  }
  return record;
}

}  // namespace

std::string simulated_id(const std::string& code, double rate_hz) {
  std::vector<std::string> parts{""};
  for (const char c : code) {
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  std::vector<std::string> all{"XX", "SIM", "", "LFX"};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto& part = all[all.size() - parts.size() + i];
    const bool open = parts[i].find_first_of("?*") != std::string::npos;
    const bool is_channel = i + 1 == parts.size();
    if (is_channel || !open) part = parts[i];
    if (!is_channel || !open) continue;
    std::replace(part.begin(), part.end(), '*', '?');
    part.resize(3, 'X');
    if (part[0] == '?') part[0] = band_of(rate_hz);
    std::replace(part.begin(), part.end(), '?', 'X');
  }
  return all[0] + '.' + all[1] + '.' + all[2] + '.' + all[3];
}

Instrument miniseed(const config::Instrument& profile) {
  std::vector<std::string> ids;  // [channel]
  for (const auto& code : std::get<decode::MiniSeedFormat>(profile.decoder).codes)
    ids.push_back(simulated_id(code, profile.sample_rate));
  const auto text = [ids](const NewestPackets& sent, mth5::UtcNanos time) {
    std::string all;
    for (std::size_t c = 0; c < ids.size(); ++c) all += record_of(sent, c, ids[c], time);
    return all;
  };
  auto instrument = packeted(std::make_shared<NewestPackets>(profile),
                             {.n_rows = rows_of, .step = kRecordStep, .is_whole = is_whole, .text = text});
  instrument.lose_lock = [](std::string& record) {
    for (std::size_t at = 60; at < record.size(); at += kRecordBytes) record[at] = static_cast<char>(kUnlocked);
  };
  return instrument;
}

}  // namespace daq::simulate
