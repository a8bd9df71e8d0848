#include "acquisition/recorder/roll.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "acquisition/intake/intake.hpp"
#include "acquisition/recorder/file_writer.hpp"
#include "mth5/reader.hpp"
#include "support/host_clock.hpp"
#include "support/played_disk.hpp"
#include "support/support.hpp"

namespace {

using namespace daq;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

mth5::UtcNanos utc(const std::string& text) { return mth5::parse_time(text).value(); }

TEST(RollMarks, AreCountedFromATimeOfDay) {
  const auto behind = [](std::chrono::nanoseconds every, std::chrono::minutes at, mth5::UtcNanos time) {
    config::Output output;
    output.roll_every = every;
    output.roll_at = at;
    const auto found = recorder::mark_behind(output, time);
    return found ? mth5::to_iso(*found) : "none";
  };
  const auto mark = [&](std::chrono::nanoseconds every, std::chrono::minutes at, const char* time) {
    return behind(every, at, utc(time));
  };
  EXPECT_EQ(mark(0s, 0min, "2026-05-01T00:00:00"), "none");
  EXPECT_EQ(mark(24h, 0min, "2026-05-01T00:00:00"), "2026-05-02T00:00:00Z") << "behind it, not at it";
  EXPECT_EQ(mark(24h, 0min, "2026-04-30T23:59:59.999999999"), "2026-05-01T00:00:00Z");
  EXPECT_EQ(mark(24h, 210min, "2026-05-01T03:29:59"), "2026-05-01T03:30:00Z");
  EXPECT_EQ(mark(24h, 210min, "2026-05-01T03:30:00"), "2026-05-02T03:30:00Z");
  EXPECT_EQ(mark(6h, 60min, "2026-05-01T00:59:59"), "2026-05-01T01:00:00Z");
  EXPECT_EQ(mark(7 * 24h, 0min, "2026-05-01T10:00:00"), "2026-05-07T00:00:00Z") << "a Thursday";
  EXPECT_EQ(behind(24h, 60min, mth5::UtcNanos{-23h - 30min}), "1969-12-31T01:00:00Z");
  EXPECT_EQ(behind(24h, 0min, mth5::UtcNanos::max() - 1ns), "none");
  EXPECT_EQ(behind(24h, 60min, mth5::UtcNanos::min()), "none");
}

/// Two instruments whose lines say when, at 1 Hz, and the writer of their files, without threads: time passes by hand.
class Roll : public testing::Test {
 protected:
  void begin(const std::string& roll, const std::string& sync = "2min") {
    const auto path = dir_ / "mth5d.yaml";
    std::string text = "survey: {id: TEST}\nstation: {id: MT001}\noutput: {directory: " + dir_.path().string() + ", roll: {" +
                       roll + "}}\nsync: {interval: " + sync + "}\nsources:\n";
    for (const char* name : {"first", "second"})
      text += std::string{"  - {name: "} + name + (name[0] == 's' ? ", run: 'b{rate}_{index:04}'" : "") +
              ", file: {path: /dev/null}, instrument: {sample_rate: 1, text: {columns: [{time: '%s'}, {channel: ex}]}, channels: "
              "{ex: "
              "{type: electric, units: milliVolt, component: " +
              (name[0] == 'f' ? "ex" : "ey") + "}}}}\n";
    support::write_text(path, text);
    auto loaded = config::load(path, {}, {});
    for (const auto& finding : loaded.findings) FAIL() << finding.text();
    config_ = std::move(loaded.config.value());
    log_ = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_));
    quiet_.emplace(log_);
    for (std::uint16_t i = 0; i < 2; ++i) intakes_.push_back(std::make_unique<intake::Intake>(config_, i, streams_, ring_));
    disk_.emplace(config_, log_);
    ASSERT_TRUE(disk_->claim());
    writer_.emplace(recorder::Context{config_, streams_, ring_, receipts_, published_, log_, *quiet_, {}}, *disk_);
  }
  /// Samples of seconds [first, last) behind 2026-05-01, each with its second as its value.
  void send(int source, int first, int last) {
    std::string text;
    for (int s = first; s < last; ++s) text += std::to_string(1'777'593'600 + s) + " " + std::to_string(s) + "\n";
    intakes_[static_cast<std::size_t>(source)]->take({.bytes = text});
    take();
  }
  void pass(std::chrono::seconds time) {
    for (; time > 0s; time -= 1s) {
      clock_.pass(1s);
      writer_->keep_pace(clock_.steady());
    }
  }
  void end() {
    for (auto& intake : intakes_) intake->finish();
    take();
    writer_->end_of_samples();
    while (writer_->has_waiting()) writer_->flush();
    if (writer_->is_open()) writer_->close();
  }
  [[nodiscard]] std::size_t n_files() const { return support::files_in(dir_.path()).size(); }
  /// "000000: ex 0..59, ey 0..59" of each file: the time in its name, and the seconds of each run.
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> all;
    for (const auto& path : support::files_in(dir_.path())) {
      const auto name = path.stem().string();
      std::string text = name.substr(name.rfind('T') + 1, 6);
      const mth5::Reader reader{path};
      EXPECT_EQ(reader.state(), mth5::FileState::Closed) << path;
      for (std::size_t i = 0; i < reader.channels().size(); ++i) {
        const auto& channel = reader.channels()[i];
        const auto values = reader.read(i, 0, channel.n_samples);
        for (std::size_t k = 0; k < values.size(); ++k) EXPECT_EQ(values[k], values[0] + static_cast<double>(k)) << path;
        EXPECT_EQ(channel.start, utc("2026-05-01") + std::chrono::seconds{std::llround(values.at(0))}) << path;
        text += " " + channel.run + " " + channel.component + " " + std::to_string(std::lround(values.front())) + ".." +
                std::to_string(std::lround(values.back()));
      }
      all.push_back(text);
    }
    return all;
  }

  support::ClockByHand clock_;
  support::PlayedDisk played_;
  recorder::Published published_;
  std::optional<recorder::FileWriter> writer_;
  std::ostringstream log_text_;

 private:
  void take() {
    while (ring_.pop(header_, payload_)) {
      writer_->take(header_, payload_);
      writer_->keep_pace(clock_.steady());
    }
  }

  support::TempDir dir_;
  config::Config config_;
  stream::Streams streams_;
  ledger::Receipts receipts_;
  ring::Ring ring_{std::size_t{1} << 20};
  std::shared_ptr<spdlog::logger> log_;
  std::optional<log::Quiet> quiet_;
  std::vector<std::unique_ptr<intake::Intake>> intakes_;
  std::optional<recorder::Disk> disk_;
  ring::Header header_{};
  std::vector<std::uint64_t> payload_;
};

TEST_F(Roll, AFileEndsAtEachMarkOfTheSamplesTime) {
  ASSERT_NO_FATAL_FAILURE(begin("every: 1min, at: '00:00Z'"));
  send(0, 30, 200);  // what a disk that was slow, or a file that is played, gives at once
  send(1, 30, 200);
  pass(2s);
  EXPECT_EQ(writer_->files(), 4);
  send(0, 200, 230);
  send(1, 200, 230);
  end();
  EXPECT_THAT(files(),
              ElementsAre("000030 sr1_0001 ex 30..59 b1_0001 ey 30..59", "000100 sr1_0002 ex 60..119 b1_0002 ey 60..119",
                          "000200 sr1_0003 ex 120..179 b1_0003 ey 120..179", "000300 sr1_0004 ex 180..229 b1_0004 ey 180..229"));
}

TEST_F(Roll, SamplesBehindTheMarkWaitForStreamsThatComeToItToo) {
  ASSERT_NO_FATAL_FAILURE(begin("every: 1min"));
  send(0, 0, 55);
  send(1, 0, 50);
  pass(2s);
  send(0, 55, 62);
  pass(5s);
  EXPECT_EQ(n_files(), 1u) << "the second has 10 s to go";
  send(1, 50, 61);
  pass(2s);
  EXPECT_EQ(n_files(), 2u);
  end();
  EXPECT_THAT(files(), ElementsAre("000000 sr1_0001 ex 0..59 b1_0001 ey 0..59", "000100 sr1_0002 ex 60..61 b1_0002 ey 60..60"));
}

TEST_F(Roll, AMarkWaitsAMinuteAndNotForWhatIsSilentOrFarAway) {
  ASSERT_NO_FATAL_FAILURE(begin("every: 10min"));
  send(0, 0, 590);
  send(1, 0, 590);
  pass(2s);
  send(0, 590, 602);
  pass(58s);
  EXPECT_EQ(n_files(), 1u);
  pass(5s);
  EXPECT_EQ(n_files(), 2u) << "it is late by a minute";
  send(1, 590, 601);
  send(0, 602, 1100);
  pass(2s);
  send(1, 601, 1100);
  pass(70s);
  send(0, 1100, 1202);
  pass(2s);
  EXPECT_EQ(n_files(), 3u) << "the second has been silent for longer than a minute";
  send(1, 1100, 1300);
  send(0, 1202, 1810);
  pass(2s);
  EXPECT_EQ(n_files(), 4u) << "the second is eight minutes behind";
  end();
  EXPECT_THAT(files(),
              ElementsAre("000000 sr1_0001 ex 0..599 b1_0001 ey 0..589", "001000 sr1_0002 ex 600..1199 b1_0002 ey 590..1099",
                          "002000 sr1_0003 ex 1200..1799 b1_0003 ey 1100..1299", "003000 sr1_0004 ex 1800..1809"));
}

/// sync.interval is what a power cut may cost at most.
TEST_F(Roll, AMarkDelaysNothingThatIsToBeDurable) {
  ASSERT_NO_FATAL_FAILURE(begin("every: 1min", "5s"));
  const auto durable = [&] { return published_.copy().streams.at(0).durable; };
  send(0, 0, 55);
  send(1, 0, 55);
  pass(6s);
  ASSERT_EQ(durable(), 55);
  send(0, 55, 62);  // the second goes on, and does not come to the mark
  send(1, 55, 56);
  pass(2s);
  EXPECT_EQ(n_files(), 1u);
  pass(3s);
  EXPECT_EQ(durable(), 62) << "five seconds behind what came";
  EXPECT_EQ(n_files(), 2u);
  send(1, 56, 121);
  send(0, 62, 100);
  pass(6s);  // and now it is silent
  send(0, 100, 122);
  pass(1s);
  EXPECT_EQ(n_files(), 3u) << "what has been silent for so long is not waited for";
  end();
}

/// Each takes 1.3 MB of what is left.
TEST_F(Roll, NoFileIsBegunAtAMarkOnceAllIsToGoIntoTheLast) {
  ASSERT_NO_FATAL_FAILURE(begin("every: 1min, size: 2MiB, runs: 2"));
  for (const int source : {0, 1}) send(source, 0, 50);
  pass(2s);
  for (const int source : {0, 1}) send(source, 50, 62);  // waits at a mark, or would
  writer_->begin_no_more_files();
  for (const int source : {0, 1}) {
    send(source, 62, 200);
    send(source, 300, 400);  // a second run
    send(source, 500, 600);
  }
  end();
  EXPECT_THAT(files(), ElementsAre(testing::StartsWith("000000 sr1_0001 ex 0..199")));
}

TEST_F(Roll, AClockThatWasFarAheadTakesItsMarkBack) {
  ASSERT_NO_FATAL_FAILURE(begin("every: 1min"));
  send(0, 0, 30);
  pass(2s);
  send(0, 1'000'000, 1'000'010);  // ten days
  pass(2s);
  for (int s = 32; s < 70; ++s) {  // set right
    send(0, s, s + 1);
    pass(1s);
  }
  pass(10s);
  send(0, 70, 130);
  end();
  EXPECT_THAT(files(), ElementsAre("000000 sr1_0001 ex 0..29", "000100 sr1_0004 ex 60..119", "000200 sr1_0005 ex 120..129",
                                   "134640 sr1_0002 ex 1000000..1000009 sr1_0003 ex 32..59"));
}

TEST_F(Roll, TheRecordingGoesOnInTheOldFileWhereTheNextCannotBegin) {
  ASSERT_NO_FATAL_FAILURE(begin("every: 10min"));
  send(0, 0, 600);
  pass(2s);
  played_.fail(1, ENOSPC);
  send(0, 600, 620);
  pass(2s);
  EXPECT_TRUE(played_.failed());
  EXPECT_THAT(log_text_.str(), HasSubstr("the next file cannot be begun, the recording goes on in "));
  EXPECT_EQ(writer_->files(), 1);
  send(0, 620, 700);
  end();
  EXPECT_THAT(files(), ElementsAre("000000 sr1_0001 ex 0..659", "001100 sr1_0002 ex 660..699"));
}

/// What is said of each hour of each stream hides what is to be seen.
TEST_F(Roll, ADayOfAFileAnHourSaysALineAFile) {
  ASSERT_NO_FATAL_FAILURE(begin("every: 1h"));
  for (int hour = 0; hour < 24; ++hour) {
    for (const int source : {0, 1}) send(source, 3600 * hour, 3600 * (hour + 1));
    pass(70s);
  }
  end();
  EXPECT_EQ(n_files(), 24u);
  const auto log = log_text_.str();
  EXPECT_LE(std::count(log.begin(), log.end(), '\n'), 24 + 3) << "and a line of each run at the start, and of the end: " << log;
  EXPECT_THAT(log, testing::ContainsRegex("file open file=[^ ]*T010000Z.h5 closed file=[^ ]*T000000Z.h5 bytes=[0-9]+\n"));
}

TEST_F(Roll, AFileThatHasBecomeTooLargeEnds) {
  ASSERT_NO_FATAL_FAILURE(begin("size: 2MiB"));
  int s = 0;
  for (; s < 400'000; s += 1000) send(0, s, s + 1000);
  pass(2s);
  EXPECT_EQ(n_files(), 1u) << "not before it is a minute old";
  pass(60s);
  for (; s < 410'000; s += 1000) send(0, s, s + 1000);
  end();
  EXPECT_THAT(files(), ElementsAre(testing::StartsWith("000000 sr1_0001 ex 0..4"), testing::HasSubstr("sr1_0002")));
}

}  // namespace
