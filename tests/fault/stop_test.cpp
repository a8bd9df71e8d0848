#include <gmock/gmock.h>

#include <csignal>

#include "mth5/reader.hpp"
#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"

/// Signals in full flow: what has reached this machine is in the file.
namespace {

using support::Counts;
using support::counts;
using support::numbered_line;
using support::numbered_lines;
using support::PtyPeer;
using support::Recording;
using support::seconds;
using support::TcpPeer;
using testing::IsEmpty;

constexpr int kMany = 60'000;  // 9 MB: several times what the ring holds

/// Ends by itself after a signal, well.
nlohmann::json expect_stopped(Recording& recording) {
  EXPECT_EQ(recording.process().wait(std::chrono::seconds{90}), 0) << recording.log();
  return support::expect_good_end_status(recording);
}

class Stop : public testing::TestWithParam<int> {};

TEST_P(Stop, KeepsAllThatCameOverTcp) {
  const auto all = numbered_lines(0, kMany);
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port())};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(all));
  ASSERT_TRUE(peer.all_received());
  recording.process().signal(GetParam());
  const auto status = expect_stopped(recording);
  EXPECT_THAT(counts(status, "skipped"), IsEmpty());
  EXPECT_THAT(counts(status, "dropped"), IsEmpty());
  EXPECT_EQ(status.at("sources").at(0).at("bytes"), all.size());
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, kMany));
}

TEST_P(Stop, KeepsAllThatCameOverALine) {
  constexpr int kLines = 20'000;
  const auto all = numbered_lines(0, kLines);
  const support::TempDir dir;
  PtyPeer line{dir / "lemi"};
  // A line cannot be told to wait: room for all of it, so that the disk of the machine under test does not matter.
  Recording recording{Recording::serial(line.link()), {.config = "ring: 1d\n"}};
  ASSERT_TRUE(recording.wait_for_log("source connected")) << recording.log();
  ASSERT_TRUE(line.send(all));
  recording.process().signal(GetParam());
  const auto status = expect_stopped(recording);
  EXPECT_THAT(counts(status, "skipped"), IsEmpty());
  EXPECT_THAT(counts(status, "dropped"), IsEmpty());
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, kLines));
}

INSTANTIATE_TEST_SUITE_P(, Stop, testing::Values(SIGTERM, SIGINT),
                         [](const auto& test) { return test.param == SIGTERM ? "Term" : "Int"; });

/// Sends lines without pause, sends TERM on the way and goes on until nobody listens.
template <class Peer>
void expect_prefix(Peer& peer, Recording& recording) {
  const auto all = numbered_lines(0, 4 * kMany);
  std::size_t sent = 0;
  bool told = false;
  const bool ended = support::eventually(
      [&] {
        for (std::size_t n = 1; n > 0;) sent += n = peer.send_some(std::string_view{all}.substr(sent, 8192));
        if (!told && sent > 500'000) {
          recording.process().signal(SIGTERM);
          told = true;
        }
        return told && !recording.process().running();
      },
      std::chrono::seconds{90});
  ASSERT_TRUE(ended) << recording.log();
  const auto status = expect_stopped(recording);
  EXPECT_LT(status.at("sources").at(0).at("bytes"), all.size()) << "TERM came too late to prove anything";
  const auto stored = support::stored(recording.file()).seconds;
  EXPECT_GT(stored.size(), 1000u);
  EXPECT_EQ(stored, seconds(0, static_cast<int>(stored.size())));
  EXPECT_THAT(counts(status, "dropped"), IsEmpty());
  const auto skipped = counts(status, "skipped");  // the line that was cut by the end, if any
  for (const auto& [reason, n] : skipped) {
    EXPECT_EQ(reason, "cut-off");
    EXPECT_LT(n, numbered_line(static_cast<int>(stored.size())).size());
  }
  std::size_t bytes = 0;
  for (const auto& [reason, n] : skipped) bytes += n;
  bytes += numbered_lines(0, static_cast<int>(stored.size())).size();
  EXPECT_NEAR(static_cast<double>(bytes), status.at("sources").at(0).at("bytes").get<double>(), 1.0);  // a last line end
}

TEST(StopWhileSending, LeavesAPrefixOverTcp) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port())};
  ASSERT_TRUE(peer.accept()) << recording.log();
  expect_prefix(peer, recording);
}

TEST(StopWhileSending, LeavesAPrefixOverALine) {
  const support::TempDir dir;
  PtyPeer line{dir / "lemi"};
  Recording recording{Recording::serial(line.link()), {.config = "ring: 1d\n"}};
  ASSERT_TRUE(recording.wait_for_log("source connected")) << recording.log();
  expect_prefix(line, recording);
}

TEST(Hup, BeginsANewFileAndLosesNothingBetween) {
  const auto all = numbered_lines(0, kMany);
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port())};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(std::string_view{all}.substr(0, all.size() / 2)));
  ASSERT_TRUE(recording.wait_for_log("file open"));
  recording.process().signal(SIGHUP);
  ASSERT_TRUE(peer.send(std::string_view{all}.substr(all.size() / 2)));
  ASSERT_TRUE(recording.wait_for_log("file closed")) << recording.log();
  ASSERT_TRUE(recording.wait_for_bytes(all.size()));
  support::expect_good_end(recording);
  ASSERT_EQ(recording.files().size(), 2u);
  std::vector<int> both;
  for (const auto& file : recording.files()) {
    const auto stored = support::stored(file);
    EXPECT_EQ(stored.state, mth5::FileState::Closed);
    EXPECT_THAT(stored.starts, testing::SizeIs(1));
    both.insert(both.end(), stored.seconds.begin(), stored.seconds.end());
    EXPECT_THAT(support::stored_gaps(file), IsEmpty());
  }
  EXPECT_EQ(both, seconds(0, kMany));
}

/// Changes the configuration, as an editor does.
void edit(const Recording& recording, const std::string& from, const std::string& to) {
  auto text = support::read_text(recording.config_path());
  const auto at = text.find(from);
  ASSERT_NE(at, std::string::npos) << text;
  support::write_text(recording.config_path(), text.replace(at, from.size(), to));
}

double dipole_length(const std::filesystem::path& file) {
  const mth5::Reader reader{file};
  for (std::size_t i = 0; i < reader.channels().size(); ++i)
    if (reader.channels()[i].component == "e1") return reader.channel_metadata(i).number("dipole_length");
  return 0;
}

TEST(Hup, TakesWhatTheConfigurationSaysNowAndNamesWhatItCannotTake) {
  TcpPeer peer;
  Recording recording{
      Recording::tcp(peer.port()),
      {.source = "idle_timeout: 60s\nchannels: {e1: {dipole_length: 50}}\n", .config = "flush: {interval: 1h, samples: 1000}\n"}};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 1001)));
  ASSERT_TRUE(recording.wait_for_log("file open")) << recording.log();
  edit(recording, "dipole_length: 50", "dipole_length: 90");
  edit(recording, "interval: 1h", "interval: 100ms");
  edit(recording, "idle_timeout: 60s", "idle_timeout: 50s");
  edit(recording, "id: MT001}", "id: MT001, location: {latitude: 41, longitude: 9, elevation: 7}}");
  recording.process().signal(SIGHUP);
  ASSERT_TRUE(recording.wait_for_log("file closed")) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(1001, 1602)));
  // An hour is not waited for any more.
  ASSERT_TRUE(support::eventually(
      [&] {
        const auto files = recording.files();
        return files.size() == 2 && support::stored(files.back()).seconds.size() >= 500;
      },
      std::chrono::seconds{30}))
      << recording.log();
  EXPECT_THAT(recording.log(), testing::HasSubstr("configuration changed flush.interval: 100ms, was 1h"));
  EXPECT_THAT(recording.log(), testing::HasSubstr("configuration changed sources[0].channels.e1.dipole_length: 90, was 50"));
  EXPECT_THAT(recording.log(), testing::HasSubstr("configuration changed station.location.latitude: 41, was not set"));
  EXPECT_THAT(recording.log(),
              testing::HasSubstr("configuration not taken sources[0].idle_timeout: 50s, was 1min; start mth5d again for it"));
  // A file that is wrong takes nothing away; what was not taken before is still told.
  edit(recording, "idle_timeout: 50s", "idle_timeout: never");
  recording.process().signal(SIGHUP);
  ASSERT_TRUE(recording.wait_for_log("configuration not taken: .*idle_timeout.*recording goes on as before")) << recording.log();
  edit(recording, "idle_timeout: never", "idle_timeout: 50s");
  ASSERT_TRUE(peer.send(numbered_lines(1602, 1702)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(0, 1702).size()));
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  (void)support::expect_good_end_status(recording);
  const auto files = recording.files();
  ASSERT_GE(files.size(), 2u) << recording.log();
  EXPECT_EQ(dipole_length(files.front()), 50);
  EXPECT_EQ(dipole_length(files.back()), 90);
  std::vector<int> all;
  for (const auto& file : files) {
    const auto stored = support::stored(file);
    all.insert(all.end(), stored.seconds.begin(), stored.seconds.end());
  }
  EXPECT_EQ(all, seconds(0, 1702));
}

TEST(SecondSignal, LeavesAtOnce) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port())};
  ASSERT_TRUE(peer.accept()) << recording.log();
  const auto all = numbered_lines(0, 100);
  ASSERT_TRUE(peer.send(all));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return !s.at("channels").empty() && s["channels"][0]["visible"] == 100; }))
      << recording.log();
  ASSERT_TRUE(support::freeze(recording.process().pid()));  // both are there when it looks
  recording.process().signal(SIGTERM);
  recording.process().signal(SIGINT);
  recording.process().signal(SIGCONT);
  EXPECT_EQ(recording.process().wait(), 130) << recording.log();
  EXPECT_THAT(support::lines_with(recording.log(), "warning: leaving at once signal=(INT|TERM): [0-9]+ samples wait in memory"),
              testing::SizeIs(1))
      << recording.log();
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 100));
}

/// As timeout(1) sends it: to the process, and to its group.
TEST(SecondSignal, ThatIsTheSameAtOnceIsTheSameOrder) {
  for (const int signal : {SIGTERM, SIGINT}) {
    TcpPeer peer;
    Recording recording{Recording::tcp(peer.port()), {.config = "flush: {interval: 1h}\nsync: {interval: 1h}\n"}};
    ASSERT_TRUE(peer.accept()) << recording.log();
    const auto all = numbered_lines(0, kMany);
    ASSERT_TRUE(peer.send(all));
    ASSERT_TRUE(peer.all_received());
    recording.process().signal(signal);
    ASSERT_TRUE(recording.wait_for_log("stopping signal=")) << recording.log();  // else the kernel makes one of the two
    recording.process().signal(signal);
    (void)expect_stopped(recording);
    EXPECT_THAT(recording.log(), testing::ContainsRegex("info: end\n"));
    EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, kMany));
  }
}

TEST(Kill, LeavesAllThatWasFlushed) {
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), {.config = "flush: {samples: 100, interval: 100ms}\n"}};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 5001)));
  // The last sample of all may be on its way; the others are promised to readers.
  ASSERT_TRUE(recording.wait_until([](const auto& s) {
    return !s.at("channels").empty() && s["channels"][0]["visible"] >= 5001;
  })) << recording.log();
  const auto file = recording.file();
  recording.process().signal(SIGKILL);
  EXPECT_EQ(recording.process().wait(), 128 + SIGKILL);
  const auto stored = support::stored(file);
  EXPECT_EQ(stored.state, mth5::FileState::WriterDied);
  EXPECT_EQ(stored.seconds, seconds(0, 5001));
}

TEST(StopAmongGaps, EndsClosedAndCountedWithARunForEverySecondSample) {
  constexpr int kLines = 3000;
  std::string all;
  for (int i = 0; i < kLines; ++i) all += numbered_line(i / 2 * 3 + i % 2) + "\n";  // two, and one is missing
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port())};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(all));
  ASSERT_TRUE(peer.all_received());
  recording.process().signal(SIGTERM);
  const auto status = expect_stopped(recording);
  EXPECT_THAT(counts(status, "dropped"), IsEmpty());
  EXPECT_TRUE(status.at("ledger").at("balanced").get<bool>()) << status.at("ledger").dump(1);
  std::vector<int> stored;
  for (const auto& file : recording.files()) {
    const auto part = support::stored(file);
    EXPECT_EQ(part.state, mth5::FileState::Closed) << file;
    EXPECT_LE(part.starts.size(), 1000u) << "the next file begins";
    stored.insert(stored.end(), part.seconds.begin(), part.seconds.end());
  }
  std::vector<int> sent;
  for (int i = 0; i < kLines; ++i) sent.push_back(i / 2 * 3 + i % 2);
  EXPECT_EQ(stored, sent);
  EXPECT_EQ(recording.files().size(), 2u) << "1500 runs, 1000 a file";
}

}  // namespace
