#include <sys/stat.h>

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/acquisition_file.hpp"
#include "support/process.hpp"
#include "support/support.hpp"

// mth5-summary --check LIMITS.yaml: limits of a site in place of those of the table.

namespace {

using support::AcquisitionFile;
using testing::HasSubstr;

class Limits : public testing::Test {
 protected:
  support::Finished check(const std::string& limits, std::vector<std::string> more = {}) {
    support::write_text(dir_ / "limits.yaml", limits);
    more.insert(more.begin(),
                {support::program("mth5-summary"), "--check", dir_ / "limits.yaml", "--now", "2026-05-10T00:00:00Z"});
    more.push_back(dir_ / "f.h5");
    return support::run(more);
  }
  /// A file of 1 Hz from 2026-05-01 on, of so many samples a day.
  void write(const std::vector<std::int64_t>& days) {
    std::filesystem::remove(dir_ / "f.h5");
    AcquisitionFile file{dir_ / "f.h5", {{0, "s", "S1"}}};
    std::int64_t all = 0;
    for (std::size_t day = 0; day < days.size(); ++day) {
      const auto run = file.add_run(0, "r" + std::to_string(day), std::chrono::days{day});
      file.append(run, days[day]);
      all += days[day];
    }
    file.commit(0, AcquisitionFile::start() + std::chrono::days{days.size()}, {{.in = all, .decoded = all}},
                {{.decoded = all, .stored = all}});
    file.file().close();
  }
  support::TempDir dir_;
};

TEST_F(Limits, TakeThePlaceOfThoseOfTheTable) {
  write({86'400, 86'000});  // 99.54 % of the second day
  const std::vector<std::string> day{"--day", "2026-05-02"};
  EXPECT_EQ(check("", day).code, 0);
  EXPECT_EQ(check(support::read_text(support::source() / "config/mth5-summary.limits.yaml"), day).code, 0) << "the sample";
  EXPECT_EQ(check("completeness: {warning: 99.9}\nstuck: off\n", day).code, 6);
  const auto critical = check("completeness: {warning: 99.9, critical: 99.8}\n", day);
  EXPECT_EQ(critical.code, 7);
  EXPECT_THAT(critical.out, HasSubstr("CRITICAL S1 1 Hz: only 99.5 % of the samples are there"));
  EXPECT_EQ(check("completeness: off\n", {"--day", "2026-05-03"}).code, 7)
      << "what it does not name is as in the table: no samples";
  const auto plugin = check("completeness: {warning: 99.9, critical: 99.8}\n", {"--day", "2026-05-02", "--format", "nagios"});
  EXPECT_THAT(plugin.out, HasSubstr(";99.9:;99.8:")) << "in its figures too";
}

TEST_F(Limits, MayBeAgainstTheMedianOfPastDays) {
  write({43'200, 43'200, 43'200, 43'200, 40'000, 30'000});
  const std::string half = "completeness: {past: 4d, warning: 0.9x, critical: 0.5x}\n";
  EXPECT_EQ(check(half, {"--day", "2026-05-05"}).code, 0) << "half of the samples is usual here, and 46 % is near to it";
  const auto fewer = check(half, {"--day", "2026-05-06", "--format", "json"});
  EXPECT_EQ(fewer.code, 6);
  const auto finding = nlohmann::json::parse(fewer.out)["verdict"]["findings"][0];
  EXPECT_THAT(finding["sentence"].get<std::string>(),
              testing::StartsWith("S1 1 Hz: only 34.7 % of the samples are there (limit 45.0 %, as the median of past days is "
                                  "50.0 %), the longest gap is from 2026-05-06 08:20 UTC"));
  EXPECT_EQ(finding["limit"], 45.0);
  EXPECT_EQ(finding["median"], 50.0);
  EXPECT_EQ(check("completeness: {past: 4d, warning: -1, critical: -2}\n", {"--day", "2026-05-05"}).code, 7)
      << "46 % against 50 - 2";
  EXPECT_EQ(check(half, {"--day", "2026-05-02"}).code, 0) << "of one day there is no median";
  EXPECT_THAT(check(half).err, HasSubstr("limits against past days need a time to report: --day, --since or --from"));
}

TEST_F(Limits, OfAgeAndGapsAreTheSitesOwn) {
  write({86'400, 86'400});
  EXPECT_EQ(check("").code, 0) << "an archive is old";
  const auto old = check("age: {warning: 3600, critical: 86400}\n");
  EXPECT_EQ(old.code, 7);
  EXPECT_THAT(old.out, HasSubstr("CRITICAL S1: the newest sample is 7 d old, of 2026-05-02 23:59 UTC"));
  write({86'400, 43'200, 86'400});
  const auto gaps = check("gaps: {warning: 0}\ncompleteness: off\n");
  EXPECT_EQ(gaps.code, 6);
  EXPECT_THAT(gaps.out, HasSubstr("WARNING  S1 1 Hz: gaps, 1, the last is from 2026-05-02 12:00 UTC"));
  EXPECT_EQ(check("gaps: {warning: 1}\ncompleteness: off\n").code, 0);
  EXPECT_THAT(check("gaps: {warning: 0, critical: 5}\n", {"--format", "nagios"}).out, HasSubstr(" gaps=1;0;5 "));
}

TEST_F(Limits, ThatAreWrongAreAllToldAndNothingIsJudged) {
  write({100});
  const auto wrong = check(
      "batery: {warning: 12}\nmains: {warning: 60, critical: 40}\nledger: {critical: 1}\nspikes: {warning: 3x}\nclipped: "
      "{warning: "
      "lots}\n"
      "completeness: {warning: 101}\ndrift: {past: 2d, warning: 2x}\ndc: {warn: 3}\ndc: off\n");
  EXPECT_EQ(wrong.code, 3);
  EXPECT_EQ(wrong.out, "");
  for (const auto* line :
       {"limits.yaml:1:1: batery: is no rule; did you mean battery?",
        "limits.yaml:2:8: mains: critical, 40 dB, is reached before warning, 60 dB",
        "limits.yaml:3:9: ledger: is so or not, and has no limit; it may be off",
        "limits.yaml:4:9: spikes: is against the median of past days, and says not of how many: add past: 7d",
        "limits.yaml:5:20: clipped.warning: 'lots' is no limit; give a number of %",
        "limits.yaml:6:25: completeness.warning: 101 % is above 100 %",
        "limits.yaml:7:15: drift.past: '2d' is not a number of days from 3d to 366d",
        "limits.yaml:8:6: dc.warn: is not known; there are warning, critical and past", "limits.yaml:9:1: dc: stands here twice"})
    EXPECT_THAT(wrong.err, HasSubstr(line));
  EXPECT_THAT(check("spikes: {past: 2d, warning: 3x}\n").err, testing::Not(HasSubstr("says not of how many"))) << "it does";
  for (const auto* times : {"-3x", "0x", "x", "+3x", "nanx"})
    EXPECT_THAT(
        check("spikes: {past: 7d, warning: " + std::string{times} + "}\n").err,
        HasSubstr("spikes.warning: '" + std::string{times} + "' is no multiple of the median of past days: give a number"));
  EXPECT_EQ(check("mains: [\n").code, 3);
  EXPECT_EQ(check("- mains\n").code, 3);
  support::write_text(dir_ / "limits.yaml", "");
  ASSERT_EQ(mkfifo((dir_ / "fifo.yaml").c_str(), 0600), 0);
  const auto fifo = support::run({support::program("mth5-summary"), "--check", dir_ / "fifo.yaml", dir_ / "f.h5"});
  EXPECT_EQ(fifo.code, 1);
  EXPECT_THAT(fifo.err, HasSubstr("fifo.yaml: cannot be read: not a regular file"));
  const auto unasked = support::run({support::program("mth5-summary"), dir_ / "limits.yaml", dir_ / "f.h5"});
  EXPECT_EQ(unasked.code, 2);
  EXPECT_THAT(unasked.err, HasSubstr("limits need --check"));
}

}  // namespace
