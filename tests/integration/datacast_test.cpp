#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>

#include "mth5/reader.hpp"
#include "support/healthy.hpp"
#include "support/peers.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

/// A Raspberry Shake over the loopback: four channels, each in datagrams of its own.
namespace {

using support::Recording;
using support::UdpPeer;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kRows = 25;  // of a packet
constexpr const char* kCodes[] = {"EHZ", "ENE", "ENN", "ENZ"};
constexpr const char* kChannels[] = {"geophone_z", "accel_e", "accel_n", "accel_z"};

/// Packet k of channel c; samples are their numbers times 4 and the channel.
std::string packet(int k, int c) {
  auto text = fmt::format("{{'{}', {}.{:03}", kCodes[c], 1601769600 + k / 4, k % 4 * 250);
  for (int i = 0; i < kRows; ++i) text += fmt::format(", {}", (k * kRows + i) * 4 + c);
  return text + '}';
}

struct Shake {
  explicit Shake(const std::string& source = "")
      : recording{Recording::udp(peer.port()), {.source = source, .instrument = "rs4d"}},
        connected{recording.wait_for_log("source connected")} {}

  void send(int k, const std::vector<int>& channels) {
    for (const int c : channels) {
      peer.send(packet(k, c));
      bytes += packet(k, c).size();
    }
  }
  /// Channel c of the one run that there is, NaN for what is not known.
  [[nodiscard]] std::vector<double> stored(int c) const {
    mth5::Reader reader{recording.file()};
    EXPECT_EQ(reader.runs().size(), 1u);
    auto all = reader.read(reader.find("MT001", reader.runs().at(0).id, kChannels[c]).at(0), 0, reader.runs()[0].n_samples);
    for (auto& value : all)
      if (value == -2147483648.0) value = std::nan("");
    return all;
  }
  /// All of it is there but packets of `channel`.
  void expect_all_but(int n, int channel, const std::vector<int>& packets) const {
    for (int c = 0; c < 4; ++c) {
      const auto all = stored(c);
      ASSERT_EQ(all.size(), static_cast<std::size_t>(n * kRows)) << kChannels[c];
      for (int i = 0; i < n * kRows; ++i) {
        const bool lost = c == channel && std::find(packets.begin(), packets.end(), i / kRows) != packets.end();
        if (lost)
          ASSERT_TRUE(std::isnan(all[static_cast<std::size_t>(i)])) << kChannels[c] << " " << i;
        else
          ASSERT_EQ(all[static_cast<std::size_t>(i)], i * 4 + c) << kChannels[c];
      }
    }
  }

  UdpPeer peer;
  Recording recording;
  bool connected;
  std::size_t bytes = 0;
};

TEST(ShakeDatacast, IsBroughtTogetherWhateverDatagramsDo) {
  Shake shake;
  ASSERT_TRUE(shake.connected) << shake.recording.log();
  for (int k = 0; k < 40; ++k) {
    if (k == 10)
      shake.send(k, {0, 1, 3});  // one is lost
    else if (k == 20)
      shake.send(k, {3, 2, 2, 1, 0});  // one comes twice, and the others in another order
    else if (k == 30)
      shake.send(k + 1, {1}), shake.send(k, {0, 1, 2, 3});  // two have changed places
    else if (k == 31)
      shake.send(k, {0, 2, 3});
    else
      shake.send(k, {0, 1, 2, 3});
  }
  ASSERT_TRUE(shake.recording.wait_for_bytes(shake.bytes)) << shake.recording.log();
  const auto status = support::expect_good_end(shake.recording);
  shake.expect_all_but(40, 2, {10});
  const auto& source = status.at("sources").at(0);
  EXPECT_EQ(source.at("frames"), 160);
  EXPECT_EQ(source.at("samples").at("received"), 1000);
  EXPECT_EQ(status.at("ledger").at("streams").at(0).at("values_late"), kRows);
  mth5::Reader reader{shake.recording.file()};
  EXPECT_EQ(mth5::to_iso(reader.runs()[0].start), "2020-10-04T00:00:00Z");
  const auto report = support::run({support::program("mth5-summary"), shake.recording.file().string()}).out;
  EXPECT_THAT(report, testing::ContainsRegex("accel_n +100 Hz +1000 +1000 +25 +97.50 %"));
  EXPECT_THAT(report,
              testing::ContainsRegex("2020-10-04T00:00:02.500Z +100 Hz +25 +0.25s +sr100_0001 .filled. +accel_n: channel-away"));
  EXPECT_THAT(
      shake.recording.log(),
      HasSubstr("gap stream=lemi start=2020-10-04T00:00:02.500Z samples=25 reason=channel-away filled channel=accel_n\n"));
  EXPECT_THAT(report, HasSubstr("values of single channels that came too late, or twice 25\n"));
}

TEST(ShakeDatacast, GoesOnWithoutAChannelThatStaysAway) {
  Shake shake{"gap: {channel_wait: 300ms}\n"};
  ASSERT_TRUE(shake.connected) << shake.recording.log();
  for (int k = 0; k < 4; ++k) shake.send(k, {0, 1, 2, 3});
  int k = 4;
  // Nothing of it comes any more; what the others send is stored all the same, while they go on.
  const auto stored = [](const auto& status) { return status.at("sources").at(0).at("samples").at("visible") > 4 * kRows; };
  ASSERT_TRUE(support::eventually([&] {
    shake.send(k++, {0, 1, 3});
    const auto status = shake.recording.status();
    return status && !status->at("sources").empty() && stored(*status);
  })) << shake.recording.log();
  ASSERT_TRUE(shake.recording.wait_for_bytes(shake.bytes)) << shake.recording.log();
  static_cast<void>(support::expect_good_end(shake.recording));
  std::vector<int> lost;
  for (int i = 4; i < k; ++i) lost.push_back(i);
  shake.expect_all_but(k, 2, lost);
}

/// A recording is read as fast as the disk takes it: no time passes in which a channel could be waited for.
TEST(ShakeDatacast, OfARecordingGoesOnWithoutAChannelThatIsAwayForLongerThanTheRingHolds) {
  support::TempDir dir;
  constexpr int kPackets = 2400, kFirst = 100, kLast = 2300;
  std::string text;
  for (int k = 0; k < kPackets; ++k)
    for (const int c : {0, 1, 2, 3})
      if (c != 2 || k < kFirst || k >= kLast) text += packet(k, c) + "\n";
  support::write_text(dir / "shake.dat", text);
  support::write_text(dir / "mth5d.yaml", "survey: {id: TEST}\nstation: {id: MT001}\noutput: {directory: " + dir.path().string() +
                                              "}\nring: 1s\nsources:\n  - {name: shake, instrument: rs4d, file: {path: " +
                                              (dir / "shake.dat").string() + ", speed: max}}\n");
  const auto done = support::run({support::program("mth5d"), "--config", (dir / "mth5d.yaml").string(), "--until-eof",
                                  "--status-file", (dir / "status.json").string()});
  ASSERT_EQ(done.code, 0) << done.err;
  mth5::Reader reader{support::files_in(dir.path()).at(0)};
  ASSERT_EQ(reader.runs().size(), 1u);
  ASSERT_EQ(reader.runs()[0].n_samples, kPackets * kRows);
  for (int c = 0; c < 4; ++c) {
    const auto all = reader.read(reader.find("MT001", reader.runs()[0].id, kChannels[c]).at(0), 0, kPackets * kRows);
    for (int i = 0; i < kPackets * kRows; ++i) {
      const bool away = c == 2 && i >= kFirst * kRows && i < kLast * kRows;
      ASSERT_EQ(all[static_cast<std::size_t>(i)], away ? -2147483648.0 : i * 4 + c) << kChannels[c];
    }
  }
}

TEST(ShakeDatacast, WhatWaitsForAChannelIsStoredAtTheEndAndShownBefore) {
  Shake shake{"gap: {channel_wait: 1h}\n"};
  ASSERT_TRUE(shake.connected) << shake.recording.log();
  for (int k = 0; k < 4; ++k) shake.send(k, {0, 1, 2, 3});
  for (int k = 4; k < 12; ++k) shake.send(k, {0, 1, 3});
  ASSERT_TRUE(shake.recording.wait_until([](const auto& s) {
    return s.at("sources").at(0).at("samples").at("received") == 12 * kRows;
  })) << shake.recording.log();
  const auto status = *shake.recording.status();
  EXPECT_GE(status.at("sources").at(0).at("samples").at("buffered"), 8 * kRows) << "received, and not in the file yet";
  EXPECT_EQ(status.at("ledger").at("balanced"), true);
  static_cast<void>(support::expect_good_end(shake.recording));
  shake.expect_all_but(12, 2, {4, 5, 6, 7, 8, 9, 10, 11});
}

}  // namespace
