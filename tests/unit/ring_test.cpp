#include "acquisition/ring/ring.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>

#include "acquisition/ring/records.hpp"

namespace {

using daq::ring::Header;
using daq::ring::Kind;
using daq::ring::Ring;

TEST(Ring, GivesBackWhatWasPushedInOrder) {
  Ring ring{1000};
  const std::vector<std::uint64_t> head{1, 2};
  const std::vector<double> values{0.5, -1.25, 3.0};
  ASSERT_TRUE(ring.push({Kind::Samples, true, 7}, head, values));
  ASSERT_TRUE(ring.push_note({Kind::Gap, false, 8}, head));
  Header header{};
  std::vector<std::uint64_t> payload;
  ASSERT_TRUE(ring.pop(header, payload));
  EXPECT_EQ(header.kind, Kind::Samples);
  EXPECT_TRUE(header.flag);
  EXPECT_EQ(header.of, 7);
  ASSERT_EQ(payload.size(), 5u);
  EXPECT_EQ(payload[1], 2u);
  EXPECT_EQ(std::bit_cast<double>(payload[3]), -1.25);
  ASSERT_TRUE(ring.pop(header, payload));
  EXPECT_EQ(header.kind, Kind::Gap);
  EXPECT_EQ(header.of, 8);
  EXPECT_FALSE(ring.pop(header, payload));
}

TEST(Ring, RefusesSamplesWhenFullButStillTakesTheNoteAboutIt) {
  Ring ring{64};
  const std::vector<double> values(20, 1.0);
  int pushed = 0;
  while (ring.push({Kind::Samples}, {}, values)) ++pushed;
  EXPECT_EQ(pushed, 3);  // 3 x 21 words of 64
  EXPECT_FALSE(ring.has_room(20));
  EXPECT_TRUE(ring.push_note({Kind::Gap}, std::vector<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_EQ(ring.high_water_words(), 3u * 21 + 5);
  bool called = false;
  ring.set_on_room([&] { called = true; });
  ring.drained();
  EXPECT_TRUE(called) << "a producer that was refused is told of room";
}

TEST(Ring, LetsAProducerGoOnWhenHalfOfItIsFree) {
  Ring ring{64};
  int called = 0;
  ring.set_on_room([&] { ++called; });
  const std::vector<double> values(7, 1.0);
  while (ring.push({Kind::Samples}, {}, values)) {
  }
  EXPECT_FALSE(ring.has_room(8));
  Header header{};
  std::vector<std::uint64_t> payload;
  for (int popped = 1; popped <= 8; ++popped) {
    ASSERT_TRUE(ring.pop(header, payload));
    EXPECT_EQ(called, popped < 4 ? 0 : 1) << popped << " of 8 records are popped";
  }
  while (ring.push({Kind::Samples}, {}, values)) {
  }
  EXPECT_FALSE(ring.has_room(48)) << "more than half";
  for (int popped = 1; popped <= 6; ++popped) {
    ASSERT_TRUE(ring.pop(header, payload));
    EXPECT_EQ(called, popped < 6 ? 1 : 2) << popped << " of 8 records are popped";
  }
}

TEST(Ring, IsClosedOnlyWhenEmpty) {
  Ring ring{64};
  ASSERT_TRUE(ring.push_note({Kind::Gap}, std::vector<std::uint64_t>{1}));
  ring.close();
  EXPECT_FALSE(ring.closed_and_empty());
  Header header{};
  std::vector<std::uint64_t> payload;
  ASSERT_TRUE(ring.pop(header, payload));
  EXPECT_TRUE(ring.closed_and_empty());
}

TEST(Ring, CarriesEverythingBetweenTwoThreads) {
  Ring ring{500};
  constexpr std::uint64_t kRecords = 20000;
  std::jthread producer{[&] {
    std::vector<double> values;
    for (std::uint64_t i = 0; i < kRecords;) {
      values.assign(i % 40, static_cast<double>(i));
      const std::vector<std::uint64_t> head{i};
      if (ring.push({Kind::Samples}, head, values)) {
        ++i;
        ring.notify();
      } else {
        std::this_thread::yield();
      }
    }
    ring.close();
  }};
  std::uint64_t next = 0;
  Header header{};
  std::vector<std::uint64_t> payload;
  while (!ring.closed_and_empty()) {
    while (ring.pop(header, payload)) {
      ASSERT_EQ(payload.at(0), next);
      ASSERT_EQ(payload.size(), 1 + next % 40);
      for (std::size_t i = 1; i < payload.size(); ++i) ASSERT_EQ(std::bit_cast<double>(payload[i]), static_cast<double>(next));
      ++next;
    }
    ring.wait_until(std::chrono::steady_clock::now() + std::chrono::milliseconds{100});
  }
  EXPECT_EQ(next, kRecords);
}

}  // namespace
