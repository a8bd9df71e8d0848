#include "analysis/watch.hpp"

#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/snapshot.hpp"
#include "analysis/soh.hpp"
#include "h5/types.hpp"
#include "support/acquisition_file.hpp"
#include "support/support.hpp"

namespace {

namespace h5 = mth5::h5;
using analysis::LiveFile;
using analysis::Watch;
using std::chrono::seconds;
using support::AcquisitionFile;
using testing::HasSubstr;
using testing::StartsWith;

class WatchOfFiles : public testing::Test {
 protected:
  /// A file of one run, from a time after AcquisitionFile::start() on.
  void write(const std::string& name, int after, int n) const {
    AcquisitionFile file{dir_ / name, {{0, "lemi", "S1", 1}}};
    file.append(file.add_run(0, "sr1_0001", seconds{after}), n);
    file.commit(1, AcquisitionFile::start() + seconds{after + n}, {{n, n}}, {{n, n}});
    file.file().close();
  }
  analysis::Snapshot look(const std::string& name, seconds after = std::chrono::hours{1}) {
    LiveFile file{dir_ / name, {}};
    return file.look(AcquisitionFile::start() + after, watch_);
  }

  support::TempDir dir_;
  Watch watch_;
};

TEST_F(WatchOfFiles, SaysNothingOfLessThanAMinute) {
  write("a.h5", 0, 40);
  const auto seen = look("a.h5");
  EXPECT_FALSE(is_good(seen));
  EXPECT_EQ(verdict_text(seen), "NOT KNOWN: samples of 40s, a verdict takes 1min 0s");
  EXPECT_EQ(to_json(seen)["verdict"].dump(), R"({"state":null,"findings":[],"judged_s":40.0,"unwatched":0,"past":[]})");
  EXPECT_THAT(to_text(seen), StartsWith("NOT KNOWN: samples of 40s"));
}

TEST_F(WatchOfFiles, RemembersWhatAnotherFileHeld) {
  write("a.h5", 0, 40);
  write("b.h5", 40, 30);
  EXPECT_EQ(look("a.h5").judged_s, 40);
  const auto seen = look("b.h5");
  EXPECT_EQ(seen.judged_s, 70);
  EXPECT_TRUE(is_good(seen));
  EXPECT_EQ(to_json(seen)["verdict"].dump(), R"({"state":"good","findings":[],"judged_s":70.0,"unwatched":0,"past":[]})");
  EXPECT_THAT(to_line(seen), HasSubstr("Z GOOD; closed  S1/sr1_0001: "));
  EXPECT_EQ(seen.channels.at(0).clipped, 0);
  EXPECT_NEAR(seen.channels.at(0).dc.value(), 18, 1) << "1 to 40, and 1 to 30";
}

TEST_F(WatchOfFiles, KeepsTwoSourcesApartWhoseChannelsHaveTheSameNames) {
  const auto write_two = [&](const std::string& name, const std::string& number, int after, int n) {
    AcquisitionFile file{dir_ / name, {{0, "lemi", "S1", 1}, {1, "board", "S1", 1}}};
    const auto lemi = file.add_run(0, "sr1_" + number, seconds{after});
    const auto board = file.add_run(1, "b1_" + number, seconds{after + 1});  // which of them begins is no matter
    file.append(lemi, n);
    file.append(board, n / 2);
    file.anchor("sr1_" + number, 0, AcquisitionFile::start() + seconds{after}, "gps", 1e-6, 0, true, 0);
    file.anchor("b1_" + number, 0, AcquisitionFile::start() + seconds{after + 1}, "device", 1e-6, 200, true, 1);
    file.commit(1, AcquisitionFile::start() + seconds{after + n}, {{n, n}, {n, n}}, {{n, n}, {n / 2, n / 2}});
    file.file().close();
  };
  write_two("a.h5", "0001", 0, 100);
  write_two("b.h5", "0002", 100, 200);
  EXPECT_EQ(look("a.h5").streams.size(), 2U);
  const auto seen = look("b.h5");
  std::vector<std::string> names, runs;
  for (const auto& subject : watch_.subjects()) {
    names.push_back(subject.full_name());
    EXPECT_EQ(subject.figures.at("present").value, 100) << "of its own stream";
  }
  EXPECT_THAT(names, testing::ElementsAre("ex (b1)", "ey (b1)", "ex (sr1)", "ey (sr1)"));
  for (const auto& channel : seen.channels) runs.push_back(channel.run + "/" + channel.component);
  EXPECT_THAT(runs, testing::UnorderedElementsAre("sr1_0002/ex", "sr1_0002/ey", "b1_0002/ex", "b1_0002/ey"));
  EXPECT_EQ(seen.watched, 4U);
  EXPECT_THAT(to_text(seen), HasSubstr("S1 1 Hz (b1): only 75.0 %")) << "50 s of it are missing between the files";
  EXPECT_THAT(to_text(seen), HasSubstr("S1 1 Hz (b1): clock is off by 200 ppm")) << "and not that of the other";
  EXPECT_THAT(to_text(seen), testing::Not(HasSubstr("(sr1):")));
  EXPECT_THAT(to_json(seen)["verdict"]["findings"][0].dump(), HasSubstr(R"("stream":"b1")"));
}

TEST_F(WatchOfFiles, SaysThatTheGpsHasNoFixWhateverItCallsIt) {
  const auto write_fix = [&](const std::string& name, const std::string& column, int from, int to) {
    AcquisitionFile file{dir_ / name, {{0, "lemi", "S1", 1}}};
    file.append(file.add_run(0, "sr1_0001", seconds{0}), 3600);
    file.anchor("sr1_0001", 0, AcquisitionFile::start(), "device", 1e-6, 0, true, 0);
    const mth5::TableSpec spec{"state_of_health/lemi",
                               {{"time", mth5::Column::Type::Int64, 0, "ns"}, {column, mth5::Column::Type::Float64, 0, ""}},
                               "test"};
    mth5::TableId table;
    file.file().edit([&](mth5::Edit& edit) { table = edit.add_table(spec); });
    mth5::Rows rows{spec};
    for (int second = 0; second < 3600; second += 60) {
      rows.add((AcquisitionFile::start() + seconds{second}).time_since_epoch().count());
      rows.add(second >= from && second < to ? 0.0 : 1.0);
    }
    file.file().append_rows(table, rows);
    file.commit(1, AcquisitionFile::start() + seconds{3600}, {{3600, 3600}}, {{3600, 3600}});
    file.file().close();
  };
  for (const std::string column : {"gps_fix", "gps_state", "satellites"}) {
    SCOPED_TRACE(column);
    write_fix(column + "0.h5", column, 3600, 3600);
    write_fix(column + "1.h5", column, 2400, 3600);
    write_fix(column + "2.h5", column, 1200, 1800);
    watch_ = Watch{};
    const auto good = look(column + "0.h5");
    EXPECT_TRUE(is_good(good)) << to_text(good);
    EXPECT_TRUE(good.past.empty());
    EXPECT_TRUE(good.clocks.at(0).locked);
    watch_ = Watch{};
    const auto lost = look(column + "1.h5");
    EXPECT_THAT(verdict_text(lost),
                StartsWith("WARNING  S1: GPS had a fix in only 67.7 % of the last hour, none since 00:39 UTC: check"));
    EXPECT_EQ(to_json(lost)["clock"]["locked"], false);
    EXPECT_THAT(to_text(lost), HasSubstr("device, NOT LOCKED"));
    watch_ = Watch{};
    const auto over = look(column + "2.h5");
    EXPECT_TRUE(is_good(over)) << to_text(over);
    EXPECT_TRUE(over.clocks.at(0).locked);
    EXPECT_THAT(to_text(over), HasSubstr("S1: no GPS fix for 10 min, 00:20 to 00:30 UTC"));
  }
}

TEST_F(WatchOfFiles, MeasuresAChannelAfreshOnceThereAreFiveSecondsMore) {
  write("a.h5", 0, 100);
  write("b.h5", 100, 3);
  write("c.h5", 103, 2);
  const auto median = look("a.h5").channels.at(0).dc.value();
  EXPECT_EQ(look("b.h5").channels.at(0).dc.value(), median) << "as it was: three seconds change nothing of minutes";
  EXPECT_LT(look("c.h5").channels.at(0).dc.value(), median - 1) << "of 1 to 100, and 1 to 3, and 1 to 2";
}

TEST_F(WatchOfFiles, MissesWhatLiesBetweenTwoFiles) {
  write("a.h5", 0, 100);
  write("b.h5", 150, 100);
  EXPECT_TRUE(is_good(look("a.h5")));
  EXPECT_THAT(verdict_text(look("b.h5")), StartsWith("CRITICAL S1 1 Hz: only 80.0 % of the samples are there: "));
}

TEST_F(WatchOfFiles, SaysThatTheClockWasSetAndHowMuchOfTheInputIsOfNoUse) {
  {
    AcquisitionFile file{dir_ / "a.h5", {{0, "lemi", "S1", 1}}};
    file.append(file.add_run(0, "sr1_0001", seconds{100'000}), 400);
    file.gap(0, "", seconds{100'400}, 0, "clock-step", "sr1_0001", "sr1_0002", false);
    file.append(file.add_run(0, "sr1_0002", seconds{200'000}), 500);
    file.reason("dropped", 0, "duplicate", 60);
    file.commit(1, AcquisitionFile::start() + seconds{200'500}, {{1000, 1000}}, {{.decoded = 960, .stored = 900, .dropped = 60}});
    file.file().close();
  }
  const auto seen = look("a.h5", seconds{200'500});
  EXPECT_EQ(
      to_text(seen.verdict, AcquisitionFile::start() + seconds{200'500}),
      "WARNING  S1 box0: 6.2 % of what it sends is of no use: check cable, rate and settings of the instrument; the ledger has "
      "the reasons\n"
      "WARNING  S1 1 Hz: clock was set, so often: 1, the last time at 07:33 UTC: check the GPS antenna, and the clock of "
      "instrument and recorder\n");
}

/// Of a file of 400 samples, and 500 of another run, by so many seconds later.
void write_step(const std::filesystem::path& path, int step, std::int64_t missing, const char* reason) {
  AcquisitionFile file{path, {{0, "lemi", "S1", 1}}};
  file.append(file.add_run(0, "sr1_0001", seconds{100'000}), 400);
  file.gap(0, "", seconds{100'400}, missing, reason, "sr1_0001", "sr1_0002", false);
  file.append(file.add_run(0, "sr1_0002", seconds{100'400 + step}), 500);
  file.commit(1, AcquisitionFile::start() + seconds{100'900 + step}, {{900, 900}}, {{900, 900}});
  file.file().close();
}

TEST_F(WatchOfFiles, MissesNothingWhereOnlyTheClockWasSetForth) {
  write_step(dir_ / "a.h5", 1000, 0, "clock-step");
  EXPECT_THAT(verdict_text(look("a.h5", seconds{102'000})), StartsWith("WARNING  S1 1 Hz: clock was set, so often: 1"));
}

TEST_F(WatchOfFiles, SaysThatSamplesAreOfATimeThatHasNotCome) {
  write("a.h5", 20'000, 100);
  EXPECT_THAT(verdict_text(look("a.h5")),
              StartsWith("WARNING  S1: samples are at times that have not come yet, up to 4 h 34 min ahead: check the GPS"));
  EXPECT_TRUE(is_good(look("a.h5", seconds{20'000}))) << "a little ahead a clock may be";
}

TEST_F(WatchOfFiles, MissesAnHourThatEndedJustNow) {
  write_step(dir_ / "a.h5", 3500, 3500, "no-data");
  EXPECT_THAT(verdict_text(look("a.h5", seconds{105'000})),
              StartsWith("CRITICAL S1 1 Hz: only 13.8 % of the samples are there, the longest gap"));
}

TEST_F(WatchOfFiles, SaysHowManyChannelsItDoesNotWatch) {
  std::vector<support::AcquisitionFile::Stream> streams;
  for (std::int64_t i = 0; i < 40; ++i) streams.push_back({i, "box" + std::to_string(i), "S" + std::to_string(i), 1});
  {
    AcquisitionFile file{dir_ / "a.h5", streams};
    for (std::size_t i = 0; i < 40; ++i) file.append(file.add_run(i, "sr1_0001", seconds{0}), 100);
    file.file().close();
  }
  const auto seen = look("a.h5");
  EXPECT_EQ(seen.watched, 64U);
  EXPECT_EQ(seen.unwatched, 16U);
  EXPECT_THAT(verdict_text(seen), testing::EndsWith(" (but for 16 channels that are not watched: too many)"));
  EXPECT_EQ(to_json(seen)["verdict"]["unwatched"], 16);
}

TEST_F(WatchOfFiles, SaysOfAClosedFileWithoutSamplesThatThereAreNone) {
  write("a.h5", 0, 0);
  EXPECT_THAT(verdict_text(look("a.h5")), StartsWith("CRITICAL S1: no samples"));
}

/// Of a site that is read in parts: two channels of an hour at 64 Hz.
TEST(WatchInParts, SaysWhatItHasLookedAtAndComesToTheSame) {
  const support::TempDir dir;
  {
    AcquisitionFile file{dir / "a.h5", {{0, "box", "S1", 64}}};
    file.append(file.add_run(0, "sr64_0001", seconds{0}), 64 * 4000);
    file.commit(1, AcquisitionFile::start() + seconds{4000}, {{1, 1}}, {{64 * 4000, 64 * 4000}});
    file.file().close();
  }
  struct Counted final : analysis::WatchListener {
    void block(const analysis::ChannelFacts&, const analysis::Block& block) override { newest += std::ssize(block.values); }
    void older(const analysis::ChannelFacts& facts, const analysis::Block& block) override {
      auto& before = oldest.try_emplace(facts.component, mth5::UtcNanos::max()).first->second;
      EXPECT_LE(block.end(), before);
      before = block.start;
      older_samples += std::ssize(block.values);
    }
    void anew(const analysis::ChannelFacts&, double) override { FAIL() << "there was no pause"; }
    void facts(const analysis::ChannelFacts&, double) override { FAIL() << "the file was not opened again"; }
    void series(const mth5::Reader&, const analysis::Series& series, const analysis::Series::Part&) override {
      all.push_back(series);
    }
    std::int64_t newest = 0, older_samples = 0;
    std::map<std::string, mth5::UtcNanos> oldest;
    std::vector<analysis::Series> all;
  } counted;
  LiveFile file{dir / "a.h5", {}};
  Watch at_once, in_parts{&counted, Watch::Reading::InParts};
  const auto now = AcquisitionFile::start() + std::chrono::hours{2};
  const auto whole = file.look(now, at_once);
  auto seen = file.look(now, in_parts);
  EXPECT_EQ(counted.newest, 1 << 16) << "of both channels";
  EXPECT_TRUE(seen.reading_older);
  EXPECT_EQ(seen.judged_s, 512);
  ASSERT_TRUE(in_parts.read_older(file.file(), counted.all, std::chrono::nanoseconds{1}));
  counted.all.clear();
  seen = file.look(now, in_parts);
  ASSERT_TRUE(seen.reading_older);
  for (const auto& subject : in_parts.subjects())
    EXPECT_FALSE(subject.figures.contains("present")) << "one channel is read further back than the other, which lacks nothing";
  int parts = 0;
  while (in_parts.read_older(file.file(), counted.all, std::chrono::nanoseconds{1})) ++parts;
  EXPECT_GT(parts, 10) << "one at least each time, and no more once the time is over";
  EXPECT_EQ(counted.newest + counted.older_samples, 2 * 64 * 4000);
  counted.all.clear();
  seen = file.look(now, in_parts);
  EXPECT_FALSE(seen.reading_older);
  EXPECT_EQ(seen.judged_s, whole.judged_s);
  ASSERT_EQ(in_parts.subjects().size(), at_once.subjects().size());
  for (std::size_t i = 0; i < in_parts.subjects().size(); ++i) {
    const auto &a = in_parts.subjects()[i].figures, &b = at_once.subjects()[i].figures;
    ASSERT_EQ(a.size(), b.size());
    for (const auto& [name, figure] : a) EXPECT_NEAR(figure.value, b.at(name).value, 1e-6 + 1e-6 * figure.value) << name;
  }
}

TEST(WatchInParts, BeginsAnewBehindALongPause) {
  const support::TempDir dir;
  struct Counted final : analysis::WatchListener {
    void block(const analysis::ChannelFacts&, const analysis::Block& block) override { newest += std::ssize(block.values); }
    void older(const analysis::ChannelFacts&, const analysis::Block&) override {}
    void anew(const analysis::ChannelFacts&, double) override { ++pauses; }
    void facts(const analysis::ChannelFacts&, double) override {}
    void series(const mth5::Reader&, const analysis::Series&, const analysis::Series::Part&) override {}
    std::int64_t newest = 0, pauses = 0;
  } counted;
  Watch watch{&counted, Watch::Reading::InParts};
  for (const auto& [name, n] : {std::pair{"a.h5", 40'000}, {"b.h5", 41'000}, {"c.h5", 200'000}}) {
    AcquisitionFile file{dir / name, {{0, "box", "S1", 64}}};
    file.append(file.add_run(0, "sr64_0001", seconds{0}), n);
    file.commit(1, AcquisitionFile::start() + seconds{n / 64}, {{1, 1}}, {{n, n}});
    file.file().close();
    counted.newest = 0;
    (void)LiveFile{dir / name, {}}.look(AcquisitionFile::start() + std::chrono::hours{2}, watch);
    EXPECT_EQ(counted.newest, n == 41'000 ? 2000 : 1 << 16) << name << ": what a look can read without being slow";
    EXPECT_EQ(counted.pauses, n == 200'000 ? 2 : 0) << name << ": of two channels";
  }
}

/// As h5py does it in a closed file.
template <class T>
void put_attribute(const std::filesystem::path& path, const std::string& object, const std::string& name, const T& value) {
  const h5::File file{H5Fopen(path.c_str(), H5F_ACC_RDWR, h5::writer_access().get()), "file"};
  const h5::Object on{H5Oopen(file.get(), object.c_str(), H5P_DEFAULT), object};
  h5::write_attribute(on.get(), name, mth5::Value{value});
}

TEST(WatchOfEditedFile, TakesWhatIsSaidOfAChannelAsItIsNow) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  {
    AcquisitionFile file{path, {{0, "box", "S1", 1}}};
    file.append(file.add_run(0, "sr1_0001", seconds{0}), 100);
    file.commit(1, AcquisitionFile::start() + seconds{100}, {{1, 1}}, {{100, 100}});
    file.file().close();
    support::take_summary_away(path);  // it has units of its own
  }
  struct Heard final : analysis::WatchListener {
    void block(const analysis::ChannelFacts& facts, const analysis::Block& block) override {
      if (facts.component == "ex") samples += std::ssize(block.values);
    }
    void older(const analysis::ChannelFacts&, const analysis::Block&) override {}
    void anew(const analysis::ChannelFacts& channel, double) override { said.push_back("anew " + channel.component); }
    void facts(const analysis::ChannelFacts& channel, double rate) override {
      EXPECT_EQ(rate, 1);
      said.push_back(channel.component + " " + std::to_string(std::lround(channel.dipole_m)) + " m");
    }
    void series(const mth5::Reader&, const analysis::Series&, const analysis::Series::Part&) override {}
    std::vector<std::string> said;
    std::int64_t samples = 0;
  } heard;
  Watch watch{&heard};
  const auto look = [&] {
    heard.said.clear();
    heard.samples = 0;
    return LiveFile{path, {}}.look(AcquisitionFile::start() + seconds{100}, watch);
  };
  (void)look();
  EXPECT_EQ(heard.samples, 100);
  (void)look();
  EXPECT_THAT(heard.said, testing::IsEmpty()) << "nobody changed the file";
  const std::string ex = "/Experiment/Surveys/TEST/Stations/S1/sr1_0001/ex";
  put_attribute(path, ex, "dipole_length", 87.0);
  (void)look();
  EXPECT_THAT(heard.said, testing::ElementsAre("ex 87 m"));
  EXPECT_EQ(heard.samples, 0) << "the samples are as they were";
  put_attribute(path, ex, "units", std::string{"Volt"});
  const auto seen = look();
  EXPECT_EQ(seen.channels.at(0).units, "Volt");
  EXPECT_THAT(heard.said, testing::ElementsAre("anew ex")) << "what was read in other units is not mixed with these";
  EXPECT_EQ(heard.samples, 100) << "and read again";
}

TEST(FixVote, IsOfTheMajorityOfTheLastTenMinutes) {
  const auto at = [](int second) { return AcquisitionFile::start() + seconds{second}; };
  analysis::FixVote vote;
  EXPECT_FALSE(vote.lost());
  // It has a fix, but for one second of each ten.
  for (int s = 0; s < 3600; ++s) vote.add(at(s), s % 10 != 3);
  EXPECT_FALSE(vote.lost());
  // It has none, but for one second of each ten: lost after five minutes, and since the beginning.
  for (int s = 3600; s < 3850; ++s) vote.add(at(s), s % 10 == 3);
  EXPECT_FALSE(vote.lost()) << "there is a majority of before still";
  for (int s = 3850; s < 7200; ++s) vote.add(at(s), s % 10 == 3);
  ASSERT_TRUE(vote.lost());
  EXPECT_LE(*vote.lost(), at(3600));
  EXPECT_GE(*vote.lost(), at(3300)) << "not one of the seconds of long before";
  EXPECT_EQ(vote.newest(), at(7199));
  // And it is back, once that has lasted.
  for (int s = 7200; s < 7400; ++s) vote.add(at(s), true);
  EXPECT_TRUE(vote.lost());
  for (int s = 7400; s < 7600; ++s) vote.add(at(s), true);
  EXPECT_FALSE(vote.lost());
}

TEST(FixVote, IsOfTimeAndNotOfRows) {
  const auto at = [](int second) { return AcquisitionFile::start() + seconds{second}; };
  analysis::FixVote vote;
  for (int minute = 0; minute < 60; ++minute) vote.add(at(60 * minute), false);
  EXPECT_EQ(vote.lost(), at(0)) << "one that never had a fix";
  // Rows come when something changes, too: many within a second weigh no more than that second.
  for (int i = 0; i < 100; ++i) vote.add(at(3600) + std::chrono::milliseconds{i}, true);
  vote.add(at(3601), false);
  vote.add(at(3660), false);
  EXPECT_EQ(vote.lost(), at(0));
  vote.add(at(100), true);
  EXPECT_EQ(vote.newest(), at(3660)) << "of a clock that was set back";
  // Nobody recorded for a day: what was before says nothing of now.
  vote.add(at(90'000), true);
  EXPECT_EQ(vote.lost(), at(0)) << "one row lasts no time yet";
  vote.add(at(90'001), true);
  EXPECT_FALSE(vote.lost());
}

}  // namespace
