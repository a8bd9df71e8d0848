#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mth5/channel.hpp"
#include "mth5/clock.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/support.hpp"

/// UTC of samples by the anchors of /Acquisition/clock (doc/acquisition.md, layout 2).
namespace {

using mth5::ClockAnchor;
using mth5::RunClock;
using mth5::UtcNanos;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr UtcNanos kStart{std::chrono::seconds{1'777'593'600}};  // 2026-05-01
constexpr double kRate = 10;
constexpr std::int64_t kSamples = 108'000;  // 3 h

ClockAnchor anchor(std::int64_t sample, std::chrono::nanoseconds after, double ppm = 0) {
  return {.sample = sample,
          .utc = kStart + after,
          .kind = "device",
          .residual_s = 1e-6,
          .ppm = ppm,
          .uncertainty_s = 1e-5,
          .locked = true};
}
/// When sample i was taken by a crystal that is `ppm` too fast.
std::chrono::nanoseconds taken(std::int64_t i, double ppm) {
  return std::chrono::nanoseconds{std::llround(static_cast<double>(i) * 1e8 / (1 + ppm * 1e-6))};
}

TEST(RunClock, WithoutAnchorsIsThePlainAxis) {
  const RunClock clock{kStart, kRate, kSamples, {}};
  EXPECT_EQ(clock.utc_of(0), kStart);
  EXPECT_EQ(clock.utc_of(25), kStart + 2500ms);
  EXPECT_EQ(clock.utc_of(-10), kStart - 1s);
  EXPECT_TRUE(std::isnan(clock.largest_axis_error()));
  EXPECT_EQ(clock.newest(), nullptr);
  EXPECT_EQ(clock.rate_behind(), kRate);
  EXPECT_EQ((RunClock{kStart, 0, kSamples, {anchor(0, 1s)}}.utc_of(7)), kStart) << "no rate, no axis";
}

TEST(RunClock, DrawsLinesBetweenAnchorsAndGoesOnWithTheLastPpm) {
  const RunClock clock{kStart, kRate, kSamples, {anchor(0, 1ms, 50), anchor(1000, 100s, 50), anchor(2000, 200s + 2ms, -100)}};
  EXPECT_EQ(clock.utc_of(0), kStart + 1ms);
  EXPECT_EQ(clock.utc_of(500), kStart + 50s + 500us);
  EXPECT_EQ(clock.utc_of(1000), kStart + 100s);
  EXPECT_EQ(clock.utc_of(1500), kStart + 150s + 1ms);
  EXPECT_EQ(clock.utc_of(12'000), kStart + 200s + 2ms + std::chrono::nanoseconds{1'000'100'010'001}) << "slower by 100 ppm";
  EXPECT_EQ(clock.newest()->ppm, -100);
  EXPECT_DOUBLE_EQ(clock.rate_behind(), kRate * (1 - 100e-6));
  EXPECT_THAT(clock.times(499, 2), ElementsAre(kStart + 49'900ms + 501us, kStart + 50s + 500us));
  EXPECT_EQ(clock.refused(), 0U);
}

TEST(RunClock, IsRightToTheNanosecondForADriftOfFiftyPpmOverThreeHours) {
  for (const double ppm : {50.0, -50.0}) {
    const RunClock clock{kStart, kRate, kSamples, {anchor(0, 0ns, ppm), anchor(600, taken(600, ppm), ppm)}};
    for (const std::int64_t i : {1L, 300L, 600L, 601L, 50'000L, 107'999L})
      EXPECT_NEAR(static_cast<double>((clock.utc_of(i) - kStart - taken(i, ppm)).count()), 0, 1 + static_cast<double>(i) / 600)
          << i;
    EXPECT_NEAR(clock.largest_axis_error(), 0.54, 0.0001) << "3 h at 50 ppm";
  }
}

TEST(RunClock, LeavesOutWhatCannotBe) {
  constexpr auto kFar = std::int64_t{1} << 62;
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  auto wild = anchor(300, 30s);
  wild.utc = UtcNanos{mth5::Nanos{kFar}};
  auto past = anchor(310, 31s);
  past.utc = UtcNanos{mth5::Nanos{std::numeric_limits<std::int64_t>::min()}};
  const RunClock clock{kStart,
                       kRate,
                       kSamples,
                       {anchor(1000, 100s), anchor(0, 0s), wild, past, anchor(-5, 1s), anchor(kSamples, 10'800s),
                        anchor(kFar, 1s), anchor(500, 100s + 1us), anchor(2000, 200s, nan)}};
  ASSERT_EQ(clock.anchors().size(), 3U) << "0, 500, 2000: that of 1000 is not after that of 500";
  EXPECT_EQ(clock.refused(), 6U);
  EXPECT_EQ(clock.anchors()[1].sample, 500);
  EXPECT_EQ(clock.anchors()[2].sample, 2000);
}

TEST(RunClock, TakesTheLastOfTwoWordsOnOneSampleAndAnyPpm) {
  for (const double ppm : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -1e6, 1e300}) {
    const RunClock clock{kStart, kRate, kSamples, {anchor(10, 5s), anchor(10, 1s + 1ms, ppm)}};
    ASSERT_EQ(clock.anchors().size(), 1U);
    EXPECT_EQ(clock.refused(), 1U);
    EXPECT_EQ(clock.utc_of(20), kStart + 2s + 1ms) << "a ppm that cannot be counts as 0";
    EXPECT_EQ(clock.rate_behind(), kRate);
    EXPECT_NEAR(clock.largest_axis_error(), 1e-3, 1e-12);
  }
}

TEST(RunClock, GivesSomeTimeForEveryIndex) {
  const RunClock clock{kStart, 1e-6, kSamples, {anchor(0, 0s, 9e3)}};
  for (const auto i : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), std::int64_t{1} << 53})
    (void)clock.utc_of(i);
  EXPECT_GT(clock.utc_of(std::numeric_limits<std::int64_t>::max()), kStart);
  EXPECT_LT(clock.utc_of(std::numeric_limits<std::int64_t>::min()), kStart);
  (void)RunClock{kStart, kRate, kSamples, {}}.utc_of(std::numeric_limits<std::int64_t>::min());
}

/// A file as mth5d writes it, with layout 2's tables.
class ClockFile : public testing::Test {
 protected:
  using Type = mth5::Column::Type;

  static mth5::TableSpec streams_table() {
    return {"streams",
            {{"stream", Type::Int64, 0, ""},
             {"source", Type::Int64, 0, ""},
             {"name", Type::Text, 30, ""},
             {"station", Type::Text, 30, ""},
             {"sample_rate", Type::Float64, 0, "Hz"}},
            "streams"};
  }
  static mth5::TableSpec clock_table(const std::string& stream) {
    return {"clock/" + stream,
            {{"run", Type::Text, 20, ""},
             {"sample", Type::Int64, 0, ""},
             {"utc", Type::Int64, 0, "ns"},
             {"kind", Type::Text, 8, ""},
             {"residual", Type::Float64, 0, "s"},
             {"ppm", Type::Float64, 0, ""},
             {"uncertainty", Type::Float64, 0, "s"},
             {"locked", Type::Int64, 0, ""}},
            "anchors"};
  }
  static void add(mth5::Rows& rows, const std::string& run, const ClockAnchor& one) {
    rows.add(run);
    rows.add(one.sample);
    rows.add(static_cast<std::int64_t>(one.utc.time_since_epoch().count()));
    rows.add(one.kind);
    rows.add(one.residual_s);
    rows.add(one.ppm);
    rows.add(one.uncertainty_s);
    rows.add(std::int64_t{one.locked});
  }

  mth5::RunId make() {
    mth5::Metadata survey{mth5::Kind::Survey};
    survey.set("id", std::string{"S"});
    mth5::RunId slow;
    file_.edit([&](mth5::Edit& edit) {
      edit.add_survey(survey);
      for (const char* id : {"A", "B"}) {
        mth5::Metadata station{mth5::Kind::Station};
        station.set("id", std::string{id});
        edit.add_station("S", station);
      }
      slow = add_run(edit, "A", "r1", 10);
      fast_ = add_run(edit, "A", "f1", 100);
      other_ = add_run(edit, "B", "r1", 10);
      streams_ = edit.add_table(streams_table());
      for (const char* name : {"slow", "fast", "other"}) clocks_.push_back(edit.add_table(clock_table(name)));
    });
    mth5::Rows rows{streams_table()};
    const auto stream = [&](std::int64_t index, std::string_view name, std::string_view station, double rate) {
      rows.add(index);
      rows.add(std::int64_t{0});
      rows.add(name);
      rows.add(station);
      rows.add(rate);
    };
    stream(0, "slow", "A", 10);
    stream(1, "fast", "A", 100);
    stream(2, "other", "B", 10);
    file_.append_rows(streams_, rows);
    return slow;
  }
  static mth5::RunId add_run(mth5::Edit& edit, const std::string& station, const std::string& id, double rate) {
    mth5::Metadata run{mth5::Kind::Run};
    run.set("id", id);
    run.set("sample_rate", rate);
    mth5::ChannelSpec ex{mth5::Metadata{mth5::Kind::Electric}, mth5::SampleType::Int32};
    ex.metadata.set("component", std::string{"ex"});
    return edit.add_run("S", station, run, kStart, std::span{&ex, 1});
  }
  void append(mth5::RunId run, std::size_t n) {
    const std::vector<std::int32_t> values(n, 1);
    file_.append(run, mth5::Matrix<const std::int32_t>{values.data(), 1, n, n});
  }
  void append_anchors(std::size_t stream, const std::string& name, const std::vector<ClockAnchor>& all, const std::string& run) {
    mth5::Rows rows{clock_table(name)};
    for (const auto& one : all) add(rows, run, one);
    file_.append_rows(clocks_.at(stream), rows);
  }

  support::TempDir dir_;
  const std::filesystem::path path_ = dir_ / "clock.h5";
  mth5::File file_ = mth5::File::create(path_);
  mth5::RunId fast_, other_;
  mth5::TableId streams_;
  std::vector<mth5::TableId> clocks_;
};

TEST_F(ClockFile, GivesEachRunTheAnchorsOfItsOwnStream) {
  append(make(), 2000);
  append(fast_, 100);
  append(other_, 100);
  append_anchors(0, "slow", {anchor(0, 1ms), anchor(1000, 100s + 3ms, 20)}, "r1");
  append_anchors(0, "slow", {anchor(0, 9s)}, "r9");
  append_anchors(1, "fast", {anchor(0, 7ms)}, "f1");
  file_.close();
  mth5::Reader reader{path_};
  const auto run = [&](const std::string& station, const std::string& id) {
    for (std::size_t i = 0; i < reader.runs().size(); ++i)
      if (reader.runs()[i].station == station && reader.runs()[i].id == id) return i;
    throw std::out_of_range{id};
  };
  EXPECT_EQ(reader.clock(run("A", "r1")).anchors(), (std::vector{anchor(0, 1ms), anchor(1000, 100s + 3ms, 20)}));
  EXPECT_EQ(reader.clock(run("A", "f1")).anchors(), std::vector{anchor(0, 7ms)});
  EXPECT_THAT(reader.clock(run("B", "r1")).anchors(), IsEmpty());
  EXPECT_EQ(reader.utc_of(run("A", "r1"), 500), kStart + 50s + 2ms);
  EXPECT_NEAR(reader.largest_axis_error(run("A", "r1")), 0.003, 1e-4);
  EXPECT_TRUE(std::isnan(reader.largest_axis_error(run("B", "r1"))));
  const mth5::Channel ex{reader, "A", "r1", "ex"};
  EXPECT_EQ(ex.utc_of(1000), kStart + 100s + 3ms);
  EXPECT_THAT(ex.exact_times(mth5::SampleRange{1999, 3000}), ElementsAre(ex.utc_of(1999)));
  EXPECT_EQ(ex.exact_times().size(), 2000U);
  EXPECT_EQ(ex.read(mth5::SampleRange{500, 501}).start, kStart + 50s + 2ms);
  EXPECT_THROW((void)reader.clock(99), mth5::StateError);
  EXPECT_THAT(reader.warnings(), IsEmpty());
}

TEST_F(ClockFile, WindowsByTimeAreOfTheClockOfTheRun) {
  append(make(), 2000);
  append(fast_, 100);
  append_anchors(0, "slow", {anchor(0, 250ms), anchor(1000, 100s + 450ms, 20)}, "r1");  // two to four samples late
  file_.close();
  const mth5::Reader reader{path_};
  const mth5::Channel ex{reader, "A", "r1", "ex"};
  const auto range = [](std::chrono::nanoseconds from, std::chrono::nanoseconds to) {
    return mth5::TimeRange{kStart + from, kStart + to};
  };
  using Range = std::pair<std::int64_t, std::int64_t>;
  EXPECT_EQ(ex.indexes(range(0s, 250ms)), (Range{0, 0})) << "nothing was taken before the first anchor";
  EXPECT_EQ(ex.indexes(range(250ms, 251ms)), (Range{0, 1}));
  EXPECT_EQ(ex.indexes(range(100s, 101s)), (Range{996, 1006})) << "sample 1000 is of 100.45 s";
  EXPECT_EQ(ex.indexes(mth5::TimeRange{}), (Range{0, 2000}));
  for (const auto& block : ex.blocks(range(50s, 60s), 7)) {
    EXPECT_EQ(block.start, ex.utc_of(block.first));
    EXPECT_GE(block.start, kStart + 50s);
  }
  EXPECT_EQ((mth5::Channel{reader, "A", "f1", "ex"}.indexes(range(0s, 100ms))), (Range{0, 10}))
      << "without anchors: the plain axis";
}

TEST_F(ClockFile, OfDamagedRowsUsesThoseThatCanBe) {
  append(make(), 2000);
  auto no_ppm = anchor(1500, 150s);
  no_ppm.ppm = no_ppm.residual_s = no_ppm.uncertainty_s = std::numeric_limits<double>::quiet_NaN();
  append_anchors(0, "slow", {anchor(1000, 100s), anchor(0, 0s), anchor(std::int64_t{1} << 62, 1s), anchor(1'999'999, 2s), no_ppm},
                 "r1");
  file_.close();
  mth5::Reader reader{path_};
  const auto clock = reader.clock(0);
  ASSERT_EQ(clock.anchors().size(), 3U);
  EXPECT_EQ(clock.refused(), 2U);
  EXPECT_EQ(clock.newest()->sample, 1500);
  EXPECT_EQ(clock.utc_of(1999), kStart + 199'900ms);
}

TEST_F(ClockFile, WithAnotherTableOfThatNameKeepsThePlainAxisAndSaysSo) {
  const mth5::TableSpec wrong{"clock/fourth", {{"run", Type::Int64, 0, ""}}, "not anchors"};
  append(make(), 10);
  mth5::TableId fourth;
  file_.edit([&](mth5::Edit& edit) {
    fourth = edit.add_table(wrong);
    edit.add_table({"unknown", {{"x", Type::Float64, 0, ""}}, "something else"});
  });
  mth5::Rows stream{streams_table()};
  stream.add(std::int64_t{3});
  stream.add(std::int64_t{0});
  stream.add(std::string_view{"fourth"});
  stream.add(std::string_view{"A"});
  stream.add(10.0);
  file_.append_rows(streams_, stream);
  mth5::Rows numbers{wrong};
  numbers.add(std::int64_t{1});
  file_.append_rows(fourth, numbers);
  file_.close();
  mth5::Reader reader{path_};
  EXPECT_THAT(reader.clock(0).anchors(), IsEmpty());
  for (const auto& name : reader.tables()) EXPECT_NO_THROW((void)reader.table(name)) << name;
  EXPECT_THAT(reader.warnings(), ElementsAre(HasSubstr("/Acquisition/clock/fourth: is no table of anchors: the times")));
  EXPECT_GE(reader.layout(), 1);
}

}  // namespace
