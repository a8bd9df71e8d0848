#include <algorithm>
#include <functional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/process.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

// What the office wants to know at 06:00: which of thirty stations want a visit, and why.

namespace {

using testing::HasSubstr;

constexpr std::size_t kLines = 900;  ///< one a second

/// Columns of a line of a LEMI-424.
enum Column { Bx = 6, TemperatureE = 9, E1 = 11, E2 = 12, Battery = 15 };

/// Puts another text into a column of a line, as wide as what was there.
void put(std::string& line, Column column, std::string text) {
  std::size_t begin = 0, end = 0;
  for (int i = 0; i <= column; ++i) {
    begin = line.find_first_not_of(' ', end);
    end = line.find(' ', begin);
  }
  while (text.size() < end - begin) text.insert(text.begin(), ' ');
  line.replace(end - text.size(), text.size(), text);
}
std::string get(const std::string& line, Column column) {
  std::istringstream in{line};
  std::string text;
  for (int i = 0; i <= column; ++i) in >> text;
  return text;
}

struct Fault {
  std::string station, sentence;
  std::function<void(std::vector<std::string>& lines)> make;
};

void each(std::vector<std::string>& lines, Column column, const std::string& text, std::size_t first = 0, std::size_t step = 1) {
  for (std::size_t i = first; i < lines.size(); i += step) put(lines[i], column, text);
}

const std::vector<Fault> kFaults{
    {"ST05", "ST05: battery at 11.20 V", [](auto& lines) { each(lines, Battery, "11.20"); }},
    {"ST11", "ST11 e1: stuck at one value for 10 min since 00:05 UTC",
     [](auto& lines) { each(lines, E1, get(lines[300], E1), 300); }},
    {"ST17", "ST17 1 Hz: only 88.8 % of the samples are there, the longest gap is from 00:06 UTC",
     [](auto& lines) { lines.erase(lines.begin() + 400, lines.begin() + 500); }},
    {"ST23", "ST23: temperature of 75.0 °C", [](auto& lines) { each(lines, TemperatureE, "75.00", 600); }},
    {"ST29", "ST29 e2: spikes, ", [](auto& lines) { each(lines, E2, "900.000", 5, 15); }},
};

TEST(ThirtyStations, HaveThoseFiveOnTopThatWantAVisitWithTheReason) {
  const support::TempDir dir;
  const auto text = (dir / "good.TXT").string();
  const auto sim = support::run({support::program("mth5-sim"), "lemi424", "--to", "file:" + text, "--speed", "max", "--start",
                                 "2026-05-01T00:00:00Z", "--duration", std::to_string(kLines) + "s", "--seed", "5"});
  ASSERT_EQ(sim.code, 0) << sim.err;
  std::vector<support::LemiSource> sources;
  for (int i = 1; i <= 30; ++i) {
    const std::string station = std::string{i < 10 ? "ST0" : "ST"} + std::to_string(i);
    auto input = text;
    const auto fault = std::find_if(kFaults.begin(), kFaults.end(), [&](const Fault& one) { return one.station == station; });
    if (fault != kFaults.end()) {
      std::istringstream in{support::read_text(text)};
      std::vector<std::string> lines;
      for (std::string line; std::getline(in, line);) lines.push_back(line);
      ASSERT_EQ(lines.size(), kLines);
      fault->make(lines);
      std::string all;
      for (const auto& line : lines) all += line + "\n";
      input = dir / (station + ".TXT");
      support::write_text(input, all);
    }
    sources.push_back({"s" + std::to_string(i), station, support::Recording::replay(input)});
  }
  support::Recording recording{support::Recording::replay(text),
                               {.arguments = {"--until-eof", "--set", support::lemi_sources(sources)}}};
  ASSERT_EQ(recording.process().wait(std::chrono::seconds{60}), 0) << recording.log();

  const auto report = support::run({support::program("mth5-summary"),
                                    "--check",
                                    "--now",
                                    "2026-05-01T00:15:00Z",
                                    "--since",
                                    "15min",
                                    "--format",
                                    "json",
                                    "--output",
                                    dir / "all.json",
                                    "--format",
                                    "html",
                                    "--output",
                                    dir / "all.html",
                                    "--format",
                                    "prometheus",
                                    "--output",
                                    dir / "all.prom",
                                    "--format",
                                    "text",
                                    recording.directory()});
  EXPECT_EQ(report.code, 7) << report.err;
  const auto json = nlohmann::json::parse(support::read_text(dir / "all.json"));
  ASSERT_EQ(json["stations"].size(), 30u);
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(json["stations"][i]["state"] == "good", i >= 5) << "those that want a visit come first";
    EXPECT_EQ(json["stations"][i]["why"].is_null(), i >= 5);
  }
  EXPECT_EQ(json["channels"][0]["station"], json["stations"][0]["id"]);
  std::set<std::string> found;
  for (const auto& finding : json["verdict"]["findings"]) found.insert(finding["station"].get<std::string>());
  std::set<std::string> known;
  for (const auto& fault : kFaults) known.insert(fault.station);
  EXPECT_EQ(found, known) << report.out.substr(0, 2000);

  for (const auto& station : json["stations"]) {  // each says it of itself
    const auto id = station["id"].get<std::string>();
    EXPECT_EQ(station["soh"].value("battery_V", 0.0) == 11.2, id == "ST05") << station;
    EXPECT_EQ(station["soh"].value("temperature_C", 0.0) == 75, id == "ST23") << station;
    EXPECT_GT(station["soh"].value("satellites", 0.0), 0) << station;
  }
  const auto figures = support::read_text(dir / "all.prom");
  EXPECT_THAT(figures, HasSubstr("mth5_temperature_celsius{station=\"ST23\"} 75.0\n"));
  EXPECT_THAT(figures, HasSubstr("mth5_battery_volts{station=\"ST05\"} 11.2\n"));
  EXPECT_THAT(figures, HasSubstr("mth5_state{station=\"ST30\",state=\"closed\"} 1.0\n"));
  std::istringstream words{report.out};
  std::vector<std::string> in_text;  // stations, in their order
  for (std::string line; std::getline(words, line);)
    if (line.starts_with("Station ")) in_text.push_back(line.substr(8, 4));
  ASSERT_EQ(in_text.size(), 30u);
  EXPECT_EQ(std::set(in_text.begin(), in_text.begin() + 5), known) << report.out.substr(0, 2000);
  EXPECT_THAT(report.out, testing::ContainsRegex("Station ST23, .*\n.*\n.*\n  health battery_V .*, temperature_C 75"));
  EXPECT_THAT(report.out,
              testing::ContainsRegex("\n  channel +rate +clipped +median +drift/h +spikes +jumps +mains dB +units\n  bx "));

  const auto page = support::read_text(dir / "all.html");
  EXPECT_LT(page.size(), 1u << 20);
  const auto index = page.find("<table class=\"stations\">");
  ASSERT_NE(index, std::string::npos);
  const auto first_good = page.find(">good<", index);
  for (const auto& fault : kFaults) {
    EXPECT_THAT(report.out, HasSubstr(fault.sentence));
    const auto at = page.find(">" + fault.station + "<", index);
    EXPECT_LT(at, first_good) << fault.station << " is on top";
    EXPECT_NE(page.substr(at, 300).find(fault.sentence), std::string::npos) << page.substr(at, 300);
  }
}

}  // namespace
