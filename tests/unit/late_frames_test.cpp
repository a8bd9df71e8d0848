#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "support/timeline.hpp"

// Frames that come late, beside a gap and in it, with wild times near them: where each of them lies.
namespace {

using namespace daq::timing;
using test::kStart;
using test::Line;
using namespace std::chrono_literals;

/// A frame, and the place that its time says.
struct Sent {
  int place;
  double said;
};

struct Kind {
  const char* name;
  double rate;
  std::uint32_t rows;      ///< a frame
  mth5::Nanos resolution;  ///< of its times
  mth5::Nanos digits;      ///< to which they are written
};
const Kind kKinds[] = {{"tenths that are exact", 10, 1, 1ns, 100ms},
                       {"milliseconds", 10, 1, 0ns, 1ms},
                       {"frames of four", 100, 4, 1ns, 1ms},
                       {"whole seconds", 1, 1, 1ns, 1s}};

constexpr int kFrames = 110, kHole = 51;  ///< the first one that is lost

std::vector<Sent> without(const std::set<int>& away) {
  std::vector<Sent> sent;
  for (int i = 0; i < kFrames; ++i)
    if (!away.contains(i)) sent.push_back({i, static_cast<double>(i)});
  return sent;
}

/// `late` comes so many frames behind all before `place`.
void insert_behind(std::vector<Sent>& sent, int place, int behind, const Sent& late) {
  const auto at = std::find_if(sent.begin(), sent.end(), [&](const Sent& s) { return s.place >= place; });
  sent.insert(at + behind, late);
}

/// `late` come `behind` frames behind the hole, `apart` from one another.
void insert(std::vector<Sent>& sent, const std::vector<int>& late, int behind, int apart) {
  auto at = std::find_if(sent.begin(), sent.end(), [](const Sent& s) { return s.place > kHole - 1; }) - sent.begin() + behind;
  for (const int place : late) {
    sent.insert(sent.begin() + at, {place, static_cast<double>(place)});
    at += apart;
  }
}

enum class Times { MayBeWild, AreRight };  ///< those that are not their frame's place

/// All whose time is right are stored once, there; a wild one lies where it was taken, or where it says, or nowhere.
/// @param more  rows that may be dropped beside wild ones, and come again
void expect_right(const Kind& kind, const std::vector<Sent>& sent, std::uint64_t more = 0, Times times = Times::MayBeWild) {
  Options options;
  options.sample_rate = kind.rate;
  options.stamp_resolution = kind.resolution;
  options.live = false;
  Line line{options};
  line.notes.quiet = true;
  std::vector<Line::Frame> frames;
  const int rows = static_cast<int>(kind.rows);
  for (const auto& [place, said] : sent)
    frames.push_back({.time = said * rows, .n = kind.rows, .value = static_cast<double>(place * rows), .step = kind.digits});
  line.push(frames).finish();
  std::map<int, int> seen;
  std::map<int, double> said;
  for (const auto& s : sent) said[s.place] = s.said;
  for (const auto& run : line.notes.runs)
    for (std::size_t i = 0; i < run.values.size(); ++i) {
      const auto value = static_cast<int>(run.values[i]);
      ++seen[value];
      const double time = std::chrono::duration<double>(run.utc(i, kind.rate) - kStart).count() * kind.rate;
      const double off_said = std::abs(time - (said.at(value / rows) * rows + value % rows));
      const double off = times == Times::AreRight ? off_said : std::min(std::abs(time - value), off_said);
      EXPECT_LT(off, 0.01) << value;
    }
  std::uint64_t wild = 0;
  for (const auto& s : sent)
    for (int row = 0; row < rows; ++row) {
      if (s.said != s.place && times == Times::MayBeWild)
        ++wild;
      else
        EXPECT_EQ(seen[s.place * rows + row], 1) << s.place;
    }
  EXPECT_LE(line.dropped() - line.dropped(Drop::Duplicate), wild + more);
}

TEST(LateFrames, AreStoredOnceAtTheirOwnTime) {
  for (const auto& kind : kKinds)
    for (int hole = 0; hole <= 3; ++hole)
      for (int n = 1; n <= 3; ++n)
        for (int behind = 0; behind <= 6; ++behind)
          for (const int apart : {1, 2})
            for (const int step : {1, 3, -1})  // from one that is late to the next
              for (const int first : {17, 51, 52, 53}) {
                std::vector<int> late;
                std::set<int> away;
                for (int i = 0; i < n; ++i) late.push_back(first + i * step);
                away.insert(late.begin(), late.end());
                for (int i = 0; i < hole; ++i) away.insert(kHole + i);
                if (first > 17 && (hole == 0 || *away.begin() < kHole || *away.rbegin() >= kHole + hole)) continue;
                // Two in a row, behind the first behind the hole: as if that had a wild time, and nothing were lost.
                if (first == 52 && n == 2 && behind == 1) continue;
                SCOPED_TRACE(testing::Message{} << kind.name << ", " << hole << " lost, " << n << " late from " << first << " by "
                                                << step << ", " << behind << " behind it, " << apart << " apart");
                auto sent = without(away);
                insert(sent, late, behind, apart);
                expect_right(kind, sent);
                if (HasFailure()) return;
              }
}

TEST(LateFrames, SoDoThoseOfAHoleBehindWhichAnotherFollows) {
  for (const auto& kind : kKinds)
    for (const int hole : {8, 12, 30})  // the rate is believed from 16 on
      for (int lost = 1; lost <= 3; ++lost)
        for (int between = 1; between <= 3; ++between)
          for (int lost_then = 1; lost_then <= 3; ++lost_then)
            for (int late = 0; late < lost; ++late)
              for (int behind = 0; behind <= 5; ++behind) {
                SCOPED_TRACE(testing::Message{} << kind.name << ", " << lost << " lost at " << hole << ", " << between
                                                << " between, " << lost_then << " lost, number " << late << " late, behind "
                                                << behind);
                std::set<int> away;
                const int second = hole + lost + between;
                for (int i = 0; i < lost; ++i) away.insert(hole + i);
                for (int i = 0; i < lost_then; ++i) away.insert(second + i);
                auto sent = without(away);
                insert_behind(sent, second, behind, {hole + late, static_cast<double>(hole + late)});
                expect_right(kind, sent);
                if (HasFailure()) return;
              }
}

TEST(LateFrames, SoDoThoseOfAClockThatWasSet) {
  for (const auto& kind : kKinds)
    for (const int at : {5, 20, 40})
      for (const int back : {864'000, 36'000, -864'000})
        for (int late = at + 1; late < at + 20; late += 2)
          for (int behind = 1; behind <= 4; ++behind) {
            SCOPED_TRACE(testing::Message{} << kind.name << ", set back by " << back << " at " << at << ", " << late
                                            << " late by " << behind);
            auto sent = without({late});
            insert_behind(sent, late, behind, {late, static_cast<double>(late)});
            for (auto& s : sent)
              if (s.place >= at) s.said -= back;
            expect_right(kind, sent, 0, Times::AreRight);
            if (HasFailure()) return;
          }
}

/// 22 comes behind 23, with a wild time: the place that is left is its own.
TEST(LateFrames, LeaveTheirPlaceToOneWithAWildTime) {
  for (const auto& kind : kKinds)
    for (const int ahead : {1, 2, 3}) {
      SCOPED_TRACE(testing::Message{} << kind.name << ", " << ahead << " came before it");
      auto sent = without({22});
      insert_behind(sent, 22, ahead, {22, -1e7});
      expect_right(kind, sent);
    }
}

/// Others are lost meanwhile, as many as wait: that says nothing of where these belong. What came early and alone may be dropped.
TEST(LateFrames, WhatComesEarlyIsNotPutWhereAnotherIsLost) {
  for (const auto& kind : kKinds)
    for (const int ahead : {2, 3, 5, 8, 12, 14, 20, 28, 40})
      for (int early = 1; early <= 2; ++early)
        for (int lost = 0; lost <= 2; ++lost)
          for (int at = kHole; at < kHole + ahead + 3; at += std::max(1, ahead / 4)) {
            if (at < 50 + ahead + early && at + lost > 50 + ahead) continue;
            SCOPED_TRACE(testing::Message{} << kind.name << ", " << early << " by " << ahead << ", " << lost << " lost at "
                                            << at);
            std::set<int> away;
            for (int i = 0; i < lost; ++i) away.insert(at + i);
            auto sent = without(away);
            const auto front = std::find_if(sent.begin(), sent.end(), [](const Sent& s) { return s.place == 50; });
            std::vector<Sent> first;
            for (int i = 0; i < early; ++i) first.push_back({50 + ahead + i, 50.0 + ahead + i});
            sent.insert(front, first.begin(), first.end());  // and again in their places
            expect_right(kind, sent, kind.rows * static_cast<std::uint64_t>(early));
            if (HasFailure()) return;
          }
}

TEST(LateFrames, NorDoesAWildTimeNearThemMoveThem) {
  for (const auto& kind : {kKinds[0], kKinds[2]})
    for (const double wild : {-3000.0, 5000.0, 1e6, 30.0, 10.0})
      for (int at = 48; at < 58; ++at)
        for (int hole = 0; hole <= 3; ++hole)
          for (int behind = 0; behind <= 6; ++behind) {
            if (at >= kHole && at < kHole + hole) continue;
            SCOPED_TRACE(testing::Message{} << kind.name << ", " << wild << " at " << at << ", " << hole << " lost, " << behind);
            std::set<int> away{17};
            for (int i = 0; i < hole; ++i) away.insert(kHole + i);
            auto sent = without(away);
            for (auto& s : sent)
              if (s.place == at) s.said = wild;
            insert(sent, {17}, behind, 1);
            expect_right(kind, sent);
            if (HasFailure()) return;
          }
}

TEST(LateFrames, TheRunAndItsClockGoOnBehindThem) {
  Line line;
  for (int i = 0; i < 200; ++i) {
    if (i == 50) continue;
    line.push({{static_cast<double>(i)}});
    if (i == 120) line.push({{50}});
  }
  line.finish();
  ASSERT_EQ(line.notes.runs.size(), 4u);
  EXPECT_EQ(line.notes.runs[2].values, std::vector<double>{50});
  EXPECT_TRUE(line.notes.runs[3].anchors.front().locked) << "the line is known from before";
  EXPECT_EQ(line.notes.runs[3].start, kStart + 122s);
  EXPECT_EQ(line.timeline.counters().missing, 1u) << "told when it was missing";
}

}  // namespace
