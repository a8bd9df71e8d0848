#include <algorithm>
#include <random>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/formats/formats.hpp"
#include "analysis/html/figures.hpp"
#include "analysis/html/plot.hpp"
#include "analysis/html/text.hpp"

// The page for people, of values alone. What a parser and a browser say of it: tests/integration/html_test.cpp, tests/system.
namespace {

using namespace analysis;
using testing::HasSubstr;
using testing::Not;

const mth5::UtcNanos kDay = mth5::parse_time("2026-05-01T00:00:00Z").value();

const Rule* rule(std::string_view name) {
  const auto all = rules();
  return &*std::find_if(all.begin(), all.end(), [&](const Rule& r) { return r.name == name; });
}

/// A day of 1 Hz of a channel each.
Summary summary_of(const std::vector<std::string>& stations, std::int64_t n = 86'400) {
  Summary summary{};
  summary.now = kDay + std::chrono::hours{24};
  for (std::size_t i = 0; i < stations.size(); ++i) {
    StationSummary station{
        .station = {"S", stations[i], mth5::Metadata{mth5::Kind::Station}}, .start = {}, .end = {}, .newest = {}};
    station.start = kDay;
    station.end = station.newest = summary.now - std::chrono::seconds{1};
    summary.stations.push_back(station);
    summary.streams.push_back({.station = stations[i], .sample_rate = 1, .flow = {}, .start = kDay, .end = summary.now});
    ChannelSummary channel{};
    channel.series = i;
    channel.survey = "S";
    channel.station = channel.component = stations[i];
    channel.units = "nT";
    channel.sample_rate = 1;
    channel.n_samples = channel.expected = n;
    std::mt19937 random{7};
    std::normal_distribution<double> normal{23'000, 2};
    std::vector<double> values(static_cast<std::size_t>(n));
    for (auto& value : values) value = normal(random);
    ChannelQuality quality{{stations[i], stations[i], "nT", mth5::Kind::Magnetic}, {}, {}, {}, Spectrogram{1}};
    quality.measures.add({kDay, 1, values});
    quality.spectrogram->add({kDay, 1, values});
    quality.sensor.noise = {{0.01, 0.01}, {1, 0.001}};
    channel.values.add(values);
    channel.quality = std::move(quality);
    summary.channels.push_back(std::move(channel));
  }
  summary.verdict.emplace();
  return summary;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

TEST(Html, EscapesWhatAFileHasInIt) {
  EXPECT_EQ(html::escaped("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&#39;");
  EXPECT_EQ(html::escaped("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(html::base64(""), "");
  EXPECT_EQ(html::base64("f"), "Zg==");
  EXPECT_EQ(html::base64("fo"), "Zm8=");
  EXPECT_EQ(html::base64("foobar"), "Zm9vYmFy");
}

TEST(Html, LetsNoNameBecomeMarkupOrAnAddress) {
  const std::vector<std::string> hostile{"<script>alert(1)</script>",
                                         "\"><img src=x onerror=alert(1)>",
                                         "' onload='x",
                                         "a|b\nc",
                                         "\u202etxt",
                                         "=cmd()",
                                         "&lt;",
                                         "javascript:alert(1)",
                                         std::string(300, 'L')};
  auto summary = summary_of(hostile, 2000);
  for (const auto& name : hostile) {
    summary.verdict->push_back({rule("battery"), Severity::Warning, name, "", 11.9, {}});
    summary.runs.push_back({name, {}, kDay, kDay});
    summary.channels.front().gaps.push_back({.survey = "S",
                                             .station = name,
                                             .component = "",
                                             .run_before = name,
                                             .run_after = name,
                                             .start = kDay,
                                             .samples = 3,
                                             .sample_rate = 1,
                                             .reason = name});
  }
  summary.unreadable = hostile;
  const auto page = to_html(summary);
  for (const auto* bad : {"<script", "<img", "\" onerror", "' onload", "\u202e"}) EXPECT_THAT(page, Not(HasSubstr(bad))) << bad;
  const std::regex address{R"re((href|src|action|id)="([^"]*)")re"};
  for (std::sregex_iterator at{page.begin(), page.end(), address}, end; at != end; ++at)
    EXPECT_TRUE(std::regex_match((*at)[2].str(), std::regex{"#?s[0-9]+|data:,|data:image/png;base64,[A-Za-z0-9+/=]+"}))
        << (*at)[0];
  EXPECT_EQ(count(page, "url(") + count(page, "://") + count(page, "@import"), 0u);
}

TEST(Html, HasTheVerdictOnTopAndTheStationThatNeedsAVisitFirst) {
  auto summary = summary_of({"A", "B", "C", "D"}, 2000);
  EXPECT_THAT(to_html(summary), HasSubstr("<p class=\"state good\">GOOD</p>"));
  summary.verdict->push_back({rule("battery"), Severity::Critical, "C", "", 11.2, {}});
  summary.verdict->push_back({rule("battery"), Severity::Warning, "B", "", 11.9, {}});
  const auto page = to_html(summary);
  EXPECT_THAT(page, HasSubstr("<p class=\"state critical\">CRITICAL: 2 findings</p>"));
  EXPECT_THAT(page, HasSubstr("<title>4 stations: critical</title>"));
  std::vector<std::string> order;
  const std::regex link{R"re(<a href="#s([0-9]+)">([A-D])</a>)re"};
  for (std::sregex_iterator at{page.begin(), page.end(), link}, end; at != end; ++at) {
    order.push_back((*at)[2]);
    EXPECT_EQ((*at)[1], std::to_string(order.size()));
    EXPECT_THAT(page, HasSubstr("<section id=\"s" + (*at)[1].str() + "\">\n<h2>Station " + order.back() + ": "));
  }
  EXPECT_THAT(order, testing::ElementsAre("C", "B", "A", "D"));
  EXPECT_LT(page.find("C: battery at 11.20 V"), page.find("<h2>"));
}

TEST(Html, DrawsANoiseThatIsKnownAtOneFrequencyAsADash) {
  auto quality = summary_of({"A"}, 20'000).channels.front().quality.value();
  quality.sensor.noise = {{0.1, 0.01}};
  const auto figure = html::spectrum_figure(quality, nullptr);
  const std::regex dash{R"re(class="noise" d="M([0-9.]+) ([0-9.]+)L\1 \2L([0-9.]+) \2")re"};
  std::smatch found;
  ASSERT_TRUE(std::regex_search(figure, found, dash)) << figure;
  EXPECT_GT(std::stod(found[3]) - std::stod(found[1]), 5);
}

TEST(Html, FitsLongNumbersBesideAPlot) {
  const auto x = html::linear_axis(0, 1);
  EXPECT_THAT((html::Plot{"", "", x, html::linear_axis(-107.214085, -107.214060)}.svg()), HasSubstr(" textLength=\"60\""));
  EXPECT_THAT((html::Plot{"", "", x, html::decades_axis(1e-12, 1e-10)}.svg()), Not(HasSubstr("textLength")));
}

TEST(Html, OfAStationAndDayAndOfThirtyStationsIsSmall) {
  auto summary = summary_of({"A"});
  auto channel = summary.channels.front();
  for (int i = 0; i < 4; ++i) summary.channels.push_back(channel);
  EXPECT_LT(to_html(summary).size(), 300'000u);
  for (int i = 0; i < 10; ++i) summary.channels.push_back(channel);
  const auto mailed = to_html(summary, kMostOfMail);
  EXPECT_LE(mailed.size(), 100'000u);
  EXPECT_GT(mailed.size(), 80'000u) << "with what there is room for";
  EXPECT_EQ(count(mailed, "image/png"), 0u) << "no spectrogram";
  EXPECT_GT(count(mailed, "<figure"), 6u);
  EXPECT_EQ(count(mailed, "<figure"), count(mailed, "</figure>"));
  std::vector<std::string> stations;
  for (int i = 0; i < 30; ++i) stations.push_back("MT" + std::to_string(i));
  auto many = summary_of(stations, 500);
  for (std::size_t i = 0; i < 30; ++i) {
    many.channels[i].quality = channel.quality;  // of a day
    for (int c = 0; c < 4; ++c) many.channels.push_back(many.channels[i]);
  }
  const auto page = to_html(many);
  EXPECT_LE(page.size(), 1'000'000u);
  EXPECT_EQ(count(page, "<section id="), 30u);
  const auto plots = page.rfind("class=\"plots\"");
  ASSERT_NE(plots, std::string::npos) << "as many as there is room for";
  EXPECT_GT(plots, page.find("<section id=\"s5\"")) << "of the first ones";
  EXPECT_LT(plots, page.find("<section id=\"s29\""));
}

TEST(Html, OfManyStationsNamesThoseThatItHasNoRoomFor) {
  std::vector<std::string> stations;
  for (int i = 100; i < 220; ++i) stations.push_back("MT" + std::to_string(i));
  auto many = summary_of(stations, 100);
  for (std::size_t i = 0; i < stations.size(); ++i)
    for (int g = 0; g < 100; ++g)
      many.channels[i].gaps.push_back({.survey = "S",
                                       .station = stations[i],
                                       .component = "",
                                       .run_before = "a",
                                       .run_after = "b",
                                       .start = kDay + std::chrono::minutes{g},
                                       .samples = 3,
                                       .sample_rate = 1,
                                       .reason = "source"});
  const auto page = to_html(many);
  EXPECT_LE(page.size(), 1'000'000u);
  EXPECT_EQ(count(page, "class=\"plots\""), 0u);
  EXPECT_EQ(count(page, "<section id="), count(page, "href=\"#s")) << "each address leads to a part";
  EXPECT_GT(count(page, "<section id="), 20u);
  for (const auto& station : stations) EXPECT_GT(count(page, ">" + station + "<"), 0u);
}

TEST(Html, HasAPageForEachStationThatItsNameCannotLeadAstray) {
  auto summary = summary_of({"MT01", "a/../b|", "a_..|b_", std::string(300, '"'), "<b>"}, 2000);
  summary.verdict->push_back({rule("battery"), Severity::Critical, "<b>", "", 11.2, {}});
  const auto pages = to_html_pages(summary, "2026-05-01");
  ASSERT_EQ(pages.size(), 6u);
  EXPECT_EQ(pages.back().file, "2026-05-01.html");
  EXPECT_EQ(pages.front().file, "2026-05-01__b_.html") << "the one that wants a visit first";
  std::set<std::string> files;
  for (const auto& page : pages) {
    EXPECT_TRUE(std::regex_match(page.file, std::regex{R"(2026-05-01(_[A-Za-z0-9_]{1,70})?\.html)"})) << page.file;
    EXPECT_TRUE(files.insert(page.file).second) << page.file;
    if (&page == &pages.back()) continue;
    EXPECT_THAT(pages.back().html, HasSubstr("<a href=\"" + page.file + "\">"));
    EXPECT_THAT(page.html, HasSubstr("<a href=\"2026-05-01.html\">All stations</a>"));
    EXPECT_EQ(count(page.html, "<section id="), 1u);
  }
  EXPECT_TRUE(files.contains("2026-05-01_MT01.html"));
  EXPECT_EQ(count(pages.back().html, "<section id="), 0u);
  EXPECT_THAT(pages.back().html, HasSubstr("&lt;b&gt;: battery at 11.20 V"));
  const auto one = summary_of({"A"}, 2000);
  ASSERT_EQ(to_html_pages(one, "d").size(), 1u);
  EXPECT_EQ(to_html_pages(one, "d").front().html, to_html(one));
}

TEST(Html, IsAPureFunctionOfTheReport) {
  const auto summary = summary_of({"A"}, 5000);
  EXPECT_EQ(to_html(summary), to_html(summary));
}

TEST(Figures, LeaveAHoleWhereThereIsNoSample) {
  Envelope envelope;
  const std::vector<double> ones(600, 1.0), twos(600, 2.0);
  envelope.add({kDay, 1, ones});
  envelope.add({kDay + std::chrono::seconds{1200}, 1, twos});
  const auto figure = html::envelope_figure("bx", "nT", envelope, {kDay, kDay + std::chrono::seconds{1800}});
  const auto path = figure.substr(figure.find("class=\"envelope\" d=\""));
  EXPECT_EQ(count(path.substr(0, path.find("/>")), "M"), 2u) << path;
  EXPECT_THAT(figure, HasSubstr("From 1 to 2"));
  EXPECT_THAT(html::envelope_figure("bx", "nT", {}, {kDay, kDay + std::chrono::seconds{1800}}), HasSubstr("no samples"));
}

TEST(Figures, ShowASpikeOfOneSampleInAWeek) {
  Envelope envelope;
  std::vector<double> values(7 * 86'400, 0.0);
  values[300'000] = 1000;
  envelope.add({kDay, 1, values});
  const auto figure = html::envelope_figure("bx", "nT", envelope, {kDay, kDay + std::chrono::days{7}});
  EXPECT_THAT(figure, HasSubstr("From 0 to 1000"));
  EXPECT_EQ(count(figure, " 14.8L") + count(figure, " 14.7L") + count(figure, " 14.9L"), 1u) << "up to 1000 in one column\n"
                                                                                             << figure;
}

TEST(Figures, CountHoursByTheGaps) {
  const html::Span expected{kDay + std::chrono::minutes{30}, kDay + std::chrono::hours{30}};
  Gap gap{.survey = "",
          .station = "",
          .component = "",
          .run_before = "",
          .run_after = "",
          .start = kDay + std::chrono::minutes{45},
          .samples = 3600,
          .sample_rate = 1,
          .reason = ""};
  const auto calendar = html::calendar_of(expected, {gap});
  ASSERT_EQ(calendar.cells.size(), 30u);
  EXPECT_FALSE(calendar.days);
  EXPECT_EQ(calendar.cells[0].expected_s, 1800);
  EXPECT_EQ(calendar.cells[0].missing_s, 900);
  EXPECT_EQ(calendar.cells[0].percent(), 50);
  EXPECT_EQ(calendar.cells[1].missing_s, 2700);
  EXPECT_EQ(calendar.cells[2].missing_s, 0);
  EXPECT_EQ(calendar.cells[29].percent(), 100);
  const auto year = html::calendar_of({kDay + std::chrono::hours{60}, kDay + std::chrono::days{300}}, {gap});
  EXPECT_TRUE(year.days);
  EXPECT_EQ(year.cells.front().start, kDay) << "of whole months";
  EXPECT_EQ(year.cells[0].expected_s, 0);
  EXPECT_EQ(year.cells[0].missing_s, 0) << "nothing is expected there";
  EXPECT_EQ(year.cells[2].expected_s, 43'200);
}

TEST(Axes, HaveAFewRoundTicks) {
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{
           {0, 1}, {34.080641, 34.080649}, {-3, 7e5}, {23'000.2, 23'000.9}, {5, 5}, {0, 0}, {-1e-9, 1e-9}}) {
    const auto axis = html::linear_axis(low, high);
    EXPECT_TRUE(axis.ticks.size() >= 2 && axis.ticks.size() <= 8) << low << " " << axis.ticks.size();
    EXPECT_TRUE(axis.share(low) >= 0 && axis.share(high) <= 1);
    for (std::size_t i = 1; i < axis.ticks.size(); ++i) EXPECT_NE(axis.ticks[i].label, axis.ticks[i - 1].label) << low;
  }
  for (const int seconds : {1, 7, 60, 3599, 86'400, 7 * 86'400, 31 * 86'400, 400 * 86'400}) {
    const auto axis = html::time_axis(kDay + std::chrono::milliseconds{300},
                                      kDay + std::chrono::seconds{seconds} + std::chrono::milliseconds{900});
    EXPECT_TRUE(!axis.ticks.empty() && axis.ticks.size() <= 6) << seconds << " " << axis.ticks.size();
    for (const auto& tick : axis.ticks) EXPECT_TRUE(axis.share(tick.at) >= 0 && axis.share(tick.at) <= 1);
  }
  const auto decades = html::decades_axis(3e-7, 2e5);
  EXPECT_TRUE(decades.ticks.size() >= 3 && decades.ticks.size() <= 6) << decades.ticks.size();
}

}  // namespace
