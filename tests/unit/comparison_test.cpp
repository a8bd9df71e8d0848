#include "analysis/comparison.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/formats/day_pages.hpp"
#include "analysis/formats/formats.hpp"
#include "analysis/verdict/subjects.hpp"

// What changed against the time before; what of a station is a temperature; the index of pages of days.
namespace {

using namespace analysis;
using testing::HasSubstr;
using testing::Not;

const mth5::UtcNanos kStart{std::chrono::seconds{1'777'593'600}};  // 2026-05-01

Summary summary_of(int day, std::map<std::string, Figure, std::less<>> figures) {
  Summary summary{};
  summary.now = kStart + std::chrono::days{9};
  summary.window = {kStart + std::chrono::days{day}, kStart + std::chrono::days{day + 1}};
  summary.subjects.push_back({Scope::Electric, "S1", "ex", std::move(figures)});
  return summary;
}

TEST(Comparison, SaysWhatBecameWrongWhatIsRightAgainAndWhatIsAnother) {
  const auto comparison = compare(summary_of(2, {{"mains_db", {46}}, {"dc_mV", {20}}, {"clipped", {0}}, {"spikes_per_h", {3}}}),
                                  summary_of(1, {{"mains_db", {12}}, {"dc_mV", {21}}, {"clipped", {0.2}}, {"drift_mV_h", {1}}}));
  EXPECT_EQ(to_text(comparison),
            "Compared with 2026-05-02T00:00:00Z to 2026-05-03T00:00:00Z\n"
            "  station  of  figure    now  before  wrong\n"
            "  S1       ex  clipped     0     0.2  over\n"
            "  S1       ex  mains_db   46      12  new\n");
  const auto json = to_json(comparison);
  ASSERT_EQ(json["changes"].size(), 5u) << "all that is known of one of the two";
  EXPECT_EQ(json["changes"][0]["wrong"], "over");
  for (const auto& change : json["changes"])
    if (change["figure"] == "dc_mV") {
      EXPECT_EQ(change["notable"], false);
      EXPECT_EQ(change["before"], 21);
    }
  EXPECT_THAT(to_text(compare(summary_of(2, {{"dc_mV", {20}}}), summary_of(1, {{"dc_mV", {21}}}))),
              HasSubstr(": nothing to speak of changed"));
  EXPECT_THAT(to_text(compare(summary_of(2, {{"pulse_s", {0}}}), summary_of(1, {{"pulse_s", {0}}}))),
              HasSubstr(": nothing to speak of changed"))
      << "whatever its limit, which is 0";
}

TEST(Comparison, CallsNothingOverThatNobodyCanTell) {
  const auto dead = compare(summary_of(2, {}), summary_of(1, {{"clipped", {0.2}}, {"mains_db", {12}}}));
  EXPECT_EQ(to_text(dead),
            "Compared with 2026-05-02T00:00:00Z to 2026-05-03T00:00:00Z\n"
            "  station  of  figure   now  before  wrong\n"
            "  S1       ex  clipped    -     0.2  missing\n");
  EXPECT_EQ(to_json(dead)["changes"][0]["wrong"], "missing");
}

TEST(Comparison, SaysThatAStationHasDied) {
  const auto of_station = [](int day, double samples) {
    auto summary = summary_of(day, {});
    summary.subjects = {{Scope::Station, "S1", "", {{"samples", {samples}}}}};
    return summary;
  };
  EXPECT_THAT(to_text(compare(of_station(2, 0), of_station(1, 86'400))), HasSubstr("S1           samples    0   86400  new"));
  EXPECT_THAT(to_text(compare(of_station(2, 900), of_station(1, 86'400))), HasSubstr(": nothing to speak of changed"))
      << "completeness says that";
}

TEST(Comparison, IsOfTheTimeJustBefore) {
  const auto before = window_before({kStart, kStart + std::chrono::hours{6}});
  EXPECT_EQ(before.from, kStart - std::chrono::hours{6});
  EXPECT_EQ(before.to, kStart);
}

TEST(Temperature, IsTheHighestOfAllInTheTimeOfTheReport) {
  Trends trends;
  const auto add = [&](const std::string& name, int hour, double celsius) {
    const std::vector<double> values(2, celsius);
    trends.add(name, {kStart + std::chrono::hours{hour}, 1, values});
  };
  add("temperature_C", 1, 75);
  add("temperature_C", 30, 61);
  add("box/temperature_h_C", 31, 66);
  add("battery_V", 31, 99);
  const auto highest = hottest(trends, {kStart + std::chrono::days{1}, kStart + std::chrono::days{2}});
  ASSERT_TRUE(highest);
  EXPECT_EQ(highest->value, 66);
  Subject station{Scope::Station, "S1", ""};
  add_temperature(station, 20);
  add_temperature(station, highest->value, highest->since);
  add_temperature(station, std::numeric_limits<double>::quiet_NaN());
  const auto verdict = judge(std::vector{station});
  ASSERT_EQ(verdict.size(), 1u);
  EXPECT_EQ(verdict[0].severity, Severity::Warning);
  EXPECT_THAT(verdict[0].sentence(kStart + std::chrono::days{2}), testing::StartsWith("S1: temperature of 66.0 °C at "));
  EXPECT_FALSE(hottest(trends, {kStart + std::chrono::days{5}, {}}));
}

StationSummary station_of(const std::string& id) {
  return {.station = {"S", id, mth5::Metadata{mth5::Kind::Station}}, .start = {}, .end = {}, .newest = {}};
}

TEST(DayPages, SayInTheirHeadWhatTheIndexShows) {
  Summary summary{};
  for (const auto* id : {"MT01", "<b>\"x'", "MT03"}) summary.stations.push_back(station_of(id));
  summary.verdict.emplace();
  EXPECT_EQ(day_page("2026-05-01", to_html(summary).substr(0, kHead))->what, "3 stations");
  for (const auto* name : {"battery", "spikes"}) {
    const auto all = rules();
    const auto rule = std::find_if(all.begin(), all.end(), [&](const Rule& one) { return one.name == name; });
    summary.verdict->push_back(
        {&*rule, Severity::Warning, summary.stations[rule->name == "battery" ? 1u : 2u].station.id, "", 5, {}});
  }
  const auto page = day_page("2026-05-01", to_html(summary).substr(0, kHead));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->state, "warning");
  EXPECT_EQ(page->what, "2 of 3 stations: &lt;b&gt;&quot;x&#39;, MT03");
  for (const auto* foreign : {"", "<meta name=\"mth5-day\" content=\"good", "<meta name=\"mth5-day\" content=\"fine; x\">",
                              "<meta name=\"mth5-day\" content=\"good; <script>\">"})
    EXPECT_FALSE(day_page("2026-05-01", foreign)) << foreign;
}

TEST(DayPages, HaveAnIndexThatStaysSmallWithThirtyStationsAndAYear) {
  Summary summary{};
  for (int i = 0; i < 30; ++i) summary.stations.push_back(station_of("observatory_" + std::to_string(i)));
  summary.verdict.emplace();
  for (const auto& station : summary.stations)
    summary.verdict->push_back({&rules().back(), Severity::Warning, station.station.id, "", 5, {}});
  std::vector<DayPage> days;
  for (int day = 0; day < 366; ++day)
    days.push_back(*day_page(mth5::to_iso(kStart + std::chrono::days{day}).substr(0, 10), day_tag(summary)));
  const auto index = to_index(days);
  EXPECT_LT(index.size(), 1u << 20);
  EXPECT_LT(index.find("2027-05-01.html"), index.find("2027-04-30.html")) << "the newest on top";
  EXPECT_THAT(index, HasSubstr("observatory_29"));
  std::vector<DayPage> many(5000, days.front());
  EXPECT_LT(to_index(many).size(), 2u << 20);
  EXPECT_THAT(to_index(many), HasSubstr("3000 older days"));
}

}  // namespace
