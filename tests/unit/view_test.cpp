#include <clocale>
#include <cmath>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/acquisition_file.hpp"
#include "support/support.hpp"
#include "view/collector.hpp"
#include "view/keys.hpp"

namespace {

using std::chrono::hours;
using std::chrono::seconds;
using support::AcquisitionFile;
using testing::HasSubstr;
using testing::Not;
using view::Action;
using view::Page;
using view::Ui;

using nanoseconds_t = std::chrono::nanoseconds;
const mth5::UtcNanos kNow = AcquisitionFile::start() + hours{12};

/// As of the file of TEST_F below, without a file.
Page page(const std::string& station = "MT001") {
  analysis::Snapshot look{
      .time = kNow,
      .file = "/data/a.h5",
      .state = mth5::FileState::Live,
      .file_bytes = 1 << 20,
      .surveys = {"TEST"},
      .stations = {station},
      .streams = {{station, "", 1, "sr1_0003", analysis::Flow{}, kNow, 0.5}},
      .gap_count = 0,
      .gap_samples = 0,
      .percent = 99.984,
      .commit = mth5::Commit{1, 10, kNow - seconds{1}, 9, kNow - seconds{9}, 43'200, 43'191, 2, 1, false, false},
      .soh = {{"battery_V", 12.71}, {"satellites", 9}, {"temperature_C", 21.33}},
      .clocks = {{"lemi", "gps", kNow, 12.34, 4, 1, 0.25, true}},
      .free_bytes = std::uint64_t{5} << 30,
      .full_in_s = 12.5 * 86'400,
      .judged_s = 3600};
  Page made;
  made.look = std::move(look);
  made.now = kNow;
  made.battery = analysis::Battery{12.71, -0.1, 86'400, 12 * 86'400.0};
  made.outlook = outlook_of(*made.look, made.battery);
  return made;
}

std::string drawn(const Page& page, const Ui& ui, int rows = 24, int columns = 80) {
  const auto screen = view::draw(rows, columns, page, page, ui);
  EXPECT_EQ(screen.rows(), rows);
  return screen.text();
}

TEST(Header, SaysWhatACrewWantsToKnow) {
  const auto text = drawn(page(), {});
  EXPECT_THAT(text, testing::StartsWith(" OK  GOOD\n     nothing is wrong in the last 1 h of samples\n"
                                        " MT001  live  2026-05-01T12:00:00Z  run sr1_0003, 1 Hz\n"
                                        " buffered 2  visible 43,200  durable 43,191  at risk now 11 samples (9 s)\n"
                                        " clock gps locked  +12.3 ppm  axis off by up to 0.25 s  9 satellites  21.33 C\n"
                                        " battery 12.71 V, -0.10 V a day  lasts 12 d: battery (disk 12 d 12 h)\n"
                                        " complete 99.98 %  no gap\n"));
}

TEST(Header, SaysOfADeadWriterThatItHadSamplesInMemoryNotThatItHas) {
  auto dead = page();
  dead.look->state = mth5::FileState::WriterDied;
  EXPECT_THAT(drawn(dead, {}), HasSubstr("\n had buffered 2 when it ended  visible 43,200  durable 43,191\n"));
  EXPECT_THAT(to_text(*dead.look), HasSubstr(" (had buffered 2 when it ended, visible "));
  dead.look->state = mth5::FileState::Closed;
  dead.look->commit->buffered_samples = 0;
  EXPECT_THAT(drawn(dead, {}), HasSubstr("\n buffered 0  visible "));
}

TEST(Header, NamesTheWorstFirstAndSaysHowManyMoreThereAre) {
  auto wrong = page();
  const auto rules = analysis::rules();
  const auto rule = [&](std::string_view name) {
    return &*std::find_if(rules.begin(), rules.end(), [&](const auto& one) { return one.name == name; });
  };
  wrong.look->verdict = {{rule("open"), analysis::Severity::Critical, "MT001", "ex", 80, kNow - hours{1}},
                         {rule("battery"), analysis::Severity::Warning, "MT001", "", 11.9, {}}};
  wrong.look->last_gap = analysis::Gap{.survey = {},
                                       .station = "MT001",
                                       .component = {},
                                       .run_before = {},
                                       .run_after = {},
                                       .start = kNow - hours{2},
                                       .samples = 65,
                                       .sample_rate = 1,
                                       .reason = "no-data"};
  wrong.look->gap_count = 3;
  wrong.look->gap_samples = 1234;
  const auto text = drawn(wrong, {.view = 6});
  EXPECT_THAT(text, testing::StartsWith(" X  CRITICAL MT001 ex: electrode or cable open, level 80 times that of the\n"
                                        "    others since 11:00 UTC: check the cable and the electrode  (1 more: view 6)\n"));
  EXPECT_THAT(drawn(wrong, {}, 24, 80), HasSubstr("(1 more: view 6)"));
  EXPECT_THAT(text, HasSubstr("3 gaps, 1,234 samples; last 10:00:00, 1 min 5 s (no-data)\n"));
  EXPECT_THAT(text, HasSubstr("\n   11:00 UTC: check the cable and the electrode\n"));
  EXPECT_THAT(text, HasSubstr("\n ! MT001: battery at 11.90 V: change the battery"));
  const auto screen = view::draw(24, 80, wrong, wrong, {});
  EXPECT_EQ(screen.at(0, 40).ink, view::Ink::Critical);
}

TEST(Header, CutsTheAdviceAndNotWhatIsBehindIt) {
  auto wrong = page();
  const auto rules = analysis::rules();
  for (const auto& rule : rules) wrong.look->verdict.push_back({&rule, analysis::Severity::Critical, "MT001", "ex", 80, kNow});
  for (std::size_t i = 0; i < rules.size(); ++i) {
    std::swap(wrong.look->verdict.front(), wrong.look->verdict[i]);
    const std::string more = "  (" + std::to_string(rules.size() - 1) + " more: view 6)";
    const auto below = view::draw(24, 80, wrong, wrong, {}).line(1);
    EXPECT_THAT(below, testing::EndsWith(more));
    EXPECT_LE(below.size(), 80U);
    const auto advice = below.substr(0, below.size() - more.size());
    const bool cut = advice.back() == '~';
    EXPECT_TRUE(cut || advice.ends_with(wrong.look->verdict.front().rule->advice)) << below;
  }
  wrong.look->reading_older = true;
  EXPECT_THAT(view::draw(24, 80, wrong, wrong, {}).line(1), testing::EndsWith("  (so far; reading ...)"))
      << "how many there are is not known before all is read";
}

TEST(Header, CallsAForecastOfTheDiskAloneThat) {
  auto early = page();
  early.battery = analysis::Battery{12.1, {}, 3600, {}};
  early.look->full_in_s = 679.84 * 86'400;
  early.outlook = outlook_of(*early.look, early.battery);
  EXPECT_THAT(drawn(early, {}), HasSubstr("\n battery 12.10 V, trend: not enough data yet  disk alone lasts 679 d 20 h\n"));
  early.look->full_in_s = 1e9;
  early.outlook = outlook_of(*early.look, early.battery);
  EXPECT_THAT(drawn(early, {}), HasSubstr("  disk alone lasts more than 2 years\n"));
  early.battery.reset();
  EXPECT_THAT(drawn(early, {}), HasSubstr("\n battery not known  disk alone lasts more than 2 years\n"));
  early.battery = analysis::Battery{13.1, 0.1, 86'400, {}};
  EXPECT_THAT(drawn(early, {}), HasSubstr("  lasts more than 2 years: disk\n")) << "it is known not to fall";
}

TEST(Header, SaysInWordsWhatIsNotKnown) {
  auto bare = page();
  bare.look->commit.reset();
  bare.look->clocks.clear();
  bare.look->soh.clear();
  bare.look->percent = NAN;
  bare.look->full_in_s.reset();
  bare.look->judged_s = 12;
  bare.battery.reset();
  bare.outlook = {};
  for (const int number : {5, 6}) {
    const auto text = drawn(bare, {.view = number});
    EXPECT_THAT(text, testing::StartsWith(" ?  NOT KNOWN YET: samples of 12s, a verdict takes 1min 0s\n"));
    for (const auto* words : {"what a power cut would cost: not known of this file", "clock not known", "battery not known",
                              "will it last: no forecast yet", "completeness not known yet"})
      EXPECT_THAT(text, HasSubstr(words));
    EXPECT_THAT(text, Not(HasSubstr("nan")));
  }
  EXPECT_THAT(drawn({}, {}), testing::StartsWith(" ?  NOT KNOWN YET: the file is being read\n"));
  Page none;
  none.message = "/data: waiting for a file";
  EXPECT_THAT(drawn(none, {}),
              testing::StartsWith(" ?  NOT KNOWN: there is no file that can be read\n    /data: waiting for a file\n"));
  EXPECT_THAT(drawn(bare, {.view = 6}), HasSubstr("state of health: the file has none"));
}

TEST(Header, SaysInFewerWordsWhatDoesNotFit) {
  auto wide = page();
  wide.look->clocks[0].locked = false;
  wide.look->clocks[0].uncertainty_us = 31'300;
  wide.look->clocks[0].ppm = 0;
  wide.look->clocks[0].axis_error_s = 0;
  wide.look->soh["satellites"] = NAN;
  wide.look->streams[0].flow = analysis::Flow{analysis::FlowState::NoData, kNow - seconds{7265}, 7265};
  EXPECT_THAT(drawn(wide, {}), HasSubstr("\n clock gps NOT LOCKED (+-31.3 ms)  +0 ppm  axis off 0 s  sat. not known  21.33 C\n"));
  EXPECT_THAT(drawn(wide, {}), HasSubstr("(2 h 1 min)  2026-05-01T12:00:00Z  sr1_0003, 1 Hz\n"));
  EXPECT_THAT(drawn(wide, {}, 24, 120),
              HasSubstr("\n clock gps NOT LOCKED (+-31.3 ms)  +0 ppm  axis off by up to 0 s  satellites not known  21.33 C\n"));
  wide.look->stations = {std::string(90, 'x')};
  EXPECT_THAT(drawn(wide, {}), HasSubstr("\n " + std::string(78, 'x') + "~\n")) << "and says that there is more";
}

TEST(Header, RemembersForAnHourWhatIsOver) {
  auto mended = page();
  const auto rules = analysis::rules();
  const auto stuck = std::find_if(rules.begin(), rules.end(), [](const auto& one) { return one.name == "stuck"; });
  mended.look->past = {
      {{&*stuck, analysis::Severity::Critical, "MT001", "hx", 180, {}}, kNow - seconds{1580}, kNow - seconds{1400}}};
  EXPECT_THAT(drawn(mended, {.view = 6}),
              testing::StartsWith(" OK  GOOD: nothing is wrong now\n"
                                  "     was: MT001 hx: stuck at one value for 3 min, 11:33 to 11:36 UTC\n"));
  EXPECT_THAT(drawn(mended, {.view = 6}),
              HasSubstr("\n was: MT001 hx: stuck at one value for 3 min, 11:33 to 11:36 UTC\n state of health"));
  EXPECT_THAT(to_text(*mended.look), HasSubstr("GOOD\n\nWas      MT001 hx: stuck at one value for 3 min, 11:33 to 11:36 UTC\n"));
  EXPECT_THAT(to_line(*mended.look), HasSubstr("Z GOOD; live"));
  const auto json = to_json(*mended.look)["verdict"];
  EXPECT_EQ(json["state"], "good");
  EXPECT_EQ(json["past"][0]["name"], "stuck");
  EXPECT_EQ(json["past"][0]["until"], "2026-05-01T11:36:40Z");
  mended.look->past[0].from -= hours{24};
  EXPECT_THAT(drawn(mended, {.view = 6}), HasSubstr("2026-04-30 11:33 to 11:36 UTC"));
}

TEST(Header, SaysSinceWhenTheDiskIsFull) {
  auto full = page();
  full.look->state = mth5::FileState::Closed;
  full.look->disk_was_full = true;
  EXPECT_THAT(drawn(full, {}), HasSubstr("\n MT001  disk full since 11:59:59  2026-"));
}

TEST(Help, IsNotMixedWithARemark) {
  auto told = page();
  told.message = "saved: x.txt";
  EXPECT_THAT(drawn(told, {.help = true}),
              HasSubstr("\n  OK ! X ?           good, warning, critical, not known; colours say the same\n"));
  EXPECT_THAT(drawn(told, {.help = true}), Not(HasSubstr("saved")));
  EXPECT_THAT(drawn(told, {.help = true}, 25), HasSubstr("colours say the same\n saved: x.txt\n"));
}

TEST(Header, CallsNothingGoodOfAFileThatIsGone) {
  auto gone = page();
  gone.lost = "/data/a.h5: renamed to b.h5";
  gone.message = "/data/a.h5: waiting for it to come back";
  gone.now = kNow + seconds{65};
  const auto text = drawn(gone, {});
  EXPECT_THAT(text,
              testing::StartsWith(" ?  NOT KNOWN: /data/a.h5: renamed to b.h5\n    /data/a.h5: waiting for it to come back\n"
                                  " MT001  file gone, all below is of 12:00:00  12:01:05Z  sr1_0003, 1 Hz\n"));
  for (const auto* words : {"GOOD", "live", "at risk now"}) EXPECT_THAT(text, Not(HasSubstr(words)));
}

TEST(Header, ObeysNoMetadata) {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  auto hostile = page("S\x1b]0;x\x07\u202e1");
  hostile.look->clocks[0].stream = "l\u009b2J";
  hostile.look->soh["x\x1b[1m"] = 1;
  hostile.gaps = {{.survey = {},
                   .station = "S",
                   .component = "e\x1b[x",
                   .run_before = {},
                   .run_after = {},
                   .start = kNow,
                   .samples = 1,
                   .sample_rate = 1,
                   .reason = "r\u2066"}};
  hostile.message = "m\x1b[31m";
  for (const int number : {5, 6}) {
    const auto text = drawn(hostile, {.view = number});
    for (const char* bad : {"\x1b", "\x07", "\u202e", "\u009b", "\u2066"}) EXPECT_THAT(text, Not(HasSubstr(bad)));
    EXPECT_THAT(text, HasSubstr(R"(S\x1b]0;x\x07\u202e1)"));
  }
  std::setlocale(LC_CTYPE, "C");
}

TEST(Header, IsOneLineWhereTheTerminalIsSmall) {
  EXPECT_THAT(drawn(page(), {}, 5, 60), " OK GOOD\ntoo small: 80x24 shows all\n\n\n\n");
  EXPECT_THAT(drawn(page(), {}, 1, 3), " OK\n");
}

class ViewOfFile : public testing::Test {
 protected:
  ViewOfFile() {
    AcquisitionFile file{path_, {{0, "lemi", "S1", 1}}};
    file.append(file.add_run(0, "sr1_0001", seconds{0}), 400);
    file.gap(0, "", seconds{400}, 100, "no-data", "sr1_0001", "sr1_0002", false);
    file.append(file.add_run(0, "sr1_0002", seconds{500}), 500);
    file.anchor("sr1_0001", 0, AcquisitionFile::start(), "gps", 2e-6, 1.5, false);
    file.anchor("sr1_0002", 0, AcquisitionFile::start() + seconds{500}, "gps", 4e-6, 2.5, false);
    file.anchor("sr1_0002", 0, AcquisitionFile::start() + seconds{500}, "gps", 4e-6, 2.5, true);
    file.reason("skipped", 0, "garbage", 60);
    file.commit(1, AcquisitionFile::start() + seconds{1000}, {{1060, 1000, 0, 60}}, {{900, 900}}, 20 * 86'400.0);
    file.file().close();
  }
  /// Looks once, and draws.
  std::string look(const Ui& ui) {
    analysis::Watch watch{&collector_};
    analysis::LiveFile file{path_, {}};
    collector_.begin();
    auto seen = file.look(AcquisitionFile::start() + seconds{1100}, watch);
    collector_.take(std::move(seen), file.file(), watch);
    return drawn(collector_.page(), ui);
  }
  support::TempDir dir_;
  std::filesystem::path path_ = dir_ / "a.h5";
  view::Collector collector_{""};
};

TEST_F(ViewOfFile, TimingHasClocksAndGaps) {
  const auto text = look({.view = 5, .glyphs = view::Glyphs::Ascii});
  EXPECT_THAT(text, HasSubstr("\n lemi: gps, locked, +2.5 ppm, residual 4 us"));
  EXPECT_THAT(text, HasSubstr("\n   locked 49.94 % of 16 min 38 s"))
      << "by time, and not by rows: until the newest sample; of two at one the last";
  EXPECT_THAT(text, HasSubstr("\n   ppm 1.5 to 2.5"));
  EXPECT_THAT(text, HasSubstr("\n   residual us 2 to 4"));
  EXPECT_THAT(text, HasSubstr("\n   00:06:39             1 min 40 s             100  no-data\n"));
}

TEST_F(ViewOfFile, QualityIsOfTheChannelsThatAreAskedForOnly) {
  EXPECT_THAT(look({.view = 4}), testing::AllOf(HasSubstr("\n ex "), HasSubstr("\n ey ")));
  collector_.page().components = {"ey"};
  EXPECT_THAT(look({.view = 4}), testing::AllOf(testing::Not(HasSubstr("\n ex ")), HasSubstr("\n ey ")));
}

TEST(Quality, HasRoomForFiguresBehindALongName) {
  auto long_name = page();
  long_name.subjects = {
      {.scope = analysis::Scope::Field, .station = "MT001", .name = "a_name_of_more_than_ten", .figures = {{"present", {98}}}}};
  EXPECT_THAT(drawn(long_name, {.view = 4}), HasSubstr("\n a_name_of~   !98"));
}

/// As it was before its recorder had noted anything.
TEST_F(ViewOfFile, HealthOfAReplayClaimsNothingOfALedgerThatIsNotThereYet) {
  analysis::Watch watch{&collector_};
  analysis::SnapshotOptions options;
  options.replay = true;
  analysis::LiveFile file{path_, options};
  collector_.begin();
  auto seen = file.look(AcquisitionFile::start() + seconds{900}, watch);
  collector_.take(std::move(seen), file.file(), watch);
  const auto text = drawn(collector_.page(), {.view = 6});
  EXPECT_THAT(text, Not(HasSubstr("balances")));
  EXPECT_THAT(text, HasSubstr(" ledger: no row of it by this time\n"));
  EXPECT_THAT(text, HasSubstr(" disk not known; file "));
  EXPECT_THAT(text, HasSubstr(" flush and sync: no row of them by this time\n"));
}

TEST_F(ViewOfFile, IsDrawnAgainWhereOlderSamplesAreThereInOneGo) {
  analysis::Watch watch{&collector_};
  analysis::LiveFile file{path_, {}};
  collector_.begin();
  collector_.take(file.look(AcquisitionFile::start() + seconds{1100}, watch), file.file(), watch);
  (void)collector_.is_new();
  EXPECT_FALSE(collector_.fill_spectrogram(file.file(), {.view = 3}, seconds{10}));
  EXPECT_TRUE(collector_.is_new());
  EXPECT_FALSE(collector_.is_new()) << "once";
  EXPECT_FALSE(collector_.fill_spectrogram(file.file(), {.view = 3}, seconds{10}));
  EXPECT_FALSE(collector_.is_new()) << "it was there";
  EXPECT_FALSE(collector_.fill_spectra(file.file(), seconds{10}));
  EXPECT_TRUE(collector_.is_new());
}

TEST_F(ViewOfFile, HealthHasTheLedgerByReason) {
  const auto text = look({.view = 6});
  EXPECT_THAT(text, HasSubstr("ledger balances: every byte and sample is accounted for at 00:16:40"));
  EXPECT_THAT(text, HasSubstr("bytes in 1,060, decoded 1,000, skipped garbage 60"));
  EXPECT_THAT(text, HasSubstr("samples decoded 900, stored 900, dropped 0"));
}

/// Of the traces: five hours, of which one is missing, and the channels ex and ey.
class TracesOfFile : public testing::Test {
 protected:
  TracesOfFile() {
    AcquisitionFile file{path_, {{0, "lemi", "S1", 1}}};
    file.append(file.add_run(0, "sr1_0001", seconds{0}), 7200);
    file.gap(0, "", hours{2}, 3600, "no-data", "sr1_0001", "sr1_0002", false);
    file.append(file.add_run(0, "sr1_0002", hours{3}), 7200);
    file.commit(1, AcquisitionFile::start() + hours{5}, {{14'400, 14'400}}, {{14'400, 14'400}});
    file.file().close();
    collector_.begin();
    auto seen = file_.emplace(path_, analysis::SnapshotOptions{}).look(AcquisitionFile::start() + hours{5}, watch_);
    collector_.take(std::move(seen), file_->file(), watch_);
  }
  [[nodiscard]] const Page& at() const { return collector_.page(); }
  void press(std::initializer_list<char32_t> keys) {
    for (const auto key : keys) EXPECT_NE(view::press(key, at(), ui_, kNow), Action::Nothing) << static_cast<int>(key);
  }
  std::string drawn_rows(int from, int to) {
    const auto screen = view::draw(24, 80, at(), at(), ui_);
    std::string text;
    for (int row = from; row <= to; ++row) text += screen.line(row) + "\n";
    return text;
  }
  support::TempDir dir_;
  std::filesystem::path path_ = dir_ / "a.h5";
  view::Collector collector_{""};
  analysis::Watch watch_{&collector_};
  std::optional<analysis::LiveFile> file_;
  Ui ui_{.glyphs = view::Glyphs::Ascii};
};

TEST_F(TracesOfFile, FillUpWithOlderSamplesAsFarAsTheyAreWanted) {
  EXPECT_EQ(at().traces->start(), AcquisitionFile::start() + hours{5} - seconds{70 * 60}) << "as far as the verdict reads";
  while (collector_.fill(file_->file(), hours{1}, std::chrono::milliseconds{1})) continue;
  EXPECT_EQ(at().traces->start(), AcquisitionFile::start() + hours{5} - seconds{70 * 60});
  while (collector_.fill(file_->file(), hours{24}, std::chrono::milliseconds{1})) continue;
  for (const auto& channel : at().traces->channels) {
    EXPECT_TRUE(channel.whole);
    EXPECT_EQ(channel.pyramid.start(), AcquisitionFile::start());
    std::int64_t n = 0;
    for (const auto& column : channel.pyramid.columns(AcquisitionFile::start(), std::chrono::minutes{1}, 300)) n += column.n;
    EXPECT_EQ(n, 14'400) << "each sample once";
  }
}

TEST_F(TracesOfFile, AreOfTheChannelsThatAreAskedForOnly) {
  EXPECT_THAT(drawn_rows(8, 22), HasSubstr(">ex "));
  collector_.page().components = {"EY"};
  EXPECT_THAT(drawn_rows(8, 22), testing::AllOf(HasSubstr(">ey "), testing::Not(HasSubstr("ex "))));
}

TEST_F(TracesOfFile, AreDrawnWithScaleTimeAndHoles) {
  while (ui_.window < 8) press({U'-'});  // 6 h
  EXPECT_THAT(drawn_rows(8, 8), HasSubstr("older samples are not read yet"));
  collector_.fill(file_->file(), hours{24}, hours{1});
  const auto text = drawn_rows(8, 22);
  EXPECT_THAT(text, testing::StartsWith(" 6h  autoscale\n>ex            7200"));
  EXPECT_THAT(text, HasSubstr("|00:00:00"));
  EXPECT_THAT(text, HasSubstr("|02:00:00"));
  const auto screen = view::draw(24, 80, at(), at(), ui_);
  // An hour of six is missing: a sixth of 59 columns.
  std::string row;
  for (int column = 20; column < 79; ++column) row += static_cast<char>(screen.at(14, column).glyph);
  const auto bar = row.find('|', 25);
  ASSERT_NE(bar, std::string::npos) << row;
  EXPECT_EQ(row.substr(bar + 1, 8), "        ") << row;
}

TEST_F(TracesOfFile, AndEachOtherViewTakeNoGlyphThatALinuxConsoleLacks) {
  // Beyond ASCII its own font has those of code page 437.
  constexpr std::u32string_view kHas{
      U"\u00c7\u00fc\u00e9\u00e2\u00e4\u00e0\u00e5\u00e7\u00ea\u00eb\u00e8\u00ef\u00ee\u00ec\u00c4\u00c5"
      U"\u00c9\u00e6\u00c6\u00f4\u00f6\u00f2\u00fb\u00f9\u00ff\u00d6\u00dc\u00a2\u00a3\u00a5\u20a7\u0192"
      U"\u00e1\u00ed\u00f3\u00fa\u00f1\u00d1\u00aa\u00ba\u00bf\u2310\u00ac\u00bd\u00bc\u00a1\u00ab\u00bb"
      U"\u2591\u2592\u2593\u2502\u2524\u2561\u2562\u2556\u2555\u2563\u2551\u2557\u255d\u255c\u255b\u2510"
      U"\u2514\u2534\u252c\u251c\u2500\u253c\u255e\u255f\u255a\u2554\u2569\u2566\u2560\u2550\u256c\u2567"
      U"\u2568\u2564\u2565\u2559\u2558\u2552\u2553\u256b\u256a\u2518\u250c\u2588\u2584\u258c\u2590\u2580"
      U"\u03b1\u00df\u0393\u03c0\u03a3\u03c3\u00b5\u03c4\u03a6\u0398\u03a9\u03b4\u221e\u03c6\u03b5\u2229"
      U"\u2261\u00b1\u2265\u2264\u2320\u2321\u00f7\u2248\u00b0\u2219\u00b7\u221a\u207f\u00b2\u25a0"};
  while (collector_.fill(file_->file(), hours{24}, std::chrono::milliseconds{1})) continue;
  while (collector_.fill_spectra(file_->file(), std::chrono::milliseconds{1})) continue;
  ui_ = {.glyphs = view::Glyphs::Blocks, .window = 8};
  while (collector_.fill_spectrogram(file_->file(), ui_, std::chrono::milliseconds{1})) continue;
  for (ui_.view = 1; ui_.view <= 6; ++ui_.view)
    for (const bool help : {false, true}) {
      ui_.help = help;
      const auto screen = view::draw(24, 80, at(), at(), ui_);
      bool blocks = false;
      for (int row = 0; row < 24; ++row)
        for (int column = 0; column < 80; ++column) {
          const auto glyph = screen.at(row, column).glyph;
          blocks |= glyph > 0x7f;
          EXPECT_TRUE(glyph < 0x7f || kHas.find(glyph) != kHas.npos) << ui_.view << ": " << static_cast<unsigned>(glyph);
        }
      if (!help && ui_.view <= 3) {
        EXPECT_TRUE(blocks) << "view " << ui_.view << " draws with them";
      }
    }
}

TEST_F(TracesOfFile, MoveByKeys) {
  press({U'n'});
  EXPECT_FALSE(ui_.end) << "there is no gap behind the end";
  press({U'N'});
  EXPECT_EQ(ui_.end, AcquisitionFile::start() + hours{5} - seconds{70 * 60} + seconds{60}) << "no farther than there are samples";
  press({U'-', U'-', U'-', U'-', view::kLeft});
  EXPECT_TRUE(ui_.end);
  press({view::kHome});
  press({view::kEnd});
  EXPECT_FALSE(ui_.end);
  press({U' '});
  EXPECT_EQ(ui_.end, AcquisitionFile::start() + hours{5}) << "frozen";
  press({U' '});
  EXPECT_FALSE(ui_.end);
  press({view::kTab});
  EXPECT_EQ(ui_.channel, 1);
  press({view::kUp, view::kUp});
  EXPECT_EQ(ui_.channel, 1);
  press({U'/', U'e', U'x', view::kEnter});
  EXPECT_EQ(filtered(at(), ui_).size(), 1U);
  EXPECT_THAT(drawn_rows(8, 22), HasSubstr("/ex"));
  press({U'/', U'q', view::kEnter});
  EXPECT_THAT(drawn_rows(8, 22), HasSubstr("no channel has this in its name"));
  press({U'/', view::kEscape});
  EXPECT_EQ(filtered(at(), ui_).size(), 2U);
}

TEST_F(TracesOfFile, ShowFirstDifferencesOfAllThatIsRead) {
  while (ui_.window < 8) press({U'-'});  // 6 h
  press({U'd', U'd'});
  EXPECT_TRUE(ui_.differences && !ui_.detrend);
  collector_.show(ui_.differences);
  while (collector_.fill(file_->file(), hours{24}, std::chrono::milliseconds{1})) continue;
  EXPECT_THAT(drawn_rows(8, 8), HasSubstr("first differences"));
  const auto& channel = at().traces->channels.front();
  std::int64_t n = 0;
  for (const auto& column : channel.pyramid.columns(AcquisitionFile::start(), std::chrono::minutes{1}, 300)) {
    n += column.n;
    if (column.n == 0) continue;
    EXPECT_EQ(column.min, 1) << "each sample is one more than the one before";
    EXPECT_EQ(column.max, 1);
  }
  EXPECT_EQ(n, 14'398) << "all but the first of each run, over the seams of what is read at once too";
  press({U'd'});
  collector_.show(ui_.differences);
  while (collector_.fill(file_->file(), hours{24}, std::chrono::milliseconds{1})) continue;
  EXPECT_EQ(at().traces->channels.front().pyramid.columns(AcquisitionFile::start(), hours{1}, 1).front().max, 3600)
      << "samples again";
}

TEST_F(TracesOfFile, KeepAFixedScaleAndMarkWhatIsBeyond) {
  press({U'a'});
  ASSERT_TRUE(ui_.scales);
  EXPECT_EQ(ui_.scales->size(), 2U);
  for (auto& [name, scale] : *ui_.scales) scale = {7180, 7190};
  const auto text = drawn_rows(9, 21);
  EXPECT_THAT(text, HasSubstr("^"));
  EXPECT_THAT(text, HasSubstr("v"));
  EXPECT_THAT(drawn_rows(8, 8), HasSubstr("fixed scale"));
  press({U'd'});
  EXPECT_FALSE(ui_.scales);
  EXPECT_THAT(drawn_rows(9, 9), HasSubstr("0.")) << "a straight line without its trend is 0";
}

TEST_F(TracesOfFile, AreInPhysicalUnitsOrAsStoredAndMarkTheLimitsOfTheConverter) {
  auto traces = *at().traces;
  auto& facts = traces.channels[0].facts;
  facts.units = "digital counts";
  facts.gain = -100;
  facts.physical_units = "millivolt";
  facts.limits = {-1e6, 7200};
  collector_.page().traces = &traces;
  ui_.filter = facts.component;
  const auto physical = drawn_rows(9, 21);
  EXPECT_THAT(physical, testing::StartsWith(">" + facts.component));
  EXPECT_THAT(physical, HasSubstr("\n  mV")) << physical;
  EXPECT_THAT(physical, HasSubstr("-72.0")) << "the lower edge";
  EXPECT_THAT(physical, HasSubstr("v")) << "7200 counts are the least, as the gain is negative";
  EXPECT_THAT(physical, Not(HasSubstr("^")));
  press({U'u'});
  const auto stored = drawn_rows(9, 21);
  EXPECT_THAT(stored, HasSubstr("7200"));
  EXPECT_THAT(stored, Not(HasSubstr("mV")));
  EXPECT_THAT(stored, HasSubstr("^"));
  press({U'u', U'a'});
  EXPECT_LT(ui_.scales->begin()->second.first, -72) << "the scale is of what is seen";
}

TEST_F(TracesOfFile, BrailleIsThatOfTheColumns) {
  ui_.glyphs = view::Glyphs::Braille;
  ui_.filter = "ex";
  ui_.window = 4;  // 10 min in 118 points
  const auto screen = view::draw(24, 80, at(), at(), ui_);
  const auto& pyramid = filtered(at(), ui_).front()->pyramid;
  const nanoseconds_t width = nanoseconds_t{std::chrono::minutes{10}} / 118;
  const auto rest = AcquisitionFile::start().time_since_epoch() + hours{5};
  const auto edge = mth5::UtcNanos{rest % width == nanoseconds_t{} ? rest : rest - rest % width + width};
  const auto columns = pyramid.columns(edge - width * 118, width, 118);
  double low = INFINITY, high = -INFINITY;
  for (const auto& column : columns)
    if (column.n > 0) low = std::min(low, column.min), high = std::max(high, column.max);
  // Another rasteriser: each point on its own.
  const int rows = 13, points = rows * 4;
  for (int x = 0; x < 118; ++x)
    for (int y = 0; y < points; ++y) {
      const auto& column = columns[static_cast<std::size_t>(x)];
      const auto at_row = [&](double value) { return std::lround((high - value) / (high - low) * (points - 1)); };
      const bool right = column.n > 0 && y >= at_row(column.max) && y <= at_row(column.min);
      const auto glyph = screen.at(9 + y / 4, 20 + x / 2).glyph;
      const int dot = x % 2 == 0 ? (y % 4 < 3 ? y % 4 : 6) : (y % 4 < 3 ? 3 + y % 4 : 7);
      ASSERT_EQ(glyph > 0x2800 && ((glyph - 0x2800) >> dot & 1) != 0, right) << x << ", " << y;
    }
}

struct Hostile {
  const char* name;
  std::size_t channels, runs;
  std::int64_t samples;  ///< of a run
  std::function<double(std::size_t channel, std::int64_t i)> value;
  bool good = false;  ///< the verdict of it
};
class ViewsOfHostileFile : public testing::TestWithParam<Hostile> {};

/// Whatever is in a file, each view of it is drawn at each size, with signs of this program alone, and what is to be read comes
/// to an end.
TEST_P(ViewsOfHostileFile, AreDrawn) {
  const auto& hostile = GetParam();
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  {
    std::vector<mth5::ChannelSpec> specs;
    for (std::size_t c = 0; c < hostile.channels; ++c) {
      mth5::Metadata metadata{c % 2 == 0 ? mth5::Kind::Electric : mth5::Kind::Magnetic};
      metadata.set("component", (c % 2 == 0 ? "e" : "h") + std::to_string(c));
      metadata.set("units", std::string{"milliVolt"});
      specs.push_back({metadata, mth5::SampleType::Float64});
    }
    AcquisitionFile file{path, {{0, "lemi", "S1", 16, specs}}};
    std::vector<double> values(hostile.channels * static_cast<std::size_t>(hostile.samples));
    for (std::size_t c = 0; c < hostile.channels; ++c)
      for (std::int64_t i = 0; i < hostile.samples; ++i)
        values[c * static_cast<std::size_t>(hostile.samples) + static_cast<std::size_t>(i)] = hostile.value(c, i);
    for (std::size_t run = 0; run < hostile.runs; ++run) {
      const auto id = file.id_of(file.add_run(0, "r" + std::to_string(run), seconds{3600 * run}));
      const auto n = static_cast<std::size_t>(hostile.samples);
      if (n > 0) file.file().append(id, mth5::Matrix<const double>{values.data(), hostile.channels, n, n});
    }
    const auto n = hostile.samples * static_cast<std::int64_t>(hostile.runs);
    file.commit(1, AcquisitionFile::start() + hours{1}, {{n, n}}, {{n, n}});
    file.file().close();
  }
  view::Collector collector{""};
  analysis::Watch watch{&collector, analysis::Watch::Reading::InParts};
  analysis::LiveFile file{path, {}};
  collector.begin();
  auto seen = file.look(AcquisitionFile::start() + hours{400}, watch);
  EXPECT_EQ(is_good(seen), hostile.good);
  collector.take(std::move(seen), file.file(), watch);
  constexpr std::chrono::milliseconds kWhile{5};
  while (watch.read_older(file.file(), collector.all_series(), kWhile)) continue;
  for (int number = 1; number <= 6; ++number)
    for (const auto glyphs : {view::Glyphs::Ascii, view::Glyphs::Braille})
      for (const auto& [rows, columns] : {std::pair{24, 80}, std::pair{60, 200}})
        for (const bool other : {false, true}) {
          Ui ui{.view = number, .glyphs = glyphs, .window = other ? 8U : 2U, .detrend = other, .linear = other};
          while (collector.fill(file.file(), hours{6}, kWhile)) continue;
          while (collector.fill_spectra(file.file(), kWhile)) continue;
          while (number == 3 && collector.fill_spectrogram(file.file(), ui, kWhile)) continue;
          const auto text = drawn(collector.page(), ui, rows, columns);
          EXPECT_THAT(text, HasSubstr(" S1  closed"));
        }
}

INSTANTIATE_TEST_SUITE_P(
    All, ViewsOfHostileFile,
    testing::ValuesIn(std::vector<Hostile>{
        {"NaN", 4, 1, 2000, [](std::size_t, std::int64_t) { return std::nan(""); }},
        {"Infinite", 4, 1, 2000, [](std::size_t c, std::int64_t i) { return i % 7 == 0 || c == 1 ? INFINITY : -INFINITY; }},
        {"LargestNumbers", 4, 1, 2000,
         [](std::size_t c, std::int64_t i) { return (i % 2 == 0 ? 1 : -1) * (c < 2 ? 1.7e308 : 5e-324); }},
        {"LimitsOf32Bits", 4, 1, 2000, [](std::size_t, std::int64_t i) { return i % 2 == 0 ? 2147483647.0 : -2147483648.0; },
         true},  // of a converter of limits that nobody knows
        {"Constant", 4, 1, 2000, [](std::size_t, std::int64_t) { return 0.0; }},
        {"OneSample", 4, 1, 1, [](std::size_t, std::int64_t) { return 5.0; }},
        {"Empty", 4, 1, 0, [](std::size_t, std::int64_t) { return 5.0; }},
        {"ManyChannels", 500, 1, 20,
         [](std::size_t c, std::int64_t i) { return std::sin(static_cast<double>(i * 31) + static_cast<double>(c)); }},
        {"ManyRuns", 2, 300, 3,
         [](std::size_t c, std::int64_t i) { return static_cast<double>(i * 3) + static_cast<double>(c); }},
    }),
    [](const auto& one) { return std::string{one.param.name}; });

TEST(Traces, AreKeptOfTheFirstChannelsAndSayHowManyThereAreBeside) {
  view::Collector collector{""};
  const std::vector<double> second(1000, 1.5);
  for (int s = 0; s < 3; ++s)
    for (int c = 0; c < 30; ++c)
      collector.block({"S1", "c" + std::to_string(c), "nanotesla", mth5::Kind::Magnetic}, {kNow + seconds{s}, 1000, second});
  ASSERT_EQ(collector.page().traces->channels.size(), 24U);
  EXPECT_EQ(collector.page().traces->left_out, 6U);
  for (const auto& channel : collector.page().traces->channels) EXPECT_EQ(channel.pyramid.end(), kNow + seconds{3});
  auto made = page();
  made.traces = collector.page().traces;
  EXPECT_THAT(drawn(made, {}), HasSubstr("\n>c0"));
  EXPECT_THAT(drawn(made, {}), HasSubstr("24 more: Tab, /")) << "six are shown of thirty";
  EXPECT_THAT(drawn(made, {.channel = 23}), HasSubstr("\n>c23"));
}

TEST(Traces, AreInTheUnitsThatTheFileHasNow) {
  view::Collector collector{""};
  const std::vector<double> second(1000, 1.5);
  analysis::ChannelFacts ex{"S1", "ex", "digital counts", mth5::Kind::Electric};
  const auto text = [&] {
    auto made = page();
    made.traces = collector.page().traces;
    return drawn(made, {});
  };
  collector.block(ex, {kNow - seconds{3}, 1000, second});
  EXPECT_THAT(text(), Not(HasSubstr("mV")));
  ex.gain = 0.5;
  ex.physical_units = "milliVolt";
  collector.facts(ex, 1000);
  EXPECT_THAT(text(), HasSubstr("mV")) << "without a sample more";
  EXPECT_FALSE(collector.page().traces->channels[0].pyramid.empty());
  ex = {"S1", "ex", "nanotesla", mth5::Kind::Magnetic};
  collector.anew(ex, 1000);
  EXPECT_TRUE(collector.page().traces->channels[0].pyramid.empty());
  EXPECT_EQ(collector.page().traces->channels[0].facts.units, "nanotesla");
}

TEST(Traces, AreDrawnWhateverNumbersThereAre) {
  const std::vector<std::vector<double>> all{
      {NAN, NAN, NAN}, {1e308, -1e308, 0}, {INFINITY, 1, -INFINITY}, {0, 0, 0}, {5e-324, 0, 0}};
  view::Collector collector{""};
  for (std::size_t c = 0; c < all.size(); ++c)
    collector.block({"S1", "c" + std::to_string(c), "nanotesla", mth5::Kind::Magnetic}, {kNow - seconds{3}, 1, all[c]});
  auto made = page();
  made.traces = collector.page().traces;
  for (const bool detrend : {false, true}) {
    Ui ui{.detrend = detrend};
    for (const char32_t key : {U'+', U'a'}) {
      const auto text = drawn(made, ui);
      for (const auto* name : {"c0", "c1", "c2", "c3", "c4"}) EXPECT_THAT(text, HasSubstr(name));
      EXPECT_THAT(text, HasSubstr("no samples in this time")) << "of the first";
      press(key, made, ui, kNow);
    }
  }
}

TEST(Trends, ForecastABatteryFromSixHoursOn) {
  for (const double span_h : {5.0, 7.0}) {
    analysis::Trends trends;
    for (int minute = 0; minute < 60 * span_h; ++minute) {
      const std::array value{12.6 - 0.001 * minute};
      trends.add("battery_V", {AcquisitionFile::start() + std::chrono::minutes{minute}, 1, value});
    }
    const auto battery = analysis::battery_of(trends).value();
    ASSERT_EQ(battery.volts_per_day.has_value(), span_h > 6);
    if (span_h < 6) continue;
    EXPECT_NEAR(*battery.volts_per_day, -1.44, 0.01);
    EXPECT_NEAR(*battery.empty_in_s, (12.6 - 0.42 - 11.5) / 1.44 * 86'400, 0.01 * 86'400);
  }
  analysis::Trends steady;
  for (int hour = 0; hour < 48; ++hour) {
    const std::array value{13.0};
    steady.add("battery_V", {AcquisitionFile::start() + hours{hour}, 1, value});
  }
  EXPECT_EQ(analysis::battery_of(steady)->volts_per_day, 0);
  EXPECT_FALSE(analysis::battery_of(steady)->empty_in_s);
  EXPECT_FALSE(analysis::battery_of({}));
}

TEST(Keys, ChooseViewsAndFreeze) {
  const Page at = page();
  Ui ui;
  EXPECT_EQ(press(U'6', at, ui, kNow), Action::Draw);
  EXPECT_EQ(ui.view, 6);
  EXPECT_EQ(press(U'?', at, ui, kNow), Action::Draw);
  EXPECT_THAT(drawn(at, ui), HasSubstr("draw all again"));
  EXPECT_EQ(press(view::kEscape, at, ui, kNow), Action::Draw);
  EXPECT_FALSE(ui.help);
  press(U' ', at, ui, kNow - seconds{3});
  EXPECT_THAT(drawn(at, ui), HasSubstr("FROZEN 11:59:57"));
  press(U' ', at, ui, kNow);
  EXPECT_FALSE(ui.frozen);
  EXPECT_EQ(press(U's', at, ui, kNow), Action::Save);
  EXPECT_EQ(press(view::kCtrlL, at, ui, kNow), Action::Redraw);
  EXPECT_EQ(press(U'x', at, ui, kNow), Action::Nothing);
  EXPECT_EQ(press(U'q', at, ui, kNow), Action::Quit);
}

TEST(Keys, EveryViewIsInTheHelpAndHasItsKey) {
  const Page at = page();
  for (const auto& one : view::views()) {
    Ui ui{.view = 0};
    press(U'0' + static_cast<char32_t>(one.number), at, ui, kNow);
    EXPECT_EQ(ui.view, one.number);
    EXPECT_THAT(drawn(at, ui), HasSubstr(std::to_string(one.number) + " " + one.name));
    const auto at_tab = view::draw(24, 80, at, at, ui).line(view::kTop - 1).find(one.name);
    EXPECT_EQ(view::key_at(view::kTop - 1, static_cast<int>(at_tab)), U'0' + static_cast<char32_t>(one.number));
    EXPECT_EQ(view::key_at(view::kTop, static_cast<int>(at_tab)), 0);
    EXPECT_THAT(view::key_help().front().meaning, HasSubstr(one.name));
  }
}

TEST(Keys, AreAllInTheHelp) {
  const auto text = drawn(page(), {.help = true});
  for (const auto& [keys, meaning] : view::key_help()) {
    EXPECT_THAT(text, HasSubstr(std::string{keys}));
    EXPECT_THAT(text, HasSubstr(std::string{meaning}));
  }
}

/// Of station S, at 1 Hz.
analysis::Gap no_data(mth5::UtcNanos start, std::int64_t samples) {
  return {.survey = {},
          .station = "S",
          .component = {},
          .run_before = {},
          .run_after = {},
          .start = start,
          .samples = samples,
          .sample_rate = 1,
          .reason = "no-data"};
}

TEST(Timing, SaysOfAGapHowLongItIsWhyAndWhetherItWasFilled) {
  Page one = page();
  one.gaps = {no_data(kNow - hours{1}, 90)};
  const Ui ui{.view = 5};
  EXPECT_THAT(drawn(one, ui), HasSubstr(" 90  no-data\n"));
  one.gaps[0].filled = true;
  EXPECT_THAT(drawn(one, ui), HasSubstr(" 90  no-data, filled\n"));
  one.gaps[0].component = "ex";
  EXPECT_THAT(drawn(one, ui), HasSubstr(" 90  no-data, ex only, filled\n"));
}

TEST(Keys, ScrollALongList) {
  Page many = page();
  for (int i = 0; i < 100; ++i) many.gaps.push_back(no_data(kNow - hours{10} + seconds{i * 60}, i + 1));
  Ui ui{.view = 5};
  EXPECT_THAT(drawn(many, ui), HasSubstr(" 03:39:00 "));
  EXPECT_THAT(drawn(many, ui), HasSubstr("\n gaps and clock steps, newest first        samples  reason  (more: up, down)\n"));
  EXPECT_THAT(drawn(many, ui), Not(HasSubstr(" 02:00:00 ")));
  press(view::kEnd, many, ui, kNow);
  EXPECT_THAT(drawn(many, ui), HasSubstr(" 02:00:00 "));
  press(view::kHome, many, ui, kNow);
  press(view::kDown, many, ui, kNow);
  EXPECT_THAT(drawn(many, ui), Not(HasSubstr(" 03:39:00 ")));
}

}  // namespace
