#include <gtest/gtest.h>

#include "acquisition/ledger/receipts.hpp"
#include "acquisition/recorder/disk.hpp"
#include "mth5/duration.hpp"
#include "support/support.hpp"

namespace {

using daq::recorder::Forecast;
using daq::recorder::Reserve;
using daq::recorder::Steady;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Steady::time_point kStart{std::chrono::hours{1}};

TEST(Forecast, GoesByTheNominalRateUntilAMinuteIsKnown) {
  Forecast forecast{10};
  EXPECT_FALSE(forecast.seconds_to(0));
  forecast.add(kStart, 10'000);
  EXPECT_EQ(forecast.seconds_to(1000), 900.0);
  forecast.add(kStart + seconds{30}, 4000);
  EXPECT_EQ(forecast.seconds_to(1000), 300.0) << "half a minute is no history";
  forecast.add(kStart + seconds{60}, 4000);
  EXPECT_EQ(forecast.seconds_to(1000), 30.0) << "100 bytes a second";
  EXPECT_EQ(forecast.seconds_to(4000), 0.0);
}

TEST(Forecast, ForgetsWhatIsLongAgo) {
  Forecast forecast{10};
  for (int s = 0; s <= 600; s += 10) forecast.add(kStart + seconds{s}, 1'000'000 - 1000 * s);
  for (int s = 610; s <= 1300; s += 10) forecast.add(kStart + seconds{s}, 400'000 - (s - 600));
  EXPECT_NEAR(forecast.seconds_to(0).value(), 399'300, 1000) << "one byte a second";
}

TEST(Forecast, BeginsAnewWhenSpaceReturns) {
  Forecast forecast{10};
  for (int s = 0; s <= 100; s += 10) forecast.add(kStart + seconds{s}, 10'000 - 50 * s);
  EXPECT_EQ(forecast.seconds_to(0), 100.0);
  forecast.add(kStart + seconds{110}, 20'000);
  EXPECT_EQ(forecast.seconds_to(0), 2000.0);
}

TEST(Forecast, IsUnknownWhereNothingIsWritten) {
  Forecast forecast{0};
  forecast.add(kStart, 1000);
  EXPECT_FALSE(forecast.seconds_to(10));
}

TEST(Reserve, TakesTheSpaceOfADeadOneAndGivesItBack) {
  const support::TempDir dir;
  const auto path = dir / "reserve";
  support::write_text(path, std::string(5'000'000, 'x'));
  {
    Reserve reserve{path, 1 << 20};
    reserve.hold();
    EXPECT_EQ(std::filesystem::file_size(path), 1u << 20);
    reserve.release();
    EXPECT_FALSE(std::filesystem::exists(path));
    reserve.hold();
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(AtRisk, TellsHowLongTheOldestSampleHasBeenWaiting) {
  daq::ledger::Receipts receipts;
  std::uint64_t received = 0;
  const auto come = [&](std::uint64_t n, Steady::time_point when) { receipts.received(1, received += n, when); };
  EXPECT_EQ(receipts.at_risk(1, kStart).samples, 0u);
  come(10, kStart);
  come(10, kStart + seconds{5});
  come(10, kStart + seconds{10});
  const auto now = kStart + seconds{20};
  EXPECT_EQ(receipts.received(1), 30u);
  EXPECT_EQ(receipts.at_risk(1, now).samples, 30u);
  EXPECT_EQ(receipts.at_risk(1, now).seconds, 20);
  EXPECT_EQ(receipts.at_risk(0, now).samples, 0u) << "another stream";
  receipts.settled(1, 10);
  EXPECT_EQ(receipts.at_risk(1, now).seconds, 15);
  receipts.settled(1, 25);
  EXPECT_EQ(receipts.at_risk(1, now).samples, 5u);
  EXPECT_EQ(receipts.at_risk(1, now).seconds, 10);
  receipts.settled(1, 30);
  EXPECT_EQ(receipts.at_risk(1, now).seconds, 0);
  // An hour of nothing, then one sample: it has not been waiting for an hour.
  come(1, kStart + seconds{3600});
  EXPECT_EQ(receipts.at_risk(1, kStart + seconds{3601}).seconds, 1);
}

TEST(AtRisk, StaysRightAndBoundedWhileADiskStandsStill) {
  daq::ledger::Arrivals arrivals;
  for (std::uint64_t i = 0; i < 100'000; ++i) arrivals.add(i, kStart + milliseconds{300} * static_cast<int>(i), 0);
  EXPECT_EQ(arrivals.of_first_after(0), kStart);
  const auto at = arrivals.of_first_after(50'000).value() - kStart;
  EXPECT_LE(at, milliseconds{300} * 50'000);
  EXPECT_GE(at, milliseconds{300} * 49'900);
}

TEST(RoughDuration, HasTwoUnits) {
  EXPECT_EQ(mth5::rough_duration(273'700), "3 d 4 h");
  EXPECT_EQ(mth5::rough_duration(3600), "1 h");
  EXPECT_EQ(mth5::rough_duration(3599), "59 min 59 s");
  EXPECT_EQ(mth5::rough_duration(86'400 + 59), "1 d");
  EXPECT_EQ(mth5::rough_duration(0.4), "0 s");
}

}  // namespace
