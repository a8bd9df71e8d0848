#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/acquisition_file.hpp"
#include "support/hostile_file.hpp"
#include "support/process.hpp"
#include "support/python.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

// The page of mth5-summary, read by a parser that is not ours, and held against JSON of the same files figure by figure.

namespace {

namespace fs = std::filesystem;
using support::AcquisitionFile;
using testing::HasSubstr;

class HtmlPage : public testing::Test {
 protected:
  /// What html_page.py says of a page; it fails if a figure differs.
  nlohmann::json page_of(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {support::program("mth5-summary"), "--check"});
    for (const std::string format : {"html", "json"}) {
      auto all = arguments;
      all.insert(all.end(), {"--format", format, "--output", dir_ / ("page." + format)});
      const auto made = support::run(all);
      EXPECT_THAT(made.code, testing::AnyOf(0, 5, 6, 7)) << made.err;
    }
    return support::python("integration/html_page.py", {dir_ / "page.html", dir_ / "page.json"});
  }

  support::TempDir dir_;
};

TEST_F(HtmlPage, HasTheFiguresOfAPythonFile) {
  const auto page = page_of({"--now", "2020-10-05T00:01:59Z", support::data() / "mth5" / "lemi424_python.h5"});
  EXPECT_GE(page["compared"], 9 * 9 + 7 * 6);
  EXPECT_EQ(page["stations"], 1);
}

TEST_F(HtmlPage, HasTheFiguresOfADayWithLedgerHealthAndClock) {
  const auto text = (dir_ / "day.TXT").string();
  const auto sim = support::run({support::program("mth5-sim"), "lemi424", "--to", "file:" + text, "--speed", "max", "--start",
                                 "2026-05-01T03:00:00Z", "--duration", "3h", "--seed", "3"});
  ASSERT_EQ(sim.code, 0) << sim.err;
  fs::create_directory(dir_ / "data");
  support::Recording recording{support::Recording::replay(text), {.arguments = {"--until-eof"}, .directory = dir_ / "data"}};
  ASSERT_EQ(recording.process().wait(), 0) << recording.log();
  const auto page = page_of({"--now", "2026-05-01T06:00:01Z", dir_ / "data"});
  EXPECT_GE(page["compared"], 7 * 15 + 6);
  EXPECT_GE(page["pictures"], 7) << "a spectrogram of each field channel";
  const std::string shown = page["text"];
  EXPECT_THAT(shown, HasSubstr("battery_V"));
  EXPECT_THAT(shown, HasSubstr("State of health"));
  EXPECT_THAT(shown, HasSubstr("Clock"));
  EXPECT_THAT(shown, HasSubstr("No gaps."));
}

TEST_F(HtmlPage, KeepsItsShapeWhateverTheNamesAre) {
  support::write_hostile_file(dir_ / "hostile.h5");
  const auto page = page_of({dir_ / "hostile.h5"});
  EXPECT_EQ(page["stations"], 1);
}

TEST_F(HtmlPage, PutsTheStationThatNeedsAVisitOnTop) {
  {
    AcquisitionFile good{dir_ / "a.h5", {{0, "s", "GOOD"}}}, bad{dir_ / "b.h5", {{0, "s", "BAD"}}};
    for (auto* file : {&good, &bad}) {
      const auto run = file->add_run(0, "r1", {});
      file->append(run, file == &good ? 600 : 100);
      if (file == &bad) file->append(file->add_run(0, "r2", std::chrono::seconds{500}), 100);
      const std::int64_t n = file == &good ? 600 : 200;
      file->commit(0, AcquisitionFile::start() + std::chrono::seconds{600}, {{.in = n, .decoded = n}},
                   {{.decoded = n, .stored = n}});
      file->file().close();
    }
  }
  const auto page = page_of({dir_ / "a.h5", dir_ / "b.h5"});
  ASSERT_EQ(page["stations"], 2);
  EXPECT_EQ(page["order"][0], "Station BAD: critical");
  EXPECT_EQ(page["order"][1], "Station GOOD: good");
  EXPECT_THAT(std::string{page["text"]}, HasSubstr("BAD 1 Hz: only 33.3 % of the samples are there"));
}

}  // namespace
