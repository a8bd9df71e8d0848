#include "support/process.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "support/support.hpp"

namespace {

using namespace std::chrono_literals;
using support::Process;

TEST(Process, TellsTheExitCodeAndKeepsBothOutputs) {
  const auto finished = support::run({"sh", "-c", "echo said; echo complained >&2; exit 3"});
  EXPECT_EQ(finished.code, 3);
  EXPECT_EQ(finished.out, "said\n");
  EXPECT_EQ(finished.err, "complained\n");
}

TEST(Process, TakesEnvironmentAndFolder) {
  const support::TempDir dir;
  auto process = Process::start({"sh", "-c", "echo $GREETING; pwd -P"}, {{"GREETING", "hello"}}, dir.path());
  EXPECT_EQ(process.wait(), 0);
  EXPECT_EQ(process.out(), "hello\n" + std::filesystem::canonical(dir.path()).string() + "\n");
}

TEST(Process, WaitsForOutputAndGivesTheGroup) {
  auto process = Process::start({"sh", "-c", "echo port 7000 >&2; exec sleep 60"});
  EXPECT_EQ(process.wait_for_output("port (\\d+)"), "7000");
  EXPECT_TRUE(process.running());
  EXPECT_EQ(process.wait(0ms), std::nullopt);
  EXPECT_EQ(process.terminate(), 128 + SIGTERM);
  EXPECT_FALSE(process.running());
}

TEST(Process, DoesNotWaitForTheOutputOfAProgramThatHasEnded) {
  auto process = Process::start({"sh", "-c", "echo other"});
  EXPECT_EQ(process.wait_for_output("never", 60s), std::nullopt);
}

TEST(Process, KillsAProgramThatIgnoresTerm) {
  auto process = Process::start({"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"});
  ASSERT_TRUE(process.wait_for_output("ready"));
  EXPECT_EQ(process.terminate(50ms), 128 + SIGKILL);
}

TEST(Process, SaysWhatCannotBeStarted) {
  EXPECT_THROW(static_cast<void>(Process::start({"/no/such/program"})), std::runtime_error);
}

TEST(Process, EndsItsProgramWithItself) {
  pid_t pid = 0;
  {
    auto process = Process::start({"sleep", "60"});
    pid = process.pid();
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_EQ(kill(pid, 0), -1);
}

}  // namespace
