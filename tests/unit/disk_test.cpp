#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <optional>
#include <sstream>
#include <system_error>

#include "acquisition/ledger/receipts.hpp"
#include "acquisition/recorder/disk.hpp"
#include "acquisition/recorder/output.hpp"
#include "mth5/duration.hpp"
#include "mth5/io.hpp"
#include "mth5/time.hpp"
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
    daq::config::Output output;
    output.reserve = 1 << 20;
    Reserve reserve{path, output};
    reserve.hold();
    EXPECT_EQ(std::filesystem::file_size(path), 1u << 20);
    reserve.release();
    EXPECT_FALSE(std::filesystem::exists(path));
    reserve.hold();
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

/// As on the card of the system, below a mount point whose disk was taken away.
TEST(Reserve, IsNotTakenWhereNoDiskIsMountedAndOneIsRequired) {
  const support::TempDir dir;
  daq::config::Output output;
  output.directory = dir.path();
  output.mount = "required";
  const auto why = daq::recorder::why_no_mount(output);
  ASSERT_NE(why, "") << "the directory for temporary files is on a disk of its own";
  Reserve reserve{dir / "reserve", output};
  EXPECT_THAT([&] { reserve.hold(); }, testing::ThrowsMessage<mth5::FileError>(why));
  EXPECT_THAT([&] { reserve.renew(); }, testing::ThrowsMessage<mth5::FileError>(why));
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

/// A disk of which others use what a test says; the reserve uses its own part.
class FillingDisk final : public mth5::Io {
 public:
  explicit FillingDisk(std::filesystem::path reserve) : reserve_{std::move(reserve)} { mth5::use_io(this); }
  ~FillingDisk() override { mth5::use_io(nullptr); }
  FillingDisk(const FillingDisk&) = delete;
  FillingDisk& operator=(const FillingDisk&) = delete;
  void leave(std::int64_t bytes) { left_ = bytes; }
  [[nodiscard]] std::optional<std::int64_t> free_bytes(const std::filesystem::path&) const override {
    std::error_code none;
    const auto held = std::filesystem::file_size(reserve_, none);
    return left_ - (none ? 0 : static_cast<std::int64_t>(held));
  }

 private:
  std::filesystem::path reserve_;
  std::int64_t left_ = 0;
};

/// How often the log says so.
int said(const std::ostringstream& log, const std::string& text) {
  int n = 0;
  const std::string all = log.str();
  for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++n;
  return n;
}

TEST(DiskWarnings, ComeOncePerThresholdAndNotWhileItIsFull) {
  constexpr std::int64_t kMiB = 1 << 20;
  const support::TempDir dir;
  support::write_text(dir / "mth5d.yaml", "survey: {id: TEST}\nstation: {id: MT001}\noutput: {directory: " + dir.path().string() +
                                              ", reserve: 4MiB}\nsources:\n"
                                              "  - {name: lemi, file: {path: /dev/null}, instrument: lemi424}\n");
  const auto loaded = daq::config::load(dir / "mth5d.yaml", {}, {support::source() / "config" / "instruments"});
  ASSERT_TRUE(loaded.config);
  std::ostringstream text;
  const auto log = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
  daq::recorder::Disk disk{*loaded.config, log};
  FillingDisk filling{disk.reserve_file()};
  filling.leave(400 * kMiB);
  ASSERT_TRUE(disk.claim());
  const auto at_first = said(text, "disk full in");

  filling.leave(7 * kMiB);                // less than the reserve beside the reserve
  const auto start = mth5::steady_now();  // as in claim()
  disk.look(start);
  ASSERT_TRUE(disk.is_full());
  disk.release_reserve();  // as the recorder does, that closes the file
  for (int s = 1; s < 5; ++s) {
    disk.look(start + seconds{s});
    EXPECT_FALSE(disk.has_room_again());
  }
  EXPECT_EQ(said(text, "disk full in"), at_first) << text.str();

  filling.leave(400 * kMiB);
  ASSERT_TRUE(disk.has_room_again());
  disk.look(start + seconds{10});
  const auto again = said(text, "disk full in");
  // At 4 MiB a second the rest lasts a minute, once that is known.
  for (int s = 0; s <= 60; s += 10) {
    filling.leave(400 * kMiB - s * 4 * kMiB);
    disk.look(start + seconds{20 + s});
  }
  EXPECT_EQ(said(text, "disk full in"), again + 1) << "there is room again, and goes: " << text.str();
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
