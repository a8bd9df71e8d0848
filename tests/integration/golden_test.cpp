#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "support/process.hpp"
#include "support/station_file.hpp"
#include "support/support.hpp"

// Whole reports, as tests/data/golden has them. tests/data/README.md says how they change, which is never by chance.

namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

/// What a report says of the build and of the size of the file, which are no figures of it.
std::string plain(std::string report, const fs::path& file) {
  const auto bytes = std::to_string(fs::file_size(file));
  for (auto at = report.find(bytes); at != std::string::npos; at = report.find(bytes, at))
    report.replace(at, bytes.size(), "BYTES");
  report = std::regex_replace(report, std::regex{R"(version="[^"]*")"}, "version=\"VERSION\"");
  // A picture is known by a sum of its bytes.
  const std::string_view begin = "data:image/png;base64,";
  for (auto at = report.find(begin); at != std::string::npos; at = report.find(begin, at + begin.size())) {
    const auto first = at + begin.size();
    const auto n = report.find('"', first) - first;
    std::uint64_t sum = 14'695'981'039'346'656'037U;
    for (const char c : std::string_view{report}.substr(first, n))
      sum = (sum ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
    report.replace(first, n, std::to_string(sum));
  }
  return report;
}

/// A text as words, where a number is one; what is between them belongs to the word before.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  const auto is_number = [](char c) { return (c >= '0' && c <= '9') || c == '.'; };
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin + 1;
    while (end < text.size() && is_number(text[end]) == is_number(text[begin])) ++end;
    words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

/// The same word, or a number of more than ten digits that differs behind the ninth: another processor or C library may have
/// other last digits.
bool is_same(std::string_view a, std::string_view b) {
  constexpr std::size_t kDigits = 10;
  return a == b ||
         (a.size() > kDigits && b.size() > kDigits &&
          std::abs(std::strtod(std::string{a}.c_str(), nullptr) / std::strtod(std::string{b}.c_str(), nullptr) - 1) < 1e-9);
}

class Golden : public testing::Test {
 protected:
  /// Makes all formats of the report, and compares them with those kept, or keeps them where MTH5_KEEP_GOLDEN is set.
  void hold(const std::string& name, const std::vector<std::string>& options) {
    const auto kept = support::source() / "tests/data/golden";
    const bool keep = std::getenv("MTH5_KEEP_GOLDEN") != nullptr;
    std::vector<std::string> argv{support::program("mth5-summary"), "--check", "--cache", "cache"};
    argv.insert(argv.end(), options.begin(), options.end());
    auto all = argv;
    const std::vector<std::string> formats{"text", "json", "csv", "html", "prometheus"};
    for (const auto& format : formats) all.insert(all.end(), {"--format", format, "--output", format});
    all.push_back("MT07.h5");
    auto program = support::Process::start(all, {}, dir_.path());
    ASSERT_EQ(program.wait(std::chrono::minutes{5}), 7) << program.err();
    EXPECT_EQ(program.err(), "");
    argv.insert(argv.end(), {"--format", "nagios", "--timeout", "5min", "MT07.h5"});
    auto plugin = support::Process::start(argv, {}, dir_.path());  // from the cache
    ASSERT_EQ(plugin.wait(std::chrono::minutes{5}), 2) << plugin.err();
    support::write_text(dir_ / "nagios", plugin.out());
    for (const std::string format : {"text", "json", "csv", "html", "prometheus", "nagios"}) {
      const auto report = plain(support::read_text(dir_ / format), dir_ / "MT07.h5");
      const auto path = kept / (name + "." + format);
      if (keep) support::write_text(path, report);
      const auto golden = support::read_text(path);
      const auto words = words_of(report), golden_words = words_of(golden);
      std::size_t i = 0;
      while (i < words.size() && i < golden_words.size() && is_same(words[i], golden_words[i])) ++i;
      if (i == words.size() && i == golden_words.size()) continue;
      const auto at = i < words.size() ? static_cast<std::size_t>(words[i].data() - report.data()) : report.size();
      const auto begin = at - std::min<std::size_t>(at, 200);
      ADD_FAILURE() << path.filename() << " is another report from byte " << at << " on:\n"
                    << report.substr(begin, 400) << "\nwhere the golden one has\n"
                    << golden.substr(std::min(begin, golden.size()), 400);
    }
  }

  support::TempDir dir_;
};

/// A station to which something of each kind happens.
void write(const fs::path& path, std::int64_t rate, std::int64_t days) {
  using Kind = support::StationFile::Event::Kind;
  const std::int64_t hour = days * 3'600;  // of so many, a day has as much
  const auto in_samples = [&](std::int64_t from, std::int64_t length) {
    return std::pair{from * hour * rate, (from * hour + length) * rate};
  };
  std::vector<support::StationFile::Event> events;
  const auto add = [&](Kind kind, std::size_t channel, std::pair<std::int64_t, std::int64_t> samples) {
    events.push_back({kind, channel, samples.first, samples.second});
  };
  add(Kind::Cut, 0, in_samples(2, 20));
  add(Kind::Jump, 1, in_samples(17, 24 * hour));
  add(Kind::Stuck, 2, in_samples(20, 2'400));
  add(Kind::Missing, 4, in_samples(10, 900));
  support::StationFile file{path, static_cast<double>(rate), std::move(events)};
  const std::int64_t first = 7 * hour, gap = 433, second = 9 * hour, fills = 7;
  file.add_run("r0", seconds{0}, first * rate);
  file.gap(seconds{first}, gap * rate, "disconnected", "r0", "r1");
  file.add_run("r1", seconds{first + gap}, second * rate, {4 * hour * rate, (4 * hour + fills) * rate});
  file.gap(seconds{first + gap + 4 * hour}, fills * rate, "bad-data", "r1", "r1");
  const std::int64_t third = first + gap + second + 2;  // the clock was set by two seconds
  file.gap(seconds{third - 2}, 0, "clock-step", "r1", "r2");
  file.add_run("r2", seconds{third}, (24 * hour - third) * rate);
  file.close(seconds{24 * hour});
}

TEST_F(Golden, OfADayAtOneHertz) {
  write(dir_ / "MT07.h5", 1, 1);
  hold("day-1Hz", {"--day", "2026-05-01", "--now", "2026-05-02T00:20:00Z"});
}

// Of 13 and of 110 million samples, which take minutes under sanitizers: scripts/test.sh --system runs them with the release
// build.
TEST_F(Golden, DISABLED_OfAMonthAtOneHertz) {
  write(dir_ / "MT07.h5", 1, 31);
  hold("month-1Hz", {"--from", "2026-05-01", "--to", "2026-06-01", "--now", "2026-06-01T00:20:00Z"});
}

TEST_F(Golden, DISABLED_OfADayAt256Hertz) {
  write(dir_ / "MT07.h5", 256, 1);
  hold("day-256Hz", {"--day", "2026-05-01", "--now", "2026-05-02T00:20:00Z"});
}

}  // namespace
