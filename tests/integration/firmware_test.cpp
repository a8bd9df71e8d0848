#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mth5/reader.hpp"
#include "support/peers.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

/// The sender for home-made boards, compiled for this computer: what it sends is in the file, sample and time.
namespace {

namespace fs = std::filesystem;

constexpr int kFrames = 60, kRows = 32, kLost = 20;
constexpr int kChannels = 5;

/// Of any sample; the extremes are among them.
std::int32_t value(int sample, int channel) {
  if (sample == 3) return channel % 2 == 0 ? 2147483647 : -2147483647 - 1;
  return (sample * 7919 + channel * 104729) % 20000003 - 10000001;
}

/// A board that counts from just before the counter begins anew, cannot send one frame, and talks between frames.
constexpr const char* kBoard = R"(
#include <stdio.h>
#include "mth5_frame.h"
static int32_t value(int sample, int channel) {
  if (sample == 3) return channel % 2 == 0 ? 2147483647 : -2147483647 - 1;
  return (sample * 7919 + channel * 104729) % 20000003 - 10000001;
}
int main(void) {
  static int32_t rows[32 * 5];
  static uint8_t frame[MTH5_FRAME_EXTRA + sizeof rows];
  puts("board 1.0 ready");
  for (int n = 0; n < 60; ++n) {
    const uint64_t time_us = 1777593600000000u + (uint64_t)n * 32 * 1000000 / 256;
    const uint32_t first = 4294967296u - 320 + (uint32_t)n * 32;
    for (int i = 0; i < 32 * 5; ++i) rows[i] = value(n * 32 + i / 5, i % 5);
    size_t size = mth5_frame_samples(frame, first, time_us, rows, 32, 5);
    if (n != 20) fwrite(frame, 1, size, stdout);
    if (n % 10 == 5) fwrite(frame, 1, mth5_frame_state(frame, first, time_us, 12600, -550, 9, 1), stdout);
  }
  return 0;
}
)";

/// What the board sends.
std::string board(const fs::path& folder) {
  const auto firmware = support::source() / "examples/firmware";
  support::write_text(folder / "board.c", kBoard);
  const auto compiled =
      support::run({"cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-I", firmware.string(),
                    (folder / "board.c").string(), (firmware / "mth5_frame.c").string(), "-o", (folder / "board").string()});
  EXPECT_EQ(compiled.code, 0) << compiled.err;
  return support::run({(folder / "board").string()}).out;
}

TEST(Firmware, WhatItSendsIsInTheFile) {
  const support::TempDir dir;
  const auto sent = board(dir.path());
  ASSERT_EQ(sent.size(), 16u + (kFrames - 1) * (20 + 4 * kRows * kChannels) + 6 * 26);
  support::PtyPeer line{dir / "port"};
  line.plug();
  support::Recording recording{support::Recording::serial(line.link()), {.instrument = "mth5-frame"}};
  ASSERT_TRUE(line.send(sent));
  ASSERT_TRUE(recording.wait_for_bytes(sent.size())) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();

  mth5::Reader reader{recording.file()};
  ASSERT_EQ(reader.runs().size(), 2u) << "a frame was not sent";
  EXPECT_EQ(reader.runs()[0].n_samples, kLost * kRows);
  EXPECT_EQ(reader.runs()[1].n_samples, (kFrames - kLost - 1) * kRows);
  EXPECT_EQ(mth5::to_iso(reader.runs()[0].start), "2026-05-01T00:00:00Z");
  EXPECT_EQ(mth5::to_iso(reader.runs()[1].start), "2026-05-01T00:00:02.625Z");
  const char* const components[] = {"hx", "hy", "hz", "ex", "ey"};
  for (std::size_t run = 0; run < 2; ++run) {
    const int first = run == 0 ? 0 : (kLost + 1) * kRows;
    for (int c = 0; c < kChannels; ++c) {
      const auto found = reader.find("MT001", reader.runs()[run].id, components[c]);
      ASSERT_EQ(found.size(), 1u);
      EXPECT_EQ(reader.sample_type(found[0]), mth5::SampleType::Int32);
      const auto samples = reader.read(found[0], 0, reader.runs()[run].n_samples);
      for (std::size_t i = 0; i < samples.size(); ++i)
        ASSERT_EQ(samples[i], value(first + static_cast<int>(i), c)) << components[c] << ' ' << i;
    }
  }
  const auto soh = reader.table("state_of_health/lemi");
  ASSERT_TRUE(soh && soh->size() > 0);
  const auto last = soh->size() - 1;
  EXPECT_DOUBLE_EQ(soh->number(last, "battery"), 12.6);
  EXPECT_DOUBLE_EQ(soh->number(last, "temperature"), -5.5);
  EXPECT_EQ(soh->number(last, "satellites"), 9);
  const auto ledger = reader.table("source_ledger");
  ASSERT_TRUE(ledger);
  const auto row = ledger->size() - 1;
  EXPECT_EQ(ledger->integer(row, "bytes_in"), static_cast<std::int64_t>(sent.size()));
  EXPECT_EQ(ledger->integer(row, "bytes_decoded"), static_cast<std::int64_t>(sent.size() - 16));
}

TEST(Firmware, TheExampleOfThePageIsAFrame) {
  const auto page = support::read_text(support::source() / "apps/acquisition/doc/mth5-frame.md");
  const auto begin = page.find("a5 5a 01 01");
  ASSERT_NE(begin, std::string::npos);
  std::string bytes;
  for (auto at = begin; at == begin || page[at - 1] == ' '; at += 3)
    bytes += static_cast<char>(std::stoi(page.substr(at, 2), nullptr, 16));
  const support::TempDir dir;
  support::write_text(dir / "one.bin", bytes);
  const auto tried = support::run({support::program("mth5d"), "--json", "--try", "mth5-frame", (dir / "one.bin").string()});
  ASSERT_EQ(tried.code, 0) << tried.err;
  const auto json = nlohmann::json::parse(tried.out);
  EXPECT_EQ(json.at("time").at("first"), "2026-05-01T00:00:00.250Z");
  EXPECT_EQ(json.at("channels").at(4).at("max"), 100);
  EXPECT_EQ(json.at("bytes").at("skipped"), 0);
}

}  // namespace
