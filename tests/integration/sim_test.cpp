#include "support/sim.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include "support/process.hpp"
#include "support/support.hpp"

namespace {

using namespace std::chrono_literals;
using support::Process;
using support::sim;
using testing::HasSubstr;

const std::string kDayOne = (support::data() / "lemi424" / "202010010000.TXT").string();
const std::string kDayTwo = (support::data() / "lemi424" / "202010020000.TXT").string();

/// What two recordings become; the first one lacks its last line end.
std::string recorded() {
  const auto first = support::read_text(kDayOne);
  return first + (first.ends_with('\n') ? "" : "\n") + support::read_text(kDayTwo);
}

TEST(SimToFile, ReplaysRecordingsByteForByte) {
  const support::TempDir dir;
  const auto out = dir / "out";
  const auto done = support::run(sim({"--to", "file:" + out.string(), "--replay", kDayOne, kDayTwo, "--speed", "max"}));
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(support::read_text(out), recorded());
  EXPECT_THAT(done.err, HasSubstr("mth5-sim: info: sent 240 records, 36240 bytes; faults: none\n"));
}

TEST(SimToFile, NeverOverwrites) {
  const support::TempDir dir;
  const auto out = dir / "out";
  support::write_text(out, "precious");
  for (const auto& arguments :
       {std::vector<std::string>{"--to", "file:" + out.string()}, {"--to", "-", "--truth", out.string()}}) {
    const auto done = support::run(sim(arguments));
    EXPECT_EQ(done.code, 1);
    EXPECT_THAT(done.err, HasSubstr("mth5-sim: error: " + out.string() + ": exists already"));
  }
  EXPECT_EQ(support::read_text(out), "precious");
}

TEST(SimToStdout, IsQuietWhenAsked) {
  const auto done = support::run(sim({"--to", "-", "--replay", kDayTwo, "--speed", "max", "-q"}));
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(done.out, support::read_text(kDayTwo));
  EXPECT_EQ(done.err, "");
}

TEST(SimTruth, AccountsForEveryByte) {
  const support::TempDir dir;
  const auto truth = dir / "truth.csv";
  const auto done = support::run(sim({"--to", "-", "--signal", "counter", "--start", "2026-05-01T00:00:00Z", "--duration", "2h",
                                      "--speed", "max", "--seed", "7", "--truth", truth.string(), "--fault",
                                      "drop=0.02,garbage=0.01,duplicate=0.02,bitflip=1e-4,truncate=0.02,clock-step=+2s@1h"}));
  ASSERT_EQ(done.code, 0) << done.err;
  std::size_t at = 0;
  std::uint64_t index = 0;
  std::map<std::string, int> seen;
  for (const auto& row : support::truth_rows(truth)) {
    const auto bytes = std::stoul(row.at("bytes"));
    const auto sent = done.out.substr(at, bytes);
    const auto& what = row.at("what");
    at += bytes;
    ++seen[what];
    if (what == "garbage") {
      EXPECT_EQ(row.at("index") + row.at("time") + row.at("bx"), "");
      continue;
    }
    ASSERT_EQ(row.at("index"), std::to_string(index));
    EXPECT_EQ(row.at("bx"), std::to_string(index) + ".000");
    EXPECT_EQ(row.at("time") != row.at("stamp"), index >= 3600);
    if (what == "sent") {
      EXPECT_THAT(sent, HasSubstr(" " + row.at("bx") + " "));
    }
    if (what == "dropped") {
      EXPECT_EQ(bytes, 0u);
    }
    if (what == "truncated") {
      EXPECT_EQ(bytes, 75u);
    }
    if (what == "duplicated") {
      EXPECT_EQ(sent.substr(0, 151), sent.substr(151));
    }
    if (what == "clock-step") {
      EXPECT_EQ(sent.substr(14, 5), row.at("stamp").substr(14, 2) + " " + row.at("stamp").substr(17, 2));
    }
    ++index;
  }
  EXPECT_EQ(at, done.out.size());
  EXPECT_EQ(index, 7200u);
  for (const char* what : {"sent", "dropped", "garbage", "duplicated", "truncated", "bitflip", "clock-step"})
    EXPECT_GT(seen[what], 0) << what;
}

TEST(SimPace, IsThatOfTheInstrumentTimesSpeed) {
  const auto begin = std::chrono::steady_clock::now();
  const auto done = support::run(sim({"--to", "-", "--duration", "100s", "--speed", "200"}));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(done.code, 0);
  EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 100);
  EXPECT_GE(took, 495ms);  // the last line leaves 99 s after the first
}

TEST(SimPace, StallSendsLateInOneBurst) {
  const support::TempDir dir;
  const auto truth = dir / "truth.csv";
  const auto begin = std::chrono::steady_clock::now();
  const auto done = support::run(sim({"--to", "-", "--replay", kDayTwo, "--duration", "100s", "--speed", "1000", "--fault",
                                      "stall=300s@50s", "--truth", truth.string()}));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 350ms);
  EXPECT_EQ(done.out, support::read_text(kDayTwo).substr(0, 100 * 151));
  EXPECT_THAT(done.err, HasSubstr("faults: late=50"));
  const auto rows = support::truth_rows(truth);
  EXPECT_EQ(rows.at(49).at("what"), "sent");
  EXPECT_EQ(rows.at(50).at("what"), "late");
}

TEST(SimSignals, EndInOrderAndKeepTheTruth) {
  for (const int number : {SIGTERM, SIGINT}) {
    const support::TempDir dir;
    const auto truth = dir / "truth.csv";
    const auto link = dir / "lemi";
    auto sender = Process::start(sim({"--to", "pty:" + link.string(), "--speed", "500", "--truth", truth.string()}));
    ASSERT_TRUE(sender.wait_for_output("info: pty")) << sender.err();
    const auto line = support::open_line(link);
    auto all = support::read_all(line.get(), {.limit = 10'000});
    sender.signal(number);
    all += support::read_all(line.get());
    EXPECT_EQ(sender.wait(), 0);
    EXPECT_EQ(all.size(), support::truth_bytes(truth));
    EXPECT_THAT(sender.err(), HasSubstr(" " + std::to_string(all.size()) + " bytes; faults: none\n"));
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(link)));
  }
}

TEST(SimSignals, EndTheWaitForAClient) {
  auto sender = Process::start(sim({"--to", "tcp-listen:127.0.0.1:0"}));
  ASSERT_TRUE(sender.wait_for_output("listening"));
  EXPECT_EQ(sender.terminate(), 0);
}

TEST(SimSignals, SecondOneLeavesAtOnce) {
  const support::TempDir dir;
  auto sender = Process::start(sim({"--to", "pty:" + (dir / "lemi").string(), "--duration", "10s", "--speed", "max"}));
  ASSERT_TRUE(sender.wait_for_output("nobody reads; waiting")) << sender.err();
  sender.signal(SIGTERM);
  // Taken, as soon as the program no longer blocks it.
  ASSERT_TRUE(support::eventually([&] {
    const auto status = support::read_text("/proc/" + std::to_string(sender.pid()) + "/status");
    return status.find("SigBlk:\t0000000000000000") != std::string::npos;
  }));
  sender.signal(SIGTERM);
  EXPECT_EQ(sender.wait(), 130);
}

TEST(SimCommandLine, RefusesWhatItCannotDo) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{}, "--to is missing"},
      {{"--to", "udp:127.0.0.1:0"}, "port 0 can only be listened on"},
      {{"--to", "seedlink:127.0.0.1"}, "needs HOST:PORT"},
      {{"--to", "seedlink:127.0.0.1:0"}, "lemi424 sends no records of miniSEED; take one that does, such as miniseed-mt"},
      {{"--to", "serial:/dev/x"}, "is not one of pty:PATH"},
      {{"--to", "tcp:127.0.0.1:70000"}, "needs HOST:PORT with a port of 0 ... 65535"},
      {{"--to", "-", "--rate", "256"}, "lemi424 cannot sample at 256; it can at 1 Hz"},
      {{"--to", "-", "--speed", "0"}, "--speed: '0' is not a number above 0 or max"},
      {{"--to", "-", "--signal", "noise"}, "'noise' is not one of mt, sine, counter"},
      {{"--to", "-", "--earth", "100:500:10"}, "--earth: '100:500:10' is not as 100 or 100:500m:10"},
      {{"--to", "-", "--earth", "100", "--signal", "sine"}, "--earth: is for --signal mt"},
      {{"--to", "-", "--start", "yesterday"}, "'yesterday' is not a time"},
      {{"--to", "-", "--start", "2026-05-01T00:00:00.5Z"}, "whole seconds only"},
      {{"--to", "-", "--duration", "10"}, "'10' is not a duration"},
      {{"--to", "-", "--seed", "-1"}, "--seed: '-1' is not a whole number"},
      {{"--to", "-", "--replay", kDayOne, "--start", "2026-05-01T00:00:00Z"}, "a recording is played as it is"},
      {{"--to", "-", "--fault", "drop=2"}, "--fault drop: '2' is not a probability"},
      {{"--to", "-", "--fault", "disconnect=@1s"}, "a file cannot be unplugged"},
      {{"--to", "-", "--speed", "max", "--fault", "stall=1s@1s"}, "needs a paced signal"},
      {{"--to", "-", "--fault", "clock-step=+500ms@1s"}, "whole seconds only"},
      {{"--to", "file:/tmp/never-made", "--speed", "max"}, "needs --duration"},
  };
  for (const auto& [arguments, message] : cases) {
    const auto done = support::run(sim(arguments));
    EXPECT_EQ(done.code, 2) << message;
    EXPECT_THAT(done.err, HasSubstr(message));
  }
  const auto missing = support::run(sim({"--to", "-", "--replay", "/no/such/file"}));
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("/no/such/file: cannot be read: No such file or directory"));
}

TEST(SimCommandLine, SuggestsTheInstrumentThatWasMeant) {
  const auto done = support::run({support::program("mth5-sim"), "lemi4244", "--to", "-"});
  EXPECT_EQ(done.code, 2);
  EXPECT_THAT(done.err, HasSubstr("instrument 'lemi4244' is not known; did you mean 'lemi424'?"));
}

}  // namespace
