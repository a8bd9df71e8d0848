#include <gmock/gmock.h>

#include <set>

#include "acquisition/simulate/faults.hpp"

namespace {

using namespace daq::simulate;
using namespace std::chrono_literals;
using testing::HasSubstr;

FaultPlan plan(std::string_view text) {
  auto parsed = parse_faults(text);
  EXPECT_EQ(parsed.problem, "") << text;
  return parsed.plan;
}

TEST(FaultPlan, ReadsEveryKind) {
  const auto p = plan(
      "drop=0.01,garbage=0.001,duplicate=0.02,bitflip=1e-4,truncate=1,stall=30s@5m,disconnect=@10min,disconnect=3s@2s,"
      "clock-step=+2s@3m,clock-step=-1s@1h,shorten=0.03,answer=0.04,late=0.05,lose-lock=1m@2m");
  EXPECT_EQ(p.late, 0.05);
  EXPECT_EQ(p.drop, 0.01);
  EXPECT_EQ(p.garbage, 0.001);
  EXPECT_EQ(p.duplicate, 0.02);
  EXPECT_EQ(p.bitflip, 1e-4);
  EXPECT_EQ(p.truncate, 1);
  ASSERT_EQ(p.stalls.size(), 1u);
  EXPECT_EQ(p.stalls[0].length, 30s);
  EXPECT_EQ(p.stalls[0].at, 5min);
  ASSERT_EQ(p.disconnects.size(), 2u);
  EXPECT_EQ(p.disconnects[0].length, 3s) << "in order of time";
  EXPECT_EQ(p.disconnects[1].length, 1s) << "the usual length";
  EXPECT_EQ(p.disconnects[1].at, 10min);
  ASSERT_EQ(p.clock_steps.size(), 2u);
  EXPECT_EQ(p.clock_steps[0].by, 2s);
  EXPECT_EQ(p.clock_steps[1].by, -1s);
  EXPECT_EQ(p.shorten, 0.03);
  EXPECT_EQ(p.answer, 0.04);
  const FaultMaker maker{p, 1};
  EXPECT_FALSE(maker.unlocked(119s));
  EXPECT_TRUE(maker.unlocked(2min));
  EXPECT_FALSE(maker.unlocked(3min));
}

TEST(FaultMaker, ShortensALineButKeepsItsEnd) {
  FaultMaker maker{plan("shorten=1"), 1, std::string(1, '\0')};
  const std::string record = "1 22 333" + std::string(1, '\0');
  std::set<std::size_t> sizes;
  for (int i = 0; i < 200; ++i) {
    std::string out;
    EXPECT_TRUE(maker.append_record(record, out).shortened);
    ASSERT_EQ(out.back(), '\0');
    EXPECT_EQ(out.substr(0, out.size() - 1), record.substr(0, out.size() - 1));
    sizes.insert(out.size());
  }
  EXPECT_EQ(sizes.size(), 8u) << "from nothing but the end to all but one byte";
}

TEST(FaultPlan, SaysWhatItDoesNotUnderstand) {
  const std::pair<const char*, const char*> cases[] = {
      {"drop=1.5", "drop: '1.5' is not a probability"},
      {"drop=-0.1", "drop: '-0.1' is not a probability"},
      {"drop=nan", "drop: 'nan' is not a probability"},
      {"drop=", "drop: '' is not a probability"},
      {"drop", "drop: '' is not a probability"},
      {"drop=0.1x", "drop: '0.1x' is not a probability"},
      {"dorp=0.1", "dorp: is not one of drop, garbage"},
      {"drop=0.1,,garbage=0.1", "'': is not one of"},
      {"stall=30s", "stall: '30s' does not say when"},
      {"stall=@5m", "stall: '' is not a duration"},
      {"stall=0s@5m", "stall: '0s' is not a duration above 0"},
      {"stall=30@5m", "stall: '30' is not a duration"},
      {"stall=30s@soon", "stall: 'soon' is not a time"},
      {"disconnect=10m", "disconnect: '10m' does not say when"},
      {"clock-step=2s@3m", "clock-step: '2s' is not a step with its sign"},
      {"clock-step=+-2s@3m", "clock-step: '+-2s' is not a step"},
      {"lose-lock=0.1", "lose-lock: '0.1' does not say when"},
      {"shorten=2", "shorten: '2' is not a probability"},
  };
  for (const auto& [text, problem] : cases) EXPECT_THAT(parse_faults(text).problem, HasSubstr(problem)) << text;
}

TEST(FaultPlan, TakesMinutesInBothSpellings) {
  EXPECT_EQ(parse_time_span("5m"), 5min);
  EXPECT_EQ(parse_time_span("5min"), 5min);
  EXPECT_EQ(parse_time_span("250ms"), 250ms);
  EXPECT_EQ(parse_time_span("m"), std::nullopt);
  EXPECT_EQ(parse_time_span("5"), std::nullopt);
}

const std::string kRecord = "2026 05 01 00 00 00 23876.803   333.758 41872.931\n";

struct Counts {
  int garbage = 0, dropped = 0, duplicated = 0, truncated = 0, flipped = 0;
  std::string bytes;
};

Counts play(std::string_view faults, int n, std::uint64_t seed = 1) {
  FaultMaker maker{plan(faults), seed};
  Counts counts;
  for (int i = 0; i < n; ++i) {
    counts.garbage += maker.append_garbage(counts.bytes) > 0 ? 1 : 0;
    const std::size_t before = counts.bytes.size();
    const auto fate = maker.append_record(kRecord, counts.bytes);
    const auto kept = fate.truncated ? kRecord.size() / 2 : kRecord.size();
    EXPECT_EQ(counts.bytes.size() - before, fate.dropped ? 0 : kept * (fate.duplicated ? 2 : 1));
    counts.dropped += fate.dropped ? 1 : 0;
    counts.duplicated += fate.duplicated ? 1 : 0;
    counts.truncated += fate.truncated ? 1 : 0;
    counts.flipped += static_cast<int>(fate.flipped_bits);
  }
  return counts;
}

TEST(FaultMaker, DoesNothingWithoutAPlan) {
  const auto counts = play("", 100);
  std::string all;
  for (int i = 0; i < 100; ++i) all += kRecord;
  EXPECT_EQ(counts.bytes, all);
}

TEST(FaultMaker, HitsAsOftenAsAsked) {
  constexpr int kRecords = 20000;  // 5 sigma of a binomial distribution
  const auto counts = play("drop=0.1,garbage=0.01,duplicate=0.2,truncate=0.05,bitflip=0.001", kRecords);
  EXPECT_NEAR(counts.dropped, 2000, 212);
  EXPECT_NEAR(counts.garbage, 200, 70);
  EXPECT_NEAR(counts.duplicated, 0.9 * 4000, 270);  // what is dropped is not repeated
  EXPECT_NEAR(counts.truncated, 0.9 * 1000, 147);
  EXPECT_NEAR(counts.flipped, 0.9 * (0.95 * 51 + 0.05 * 25) * 20, 160);
}

TEST(FaultMaker, DoesTheSameForTheSameSeed) {
  const char* faults = "drop=0.1,garbage=0.1,duplicate=0.1,truncate=0.1,bitflip=0.01";
  EXPECT_EQ(play(faults, 1000, 5).bytes, play(faults, 1000, 5).bytes);
  EXPECT_NE(play(faults, 1000, 5).bytes, play(faults, 1000, 6).bytes);
}

TEST(FaultMaker, TellsWhichRecordsAreLateAndNoneThatIsDropped) {
  FaultMaker maker{plan("late=0.5,drop=0.5"), 1};
  int late = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string out;
    const auto fate = maker.append_record(kRecord, out);
    EXPECT_FALSE(fate.late && fate.dropped);
    EXPECT_EQ(out, fate.dropped ? "" : kRecord);
    late += fate.late ? 1 : 0;
  }
  EXPECT_NEAR(late, 250, 70);
}

TEST(FaultMaker, DropsTheSameRecordsWhateverElseHappens) {
  FaultMaker alone{plan("drop=0.1"), 3};
  FaultMaker among{plan("drop=0.1,garbage=0.5,duplicate=0.5,bitflip=0.1,truncate=0.5"), 3};
  std::string ignored;
  for (int i = 0; i < 1000; ++i) {
    among.append_garbage(ignored);
    ASSERT_EQ(alone.append_record(kRecord, ignored).dropped, among.append_record(kRecord, ignored).dropped) << i;
  }
}

TEST(FaultMaker, FlipsOneBitOfAByte) {
  FaultMaker maker{plan("bitflip=1"), 1};
  std::string out;
  EXPECT_EQ(maker.append_record(kRecord, out).flipped_bits, kRecord.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    EXPECT_EQ(__builtin_popcount(static_cast<unsigned char>(out[i]) ^ static_cast<unsigned char>(kRecord[i])), 1);
}

TEST(FaultMaker, StepsTheClockAndStaysThere) {
  const FaultMaker maker{plan("clock-step=+2s@3m,clock-step=-5s@4m"), 1};
  EXPECT_EQ(maker.clock_offset(179s), 0s);
  EXPECT_EQ(maker.clock_offset(180s), 2s);
  EXPECT_EQ(maker.clock_offset(240s), -3s);
}

TEST(FaultMaker, SendsWhatAStallHeldBackAtItsEnd) {
  const FaultMaker maker{plan("stall=10s@20s,stall=5s@28s"), 1};
  EXPECT_EQ(maker.leaves(19s), 19s);
  EXPECT_EQ(maker.leaves(20s), 33s) << "the end of the first falls into the second";
  EXPECT_EQ(maker.leaves(32s), 33s);
  EXPECT_EQ(maker.leaves(33s), 33s);
}

}  // namespace
