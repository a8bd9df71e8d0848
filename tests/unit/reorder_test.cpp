#include "acquisition/intake/reorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

/// Frames of datagrams that a network turned round.
namespace {

using daq::decode::Frame;
using daq::decode::TimeKind;
using daq::intake::Reorder;
using testing::ElementsAre;

const mth5::UtcNanos kStart = *mth5::from_calendar(2020, 10, 4, 0, 0, 0);

struct Order final : Reorder::Sink {
  explicit Order(const Reorder::Options& options = {}) : reorder{options, *this} {}

  void in_order(const Frame& /*frame*/, const double* values, bool /*kept*/) override { came.push_back(int(values[0])); }
  /// Frame `k` of one sample, by time; its value is its number.
  Order& time(int k, TimeKind kind = TimeKind::Gps, mth5::Nanos step = {}) {
    Frame frame{.n_samples = 1, .time = kStart + std::chrono::seconds{k}, .kind = kind};
    frame.time_step = step;
    return push(frame, k);
  }
  /// By counter, without a time.
  Order& count(std::uint64_t counter, int value, std::uint32_t n = 1) {
    return push({.n_samples = n, .kind = TimeKind::None, .counter = counter}, value);
  }
  Order& push(const Frame& frame, int value) {
    const std::vector<double> values(frame.n_samples, value);
    reorder.push(frame, values.data());
    return *this;
  }

  std::vector<int> came;
  Reorder reorder;
};

TEST(Reorder, GivesOnAtOnceWhatIsInOrder) {
  Order order;
  for (const int k : {0, 1, 2}) order.time(k);
  EXPECT_THAT(order.came, ElementsAre(0, 1, 2));
  EXPECT_EQ(order.reorder.frames(), 0u);
}

TEST(Reorder, PutsFramesInOrderThatComeSeveralPlacesLate) {
  Order order;
  for (const int k : {0, 1, 3, 4, 2, 8, 5, 7, 6, 9}) order.time(k);
  EXPECT_THAT(order.came, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(Reorder, WaitsForAFrameAsLongAsItMayBeLateAndNoLonger) {
  Order order;
  order.time(0);
  for (int k = 2; k < 2 + int(Reorder::kMost) - 1; ++k) order.time(k);
  EXPECT_THAT(order.came, ElementsAre(0));
  EXPECT_EQ(order.reorder.frames(), Reorder::kMost - 1);
  EXPECT_EQ(order.reorder.samples(), Reorder::kMost - 1);
  order.time(9);
  EXPECT_THAT(order.came, ElementsAre(0, 2, 3, 4, 5, 6, 7, 8, 9)) << "it is lost, or later than is waited for";
  order.time(1).time(10);
  EXPECT_THAT(std::vector<int>(order.came.end() - 2, order.came.end()), ElementsAre(1, 10)) << "the timeline knows what to do";
}

TEST(Reorder, SkipsOneHoleAndWaitsForTheNext) {
  Order order;
  for (const int k : {0, 2, 3, 4, 5, 6, 8, 9, 10}) order.time(k);  // 1 is lost, 7 is late
  EXPECT_THAT(order.came, ElementsAre(0, 2, 3, 4, 5, 6));
  order.time(7);
  EXPECT_THAT(order.came, ElementsAre(0, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

TEST(Reorder, WaitsForNothingBehindALongLossOrAStepOfTheClock) {
  Order order;
  for (const int k : {0, 1, 100, 101, 50, 51, 52}) order.time(k);
  EXPECT_THAT(order.came, ElementsAre(0, 1, 100, 101, 50, 51, 52));
  for (int k = 53; k < 70; ++k) order.time(k);
  for (const int k : {71, 72, 70}) order.time(k);
  EXPECT_THAT(std::vector<int>(order.came.end() - 3, order.came.end()), ElementsAre(70, 71, 72)) << "the new time is sorted, too";
}

TEST(Reorder, GoesByTheCounterAndItsEnd) {
  Order order{{.counter_modulus = 16}};
  for (const int k : {13, 15, 14, 18, 16, 17}) order.count(std::uint64_t(k % 16), k);
  EXPECT_THAT(order.came, ElementsAre(13, 14, 15, 16, 17, 18));
  Order frames{{.samples_per_count = 0}};  // it counts frames
  for (const int k : {0, 2, 3, 1}) frames.count(std::uint64_t(k), k, 10);
  EXPECT_THAT(frames.came, ElementsAre(0, 1, 2, 3));
}

TEST(Reorder, GivesOnWhatSaysNeitherNumberNorTime) {
  Order order;
  for (const int k : {0, 3, 1}) order.time(k, TimeKind::Host);
  for (const int k : {10, 13, 11}) order.time(k, TimeKind::Gps, std::chrono::seconds{5});
  EXPECT_THAT(order.came, ElementsAre(0, 3, 1, 10, 13, 11));
}

TEST(Reorder, WaitsForAFrameOfASlowInstrumentForSecondsOnly) {
  Order order;
  order.time(0).time(2);
  for (int second = 1; second < Reorder::kLongest; ++second) EXPECT_FALSE(order.reorder.tick());
  EXPECT_THAT(order.came, ElementsAre(0));
  EXPECT_TRUE(order.reorder.tick());
  EXPECT_THAT(order.came, ElementsAre(0, 2));
  EXPECT_FALSE(order.reorder.tick());
}

TEST(Reorder, GivesOnAllAtTheEnd) {
  Order order;
  order.time(0).time(3).time(2).reorder.flush();
  EXPECT_THAT(order.came, ElementsAre(0, 2, 3));
  EXPECT_EQ(order.reorder.samples(), 0u);
}

}  // namespace
