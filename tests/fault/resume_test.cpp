#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>

#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/forked.hpp"
#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// A daemon after one that was killed.
namespace {

using support::lines_with;
using support::numbered_lines;
using support::Recording;
using support::RecordingOptions;
using support::seconds;
using support::TcpPeer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

RecordingOptions options(const support::TempDir& dir) {
  return {.config = "flush: {samples: 100, interval: 100ms}\nsync: {interval: 200ms}\n", .directory = dir.path()};
}

/// By the clock: then the ledger knows less than the file.
constexpr const char* kNeverSynced = "flush: {samples: 100, interval: 100ms}\nsync: {interval: 1h}\n";

/// Records lines [first, last) and kills the daemon when readers can see them. @returns the file
std::filesystem::path record_and_kill(TcpPeer& peer, const support::TempDir& dir, int first, int last,
                                      const std::string& config = {}) {
  auto all = options(dir);
  if (!config.empty()) all.config = config;
  Recording recording{Recording::tcp(peer.port()), all};
  EXPECT_TRUE(peer.accept()) << recording.log();
  EXPECT_TRUE(peer.send(numbered_lines(first, last)));
  const auto n = static_cast<std::uint64_t>(last - first);
  EXPECT_TRUE(recording.wait_until([=](const auto& s) { return s.at("sources").at(0).at("samples").at("visible") >= n; }))
      << recording.log();
  recording.process().signal(SIGKILL);
  EXPECT_EQ(recording.process().wait(), 137);
  return recording.file();
}

void record_well(TcpPeer& peer, const support::TempDir& dir, int first, int last, const std::string& log_line) {
  Recording recording{Recording::tcp(peer.port()), options(dir)};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(first, last)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(first, last).size()));
  support::expect_good_end(recording);
  EXPECT_THAT(lines_with(recording.log(), log_line), SizeIs(1)) << recording.log();
}

TEST(Resume, GoesOnInTheFileOfTheOneThatWasKilled) {
  const support::TempDir dir;
  TcpPeer peer;
  const auto file = record_and_kill(peer, dir, 0, 100);
  (void)record_and_kill(peer, dir, 150, 190);  // one after the other dies
  record_well(peer, dir, 200, 260, "info: resumed in file=" + file.string() + " runs=2 session=2");
  EXPECT_THAT(std::vector<std::filesystem::path>(std::filesystem::directory_iterator{dir.path()}, {}).size(), 2u)
      << "the file, the lock, and nothing else";

  auto all = seconds(0, 100);
  for (const int k : seconds(150, 190)) all.push_back(k);
  for (const int k : seconds(200, 260)) all.push_back(k);
  const auto stored = support::stored(file);
  EXPECT_EQ(stored.seconds, all);
  EXPECT_THAT(stored.starts, ElementsAre(0, 150, 200));
  EXPECT_EQ(stored.state, mth5::FileState::Closed);
  EXPECT_THAT(support::stored_gaps(file),
              ElementsAre(support::StoredGap{100, 50, "writer-died"}, support::StoredGap{190, 10, "writer-died"}));
  const mth5::Reader reader{file};
  ASSERT_THAT(reader.runs(), SizeIs(3));
  EXPECT_EQ(reader.runs()[2].id, "sr1_0003");
  const auto gaps = reader.table("gaps").value();
  EXPECT_EQ(gaps.text(1, "run_before"), "sr1_0002");
  EXPECT_EQ(gaps.text(1, "run_after"), "sr1_0003");
  EXPECT_EQ(reader.table_rows("state_of_health/lemi"), 4) << "the begin of each session, and a minute later where it is longer";

  const auto summary = support::run({support::program("mth5-summary"), "--format", "json", file});
  ASSERT_EQ(summary.code, 0) << summary.err;
  const auto json = nlohmann::json::parse(summary.out);
  const auto& ledger = json.at("files").at(0).at("ledger").at(0);
  EXPECT_TRUE(ledger.at("balanced").get<bool>()) << ledger.dump(1);
  EXPECT_EQ(ledger.at("sessions"), 3);
  const auto commits = reader.table("commits").value();
  std::map<std::int64_t, std::int64_t> session;  // by sequence
  for (std::size_t i = 0; i < commits.size(); ++i) session[commits.integer(i, "sequence")] = commits.integer(i, "session");
  for (const std::string column : {"bytes_in", "bytes_decoded", "samples_decoded", "samples_stored"}) {
    const auto rows = reader.table(column.starts_with("bytes") ? "source_ledger" : "stream_ledger").value();
    std::map<std::int64_t, std::int64_t> last;  // by session: each counts from zero
    for (std::size_t i = 0; i < rows.size(); ++i) last[session.at(rows.integer(i, "sequence"))] = rows.integer(i, column);
    std::int64_t sum = 0;
    for (const auto& [number, count] : last) sum += count;
    EXPECT_EQ(ledger.at(column), sum) << column;
  }
  EXPECT_EQ(json.at("channels").at(0).at("missing"), 60);

  const char* python = std::getenv("MTH5_TEST_PYTHON");
  ASSERT_TRUE(python != nullptr && std::filesystem::exists(python)) << "MTH5_TEST_PYTHON is no Python with mth5";
  const auto read =
      support::run({python, "-c",
                    "import sys\nfrom mth5.mth5 import MTH5\nm=MTH5()\nm.open_mth5(sys.argv[1],'r')\n"
                    "s=m.get_station('MT001','TEST')\n"
                    "print([s.get_run(r).get_channel('bx').n_samples for r in s.groups_list if r.startswith('sr')])\n",
                    file},
                   {}, std::chrono::seconds{200});
  EXPECT_EQ(read.code, 0) << read.err;
  EXPECT_THAT(read.out, HasSubstr("[100, 40, 60]"));
}

TEST(Resume, GoesOnThroughGapsAfterEachOfSeveralCrashes) {
  const support::TempDir dir;
  TcpPeer peer;
  const auto file = record_and_kill(peer, dir, 0, 100);
  (void)record_and_kill(peer, dir, 150, 190);
  std::vector<int> all = seconds(0, 100);
  const auto add = [&](int first, int last) {
    const auto more = seconds(first, last);
    all.insert(all.end(), more.begin(), more.end());
  };
  add(150, 190);
  {
    Recording recording{Recording::tcp(peer.port()), options(dir)};
    ASSERT_TRUE(peer.accept()) << recording.log();
    std::uint64_t n = 0;
    for (const int first : {200, 300, 400, 500}) {  // each begins a run, and the daemon is still there behind it
      ASSERT_TRUE(peer.send(numbered_lines(first, first + 50)));
      add(first, first + 50);
      n += 50;
      ASSERT_TRUE(recording.wait_until([=](const auto& s) { return s.at("sources").at(0).at("samples").at("visible") >= n; }))
          << recording.log();
    }
    support::expect_good_end(recording);
    EXPECT_TRUE(recording.status()->at("ledger").at("balanced").get<bool>()) << recording.status()->dump(1);
  }
  const auto stored = support::stored(file);
  EXPECT_EQ(stored.seconds, all);
  EXPECT_THAT(stored.starts, ElementsAre(0, 150, 200, 300, 400, 500));
  EXPECT_EQ(stored.state, mth5::FileState::Closed);
  const mth5::Reader reader{file};
  std::vector<std::string> names;
  for (const auto& run : reader.runs()) names.push_back(run.id);
  EXPECT_THAT(names, ElementsAre("sr1_0001", "sr1_0002", "sr1_0003", "sr1_0004", "sr1_0005", "sr1_0006"));
}

TEST(Resume, KnowsWhatIsSentAgainOfRunsBeforeTheLastOne) {
  const support::TempDir dir;
  TcpPeer peer;
  const auto file = record_and_kill(peer, dir, 0, 500);
  (void)record_and_kill(peer, dir, 550, 600);
  Recording recording{Recording::tcp(peer.port()), options(dir)};
  ASSERT_TRUE(peer.accept()) << recording.log();
  const auto more = numbered_lines(0, 300) + numbered_lines(600, 700);
  ASSERT_TRUE(peer.send(more));
  ASSERT_TRUE(recording.wait_for_bytes(more.size()));
  const auto status = support::expect_good_end(recording);
  EXPECT_EQ(status.at("sources").at(0).at("dropped").at("duplicate"), 300);
  auto all = seconds(0, 500);
  const auto rest = seconds(550, 700);
  all.insert(all.end(), rest.begin(), rest.end());
  EXPECT_EQ(support::stored(file).seconds, all);
  EXPECT_THAT(support::stored_gaps(file), SizeIs(1));
}

TEST(Resume, KnowsWhatIsSentAgainAfterAStop) {
  const support::TempDir dir;
  TcpPeer peer;
  {
    Recording recording{Recording::tcp(peer.port()), options(dir)};
    ASSERT_TRUE(peer.accept()) << recording.log();
    const auto lines = numbered_lines(0, 9'300) + numbered_lines(9'350, 9'400);
    ASSERT_TRUE(peer.send(lines));
    ASSERT_TRUE(recording.wait_for_bytes(lines.size()));
    support::expect_good_end(recording);
  }
  Recording recording{Recording::tcp(peer.port()), options(dir)};
  ASSERT_TRUE(peer.accept()) << recording.log();
  const auto again = numbered_lines(200, 9'300) + numbered_lines(9'380, 9'420);
  ASSERT_TRUE(peer.send(again));
  ASSERT_TRUE(recording.wait_for_bytes(again.size()));
  const auto status = support::expect_good_end(recording);
  EXPECT_EQ(status.at("sources").at(0).at("dropped").at("duplicate"), 9120) << recording.log();
  const auto files = recording.files();
  ASSERT_THAT(files, SizeIs(2));
  EXPECT_EQ(support::stored(files[0]).seconds.size(), 9350u);
  EXPECT_EQ(support::stored(files[1]).seconds, seconds(9'400, 9'420));
}

/// What readers see of all files.
std::vector<int> all_in(const support::TempDir& dir) {
  std::vector<int> found;
  for (const auto& file : support::files_in(dir.path()))
    for (const int second : support::stored(file).seconds) found.push_back(second);
  return found;
}

/// A roll, and starts one after the other: what comes once more begins where it likes.
TEST(Resume, KnowsWhatIsSentAgainOfFilesBeforeTheNewest) {
  enum Between { Roll, Stop, Kill };
  for (const auto& between : {std::vector{Roll, Kill}, std::vector{Stop, Stop}, std::vector{Roll, Stop, Kill}}) {
    const support::TempDir dir;
    TcpPeer peer;
    std::optional<Recording> recording{std::in_place, Recording::tcp(peer.port()), options(dir)};
    ASSERT_TRUE(peer.accept()) << recording->log();
    int sent = 0;
    for (const auto what : between) {
      ASSERT_TRUE(peer.send(numbered_lines(sent, sent + 40)));
      sent += 40;
      ASSERT_TRUE(support::eventually([&] { return all_in(dir).size() == static_cast<std::size_t>(sent); })) << recording->log();
      if (what == Roll) {
        recording->process().signal(SIGHUP);
        ASSERT_TRUE(recording->wait_for_log("file closed"));
        continue;
      }
      if (what == Kill) {
        recording->process().signal(SIGKILL);
        EXPECT_EQ(recording->process().wait(), 137);
      } else {
        EXPECT_EQ(recording->stop(), 0) << recording->log();
      }
      recording.emplace(Recording::tcp(peer.port()), options(dir));
      ASSERT_TRUE(peer.accept()) << recording->log();
    }
    const auto all = numbered_lines(0, sent + 20);
    ASSERT_TRUE(peer.send(all));
    ASSERT_TRUE(recording->wait_for_bytes(all.size()));
    const auto status = support::expect_good_end(*recording);
    EXPECT_EQ(status.at("sources").at(0).at("dropped").at("duplicate"), sent) << recording->log();
    EXPECT_EQ(all_in(dir), seconds(0, sent + 20));
  }
}

/// The instrument's older memory comes in the session between: what is missing is missing since the last sample before it.
TEST(Resume, CountsWhatIsMissingFromTheLastSampleBeforeItThatIsKnown) {
  const support::TempDir dir;
  TcpPeer peer;
  record_well(peer, dir, 1000, 1040, " info: start ");
  record_well(peer, dir, 0, 40, " info: start ");
  record_well(peer, dir, 1050, 1080, " info: start ");
  const auto newest = dir / "MT001_20201004T001730Z.h5";
  EXPECT_THAT(support::stored_gaps(newest), ElementsAre(support::StoredGap{1040, 10, "not-running"}));
}

/// The station of the first source, whose name the files had, is recorded no more; another of its file still is.
TEST(Resume, KnowsWhatIsSentAgainOfFilesNamedAfterAnotherStation) {
  const support::TempDir dir;
  TcpPeer one, two;
  const auto with = [&](const std::string& sources) {
    auto all = options(dir);
    all.arguments = {"--set", sources};
    return all;
  };
  {
    Recording recording{Recording::tcp(one.port()), with(support::lemi_sources({{"one", "MT001", Recording::tcp(one.port())},
                                                                                {"two", "MT009", Recording::tcp(two.port())}}))};
    ASSERT_TRUE(one.accept() && two.accept()) << recording.log();
    ASSERT_TRUE(one.send(numbered_lines(0, 40)) && two.send(numbered_lines(0, 40)));
    ASSERT_TRUE(support::eventually([&] {
      const auto status = recording.status();
      return status && status->at("sources").at(1).at("samples").at("durable") >= 40;
    })) << recording.log();
    EXPECT_EQ(recording.stop(), 0) << recording.log();
  }
  Recording recording{Recording::tcp(two.port()), with(support::lemi_sources({{"two", "MT009", Recording::tcp(two.port())}}))};
  ASSERT_TRUE(two.accept()) << recording.log();
  const auto lines = numbered_lines(20, 40) + numbered_lines(50, 80);
  ASSERT_TRUE(two.send(lines));
  ASSERT_TRUE(recording.wait_for_bytes(lines.size()));
  EXPECT_EQ(support::expect_good_end(recording).at("sources").at(0).at("dropped").at("duplicate"), 20) << recording.log();
  const auto files = support::files_in(dir.path());
  ASSERT_THAT(files, SizeIs(2));
  EXPECT_THAT(support::stored_gaps(files[1]), ElementsAre(support::StoredGap{40, 10, "not-running"}));
}

/// An empty file of our name is left alone; what the one before it holds is known all the same.
TEST(Resume, KnowsWhatIsSentAgainThoughTheNewestFileCannotBeRead) {
  const support::TempDir dir;
  TcpPeer peer;
  record_well(peer, dir, 0, 60, " info: start ");
  support::write_text(dir / "MT001_20301004T000001Z.h5", "");
  Recording recording{Recording::tcp(peer.port()), options(dir)};
  ASSERT_TRUE(peer.accept()) << recording.log();
  const auto lines = numbered_lines(20, 80);
  ASSERT_TRUE(peer.send(lines));
  ASSERT_TRUE(recording.wait_for_bytes(lines.size()));
  EXPECT_EQ(support::expect_good_end(recording).at("sources").at(0).at("dropped").at("duplicate"), 40) << recording.log();
}

/// One more, or another station for one that was there.
TEST(Resume, GoesOnBehindWhatOneStationOfSeveralHadStored) {
  for (const bool killed : {true, false}) {
    const support::TempDir dir;
    TcpPeer peer, other;
    if (killed)
      (void)record_and_kill(peer, dir, 0, 40);
    else
      record_well(peer, dir, 0, 40, " info: start ");
    auto more = options(dir);
    more.arguments = {"--set", support::lemi_sources({{"lemi", "MT001", Recording::tcp(peer.port())},
                                                      {"two", "MT002", Recording::tcp(other.port())}})};
    Recording recording{Recording::tcp(peer.port()), more};
    ASSERT_TRUE(peer.accept()) << recording.log();
    const auto lines = numbered_lines(20, 40) + numbered_lines(50, 80);
    ASSERT_TRUE(peer.send(lines));
    ASSERT_TRUE(recording.wait_until([&](const auto& s) { return s.at("sources").at(0).at("samples").at("durable") >= 30; }))
        << recording.log();
    EXPECT_EQ(recording.status()->at("sources").at(0).at("dropped").at("duplicate"), 20);
    EXPECT_EQ(recording.stop(), 0) << recording.log();
    const auto files = support::files_in(dir.path());
    ASSERT_THAT(files, SizeIs(2));
    EXPECT_EQ(mth5::Reader{files[0]}.state(), mth5::FileState::Closed) << "recovered";
    EXPECT_EQ(support::stored(files[0]).seconds, seconds(0, 40));
    EXPECT_EQ(support::stored(files[1]).seconds, seconds(50, 80));
    EXPECT_THAT(support::stored_gaps(files[1]), ElementsAre(support::StoredGap{40, 10, killed ? "writer-died" : "not-running"}));
    EXPECT_THAT(lines_with(recording.log(), "not resumed, a new file begins: file=" + files[0].string()), SizeIs(killed ? 1 : 0))
        << recording.log();
  }
}

/// A ledger is of one station: in another file it balances for both.
TEST(Resume, BeginsANewFileWhereASourceMovedToAnotherStation) {
  const support::TempDir dir;
  TcpPeer peer, other;
  const auto sources = [&](const char* station) {
    auto all = options(dir);
    all.arguments = {"--set",
                     support::lemi_sources({{"one", "MT001", Recording::tcp(peer.port())},
                                            {"two", station, "run: 'b{rate}_{index:04}', " + Recording::tcp(other.port())}})};
    return all;
  };
  for (const bool first : {true, false}) {
    Recording recording{Recording::tcp(peer.port()), sources(first ? "MT002" : "MT001")};
    ASSERT_TRUE(peer.accept() && other.accept()) << recording.log();
    const int from = first ? 0 : 40;
    ASSERT_TRUE(peer.send(numbered_lines(from, from + 40)) && other.send(numbered_lines(from, from + 40)));
    ASSERT_TRUE(recording.wait_until([&](const auto& s) {
      return s.at("sources").at(0).at("samples").at("durable") >= 40 && s.at("sources").at(1).at("samples").at("durable") >= 40;
    })) << recording.log();
    if (first) {
      recording.process().signal(SIGKILL);
      EXPECT_EQ(recording.process().wait(), 137);
    } else {
      EXPECT_EQ(recording.stop(), 0) << recording.log();
    }
  }
  ASSERT_THAT(support::files_in(dir.path()), SizeIs(2));
  for (const auto& file : support::files_in(dir.path())) {
    const auto checked = support::run({support::program("mth5-recover"), "--check", file});
    EXPECT_EQ(checked.code, 0) << checked.out << checked.err;
  }
  const auto summary = support::run({support::program("mth5-summary"), dir.path()});
  EXPECT_THAT(summary.out, testing::Not(HasSubstr("DOES NOT AGREE")));
}

TEST(Resume, GoesOnByTheClockOfADriftingInstrument) {
  // Three samples are lost, by the plain axis five, or one; or an hour's, which by the nominal rate are 14 more, or less.
  for (const auto& [ppm, lost] : {std::pair{-400.0, 3}, {400.0, 3}, {-400.0, 36'000}, {400.0, 36'000}}) {
    const auto lines = [&](int first, int last) {
      std::string text;
      for (int i = first; i < last; ++i) {
        const double t = i * 0.1 * (1 - ppm * 1e-6);
        char line[64];
        std::snprintf(line, sizeof line, "2026-05-01T%02d:%02d:%09.6f,%d\n", static_cast<int>(t) / 3600,
                      static_cast<int>(t) / 60 % 60, std::fmod(t, 60), i);
        text += line;
      }
      return text;
    };
    const support::TempDir dir;
    TcpPeer peer;
    auto all = options(dir);
    all.instrument =
        "{sample_rate: 10, text: {delimiter: ',', columns: [{time: '%Y-%m-%dT%H:%M:%S'}, {channel: x}]}, "
        "channels: {x: {type: auxiliary, units: volt}}}";
    std::filesystem::path file;
    {
      Recording recording{Recording::tcp(peer.port()), all};
      ASSERT_TRUE(peer.accept()) << recording.log();
      ASSERT_TRUE(peer.send(lines(0, 6000)));
      ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("sources").at(0).at("samples").at("durable") >= 6000; }))
          << recording.log();
      recording.process().signal(SIGKILL);
      EXPECT_EQ(recording.process().wait(), 137);
      file = recording.file();
    }
    Recording recording{Recording::tcp(peer.port()), all};
    ASSERT_TRUE(peer.accept()) << recording.log();
    const auto rest = lines(6000 + lost, 6100 + lost);
    ASSERT_TRUE(peer.send(rest));
    ASSERT_TRUE(recording.wait_for_bytes(rest.size()));
    support::expect_good_end(recording);
    const auto gaps = mth5::Reader{file}.table("gaps").value();
    ASSERT_EQ(gaps.size(), 1u) << ppm;
    EXPECT_EQ(gaps.integer(0, "samples"), lost) << ppm;
    EXPECT_EQ(gaps.text(0, "reason"), "writer-died");
  }
}

TEST(Resume, CountsWhatWasFoundBeyondTheLedgerAsRecovered) {
  const support::TempDir dir;
  TcpPeer peer;
  const auto file = record_and_kill(peer, dir, 0, 80, kNeverSynced);
  record_well(peer, dir, 100, 150, "info: resumed in file=" + file.string() + " runs=1");
  const mth5::Reader reader{file};
  const auto commits = reader.table("commits").value();
  const auto ledger = reader.table("stream_ledger").value();
  std::int64_t known = 0;  // by the last row of the first session
  for (std::size_t i = 0; i < ledger.size(); ++i)
    if (commits.integer(i, "session") == 0) known = ledger.integer(i, "samples_stored");
  const auto last = ledger.size() - 1;
  EXPECT_LT(known, 80);
  EXPECT_EQ(ledger.integer(last, "samples_recovered"), 80 - known);
  EXPECT_EQ(ledger.integer(last, "samples_stored"), 50);
  EXPECT_EQ(support::stored(file).seconds.size(), 130u);
}

TEST(Resume, CountsWhatWasFoundOfTwoSourcesOfAStationOnce) {
  const support::TempDir dir;
  TcpPeer one, two;
  auto all = options(dir);
  const auto source = [&](const char* name, const TcpPeer& peer, const std::string& more) {
    const auto input = Recording::tcp(peer.port());
    return "{name: " + std::string{name} + ", " + input.substr(0, input.find('\n')) + ", instrument: lemi424" +
           (more.empty() ? "" : ", " + more) + "}";
  };
  all.arguments = {"--set",
                   "sources=[" + source("one", one, "") + ", " + source("two", two, "run: \"g{rate}_{index:04}\"") + "]"};
  for (const bool killed : {true, false}) {
    all.config = killed ? kNeverSynced : options(dir).config;
    Recording recording{Recording::tcp(one.port()), all};
    ASSERT_TRUE(one.accept()) << recording.log();
    ASSERT_TRUE(two.accept()) << recording.log();
    const int first = killed ? 0 : 100;
    const int n = killed ? 80 : 50;
    ASSERT_TRUE(one.send(numbered_lines(first, first + n)));
    ASSERT_TRUE(two.send(numbered_lines(first, first + n / 2)));
    ASSERT_TRUE(recording.wait_until([&](const auto& s) {
      const auto& sources = s.at("sources");
      return sources.at(0).at("samples").at("visible") >= n && sources.at(1).at("samples").at("visible") >= n / 2;
    })) << recording.log();
    if (killed) {
      recording.process().signal(SIGKILL);
      EXPECT_EQ(recording.process().wait(), 137);
      continue;
    }
    EXPECT_EQ(recording.stop(), 0) << recording.log();
    ASSERT_THAT(recording.files(), SizeIs(1)) << recording.log();
  }
  const auto summary = support::run({support::program("mth5-summary"), "--format", "json", dir.path()});
  EXPECT_EQ(summary.code, 0) << summary.err;
  const auto report = nlohmann::json::parse(summary.out)["files"][0];
  EXPECT_EQ(report["balanced"], true) << report["ledger"].dump(1);
  for (const auto& [index, n] : {std::pair{0U, 130}, std::pair{1U, 65}}) {
    const auto& stream = report["ledger"][index]["streams"][0];
    EXPECT_EQ(stream["samples_stored"].get<int>() + stream["samples_recovered"].get<int>(), n) << stream.dump(1);
  }
}

TEST(Resume, IsNotNeededToCountWhatTheRecoveryByHandFoundBeyondTheLedger) {
  const support::TempDir dir;
  TcpPeer peer;
  const auto file = record_and_kill(peer, dir, 0, 80, kNeverSynced);
  ASSERT_EQ(support::run({support::program("mth5-recover"), file}).code, 0);
  const auto finished = support::run({support::program("mth5-summary"), "--format", "json", file});
  EXPECT_EQ(finished.code, 0) << finished.err;
  const auto report = nlohmann::json::parse(finished.out)["files"][0];
  EXPECT_EQ(report["recovered"], true);
  EXPECT_EQ(report["balanced"], true);
  const auto& stream = report["ledger"][0]["streams"][0];
  EXPECT_LT(stream["samples_stored"], 80);
  EXPECT_EQ(stream["samples_beyond_ledger"], 80 - stream["samples_stored"].get<int>());
  EXPECT_EQ(stream["samples_in_file"], 80);
  const auto page = support::run({support::program("mth5-summary"), file}).out;
  EXPECT_THAT(page, HasSubstr(" + recovered beyond the ledger " + stream["samples_beyond_ledger"].dump() + "\n"));
  EXPECT_THAT(page, HasSubstr("ledger of source lemi: balanced\n"));
}

TEST(Resume, GoesOnInAFileWithAStationThatHasNoRunYet) {
  const support::TempDir dir;
  TcpPeer peer, silent;
  auto all = options(dir);
  all.arguments = {"--set", support::lemi_sources({{"one", "MT001", Recording::tcp(peer.port())},
                                                   {"two", "MT002", Recording::tcp(silent.port())}})};
  for (const bool killed : {true, false}) {
    Recording recording{Recording::tcp(peer.port()), all};
    ASSERT_TRUE(peer.accept()) << recording.log();
    ASSERT_TRUE(peer.send(killed ? numbered_lines(0, 50) : numbered_lines(50, 80)));
    const auto n = killed ? 50 : 30;
    ASSERT_TRUE(recording.wait_until([=](const auto& s) { return s.at("sources").at(0).at("samples").at("durable") >= n; }))
        << recording.log();
    if (killed) {
      recording.process().signal(SIGKILL);
      EXPECT_EQ(recording.process().wait(), 137);
      continue;
    }
    EXPECT_THAT(lines_with(recording.log(), " info: resumed in file="), SizeIs(1)) << recording.log();
    EXPECT_EQ(recording.stop(), 0) << recording.log();
    EXPECT_THAT(lines_with(recording.log(), " error: "), IsEmpty()) << recording.log();
    ASSERT_THAT(recording.files(), SizeIs(1));
    EXPECT_EQ(support::stored(recording.files()[0]).seconds, seconds(0, 80));
  }
}

TEST(Resume, NamesTheTimeBetweenAStopAndAStart) {
  for (const bool killed : {false, true}) {
    const support::TempDir dir;
    TcpPeer peer;
    if (killed) {  // and recovered by hand before the start
      ASSERT_EQ(support::run({support::program("mth5-recover"), record_and_kill(peer, dir, 0, 100)}).code, 0);
    } else {
      record_well(peer, dir, 0, 100, " info: start ");
    }
    record_well(peer, dir, 130, 160, " info: start ");
    const auto files = support::files_in(dir.path());
    ASSERT_THAT(files, SizeIs(2));
    EXPECT_THAT(support::stored_gaps(files[1]), ElementsAre(support::StoredGap{100, 30, killed ? "writer-died" : "not-running"}));
  }
}

TEST(Resume, NamesTheCrashAsReasonAlsoWhereTheNewFileIsOfAnotherConfiguration) {
  const support::TempDir dir;
  TcpPeer peer;
  const auto file = record_and_kill(peer, dir, 0, 100);
  auto changed = options(dir);
  changed.arguments = {"--set", "output.file_version=0.1.0"};
  Recording recording{Recording::tcp(peer.port()), changed};
  ASSERT_TRUE(peer.accept()) << recording.log();
  const auto lines = numbered_lines(90, 100) + numbered_lines(120, 160);  // some of it once more
  ASSERT_TRUE(peer.send(lines));
  ASSERT_TRUE(recording.wait_for_bytes(lines.size()));
  const auto status = support::expect_good_end(recording);
  EXPECT_THAT(lines_with(recording.log(), "not resumed, a new file begins: .*it is of file version 0.2.0"), SizeIs(1));
  EXPECT_EQ(status.at("sources").at(0).at("dropped").at("duplicate"), 10);
  const auto files = recording.files();
  ASSERT_THAT(files, ElementsAre(file, testing::Ne(file)));
  EXPECT_EQ(support::stored(files[1]).seconds, seconds(120, 160));
  EXPECT_THAT(support::stored_gaps(files[1]), ElementsAre(support::StoredGap{100, 20, "writer-died"}));
  const auto summary = support::run({support::program("mth5-summary"), "--format", "json", dir.path()});
  const auto gaps = nlohmann::json::parse(summary.out).at("channels").at(0).at("gaps");
  ASSERT_THAT(gaps, SizeIs(1)) << gaps.dump(1);
  EXPECT_EQ(gaps[0].at("samples"), 20);
  EXPECT_EQ(gaps[0].at("reason"), "writer-died");
}

TEST(Resume, BeginsANewFileWhereAnotherIsNewerAndRecoversTheOlderOne) {
  const support::TempDir dir;
  TcpPeer peer;
  const auto dead = record_and_kill(peer, dir, 0, 50);
  std::filesystem::create_directory(dir / "aside");
  std::filesystem::rename(dead, dir / "aside" / "dead.h5");
  record_well(peer, dir, 100, 150, "info: file open file=");
  std::filesystem::rename(dir / "aside" / "dead.h5", dead);
  record_well(peer, dir, 200, 250, "info: file open file=");
  EXPECT_EQ(mth5::probe(dead).state, mth5::FileState::Closed);
  EXPECT_EQ(support::stored(dead).seconds, seconds(0, 50));
  EXPECT_EQ(support::stored(dir / "MT001_20201004T000320Z.h5").seconds, seconds(200, 250));
}

/// A box without a battery for its clock, and an instrument that knows the time: by the host's clock the file that was closed
/// before is the newer one.
TEST(Resume, GoesOnInTheFileOfTheLatestSamplesWhateverTheClockOfTheHostWas) {
  const support::TempDir dir;
  TcpPeer peer;
  record_well(peer, dir, 0, 50, "info: file open file=");
  const auto dead = record_and_kill(peer, dir, 100, 150);
  std::filesystem::last_write_time(dead, std::filesystem::file_time_type::clock::now() - std::chrono::hours{24 * 365 * 50});
  record_well(peer, dir, 150, 200, "info: resumed in file=" + dead.string());
  EXPECT_EQ(support::stored(dead).seconds, seconds(100, 200));
}

/// A roll, a crash, starts, and files that were taken away: no name of a run is given twice.
TEST(Resume, NumbersRunsOnWhateverBecameOfTheFiles) {
  const support::TempDir dir;
  TcpPeer peer;
  std::optional<Recording> recording;
  int sent = 0, durable = 0;
  const auto send = [&] {  // a run of its own
    ASSERT_TRUE(peer.send(numbered_lines(sent, sent + 5)));
    sent += 10;
    durable += 5;
    ASSERT_TRUE(recording->wait_until([&](const auto& s) {
      return s.at("sources").at(0).at("samples").at("durable") == durable;
    })) << recording->log();
  };
  const auto start = [&] {
    recording.emplace(Recording::tcp(peer.port()), options(dir));
    ASSERT_TRUE(peer.accept()) << recording->log();
    durable = 0;
    send();
  };
  const auto kill = [&] {
    recording->process().signal(SIGKILL);
    EXPECT_EQ(recording->process().wait(), 137);
  };
  start();
  send();
  recording->process().signal(SIGHUP);
  ASSERT_TRUE(recording->wait_for_log("file closed")) << recording->log();
  send();
  send();
  kill();
  start();  // 5, in the file of 3 and 4
  EXPECT_EQ(recording->stop(), 0);
  start();  // 6, in a file of its own
  EXPECT_EQ(recording->stop(), 0);
  const auto taken = dir / "taken";  // to the office
  std::filesystem::create_directory(taken);
  for (const auto& file : support::files_in(dir.path())) std::filesystem::rename(file, taken / file.filename());
  start();  // 7
  kill();
  ASSERT_TRUE(std::filesystem::remove(dir / ".mth5d-TEST-MT001.lock"));  // or a power cut took what it says
  start();                                                               // 8
  EXPECT_EQ(recording->stop(), 0);
  std::vector<std::string> names;
  for (const auto& folder : {taken, dir.path()})
    for (const auto& file : support::files_in(folder)) {
      const mth5::Reader reader{file};
      for (const auto& run : reader.runs()) names.push_back(run.id);
    }
  EXPECT_THAT(names, ElementsAre("sr1_0001", "sr1_0002", "sr1_0003", "sr1_0004", "sr1_0005", "sr1_0006", "sr1_0007", "sr1_0008"));
}

/// Two recorders in one folder whose names tell nothing but the time, of two stations or two surveys.
TEST(Resume, PassesOverFilesOfAnotherRecorderWithTheSameNames) {
  for (const char* other : {"station.id=MT002", "survey.id=OTHER"}) {
    const support::TempDir dir;
    const auto with = [&](const std::vector<std::string>& more) {
      auto all = options(dir);
      all.arguments = {"--set", "output.file_name=rec_{start:%Y%m%dT%H%M%SZ}.h5"};
      all.arguments.insert(all.arguments.end(), more.begin(), more.end());
      return all;
    };
    TcpPeer peer, other_peer;
    std::optional<Recording> first{std::in_place, Recording::tcp(peer.port()), with({})};
    std::optional<Recording> second{std::in_place, Recording::tcp(other_peer.port()), with({"--set", other})};
    ASSERT_TRUE(peer.accept() && other_peer.accept()) << first->log() << second->log();
    ASSERT_TRUE(peer.send(numbered_lines(0, 40)) && other_peer.send(numbered_lines(100, 140)));
    const auto sees_40 = [](const auto& s) { return s.at("sources").at(0).at("samples").at("durable") == 40; };
    ASSERT_TRUE(first->wait_until(sees_40) && second->wait_until(sees_40)) << first->log() << second->log();
    const auto ours = first->file(), theirs = second->file();
    ASSERT_LT(ours, theirs);
    first->process().signal(SIGKILL);
    EXPECT_EQ(first->process().wait(), 137);

    first.emplace(Recording::tcp(peer.port()), with({}));
    ASSERT_TRUE(peer.accept()) << "while the other one records: " << first->log();
    ASSERT_TRUE(peer.send(numbered_lines(50, 60)));
    ASSERT_TRUE(first->wait_for_log("resumed in file=" + ours.string())) << first->log();
    second->process().signal(SIGKILL);
    EXPECT_EQ(second->process().wait(), 137);
    ASSERT_TRUE(first->wait_for_bytes(numbered_lines(50, 60).size()));
    support::expect_good_end(*first);

    first.emplace(Recording::tcp(peer.port()), with({}));
    ASSERT_TRUE(peer.accept()) << first->log();
    ASSERT_TRUE(peer.send(numbered_lines(55, 70)));
    ASSERT_TRUE(first->wait_for_bytes(numbered_lines(55, 70).size()));
    const auto status = support::expect_good_end(*first);
    EXPECT_EQ(status.at("sources").at(0).at("dropped").at("duplicate"), 5) << "known from its own file";
    EXPECT_THAT(lines_with(first->log(), theirs.filename()), IsEmpty()) << first->log();
    EXPECT_EQ(support::stored(ours).seconds.size(), 50u);

    second.emplace(Recording::tcp(other_peer.port()), with({"--set", other}));
    ASSERT_TRUE(other_peer.accept()) << second->log();
    ASSERT_TRUE(other_peer.send(numbered_lines(140, 150)));
    ASSERT_TRUE(second->wait_for_bytes(numbered_lines(140, 150).size()));
    support::expect_good_end(*second);
    EXPECT_THAT(lines_with(second->log(), "resumed in file=" + theirs.string()), SizeIs(1)) << second->log();
    EXPECT_EQ(support::stored(theirs).seconds, seconds(100, 150));
  }
}

TEST(Resume, LeavesADamagedFileAloneAndBeginsANewOne) {
  const support::TempDir dir;
  TcpPeer peer;
  const auto dead = record_and_kill(peer, dir, 0, 50);
  auto bytes = support::read_text(dead);
  std::fill(bytes.begin() + 16, bytes.end(), 'x');
  bytes.replace(1 << 20, 12, std::string{"\x89HDF\r\n\x1a\n\x03\x08\x08\x05", 12});  // flagged as being written
  support::write_text(dead, bytes);
  Recording recording{Recording::tcp(peer.port()), options(dir)};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(100, 150)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(100, 150).size()));
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  EXPECT_EQ(support::read_text(dead), bytes) << "what cannot be understood was changed";
  EXPECT_THAT(lines_with(recording.log(), "error: not resumed, a new file begins: file=" + dead.string()), SizeIs(1));
  EXPECT_EQ(support::stored(dir / "MT001_20201004T000140Z.h5").seconds, seconds(100, 150));
}

/// Killed in the middle of a roll, or of the first commit: a file has its name only with its first samples.
TEST(Resume, ClearsUpFilesThatHadNoNameYetAndLosesNoSample) {
  const support::TempDir dir;
  TcpPeer peer;
  const auto old = record_and_kill(peer, dir, 0, 40);
  ASSERT_EQ(support::forked([&] {
              const auto begun = mth5::File::create(dir / "MT001_20201004T010000Z.h5");
              _exit(0);
              return 0;
            }).code,
            0);
  const auto named = [&](const std::string& what) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{dir.path()})
      if (const auto name = entry.path().filename().string(); name.find(what) != std::string::npos) names.push_back(name);
    return names;
  };
  const auto begun = named("MT001_20201004T010000Z.h5.");
  ASSERT_THAT(begun, SizeIs(1));
  support::write_text(dir / ".MT001_20201004T020000Z.h5.4711.part", "");  // nothing of it had come to the disk
  support::write_text(dir / "..mth5d-TEST-MT001.try.4711.part", "");      // at a reload
  support::write_text(dir / ".mth5d-TEST-MT001.try", "");
  support::write_text(dir / ".MT002_20201004T020000Z.h5.4711.part", "");  // of another recorder
  ASSERT_EQ(support::forked([&] {                                         // and of one whose names are the same
              support::TestWriter{dir / "x.h5"}.append(10);
              return 0;
            })
                .code,
            0);
  std::filesystem::rename(dir / "x.h5", dir / ".MT001_20201004T030000Z.h5.4711.part");
  record_well(peer, dir, 40, 60,
              "info: removed what recorders that died had begun, without a sample files=..mth5d-TEST-MT001.try.4711.part," +
                  begun[0] + ",.MT001_20201004T020000Z.h5.4711.part");
  EXPECT_THAT(named(".try"), IsEmpty());
  EXPECT_THAT(named(".part"),
              testing::UnorderedElementsAre(".MT001_20201004T030000Z.h5.4711.part", ".MT002_20201004T020000Z.h5.4711.part"));
  EXPECT_EQ(support::stored(old).seconds, seconds(0, 60)) << "the one that was killed is resumed, and hidden by none of these";

  // Committed, and killed before it had its name.
  const support::TempDir other;
  const auto killed = record_and_kill(peer, other, 0, 40);
  const auto part = other / ("." + killed.filename().string() + ".4711.part");
  std::filesystem::rename(killed, part);
  record_well(
      peer, other, 40, 60,
      "warning: a recorder died before this file had its name, which it has now: file=" + killed.string() + " samples=360");
  EXPECT_FALSE(std::filesystem::exists(part));
  EXPECT_EQ(all_in(other), seconds(0, 60));
}

}  // namespace
