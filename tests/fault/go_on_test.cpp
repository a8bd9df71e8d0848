#include <gmock/gmock.h>

#include <csignal>

#include "mth5/reader.hpp"
#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"

/// A source that can send again what its daemon lost: it is told where to go on, and what it sends twice is stored once.
namespace {

using support::numbered_lines;
using support::Recording;
using support::RecordingOptions;
using support::seconds;
using support::TcpPeer;
using testing::ElementsAre;
using testing::HasSubstr;

/// Lines with a number of their own, which is a token.
std::string lines(int first, int last) {
  std::string all;
  for (int k = first; k < last; ++k) {
    char text[80];
    std::snprintf(text, sizeof text, "2026 05 01 00 %02d %02d N%04d %d.5\n", k / 60, k % 60, k, k);
    all += text;
  }
  return all;
}

/// Of 32-bit floats, which are not the numbers of the lines.
RecordingOptions options(const support::TempDir& dir, const std::string& sync = "200ms") {
  return {.source =
              "commands: {start: [{send: 'FROM {token} {durable:%H:%M:%S}\\r'}, {send: 'GO\\r'}]}\n"
              "reconnect: {first: 50ms, limit: 100ms}\n",
          .config = "flush: {samples: 100, interval: 50ms}\nsync: {interval: " + sync + "}\n",
          .directory = dir.path(),
          .instrument =
              "{sample_rate: 1, text: {columns: [year, month, day, hour, minute, second, token, {channel: ex}]}, channels: "
              "{ex: {type: electric, units: milliVolt, dtype: float32}}}"};
}

std::uint64_t of_samples(const nlohmann::json& status, const char* what) {
  return status.at("sources").at(0).at("samples").at(what).get<std::uint64_t>();
}

/// The newest row of the table.
std::string token_in(const std::filesystem::path& file) {
  const mth5::Reader reader{file};
  const auto rows = reader.table("resume");
  if (!rows || rows->size() == 0) return "";
  const auto time = mth5::UtcNanos{mth5::Nanos{rows->integer(rows->size() - 1, "time")}};
  return rows->text(rows->size() - 1, "token") + " " + mth5::to_iso(time).substr(11, 8);
}

std::vector<double> all_samples(const std::filesystem::path& file) {
  const mth5::Reader reader{file};
  std::vector<double> all;
  for (const auto& run : reader.runs()) {
    const auto values = reader.read(run.channels.at(0), 0, run.n_samples);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

std::vector<double> expected(int first, int last) {
  std::vector<double> all;
  for (int k = first; k < last; ++k) all.push_back(k + 0.5);
  return all;
}

TEST(GoingOn, TheTokenIsThatOfTheLastDurableSampleWhateverKilledTheDaemon) {
  const support::TempDir dir;
  TcpPeer peer;
  std::filesystem::path file;
  {
    Recording recording{Recording::tcp(peer.port()), options(dir)};
    ASSERT_TRUE(peer.accept());
    EXPECT_EQ(peer.receive("GO\r"), "GO\r") << "nothing is known yet, so that command is left out";
    ASSERT_TRUE(peer.send(lines(0, 50)));
    ASSERT_TRUE(recording.wait_until([](const auto& s) { return of_samples(s, "durable") == 50; })) << recording.log();
    peer.hang_up();
    ASSERT_TRUE(peer.accept());
    EXPECT_EQ(peer.receive("GO\r"), "FROM N0049 00:00:49\rGO\r") << "a new connection goes on there, too";
    recording.process().signal(SIGKILL);
    EXPECT_EQ(recording.process().wait(), 137);
    file = recording.file();
  }
  EXPECT_EQ(token_in(file), "N0049 00:00:49");
  {
    Recording recording{Recording::tcp(peer.port()), options(dir, "1h")};  // nothing is durable by itself from here on
    ASSERT_TRUE(peer.accept());
    EXPECT_EQ(peer.receive("GO\r"), "FROM N0049 00:00:49\rGO\r");
    ASSERT_TRUE(peer.send(lines(45, 80)));  // some of it twice
    ASSERT_TRUE(recording.wait_until([](const auto& s) { return of_samples(s, "visible") == 30; })) << recording.log();
    EXPECT_EQ(recording.status()->at("sources").at(0).at("dropped").at("duplicate"), 5);
    recording.process().signal(SIGKILL);
    EXPECT_EQ(recording.process().wait(), 137);
    EXPECT_EQ(token_in(file), "N0049 00:00:49") << "what is visible is not durable";
  }
  Recording recording{Recording::tcp(peer.port()), options(dir)};
  ASSERT_TRUE(peer.accept());
  EXPECT_EQ(peer.receive("GO\r"), "FROM N0049 00:00:49\rGO\r");
  ASSERT_TRUE(peer.send(lines(50, 100)));
  ASSERT_TRUE(recording.wait_for_bytes(lines(50, 100).size()));
  support::expect_good_end(recording);
  EXPECT_EQ(recording.file(), file);
  EXPECT_EQ(all_samples(file), expected(0, 100)) << "nothing twice, nothing missing";
  EXPECT_EQ(token_in(file), "N0099 00:01:39");
}

TEST(GoingOn, ANewFileOfTheStationBeginsWhereTheOneThatWasClosedEnded) {
  const support::TempDir dir;
  TcpPeer peer;
  for (const int first : {0, 40, 80}) {
    Recording recording{Recording::tcp(peer.port()), options(dir)};
    ASSERT_TRUE(peer.accept());
    EXPECT_EQ(peer.receive("GO\r"), first == 0    ? "GO\r"
                                    : first == 40 ? "FROM N0049 00:00:49\rGO\r"
                                                  : "FROM N0089 00:01:29\rGO\r");
    ASSERT_TRUE(peer.send(lines(first, first + 50)));
    ASSERT_TRUE(recording.wait_for_bytes(lines(first, first + 50).size()));
    support::expect_good_end(recording);
    EXPECT_EQ(recording.status()->at("sources").at(0).at("dropped").at("duplicate"), first == 0 ? 0 : 10);
  }
  std::size_t n = 0;
  for (const auto& file : support::files_in(dir.path())) n += all_samples(file).size();
  EXPECT_EQ(n, 130u);
}

TEST(GoingOn, AFileThatBeginsWithoutNewTokensSaysWhereToGoOnAllTheSame) {
  const support::TempDir dir;
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), options(dir)};
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(peer.send(lines(0, 20)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return of_samples(s, "durable") == 20; })) << recording.log();
  recording.process().signal(SIGHUP);
  ASSERT_TRUE(recording.wait_for_log("file closed")) << recording.log();
  ASSERT_TRUE(peer.send("2026 05 01 00 00 20 ? 20.5\n2026 05 01 00 00 21"));
  std::string line(" ?");
  line[1] = '\x01';  // no token
  ASSERT_TRUE(peer.send(line + " 21.5\n"));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return of_samples(s, "durable") == 22; })) << recording.log();
  support::expect_good_end(recording);
  std::vector<std::string> tokens;
  for (const auto& file : recording.files()) tokens.push_back(token_in(file));
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_EQ(tokens[0], "N0019 00:00:19");
  EXPECT_EQ(tokens[1], "N0019 00:00:19");
}

TEST(SentAgain, AfterAKillItIsStoredOnceAndCounted) {
  const support::TempDir dir;
  TcpPeer peer;
  const RecordingOptions plain{.config = "flush: {samples: 100, interval: 50ms}\nsync: {interval: 200ms}\n",
                               .directory = dir.path()};
  {
    Recording recording{Recording::tcp(peer.port()), plain};
    ASSERT_TRUE(peer.accept());
    ASSERT_TRUE(peer.send(numbered_lines(0, 300)));
    ASSERT_TRUE(recording.wait_until([](const auto& s) { return of_samples(s, "durable") == 300; })) << recording.log();
    recording.process().signal(SIGKILL);
    EXPECT_EQ(recording.process().wait(), 137);
  }
  Recording recording{Recording::tcp(peer.port()), plain};
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(peer.send(numbered_lines(200, 350)));
  ASSERT_TRUE(recording.wait_for_bytes(numbered_lines(200, 350).size()));
  const auto status = support::expect_good_end(recording);
  EXPECT_EQ(status.at("sources").at(0).at("dropped").at("duplicate"), 100);
  EXPECT_EQ(support::stored(recording.file()).seconds, seconds(0, 350));
  EXPECT_THAT(support::stored_gaps(recording.file()), testing::IsEmpty());
}

}  // namespace
