#include "acquisition/recorder/resume_answer.hpp"

#include <fcntl.h>
#include <fnmatch.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "acquisition/recorder/candidates.hpp"
#include "acquisition/recorder/run_numbers.hpp"
#include "acquisition/recorder/station_lock.hpp"
#include "mth5/error.hpp"
#include "support/forked.hpp"
#include "support/support.hpp"

namespace {

using daq::recorder::decode;
using daq::recorder::encode;
using daq::recorder::Resume;
using daq::recorder::ResumeAnswer;
using daq::recorder::StationLock;
using testing::ElementsAre;

ResumeAnswer example() {
  ResumeAnswer answer;
  answer.recovery = {"its writer died", "and more"};
  answer.resume.broke_off = true;
  answer.resume.session = 3;
  answer.resume.sequence = 77;
  answer.resume.n_streams = 1;
  answer.resume.runs.push_back(
      {"MT001", "sr1_0001", 1.0, {"bx", "by"}, mth5::UtcNanos{mth5::Nanos{123456789}}, 100, {1.5, 2.5, -1.5, -2.5}});
  answer.resume.runs.push_back({"MT001", "sr1_0002", 1.0, {"bx", "by"}, mth5::UtcNanos{mth5::Nanos{223456789}}, 0, {}});
  for (auto& run : answer.resume.runs) run.rate_behind = 1.00005;
  for (auto& run : answer.resume.runs) run.unsure_s = 0.002;
  answer.resume.streams.push_back({"lemi", 100, 90, "XX_MT01=12 XX_MT02=7"});
  return answer;
}

TEST(ResumeAnswer, ComesBackAsItWas) {
  const auto back = decode(encode(example()));
  ASSERT_TRUE(back);
  EXPECT_THAT(back->recovery, ElementsAre("its writer died", "and more"));
  EXPECT_TRUE(back->resume.broke_off);
  EXPECT_EQ(back->resume.session, 3);
  EXPECT_EQ(back->resume.sequence, 77);
  ASSERT_EQ(back->resume.runs.size(), 2u);
  EXPECT_EQ(back->resume.runs[0].id, "sr1_0001");
  EXPECT_THAT(back->resume.runs[0].components, ElementsAre("bx", "by"));
  EXPECT_THAT(back->resume.runs[0].tail, ElementsAre(1.5, 2.5, -1.5, -2.5));
  EXPECT_EQ(back->resume.runs[0].next.time_since_epoch().count(), 123456789);
  EXPECT_EQ(back->resume.runs[0].rate_behind, 1.00005);
  EXPECT_EQ(back->resume.runs[0].unsure_s, 0.002);
  EXPECT_EQ(back->resume.streams[0].counted, 90);
  EXPECT_EQ(back->resume.streams[0].token, "XX_MT01=12 XX_MT02=7") << "of two stations of SeedLink";
}

TEST(ResumeAnswer, OfAChildThatWasLedAstrayIsRefusedOrHarmless) {
  const auto good = encode(example());
  for (std::size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(decode(good.substr(0, n))) << n;
  EXPECT_FALSE(decode(good + "x"));
  auto escape = example();
  escape.resume.runs[0].id = "sr1\x1b[2J";
  EXPECT_FALSE(decode(encode(escape))) << "a name that no recorder gives";
  escape = example();
  escape.resume.streams[0].token = "XX_MT01=12\r\nBYE";
  EXPECT_FALSE(decode(encode(escape))) << "a token that no source gives";
  escape = example();
  escape.recovery = {"a line\nand another\x1b[2J"};
  EXPECT_THAT(decode(encode(escape))->recovery, ElementsAre("a line?and another?[2J"));
  escape = example();
  escape.resume.runs[0].tail.pop_back();
  EXPECT_FALSE(decode(encode(escape))) << "channels of different lengths";
  for (const double rate : {0.0, 2.0, -1.0, 1e300}) {
    escape = example();
    escape.resume.runs[0].rate_behind = rate;
    EXPECT_FALSE(decode(encode(escape))) << "no clock of 1 Hz";
  }
  std::mt19937 random{7};
  for (int i = 0; i < 20'000; ++i) {  // any bytes: no crash, and no more memory than the bytes are worth
    auto bytes = good;
    for (auto changes = 1 + random() % 4; changes > 0; --changes) bytes[random() % bytes.size()] = static_cast<char>(random());
    (void)decode(bytes);
  }
}

daq::config::Config config_for(const std::filesystem::path& directory, const std::string& file_name) {
  daq::config::Config config;
  config.survey.set("id", std::string{"S1"});
  config.output.directory = directory;
  config.output.file_name = file_name;
  config.sources.emplace_back();
  config.sources.back().station = mth5::Metadata{mth5::Kind::Station};
  config.sources.back().station.set("id", std::string{"A"});
  config.sources.back().instrument.sample_rate = 1;
  return config;
}

TEST(Candidates, AreTheNamesOfThisStationAtAnyTime) {
  const auto patterns = daq::recorder::name_patterns(config_for("/", "{station}_{start:%Y%m%dT%H%M%SZ}.h5"));
  const auto fits = [&](const std::string& name) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const auto& pattern) { return fnmatch(pattern.c_str(), name.c_str(), 0) == 0; });
  };
  EXPECT_TRUE(fits("A_20260501T000000Z.h5"));
  EXPECT_TRUE(fits("A_20260501T000000Z_12.h5"));
  for (const std::string name : {"A_B_20260501T000000Z.h5", "B_20260501T000000Z.h5", "A_20260501T000000Z.h5.before-recovery",
                                 "A_20260501T00000Z.h5", ".A_20260501T000000Z.h5", "x.h5"})
    EXPECT_FALSE(fits(name)) << name;
}

/// The clock of a host without a battery begins in 1970 at each start; that of the samples does not.
TEST(Candidates, AreOrderedByTheTimeOfTheirNames) {
  const support::TempDir dir;
  const auto order = [&](const std::string& pattern, const std::vector<std::string>& newest_first) {
    auto time = std::filesystem::file_time_type::clock::now() - std::chrono::hours{24 * 365 * 50};
    for (const auto& name : newest_first) {
      support::write_text(dir / name, "x");
      std::filesystem::last_write_time(dir / name, time += std::chrono::hours{1});
    }
    std::vector<std::string> found;
    for (const auto& file : daq::recorder::candidates(config_for(dir.path(), pattern), [] { return true; }))
      found.push_back(file.path.filename().string());
    for (const auto& name : newest_first) std::filesystem::remove(dir / name);
    EXPECT_EQ(found, newest_first) << pattern;
  };
  order("{station}_{start:%Y%m%dT%H%M%SZ}.h5", {"A_20260502T000000Z_10.h5", "A_20260502T000000Z_2.h5", "A_20260502T000000Z.h5",
                                                "A_20260501T235959Z_3.h5", "A_20251231T235959Z.h5"});
  order("{start:%Y%m%dT%H%M%S}_{station}.h5", {"20260502T000000_A_10.h5", "20260502T000000_A_2.h5", "20260502T000000_A.h5"});
  order("{start:%d.%m.}{station}{start:%Y+%T}.h5",
        {"01.03.A2026+00:00:01.h5", "01.03.A2026+00:00:00.h5", "28.02.A2026+12:00:00.h5", "30.12.A2025+12:00:00.h5"});
  order("{start:%F}_{station}_{rate}_{start:%H%M%S}.h5", {"2026-10-01_A_1_000000.h5", "2026-09-30_A_1_120000.h5"});
  order("{start:%Y%j%H%M%S}.h5", {"2026100000000.h5", "2026099235959.h5"});
}

TEST(Candidates, AreRegularFilesOnly) {
  const support::TempDir dir;
  const auto config = config_for(dir.path(), "{station}_{start:%j}.h5");
  support::write_text(dir / "A_001.h5", "x");
  std::filesystem::create_directory(dir / "A_002.h5");
  std::filesystem::create_symlink(dir / "A_001.h5", dir / "A_003.h5");
  ASSERT_EQ(mkfifo((dir / "A_004.h5").c_str(), 0600), 0);
  support::write_text(dir / "A_005_2.h5", "x");
  std::filesystem::last_write_time(dir / "A_001.h5", std::filesystem::file_time_type::clock::now() - std::chrono::hours{1});
  const auto found = daq::recorder::candidates(config, [] { return true; });
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].path.filename(), "A_005_2.h5");
  EXPECT_EQ(found[1].path.filename(), "A_001.h5");
}

class StationLockTest : public testing::Test {
 protected:
  /// Whether another process gets it.
  [[nodiscard]] bool another_gets_it() const {
    return support::forked([&] {
             try {
               const StationLock other{dir_.path(), "S", "A"};
               return 0;
             } catch (const mth5::BusyError&) {
               return 1;
             }
           }).code == 0;
  }
  support::TempDir dir_;
  std::filesystem::path path_ = dir_ / ".mth5d-S-A.lock";
};

TEST_F(StationLockTest, IsItsOwnersOnly) {
  support::write_text(path_, "of an older mth5d");
  std::filesystem::permissions(path_, std::filesystem::perms{0644});
  StationLock lock{dir_.path(), "S", "A"};
  EXPECT_EQ(std::filesystem::status(path_).permissions(), std::filesystem::perms{0600});
  EXPECT_FALSE(another_gets_it());
  EXPECT_EQ(lock.renew(), StationLock::Kept::Still);
}

TEST_F(StationLockTest, IsNotKeptOffByAReader) {
  support::write_text(path_, "of an older mth5d, readable for all");
  const int reader = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  struct flock shared {};
  shared.l_type = F_RDLCK;
  shared.l_whence = SEEK_SET;
  ASSERT_EQ(fcntl(reader, F_OFD_SETLK, &shared), 0);
  StationLock lock{dir_.path(), "S", "A"};
  EXPECT_FALSE(another_gets_it());
  EXPECT_EQ(lock.renew(), StationLock::Kept::Still);
  close(reader);
}

TEST_F(StationLockTest, IsMadeAgainWhereItsFileWasDeletedOrReplaced) {
  StationLock lock{dir_.path(), "S", "A"};
  std::filesystem::remove(path_);
  EXPECT_EQ(lock.renew(), StationLock::Kept::Renewed);
  EXPECT_FALSE(another_gets_it());
  std::filesystem::rename(path_, dir_ / "aside");
  support::write_text(path_, "");
  EXPECT_EQ(lock.renew(), StationLock::Kept::Renewed);
  EXPECT_FALSE(another_gets_it());
}

TEST_F(StationLockTest, KeepsANoteForWhoeverLocksItNext) {
  const auto path = dir_ / ".mth5d-S-A.lock";
  {
    StationLock lock{dir_.path(), "S", "A"};
    EXPECT_EQ(lock.note(), "");
    lock.keep("12 1 sr{rate}_{index:04}\n7 8 b\n");
    lock.keep("13 1 sr{rate}_{index:04}\n");
    EXPECT_EQ(support::read_text(path), std::to_string(getpid()) + " mth5d\n13 1 sr{rate}_{index:04}\n");
  }
  StationLock lock{dir_.path(), "S", "A"};
  EXPECT_EQ(lock.note(), "13 1 sr{rate}_{index:04}\n");
  EXPECT_EQ(lock.station(), "A");
  std::filesystem::remove(path);
  EXPECT_EQ(lock.renew(), StationLock::Kept::Renewed);
  EXPECT_EQ(support::read_text(path), std::to_string(getpid()) + " mth5d\n13 1 sr{rate}_{index:04}\n");
}

daq::stream::Stream stream_named(const std::string& pattern, double rate = 1) {
  daq::stream::Stream stream;
  stream.station.set("id", std::string{"A"});
  stream.sample_rate = rate;
  stream.run_id = pattern;
  return stream;
}

TEST(RunNumbers, AreKeptByStationPatternAndRate) {
  daq::recorder::RunNumbers numbers;
  const auto one = stream_named("sr{rate}_{index:04}"), other = stream_named("b {index}", 0.1);
  EXPECT_EQ(numbers.last(one), 0);
  numbers.raise(one, 12);
  numbers.raise(one, 7);
  numbers.raise(other, 3);
  EXPECT_EQ(numbers.text("A"), "3 0.1 b {index}\n12 1 sr{rate}_{index:04}\n");
  EXPECT_EQ(numbers.text("B"), "");
  daq::recorder::RunNumbers read;
  read.read("A", numbers.text("A"));
  EXPECT_EQ(read.last(one), 12);
  EXPECT_EQ(read.last(other), 3);
  EXPECT_EQ(read.last(stream_named("sr{rate}_{index:04}", 2)), 0);
  for (const char* text : {"", "\n", "x", "-1 1 sr{rate}_{index:04}", "99999999999 1 sr{rate}_{index:04}", "15", "15 1",
                           "15 y sr{rate}_{index:04}", "15x 1 sr{rate}_{index:04}"})
    read.read("A", text);
  EXPECT_EQ(read.last(one), 12);
}

TEST(RunNumbers, GoOnBehindTheNamesThatWereFound) {
  Resume found = example().resume;
  for (const char* name : {"sr1_0003", "sr1_12345", "sr1_0004_2", "sr1_", "sr10_99999", "other"}) {
    found.runs.push_back(found.runs[0]);
    found.runs.back().station = "A";
    found.runs.back().id = name;
  }
  found.earlier.push_back(found.runs.back());
  found.earlier.back().id = "sr1_20000z";
  const auto last = [&](const std::string& pattern, double rate = 1) {
    daq::recorder::RunNumbers numbers;
    numbers.raise_behind(stream_named(pattern, rate), "S", found);
    return numbers.last(stream_named(pattern, rate));
  };
  EXPECT_EQ(last("sr{rate}_{index:04}"), 12345);
  EXPECT_EQ(last("sr{rate}_{index}z"), 20000) << "of a file before it";
  EXPECT_EQ(last("sr{rate}_{index:04}", 2), 0) << "of another rate";
  EXPECT_EQ(last("{start:%Y}_{index:04}"), 0);
  EXPECT_EQ(last("sr1_{start:%Y}"), 0);
}

TEST_F(StationLockTest, TellsThatItCannotBeMadeAgainFromThatAnotherHasIt) {
  std::filesystem::create_directory(dir_ / "card");
  StationLock lock{dir_ / "card", "S", "A"};
  std::filesystem::rename(dir_ / "card", dir_ / "away");
  EXPECT_EQ(lock.renew(), StationLock::Kept::Lost);
  EXPECT_EQ(lock.problem(), std::errc::no_such_file_or_directory);
  std::filesystem::create_directory(dir_ / "card");
  EXPECT_EQ(lock.renew(), StationLock::Kept::Renewed);
}

TEST_F(StationLockTest, TellsThatAnotherTookItsPlace) {
  StationLock lock{dir_.path(), "S", "A"};
  std::filesystem::remove(path_);
  support::Child other{[&] {
    const StationLock taken{dir_.path(), "S", "A"};
    support::write_text(dir_ / "taken", "");
    for (;;) pause();
    return 0;
  }};
  ASSERT_TRUE(support::eventually([&] { return std::filesystem::exists(dir_ / "taken"); }));
  EXPECT_EQ(lock.renew(), StationLock::Kept::Taken);
}

}  // namespace
