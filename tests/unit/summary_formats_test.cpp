#include <algorithm>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/formats/formats.hpp"
#include "analysis/json.hpp"

// The report for programs, held to the grammar of each, whatever names the files have in them.
namespace {

using namespace analysis;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const std::vector<std::string> kHostile{
    "a|b", "x\"y\n", "=cmd()", "q'w;1", "back\\slash", "a,b", "\u202etxt", "\x1b[2J", std::string(300, 'L')};

const Rule* rule(std::string_view name) {
  const auto all = rules();
  return &*std::find_if(all.begin(), all.end(), [&](const Rule& r) { return r.name == name; });
}

Summary summary_of(const std::vector<std::string>& stations) {
  Summary summary{};
  summary.now = mth5::parse_time("2026-05-01T06:00:00Z").value();
  for (std::size_t i = 0; i < stations.size(); ++i) {
    StationSummary station{
        .station = {"S", stations[i], mth5::Metadata{mth5::Kind::Station}}, .start = {}, .end = {}, .newest = {}};
    station.newest = summary.now - std::chrono::seconds{3};
    station.health.battery_V = 12.7;
    summary.stations.push_back(station);
    summary.streams.push_back({.station = stations[i], .sample_rate = 1, .flow = {}, .start = {}, .end = {}});
    ChannelSummary channel{};
    channel.series = i;
    channel.survey = channel.station = channel.component = stations[i];
    channel.sample_rate = 1;
    channel.n_samples = 90;
    channel.expected = 100;
    channel.missing = 10;
    summary.channels.push_back(channel);
  }
  summary.subjects = subjects_of(summary);
  summary.verdict.emplace();
  return summary;
}

void find(Summary& summary, std::string_view name, Severity severity, const std::string& station) {
  summary.verdict->push_back({rule(name), severity, station, "", 5, {}});
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

TEST(Nagios, HasACodeAWordAndTheWorstOnTheFirstLine) {
  auto summary = summary_of({"MT01"});
  EXPECT_EQ(to_nagios(summary).code, 0);
  EXPECT_THAT(to_nagios(summary).text, StartsWith("MTH5 OK - MT01: newest sample 3 s old | "));
  EXPECT_THAT(to_nagios(summary).text, HasSubstr(" age=3s gaps=0 "));
  find(summary, "unreadable", Severity::Critical, "");
  EXPECT_EQ(to_nagios(summary).code, 3) << "what cannot be read is not known, and not critical";
  EXPECT_THAT(to_nagios(summary).text, StartsWith("MTH5 UNKNOWN - "));
  find(summary, "battery", Severity::Warning, "MT01");
  EXPECT_EQ(to_nagios(summary).code, 1) << "and hides nothing";
  EXPECT_THAT(to_nagios(summary).text, StartsWith("MTH5 WARNING - MT01: battery at 5.00 V (and 1 more) | "));
  summary.verdict->clear();
  find(summary, "writer-died", Severity::Critical, "");
  find(summary, "unreadable", Severity::Critical, "");
  EXPECT_EQ(to_nagios(summary).code, 2);
  EXPECT_THAT(to_nagios(summary).text, HasSubstr("battery_V=12.7;12:;11.5:")) << "the limits of the rule";
  EXPECT_THAT(to_nagios(summary).text, HasSubstr("completeness=90%;99:;95:"));
  EXPECT_THAT(to_nagios(summary).text, HasSubstr("\nUNKNOWN "));
}

TEST(Nagios, KeepsItsGrammarAndItsLengthWhateverTheNames) {
  std::vector<std::string> stations = kHostile;
  for (int i = 0; i < 60; ++i) stations.push_back("station_with_a_long_name_" + std::to_string(i));
  auto summary = summary_of(stations);
  for (const auto& station : stations) find(summary, "battery", Severity::Warning, station);
  const auto plugin = to_nagios(summary);
  EXPECT_LE(plugin.text.size(), 4096u);
  const auto all = lines(plugin.text);
  ASSERT_GE(all.size(), 2u);
  const auto bar = all[0].find('|');
  ASSERT_NE(bar, std::string::npos);
  EXPECT_LE(bar, 81u);
  EXPECT_EQ(all[0].find('|', bar + 1), std::string::npos);
  const std::regex item{R"([A-Za-z0-9_.-]{1,19}=(U|-?[0-9]+(\.[0-9]+)?)(s|%|c)?(;[~0-9.:]*){0,2})"};
  std::istringstream items{all[0].substr(bar + 1)};
  std::set<std::string> labels;
  for (std::string text; items >> text;) {
    EXPECT_TRUE(std::regex_match(text, item)) << text;
    EXPECT_TRUE(labels.insert(text.substr(0, text.find('='))).second) << text;
  }
  EXPECT_GT(labels.size(), 20u);
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_EQ(all[i].find_first_of("|\x1b"), std::string::npos) << all[i];
  EXPECT_EQ(all.back(), "(and more)");
}

/// Labels of the figures of a line, in their order.
std::vector<std::string> labels_of(const Summary& summary) {
  const auto text = to_nagios(summary).text;
  std::istringstream items{text.substr(text.find('|') + 1)};
  std::vector<std::string> labels;
  for (std::string item; items >> item && item.find('=') != std::string::npos;) labels.push_back(item.substr(0, item.find('=')));
  return labels;
}

TEST(Nagios, CallsAFigureTheSameWhateverElseIsReported) {
  const auto label = [](const std::vector<std::string>& stations, const std::string& start) {
    for (const auto& one : labels_of(summary_of(stations)))
      if (one.starts_with(start) && one.ends_with("completeness")) return one;
    return std::string{};
  };
  EXPECT_EQ(label({"MT01", "MT02"}, "MT01"), "MT01_completeness");
  const auto long_name = label({"north_valley_12", "MT02"}, "n");
  EXPECT_THAT(long_name, testing::MatchesRegex("n_[0-9a-z]{4}_completeness")) << "it begins as the station does";
  EXPECT_EQ(label({"north_valley_11", "MT02", "north_valley_12"}, long_name.substr(0, 6)), long_name) << "and has no number";
  // A source that was read from several files is one, and the worst of it counts.
  auto summary = summary_of({"MT01"});
  for (const double unused : {0.2, 3.0, 0.1}) summary.subjects.push_back({Scope::Source, "MT01", "lemi", {{"unused", {unused}}}});
  EXPECT_THAT(to_nagios(summary).text, HasSubstr(" lemi_unused=3%;1;10"));
  EXPECT_THAT(to_nagios(summary).text, testing::Not(HasSubstr("lemi_unused_")));
}

TEST(Nagios, TellsTheRateWhereAStationHasSeveral) {
  auto summary = summary_of({"MT01"});
  const auto stream = summary.streams.front();
  summary.streams.push_back(stream);
  summary.streams.back().sample_rate = 256;
  for (const double rate : {1.0, 256.0}) {
    Subject channel{Scope::Field, "MT01", "hx", {{"clipped", {0}}}};
    channel.rate = rate;
    summary.subjects.push_back(channel);
  }
  const auto labels = labels_of(summary);
  EXPECT_THAT(labels, testing::IsSupersetOf({"1Hz_hx_clipped", "256Hz_hx_clipped", "1Hz_completeness"}));
}

TEST(Nagios, HasItsFiguresInOneOrderAndLeavesOutWhatIsWrongLast) {
  auto summary = summary_of({"MT01"});
  const auto well = labels_of(summary);
  EXPECT_EQ(well.front(), "age");
  for (auto& subject : summary.subjects)
    if (subject.figures.contains("battery_V")) subject.figures["battery_V"] = {11};
  EXPECT_EQ(labels_of(summary), well) << "there are databases that know a figure by its place";
  for (int i = 100; i < 300; ++i)  // more than a line has room for
    summary.subjects.push_back({Scope::Field, "MT01", "a" + std::to_string(i), {{"clipped", {i == 299 ? 50.0 : 0.0}}}});
  const auto some = labels_of(summary);
  EXPECT_LT(some.size(), 200u);
  EXPECT_THAT(some, testing::IsSupersetOf({"battery_V", "a299_clipped"}));
  EXPECT_THAT(some, testing::Not(testing::Contains("a298_clipped")));
}

TEST(Nagios, IsNotWellWhereNothingWasThere) {
  auto summary = summary_of({"MT01"});
  summary.stations.clear();
  summary.verdict.emplace();
  EXPECT_EQ(to_nagios(summary).code, 3) << "also where the rule that says it is off";
}

TEST(Nagios, SaysWhyItKnowsNothing) {
  const auto plugin = nagios_unknown("a|b:\nno such file");
  EXPECT_EQ(plugin.code, 3);
  EXPECT_EQ(plugin.text, "MTH5 UNKNOWN - a/b:\\x0ano such file\n");
}

/// Fields of each record, as RFC 4180 has them.
std::vector<std::vector<std::string>> parsed(const std::string& text) {
  std::vector<std::vector<std::string>> records{{""}};
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto& field = records.back().back();
    if (quoted) {
      if (text[i] != '"')
        field += text[i];
      else if (i + 1 < text.size() && text[i + 1] == '"')
        field += text[++i];
      else
        quoted = false;
    } else if (text[i] == '"') {
      quoted = true;
    } else if (text[i] == ',') {
      records.back().emplace_back();
    } else if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
      records.push_back({""});
      ++i;
    } else {
      EXPECT_NE(text[i], '\n');
      field += text[i];
    }
  }
  records.pop_back();
  return records;
}

TEST(CsvReport, HasARecordForEachChannelWhateverTheNames) {
  const auto summary = summary_of(kHostile);
  const auto text = to_csv(summary, true);
  EXPECT_THAT(text, EndsWith("\r\n"));
  const auto records = parsed(text);
  ASSERT_EQ(records.size(), kHostile.size() + 1);
  for (const auto& record : records) EXPECT_EQ(record.size(), records[0].size());
  const auto column = [&](std::string_view name) {
    return static_cast<std::size_t>(std::find(records[0].begin(), records[0].end(), name) - records[0].begin());
  };
  EXPECT_EQ(records[1][column("station")], "a|b");
  EXPECT_EQ(records[3][column("station")], "'=cmd()") << "no formula";
  EXPECT_EQ(records[6][column("station")], "a,b");
  EXPECT_EQ(records[1][column("missing")], "10");
  EXPECT_EQ(records[1][column("completeness")], "90.0");
  EXPECT_EQ(records[1][column("mean")], "") << "not known";
  EXPECT_EQ(parsed(to_csv(summary, false)).size(), kHostile.size());
}

TEST(Json, HasItsKeysInOrderAndAllDigits) {
  constexpr std::int64_t kExact = std::int64_t{1} << 53;
  const json::Json report{{"b", kExact + 1}, {"a", -kExact - 1}, {"c", {kExact, 0.5, nullptr, "\xff"}}};
  EXPECT_EQ(json::dump(report), R"({"a":"-9007199254740993","b":"9007199254740993","c":[9007199254740992,0.5,null,"\ufffd"]})");
}

TEST(Prometheus, KeepsItsGrammarWhateverTheNames) {
  auto stations = kHostile;
  stations.push_back("MT01");
  auto summary = summary_of(stations);
  summary.channels.push_back(summary.channels.back());  // at another rate, in another survey: the same labels
  summary.channels.back().missing = 60;
  find(summary, "battery", Severity::Critical, "MT01");
  find(summary, "unreadable", Severity::Critical, "");
  summary.unreadable = {"x.h5"};
  const auto text = to_prometheus(summary, "1.2\"3");
  EXPECT_THAT(text, EndsWith("\n"));
  const std::regex help{"# HELP mth5_[a-z_]+ [^\\\\]+"}, type{"# TYPE mth5_[a-z_]+ gauge"};
  const std::regex sample{R"re((mth5_[a-z_]+)(\{([a-z]+="([^"\\]|\\["\\n])*",?)+\})? (-?[0-9.e+-]+|[+-]Inf))re"};
  std::set<std::string> names, series;
  std::string current;
  for (const auto& line : lines(text)) {
    std::smatch match;
    if (line.starts_with("# HELP")) {
      EXPECT_TRUE(std::regex_match(line, help)) << line;
    } else if (line.starts_with("# TYPE")) {
      EXPECT_TRUE(std::regex_match(line, type)) << line;
      current = line.substr(7, line.rfind(' ') - 7);
      EXPECT_TRUE(names.insert(current).second) << "in one group: " << line;
    } else {
      ASSERT_TRUE(std::regex_match(line, match, sample)) << line;
      EXPECT_EQ(match[1], current);
      EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << "each label set once: " << line;
    }
  }
  EXPECT_THAT(text, HasSubstr("mth5_completeness_ratio{station=\"MT01\",channel=\"MT01\"} 0.4\n")) << "the worse of two";
  EXPECT_THAT(text, HasSubstr("mth5_stored_samples{station=\"MT01\",channel=\"MT01\"} 130.0\n")) << "both";
  EXPECT_THAT(text, HasSubstr("mth5_verdict{station=\"MT01\",state=\"critical\"} 1.0\n"));
  EXPECT_THAT(text, HasSubstr("mth5_verdict{station=\"a|b\",state=\"good\"} 1.0\n"));
  EXPECT_THAT(text, HasSubstr("mth5_findings{station=\"\",severity=\"critical\"} 1.0\n"));
  EXPECT_THAT(text, HasSubstr("mth5_report_success 0.0\n"));
  EXPECT_THAT(text, HasSubstr("mth5_battery_volts{station=\"x\\\"y\\\\x0a\"} 12.7\n"));
  EXPECT_THAT(text, HasSubstr("mth5_build_info{version=\"1.2\\\"3\"} 1.0\n"));
}

TEST(Formats, CountAsClippedWhatTheVerdictDoes) {
  auto summary = summary_of({"MT01"});
  const std::vector<double> values{1, 5, 2, 3};
  ChannelQuality quality{};
  quality.measures.add({.start = summary.now, .rate = 1, .values = values, .limits = {-5, 5}});
  summary.channels[0].quality = std::move(quality);
  EXPECT_EQ(summary.channels[0].quality->measures.clipped(), 1) << "one at a known limit is enough";
  const auto records = parsed(to_csv(summary, true));
  const auto column = std::find(records[0].begin(), records[0].end(), "clipped") - records[0].begin();
  EXPECT_EQ(records[1].at(static_cast<std::size_t>(column)), "1.0");
  EXPECT_THAT(to_prometheus(summary, "1"), HasSubstr("mth5_clipped_samples{station=\"MT01\",channel=\"MT01\"} 1.0\n"));
}

}  // namespace
