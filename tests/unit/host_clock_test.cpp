#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "acquisition/source/host_clock.hpp"
#include "acquisition/timing/clock.hpp"

namespace {

using namespace std::chrono_literals;
using daq::source::GpsdReader;
using daq::source::HostClock;
using daq::source::read_tracking;
using testing::HasSubstr;

/// 2026-11-28T14:21:08Z
constexpr mth5::UtcNanos kNow{1795875668s};

// As gpsd 3.22 and chronyc 4.3 write them.
constexpr const char* kFix = R"({"class":"TPV","device":"/dev/pts/0","mode":3,"time":"2026-11-28T14:21:08.000Z","ept":0.005})";
constexpr const char* kToff =
    R"({"class":"TOFF","device":"/dev/pts/0","real_sec":1795875668, "real_nsec":0,"clock_sec":1795875668,"clock_nsec":203576921})";
constexpr const char* kPulse =
    R"({"class":"PPS","device":"/dev/pps0","real_sec":1795875668,"real_nsec":0,"clock_sec":1795875667,"clock_nsec":999988000,"precision":-20})";

TEST(Gpsd, KnowsTheClockByItsTimesToASecondAndByItsPulseToMicroseconds) {
  GpsdReader reader;
  EXPECT_FALSE(reader.line(R"({"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14})", kNow));
  EXPECT_FALSE(reader.line("garbage", kNow));
  EXPECT_FALSE(reader.line(R"([1, 2])", kNow));
  EXPECT_FALSE(reader.line(R"({"class":7})", kNow));
  auto clock = reader.line(kFix, kNow + 250ms);
  ASSERT_TRUE(clock);
  // The message comes up to a second behind its time: the clock is off by something between -750 and 250 ms.
  EXPECT_NEAR(clock->known_to_s, 0.75, 1e-9);
  EXPECT_FALSE(reader.line(R"({"class":"SKY","device":"/dev/pts/0","nSat":12,"uSat":8})", kNow));
  clock = reader.line(kToff, kNow + 300ms);
  ASSERT_TRUE(clock);
  EXPECT_NEAR(clock->known_to_s, 1 - 0.203576921, 1e-6);
  EXPECT_EQ(clock->says, "gpsd: fix in 3 dimensions, 8 satellites, by times alone the clock is off by -296 ms +- 500 ms");
  clock = reader.line(kFix, kNow + 900ms);  // later than the TOFF, which says more
  EXPECT_NEAR(clock->known_to_s, 1 - 0.203576921, 1e-6);
  clock = reader.line(kPulse, kNow + 400ms);
  ASSERT_TRUE(clock);
  EXPECT_NEAR(clock->known_to_s, 12e-6 + std::exp2(-20), 1e-7);
  EXPECT_THAT(clock->says, HasSubstr("by the pulse the clock is off by -12 us +- 0.954 us"));
  clock = reader.line(kFix, kNow + 9s);
  EXPECT_LT(clock->known_to_s, 1e-4) << "the pulse is not old yet";
  clock = reader.line(kFix, kNow + 30s);
  EXPECT_GT(clock->known_to_s, 20) << "the pulse is gone, and the time is far off";
}

TEST(Gpsd, KnowsNothingWithoutAFix) {
  GpsdReader reader;
  EXPECT_FALSE(reader.line(kPulse, kNow)->is_known()) << "a pulse without a fix has no second";
  EXPECT_FALSE(reader.line(R"({"class":"TPV","mode":1})", kNow)->is_known());
  EXPECT_TRUE(reader.line(kFix, kNow)->is_known());
  const auto lost = reader.line(R"({"class":"TPV","mode":1})", kNow + 1s);
  EXPECT_FALSE(lost->is_known());
  EXPECT_EQ(lost->says, "gpsd: no fix");
  EXPECT_TRUE(std::isinf(lost->known_to_s));
  for (const char* odd : {R"({"class":"TPV","mode":"3","time":5})", R"({"class":"TPV","mode":3,"time":"yesterday"})",
                          R"({"class":"PPS","real_sec":"a"})", R"({"class":"TPV","mode":1e300})"}) {
    GpsdReader other;
    const auto clock = other.line(odd, kNow);
    EXPECT_TRUE(!clock || !clock->is_known()) << odd;
  }
}

TEST(Chrony, KnowsTheClockToWhatItsServersAreAway) {
  const auto clock = read_tracking(
      "C0A80101,192.168.1.1,3,1795875638.131965944,-0.000120000,0.000001,0.000050,-12.345,0.001,0.020,0.020000000,0.001000000,64."
      "2,"
      "Normal\n");
  EXPECT_NEAR(clock.known_to_s, 0.000120 + 0.010 + 0.001, 1e-12);
  EXPECT_EQ(clock.says, "chrony: stratum 3 by 192.168.1.1, off by -120 us");
  const auto by_pulse = read_tracking("50505300,PPS,1,1795875638.1,0.000000012,0,0,0,0,0,0.000000001,0.000001000,16.0,Normal");
  EXPECT_LT(by_pulse.known_to_s, 2e-6);
}

TEST(Chrony, KnowsNothingWhereItFollowsNobody) {
  const auto says = [](const char* line) {
    const auto clock = read_tracking(line);
    EXPECT_FALSE(clock.is_known()) << line;
    return clock.says;
  };
  EXPECT_EQ(says("00000000,,0,0.000000000,0.000000000,0,0,0,0,0,1.000000000,1.000000000,0.0,Not synchronised"),
            "chrony: not synchronised");
  EXPECT_EQ(says("7F7F0101,,10,1795875638.13,0.0,0.0,0.0,0.000,0.000,0.000,0.0,0.0,0.0,Normal"),
            "chrony: follows nobody but this computer's own clock");
  EXPECT_EQ(says("506 Cannot talk to daemon\n"), "chrony: 506 Cannot talk to daemon");
  EXPECT_EQ(says(""), "chrony: chronyc says nothing");
  EXPECT_THAT(says("a,b,c,d,e,f,g,h,i,j,k,l,m,n"), HasSubstr("no figures"));
  EXPECT_EQ(says("\x1b[31m"), "chrony: \\x1b[31m");
}

/// Arrivals of 10 Hz for so many seconds, each a millisecond late.
void arrive(daq::timing::Clock& clock, int seconds) {
  for (int i = 0; i < 10 * seconds; ++i) {
    const auto n = clock.position();
    clock.add(1, kNow + n * 100ms + 1ms);
  }
}

TEST(TimesOfArrival, AreKnownNoBetterThanTheClockOfTheComputer) {
  const daq::timing::Options options{.sample_rate = 10};
  daq::timing::Clock clock{options};
  clock.restart(kNow, false);
  arrive(clock, 120);
  ASSERT_TRUE(clock.locked()) << "nobody was asked: " << clock.why_not_locked();
  const double own = clock.uncertainty_s();
  EXPECT_LT(own, 0.01);
  clock.host_clock(0.003);
  EXPECT_TRUE(clock.locked());
  EXPECT_NEAR(clock.uncertainty_s(), std::hypot(own, 0.003), 1e-9);
  clock.host_clock(0.796);
  EXPECT_FALSE(clock.locked());
  EXPECT_EQ(clock.why_not_locked(), "the computer's clock is not known to 10 ms");
  EXPECT_GE(clock.uncertainty_s(), 0.796);
  clock.host_clock(std::numeric_limits<double>::infinity());
  EXPECT_FALSE(clock.locked());
  EXPECT_TRUE(std::isinf(clock.uncertainty_s()));
  EXPECT_TRUE(clock.settled()) << "where samples lie is no matter of it";
  clock.host_clock(1e-5);
  EXPECT_TRUE(clock.locked());
}

TEST(TimesOfAnInstrument, AreNoMatterOfTheClockOfTheComputer) {
  daq::timing::Clock clock{daq::timing::Options{.sample_rate = 10}};
  clock.restart(kNow, true);
  for (int i = 0; i < 200; ++i) clock.add(1, kNow + i * 100ms);
  const double own = clock.uncertainty_s();
  clock.host_clock(std::numeric_limits<double>::infinity());
  EXPECT_TRUE(clock.locked());
  EXPECT_EQ(clock.uncertainty_s(), own);
}

}  // namespace
