#include <fcntl.h>
#include <gmock/gmock.h>
#include <pty.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "mth5/reader.hpp"
#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"

/// A log that nobody reads: a stalled journald, a terminal stopped with Ctrl-S, `mth5d 2>&1 | less`.
namespace {

using support::lines_with;
using support::numbered_lines;
using support::Recording;
using support::seconds;
using support::TcpPeer;

/// Runs what follows with its stderr at `path`.
support::RecordingOptions log_to(const std::filesystem::path& path) {
  return {.wrapper = {"sh", "-c", "log=$1; shift; exec \"$@\" 2>\"$log\"", "sh", path.string()}};
}

/// Takes what is in it without waiting.
std::string drain(int fd) {
  std::string all;
  char buffer[65536];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(n));
  return all;
}

/// To the brim.
void fill(int fd) {
  const std::string blank(4096, '.');
  while (write(fd, blank.data(), blank.size()) > 0) {
  }
}

/// Records lines with a log that takes nothing: more messages than any queue takes, then more lines, then TERM.
void expect_undisturbed(Recording& recording, TcpPeer& peer) {
  ASSERT_TRUE(peer.accept());
  const auto first = numbered_lines(0, 100);
  const auto rest = numbered_lines(100, 200);
  ASSERT_TRUE(peer.send(first));
  ASSERT_TRUE(recording.wait_for_bytes(first.size())) << "not even begun";
  for (int i = 0; i < 500; ++i) recording.process().signal(SIGUSR1);  // each a line of the log
  ASSERT_TRUE(peer.send(rest));
  ASSERT_TRUE(recording.wait_for_bytes(first.size() + rest.size())) << "a log that nobody reads stopped the recording";
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("sources").at(0).at("samples").at("visible") >= 199; }))
      << "or its writer";
  EXPECT_EQ(recording.stop(), 0) << "TERM is not heeded";
  const auto stored = support::stored(recording.file());
  EXPECT_EQ(stored.state, mth5::FileState::Closed);
  EXPECT_EQ(stored.seconds, seconds(0, 200));
}

TEST(Log, ThatNobodyTakesFromAPipeDisturbsNothing) {
  const support::TempDir dir;
  const auto fifo = dir / "log";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const int ends = open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(ends, 0);
  fill(ends);
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), log_to(fifo)};
  expect_undisturbed(recording, peer);
  close(ends);
}

TEST(Log, OfAStoppedTerminalDisturbsNothing) {
  int master = -1;
  int slave = -1;
  char name[128];
  ASSERT_EQ(openpty(&master, &slave, name, nullptr, nullptr), 0);
  fcntl(master, F_SETFL, O_NONBLOCK);
  ASSERT_EQ(write(master, "\x13", 1), 1);  // Ctrl-S
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), log_to(name)};
  expect_undisturbed(recording, peer);
  EXPECT_EQ(drain(master), "") << "the terminal was not stopped: the test shows nothing";
  close(slave);
  close(master);
}

TEST(Log, ThatIsReadLateIsWhole) {
  const support::TempDir dir;
  const auto fifo = dir / "log";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const int ends = open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(ends, 0);
  fill(ends);
  TcpPeer peer;
  Recording recording{Recording::tcp(peer.port()), log_to(fifo)};
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(peer.send(numbered_lines(0, 100)));
  ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("sources").at(0).at("samples").at("visible") >= 99; }));
  std::string log = drain(ends);
  EXPECT_EQ(recording.stop(), 0);
  log += drain(ends);
  for (const char* line : {"info: start ", "info: source connected ", "info: file open ", "info: stopping ", "info: end$"})
    EXPECT_EQ(lines_with(log, line).size(), 1u) << line;
  EXPECT_EQ(recording.status().value().at("log").at("dropped_lines"), 0);
  close(ends);
}

TEST(Log, TakesTheErrorThatEndsTheProgramAndWaitsForNobody) {
  const support::TempDir dir;
  const auto fifo = dir / "log";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const int ends = open(fifo.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(ends, 0);
  TcpPeer peer;
  Recording good{Recording::tcp(peer.port()), log_to(fifo)};
  ASSERT_TRUE(peer.accept()) << "it has not begun";
  const support::RecordingOptions same{.wrapper = log_to(fifo).wrapper, .directory = good.directory()};
  Recording second{Recording::tcp(peer.port()), same};  // the station is taken
  EXPECT_EQ(second.process().wait(std::chrono::seconds{30}), 1);
  EXPECT_EQ(lines_with(drain(ends), "^mth5d: error: ").size(), 1u);
  fill(ends);
  Recording third{Recording::tcp(peer.port()), same};
  EXPECT_EQ(third.process().wait(std::chrono::seconds{30}), 1) << "it waits for a reader of its last line";
  EXPECT_EQ(good.stop(), 0);
  close(ends);
}

/// The lines of a file's own log, as "level: text".
std::vector<std::string> log_in(const std::filesystem::path& file) {
  const mth5::Reader reader{file};
  const auto table = reader.table("log").value();
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < table.size(); ++i) lines.push_back(table.text(i, "level") + ": " + table.text(i, "text"));
  return lines;
}

TEST(Log, StandsInTheFileTooWhateverKilledTheRecorder) {
  TcpPeer peer;
  Recording first{Recording::tcp(peer.port()), {.config = "sync: {interval: 100ms}\n"}};
  ASSERT_TRUE(peer.accept());
  ASSERT_TRUE(peer.send(numbered_lines(0, 100)));
  ASSERT_TRUE(first.wait_for_log("info: run begun "));
  // What is said while no sample comes is not to wait for one.
  peer.hang_up();
  const auto lost = first.wait_for_log("warning: source waiting .*");
  ASSERT_TRUE(lost) << first.log();
  ASSERT_TRUE(support::eventually([&] {
    const auto lines = log_in(first.file());
    return std::any_of(lines.begin(), lines.end(),
                       [](const auto& line) { return line.find("warning: source waiting source=") == 0; });
  })) << testing::PrintToString(log_in(first.file()));
  first.process().signal(SIGKILL);
  EXPECT_EQ(first.process().wait(std::chrono::seconds{30}), 128 + SIGKILL);
  TcpPeer other;  // at the first a call of who was killed may wait
  Recording second{Recording::tcp(other.port()), {.config = "sync: {interval: 100ms}\n", .directory = first.directory()}};
  ASSERT_TRUE(other.accept());
  ASSERT_TRUE(other.send(numbered_lines(200, 300)));
  ASSERT_TRUE(second.wait_for_log("info: run begun "));
  EXPECT_EQ(second.stop(), 0);
  std::vector<std::string> said;  // without their times
  for (const auto& log : {first.log(), second.log()})
    for (const auto& line : lines_with(log, "^2")) said.push_back(line.substr(line.find(' ') + 1));
  const auto kept = log_in(second.file());
  ASSERT_GT(kept.size(), 8u) << testing::PrintToString(kept);
  // The kill took what was said in the last moment, and the close of the file what was said of it.
  std::size_t at = 0;
  for (const auto& line : kept) {
    while (at < said.size() && said[at].compare(0, line.size(), line) != 0) ++at;
    ASSERT_LT(at++, said.size()) << line << "\nof " << testing::PrintToString(said);
  }
  for (const char* line :
       {"info: start ", "info: file open ", "warning: source waiting ", "warning: recovered file=", "info: resumed in "})
    EXPECT_TRUE(std::any_of(kept.begin(), kept.end(), [&](const auto& k) { return k.find(line) == 0; })) << line;
  // And in every report that has words.
  const auto warnings = std::count_if(kept.begin(), kept.end(), [](const auto& k) { return k.find("warning: ") == 0; });
  const auto report = [&](const char* format) {
    return support::run({support::program("mth5-summary"), "--format", format, second.file().string()}).out;
  };
  EXPECT_THAT(report("text"), testing::HasSubstr("  log: " + std::to_string(warnings) + " warnings, 0 errors\n"));
  EXPECT_THAT(report("text"), testing::HasSubstr(" warning: recovered file="));
  const auto log = nlohmann::json::parse(report("json")).at("files").at(0).at("log");
  EXPECT_EQ(log.at("warnings"), warnings);
  EXPECT_EQ(log.at("errors"), 0);
  const auto& lines = log.at("lines");
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(), [](const auto& l) { return l.at("level") == "info"; }), 3)
      << "two starts and a stop: " << lines;
  EXPECT_THAT(report("html"), testing::HasSubstr("What the recorder said"));
}

TEST(Log, TellsTheJournalHowMuchALineMatters) {
  const support::TempDir dir;
  support::write_text(dir / "day.txt", numbered_lines(0, 10));
  support::write_text(dir / "log", "");
  const std::vector<std::string> journal{
      "sh", "-c", "log=$1; shift; export JOURNAL_STREAM=$(stat -c %d:%i \"$log\"); exec \"$@\" 2>>\"$log\"", "sh",
      (dir / "log").string()};
  Recording recording{Recording::replay(dir / "day.txt"), {.arguments = {"--until-eof"}, .wrapper = journal}};
  ASSERT_EQ(recording.process().wait(std::chrono::seconds{60}), 0);
  Recording absent{Recording::replay(dir / "none.txt"), {.arguments = {"--until-eof"}, .wrapper = journal}};
  EXPECT_EQ(absent.process().wait(std::chrono::seconds{60}), 1);
  const auto log = support::read_text((dir / "log").string());
  EXPECT_EQ(lines_with(log, "^<6>info: start ").size(), 2u) << log;
  EXPECT_EQ(lines_with(log, "^<3>error: source failed ").size(), 1u) << log;
  EXPECT_EQ(lines_with(log, "^[^<]").size(), 0u) << log;
  EXPECT_EQ(lines_with(log, "^<3>mth5d: error: ").size(), 1u) << log;
  // Inherited by what a service starts, with its stderr somewhere else.
  Recording by_hand{Recording::replay(dir / "day.txt"), {.arguments = {"--until-eof"}, .wrapper = {"env", "JOURNAL_STREAM=1:2"}}};
  ASSERT_EQ(by_hand.process().wait(std::chrono::seconds{60}), 0);
  EXPECT_EQ(lines_with(by_hand.log(), "^<").size(), 0u) << by_hand.log();
}

/// What a day may write when nothing happens, and what an hour may write of the same thing.
constexpr std::size_t kCalmDay = 50, kHour = 60;

TEST(Log, OfACalmDayIsShort) {
  const support::TempDir dir;
  support::write_text(dir / "day.txt", numbered_lines(0, 86'400));
  Recording recording{Recording::replay(dir / "day.txt"), {.arguments = {"--until-eof"}}};
  ASSERT_EQ(recording.process().wait(std::chrono::seconds{120}), 0) << recording.log();
  EXPECT_EQ(support::stored(recording.file()).seconds.size(), 86'400u);
  EXPECT_LE(lines_with(recording.log(), ".").size(), kCalmDay);
}

TEST(Log, TellsOfGapsOnceAMinuteAndTheFileOfAll) {
  const support::TempDir dir;
  std::string text;  // every second line is lost
  for (int k = 0; k < 2400; k += 2) text += support::numbered_line(k);
  support::write_text(dir / "gaps.txt", text);
  Recording recording{Recording::replay(dir / "gaps.txt"), {.arguments = {"--until-eof"}}};
  ASSERT_EQ(recording.process().wait(std::chrono::seconds{120}), 0) << recording.log();
  std::size_t gaps = 0;
  for (const auto& file : recording.files()) gaps += support::stored_gaps(file).size();
  ASSERT_GT(gaps, 1000u) << "there is nothing to be quiet about";
  const auto told = lines_with(recording.log(), "warning: gap ");
  EXPECT_LE(told.size(), kHour);
  std::size_t counted = 0;
  for (const auto& line : told) {
    const auto at = line.find(" repeated=");
    counted += at == std::string::npos ? 1 : std::stoul(line.substr(at + 10));
  }
  EXPECT_EQ(counted, gaps) << "none is left out of the count";
  EXPECT_LE(lines_with(recording.log(), "info: run begun ").size(), kHour);
  EXPECT_LE(lines_with(recording.log(), "info: file open ").size(), kHour);
}

}  // namespace
