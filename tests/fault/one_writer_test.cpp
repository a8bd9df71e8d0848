#include <gmock/gmock.h>

#include <csignal>

#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"

/// Two daemons with one directory.
namespace {

using support::numbered_lines;
using support::Recording;
using support::RecordingOptions;
using support::TcpPeer;
using testing::SizeIs;

class OneWriterLock : public testing::TestWithParam<const char*> {};

/// HDF5's own locking is switched off and on from outside: it must not matter.
TEST_P(OneWriterLock, KeepsASecondOneOutAndLetsItInAfterAKill) {
  const support::TempDir dir;
  const RecordingOptions options{.wrapper = {"/usr/bin/env", std::string{"HDF5_USE_FILE_LOCKING="} + GetParam()},
                                 .directory = dir.path()};
  TcpPeer peer;
  Recording first{Recording::tcp(peer.port()), options};
  ASSERT_TRUE(peer.accept()) << first.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 10)));
  ASSERT_TRUE(first.wait_for_log("file open")) << first.log();

  const TcpPeer other;
  {
    Recording second{Recording::tcp(other.port()), options};
    EXPECT_EQ(second.process().wait(), 1) << second.log();
    EXPECT_EQ(second.log(), "mth5d: error: output.directory " + dir.path().string() +
                                ": station MT001 of survey TEST is recorded here by mth5d (pid " +
                                std::to_string(first.process().pid()) +
                                ") already; stop that one, or give this one another directory\n");
  }
  EXPECT_THAT(first.files(), SizeIs(1));
  first.process().signal(SIGKILL);
  EXPECT_EQ(first.process().wait(), 137);
  Recording third{Recording::tcp(peer.port()), options};
  ASSERT_TRUE(peer.accept()) << third.log();
  ASSERT_TRUE(peer.send(numbered_lines(20, 30)));
  ASSERT_TRUE(third.wait_for_log("file open")) << third.log();
  EXPECT_EQ(third.stop(), 0) << third.log();
}

INSTANTIATE_TEST_SUITE_P(, OneWriterLock, testing::Values("FALSE", "TRUE", "BEST_EFFORT"),
                         [](const auto& param) { return std::string{param.param}; });

TEST(OneWriter, LetsAnotherStationIn) {
  const support::TempDir dir;
  const TcpPeer one;
  const TcpPeer two;
  Recording first{Recording::tcp(one.port()), {.directory = dir.path()}};
  ASSERT_TRUE(first.wait_for_log("source connected")) << first.log();
  Recording second{Recording::tcp(two.port()), {.arguments = {"--set", "station.id=MT002"}, .directory = dir.path()}};
  ASSERT_TRUE(second.wait_for_log("source connected")) << second.log();
  support::expect_good_end(first);
  support::expect_good_end(second);
}

}  // namespace
