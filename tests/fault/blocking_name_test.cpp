#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/recording.hpp"
#include "support/support.hpp"

/// Names behind which no file is: open(2) of a FIFO that nobody writes waits for ever.
namespace {

namespace fs = std::filesystem;
using support::Recording;
using testing::EndsWith;
using testing::HasSubstr;

std::string program(const char* name) { return support::program(name); }
const std::string kDay = (support::data() / "lemi424" / "202010010000.TXT").string();

class BlockingName : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(mkfifo(fifo_.c_str(), 0600), 0);
    fs::create_directory(dir_ / "instruments");
    ASSERT_EQ(mkfifo((dir_ / "instruments" / "wait.yaml").c_str(), 0600), 0);
  }
  support::TempDir dir_;
  const std::string fifo_ = (dir_ / "fifo.h5").string();
};

TEST_F(BlockingName, EndsEveryProgramWithOneLineInsteadOfHoldingIt) {
  const auto python = (support::data() / "mth5" / "python_v020.h5").string();
  struct Case {
    std::vector<std::string> arguments;
    int code;
  };
  for (const auto& [arguments, code] :
       std::vector<Case>{{{program("mth5d"), "--config", fifo_, "--check-config"}, 3},
                         {{program("mth5d"), "--config", fifo_}, 3},
                         {{program("mth5d"), "--try", "lemi424", fifo_}, 1},
                         {{program("mth5d"), "--try", fifo_ + "/../instruments/wait.yaml", kDay}, 3},
                         {{program("mth5d"), "--try", (dir_ / "instruments" / "wait.yaml").string(), kDay}, 3},
                         {{program("mth5d"), "--status", "--status-file", fifo_}, 1},
                         {{program("mth5-sim"), "lemi424", "--to", "-", "--replay", fifo_}, 1},
                         {{program("mth5-sim"), (dir_ / "instruments" / "wait.yaml").string(), "--to", "-"}, 2},
                         {{program("mth5-summary"), fifo_}, 1},
                         {{program("mth5-monitor"), "--once", fifo_}, 1},
                         {{program("mth5-recover"), fifo_}, 1},
                         {{program("mth5-recover"), "--set-swmr", fifo_}, 1},
                         {{program("mth5-recover"), "--undo", fifo_, python}, 1}}) {
    const auto all = testing::PrintToString(arguments);
    const auto finished = support::run(arguments);
    EXPECT_EQ(finished.code, code) << all << finished.err;
    EXPECT_THAT(finished.err, testing::ContainsRegex("fifo.h5|wait.yaml")) << all;
  }
}

TEST_F(BlockingName, OfAProfileIsListedAsBroken) {
  const auto listed =
      support::run({program("mth5d"), "--list-instruments"}, {{"MTH5D_INSTRUMENTS", (dir_ / "instruments").string()}});
  EXPECT_EQ(listed.code, 3) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("wait  BROKEN: "));
  EXPECT_THAT(listed.out, HasSubstr("not a regular file; only such are read"));
  EXPECT_THAT(listed.out, HasSubstr("lemi424  "));
}

TEST_F(BlockingName, OfARecordingLeavesTheOtherSourcesAlone) {
  support::TcpPeer peer;
  const auto both =
      support::lemi_sources({{"wait", "wait", Recording::replay(fifo_)}, {"lemi", "lemi", Recording::tcp(peer.port())}});
  Recording recording{Recording::tcp(peer.port()), {.arguments = {"--set", both}}};
  ASSERT_TRUE(peer.accept()) << recording.log();
  ASSERT_TRUE(peer.send(support::numbered_lines(0, 10)));
  EXPECT_TRUE(recording.wait_for_log("file open")) << recording.log();
  EXPECT_EQ(recording.stop(), 0) << recording.log();
  EXPECT_THAT(recording.log(), HasSubstr("error: source failed source=wait why=\"file:" + fifo_ +
                                         ": cannot be read: not a regular file; only such are read\""));
  EXPECT_EQ(support::stored(recording.file()).seconds, support::seconds(0, 10));
  const auto checked = support::run({program("mth5d"), "--config", recording.config_path(), "--set", both, "--check-config"});
  EXPECT_EQ(checked.code, 3);
  EXPECT_EQ(checked.err, "mth5d: config error: --set sources: sources[0].file.path " + fifo_ +
                             ": cannot be read: not a regular file; only such are read\n");
}

TEST(CheckConfig, LooksAtTheOutputDirectoryOfThisHost) {
  const support::TempDir dir;
  Recording recording{Recording::replay(kDay), {.arguments = {"--until-eof"}}};
  EXPECT_EQ(recording.process().wait(), 0) << recording.log();
  const auto check = [&](const std::string& directory) {
    return support::run(
        {program("mth5d"), "--config", recording.config_path(), "--set", "output.directory=" + directory, "--check-config"});
  };
  EXPECT_EQ(check(dir.path()).code, 0) << check(dir.path()).err;
  support::write_text(dir / "data", "a file");
  for (const auto& [directory, says] : std::vector<std::pair<std::string, std::string>>{
           {dir / "none", ": does not exist; create it for the user of mth5d (mkdir -p)\n"},
           {dir / "data", ": is not a directory; name one that is\n"},
           {"/dev/null", ": is not a directory; name one that is\n"}}) {
    const auto finished = check(directory);
    EXPECT_EQ(finished.code, 3);
    EXPECT_THAT(finished.err, EndsWith("output.directory " + directory + says));
    EXPECT_EQ(finished.out, "");
  }
}

}  // namespace
