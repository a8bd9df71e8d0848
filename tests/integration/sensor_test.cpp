#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "support/process.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

/// What a profile and a site know of the sensors: where a channel ends, and its noise.
namespace {

const char* const kInstrument =
    "{sample_rate: 1, text: {columns: [{time: '%s'}, {channel: bx}, {channel: by}, {channel: ex}]}, "
    "channels: {bx: {type: magnetic, units: nanoTesla, clip_limits: [-100, 150], noise: {f: [0.01, 0.4], asd: [0.1, 0.015]}}, "
    "by: {type: magnetic, units: nanoTesla, clip_limits: [-100, 150]}, "
    "ex: {type: electric, units: milliVolt per kilometer}}}";

const nlohmann::json& channel(const nlohmann::json& report, const std::string& component) {
  for (const auto& one : report.at("channels"))
    if (one.at("component") == component) return one;
  throw std::runtime_error{component + " is not in the report"};
}

TEST(SensorKeys, AreInTheFileForItsReaders) {
  const support::TempDir dir;
  std::string lines;
  for (int s = 0; s < 900; ++s) {
    const double wave = 40 * std::sin(0.05 * s) + 0.01 * (s * 7 % 13);
    // bx is at its limit once, which without one would be no more than its largest value; by keeps half of its range.
    lines += std::to_string(1'777'593'600 + s) + " " + std::to_string(s == 400 ? 150.0 : 60 + wave) + " " +
             std::to_string(s == 400 ? 75.0 : 20 + wave) + " " + std::to_string(wave) + "\n";
  }
  support::write_text(dir / "day.TXT", lines);
  support::Recording recording{support::Recording::replay(dir / "day.TXT"),
                               {.source = "channels: {ex: {clip_limits: [-500, 500], noise: {f: [1], asd: [0.5]}}}\n",
                                .arguments = {"--until-eof"},
                                .instrument = kInstrument}};
  ASSERT_EQ(recording.process().wait(std::chrono::seconds{60}), 0) << recording.log();
  const auto found = support::run({support::program("mth5-summary"), "--check", "--format", "json", recording.file().string()});
  const auto report = nlohmann::json::parse(found.out);
  EXPECT_EQ(channel(report, "bx").at("clipped"), 1);
  EXPECT_EQ(channel(report, "bx").at("headroom_db"), 0);
  EXPECT_EQ(channel(report, "bx").at("sensor_noise"), (nlohmann::json{{"f", {0.01, 0.4}}, {"asd", {0.1, 0.015}}}));
  EXPECT_EQ(channel(report, "by").at("clipped"), 0);
  EXPECT_NEAR(channel(report, "by").at("headroom_db").get<double>(), 20 * std::log10(2), 1e-9);
  EXPECT_TRUE(channel(report, "by").at("sensor_noise").is_null());
  EXPECT_EQ(channel(report, "ex").at("sensor_noise").at("asd"), nlohmann::json{0.5}) << "what the site gives";
  EXPECT_NEAR(channel(report, "ex").at("headroom_db").get<double>(),
              20 * std::log10(500 / channel(report, "ex").at("max").get<double>()), 1e-9);
  std::vector<std::string> clipped;
  for (const auto& finding : report.at("verdict").at("findings"))
    if (finding.at("name") == "clipped") clipped.push_back(finding.at("channel"));
  EXPECT_THAT(clipped, testing::ElementsAre("bx"));
  // Of the live file too: the monitor reads nothing else.
  const auto seen = support::run({support::program("mth5-monitor"), "--once", "--json", recording.file().string()});
  EXPECT_EQ(channel(nlohmann::json::parse(seen.out), "bx").at("clipped"), 1) << seen.out << seen.err;
}

TEST(SensorKeys, AreNotThoseOfOtherUnits) {
  const support::TempDir dir;
  std::string lines;
  for (int s = 0; s < 100; ++s) lines += std::to_string(1'777'593'600 + s) + " " + std::to_string(s) + " 0.5 1\n";
  support::write_text(dir / "day.TXT", lines);
  support::Recording recording{
      support::Recording::replay(dir / "day.TXT"),
      {.source = "channels: {bx: {units: microTesla}}\n", .arguments = {"--until-eof"}, .instrument = kInstrument}};
  ASSERT_EQ(recording.process().wait(std::chrono::seconds{60}), 0) << recording.log();
  const auto found = support::run({support::program("mth5-summary"), "--check", "--format", "json", recording.file().string()});
  const auto report = nlohmann::json::parse(found.out);
  EXPECT_TRUE(channel(report, "bx").at("headroom_db").is_null()) << "nanoTesla of the profile, not these";
  EXPECT_TRUE(channel(report, "bx").at("sensor_noise").is_null());
}

}  // namespace
