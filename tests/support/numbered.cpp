#include "support/numbered.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <numeric>
#include <ostream>

namespace support {

namespace {

constexpr int kChannels = 9;
constexpr int kDecimals[kChannels] = {3, 3, 3, 2, 2, 3, 3, 3, 3};
// In the order of a line; temperatures are the fourth and fifth.
constexpr const char* kComponents[kChannels] = {"bx", "by", "bz", "temperature_e", "temperature_h", "e1", "e2", "e3", "e4"};

mth5::UtcNanos origin() { return *mth5::from_calendar(2020, 10, 4, 0, 0, 0); }

int second_of(mth5::UtcNanos time) {
  const auto since = time - origin();
  EXPECT_EQ(since.count() % 1'000'000'000, 0) << "not on a whole second: " << mth5::to_iso(time);
  return static_cast<int>(since.count() / 1'000'000'000);
}

double value(int k, int channel) { return k + 0.25 * channel; }

std::size_t channel_of(const std::string& component) {
  for (std::size_t c = 0; c < kChannels; ++c)
    if (component == kComponents[c]) return c;
  ADD_FAILURE() << component << " is no channel of a LEMI-424";
  return 0;
}

}  // namespace

std::string numbered_line_at(const std::string& time, int k) {
  std::string line = time;
  char text[32];
  for (int c = 0; c < kChannels; ++c) {
    std::snprintf(text, sizeof text, " %.*f", kDecimals[c], value(k, c));
    line += text;
  }
  return line + " 12.78 2199.0 3404.83963 N 10712.84474 W 12 2 0 \n";
}

std::string numbered_line(int k, const std::string& end) {
  std::string time = mth5::to_iso(origin() + std::chrono::seconds{k}).substr(0, 19);
  for (char& c : time)
    if (c == '-' || c == 'T' || c == ':') c = ' ';
  std::string line = numbered_line_at(time, k);
  line.pop_back();
  return line + end;
}

std::string numbered_lines(int first, int last) {
  std::string all;
  for (int k = first; k < last; ++k) all += numbered_line(k);
  return all;
}

Stored stored(const std::filesystem::path& file) {
  const mth5::Reader reader{file};
  Stored result{reader.state(), {}, {}};
  for (const auto& run : reader.runs()) {
    const int start = second_of(run.start);
    result.starts.push_back(start);
    EXPECT_EQ(run.channels.size(), static_cast<std::size_t>(kChannels));
    for (const auto index : run.channels) {
      const auto& channel = reader.channels().at(index);
      const auto samples = reader.read(index, 0, run.n_samples);
      EXPECT_EQ(samples.size(), static_cast<std::size_t>(run.n_samples)) << run.id << "/" << channel.component;
      const int c = static_cast<int>(channel_of(channel.component));
      for (std::size_t i = 0; i < samples.size(); ++i) {
        const double expected = value(start + static_cast<int>(i), c);
        if (samples[i] == expected) continue;
        ADD_FAILURE() << run.id << "/" << channel.component << "[" << i << "] is " << samples[i] << ", not " << expected;
        break;
      }
    }
    for (std::int64_t i = 0; i < run.n_samples; ++i) result.seconds.push_back(start + static_cast<int>(i));
  }
  return result;
}

std::vector<int> seconds(int first, int last) {
  std::vector<int> all(static_cast<std::size_t>(last - first));
  std::iota(all.begin(), all.end(), first);
  return all;
}

std::vector<StoredGap> stored_gaps(const std::filesystem::path& file) {
  const auto table = mth5::Reader{file}.table("gaps");
  std::vector<StoredGap> gaps;
  if (!table) ADD_FAILURE() << file << ": has no table of gaps";
  for (std::size_t i = 0; table && i < table->size(); ++i)
    gaps.push_back({second_of(mth5::UtcNanos{mth5::Nanos{table->integer(i, "start")}}),
                    static_cast<int>(table->integer(i, "samples")), table->text(i, "reason")});
  return gaps;
}

void PrintTo(const StoredGap& gap, std::ostream* out) {
  *out << gap.samples << " from " << gap.start << " (" << gap.reason << ")";
}

}  // namespace support
