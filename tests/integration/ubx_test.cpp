#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "mth5/reader.hpp"
#include "support/frames.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

/// A u-blox receiver on the line of a home-made board: its messages stand between the frames of samples.
namespace {

using support::number;

constexpr int kRows = 32;

/// Two sums modulo 256 over class, id, length and payload, as the receiver's description has them.
std::string ubx(const std::string& class_and_id, const std::string& payload) {
  const std::string body = class_and_id + number(payload.size(), 2) + payload;
  unsigned a = 0, b = 0;
  for (const char c : body) {
    a = (a + static_cast<unsigned char>(c)) & 0xFF;
    b = (b + a) & 0xFF;
  }
  return "\xB5\x62" + body + static_cast<char>(a) + static_cast<char>(b);
}

std::string nav_sol(unsigned fix, unsigned satellites, unsigned accuracy_cm) {
  return ubx({'\x01', '\x06'}, number(492'800'000, 4) + number(0, 4) + number(1977, 2) + number(fix, 1) + number(0xDF, 1) +
                                   std::string(12, '\x11') + number(accuracy_cm, 4) + std::string(12, '\0') + number(3, 4) +
                                   number(167, 2) + number(2, 1) + number(satellites, 1) + number(0, 4));
}

std::string nav_timegps(unsigned accuracy_ns) {
  return ubx({'\x01', '\x20'},
             number(492'800'000, 4) + number(0, 4) + number(1977, 2) + number(18, 1) + number(7, 1) + number(accuracy_ns, 4));
}

/// Samples [32 k, 32 k + 32) of five channels: the number of the sample, times the channel's from 1.
std::string samples(std::uint32_t k) {
  std::string text = "\xA5\x5A" + number(0x0101, 2) + number(kRows * 20, 2) + number(k * kRows, 4) +
                     number(1'777'593'600'000'000 + k * 125'000ull, 8);
  for (std::uint32_t i = 0; i < kRows; ++i)
    for (std::uint32_t c = 1; c <= 5; ++c) text += number((k * kRows + i) * c, 4);
  return text + number(support::ccitt_false(text), 2);
}

TEST(Ubx, BesideSamplesTellsOfTheReceiverAndCostsNone) {
  const support::TempDir dir;
  std::string line;
  constexpr std::uint32_t kFrames = 80;  // 10 s
  for (std::uint32_t k = 0; k < kFrames; ++k) {
    line += samples(k);
    if (k % 8 == 3) line += nav_sol(3, 6 + k / 40, 366) + nav_timegps(20 + k) + ubx({'\x01', '\x04'}, std::string(18, '\x55'));
  }
  support::write_text(dir / "line.bin", line);
  support::Recording recording{support::Recording::replay(dir / "line.bin"),
                               {.arguments = {"--until-eof"}, .instrument = "mth5-frame-ublox"}};
  ASSERT_EQ(recording.process().wait(), 0) << recording.log();
  const auto ledger = recording.status()->at("ledger");
  EXPECT_EQ(ledger.at("sources").at(0).at("bytes_decoded"), line.size()) << "whole messages, also those that say nothing to us";
  EXPECT_TRUE(ledger.at("balanced").get<bool>());
  mth5::Reader reader{recording.file()};
  ASSERT_EQ(reader.runs().size(), 1u);
  ASSERT_EQ(reader.runs()[0].n_samples, std::int64_t{kFrames} * kRows);
  EXPECT_EQ(mth5::to_iso(reader.runs()[0].start), "2026-05-01T00:00:00Z");
  const char* const names[] = {"hx", "hy", "hz", "ex", "ey"};
  for (int c = 0; c < 5; ++c) {
    const auto all = reader.read(reader.find("MT001", reader.runs()[0].id, names[c]).at(0), 0, reader.runs()[0].n_samples);
    for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], static_cast<double>(i) * (c + 1)) << names[c] << " " << i;
  }
  const auto table = reader.table("state_of_health/lemi").value();
  ASSERT_GT(table.size(), 1u);
  const auto last = table.size() - 1;
  EXPECT_EQ(table.number(last, "gps_fix"), 3);
  EXPECT_EQ(table.number(last, "satellites"), 7);
  EXPECT_DOUBLE_EQ(table.number(last, "position_accuracy"), 3.66);
  EXPECT_EQ(table.number(last, "leap_seconds"), 18);
  EXPECT_EQ(table.number(last, "time_valid"), 7);
  EXPECT_NEAR(table.number(last, "time_accuracy"), 63e-9, 1e-12)
      << "that of the row before: it changed by less than 100 ns since";
}

}  // namespace
