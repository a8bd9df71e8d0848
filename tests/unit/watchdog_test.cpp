#include "acquisition/status/watchdog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace {

using daq::status::Watchdog;
using std::chrono::seconds;
using testing::HasSubstr;

/// A recorder that works, as it is seen each second; a test changes what it does in a second.
class Watched {
 public:
  Watchdog::Seen seen{.now = Watchdog::Steady::time_point{seconds{1000}}, .io = {}, .writer = {}};
  bool io_turns = true, writer_turns = true;
  std::uint64_t comes = 10, settles = 10;  ///< samples a second

  /// @returns what the watchdog said last
  std::string after(int n) {
    std::string said;
    for (int i = 0; i < n; ++i) {
      seen.now += seconds{1};
      if (io_turns) seen.io.turned = seen.now;
      if (writer_turns) seen.writer.turned = seen.now;
      seen.received += comes;
      seen.settled += settles;
      said = dog_.look(seen, seconds{63});
    }
    return said;
  }

 private:
  Watchdog dog_{seconds{60}};
};

TEST(Watchdog, IsContentWithARecorderThatWorksHoweverSilentItsInstrument) {
  Watched w;
  EXPECT_EQ(w.after(200), "");
  w.comes = w.settles = 0;
  EXPECT_EQ(w.after(7200), "");
  w.comes = w.settles = 10;
  EXPECT_EQ(w.after(1), "") << "the first sample behind two silent hours";
  // One that waits for what comes next, which does not come for long.
  w.settles = 0;
  EXPECT_EQ(w.after(1), "");
  w.comes = 0;
  EXPECT_EQ(w.after(7200), "");
  w.comes = 10;
  EXPECT_EQ(w.after(1), "");
}

TEST(Watchdog, CountsNoSilenceAsWaiting) {
  Watched w;
  EXPECT_EQ(w.after(5), "") << "what came last was committed in the second it came in";
  w.comes = w.settles = 0;
  EXPECT_EQ(w.after(70), "");
  w.comes = 10;
  EXPECT_EQ(w.after(64), "");
  EXPECT_NE(w.after(1), "");
}

TEST(Watchdog, NamesTheThreadThatDoesNotComeRound) {
  for (const bool io : {true, false}) {
    Watched w;
    EXPECT_EQ(w.after(5), "");
    (io ? w.io_turns : w.writer_turns) = false;
    EXPECT_EQ(w.after(60), "");
    EXPECT_EQ(w.after(1), std::string{"the thread "} + (io ? "mth5-io" : "mth5-writer") + " has not come round for 61 s");
    w.io_turns = w.writer_turns = true;
    EXPECT_EQ(w.after(1), "");
  }
}

TEST(Watchdog, LeavesAThreadThatTheKernelHolds) {
  Watched w;
  EXPECT_EQ(w.after(5), "");
  w.writer_turns = false;
  w.settles = 0;
  w.seen.writer.held = true;
  EXPECT_EQ(w.after(7200), "");
  w.seen.writer.held = false;
  EXPECT_EQ(w.after(60), "") << "time to come round, once it is let go";
  EXPECT_THAT(w.after(1), HasSubstr("mth5-writer"));
}

TEST(Watchdog, NamesSamplesThatNobodyCommits) {
  Watched w;
  EXPECT_EQ(w.after(5), "");
  w.settles = 0;
  EXPECT_EQ(w.after(64), "");
  EXPECT_EQ(w.after(1), "samples come, and none has been committed for 64 s");
  w.settles = 10;
  EXPECT_EQ(w.after(1), "");
  // A disk that is full or refuses is told elsewhere.
  w.settles = 0;
  w.seen.outage = true;
  EXPECT_EQ(w.after(7200), "");
}

TEST(Watchdog, KnowsThatTheWholeProcessWasStopped) {
  Watched w;
  EXPECT_EQ(w.after(5), "");
  w.io_turns = w.writer_turns = false;
  w.seen.now += seconds{3600};
  EXPECT_EQ(w.after(1), "");
  EXPECT_EQ(w.after(60), "");
  EXPECT_NE(w.after(1), "");
}

TEST(Watchdog, SeesAThreadThatEndedAsNoneThatHangs) {
  Watched w;
  EXPECT_EQ(w.after(5), "");
  w.io_turns = false;
  w.seen.io.turned = Watchdog::Steady::time_point::max();
  EXPECT_EQ(w.after(7200), "");
}

TEST(Watchdog, DoesNotTakeAThreadThatRunsOrIsNoneForOneThatIsHeld) {
  EXPECT_FALSE(daq::status::is_held(gettid()));
  EXPECT_FALSE(daq::status::is_held(0));
  EXPECT_FALSE(daq::status::is_held(1));  // of another process
}

}  // namespace
