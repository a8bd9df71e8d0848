#include "cli/cli.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>

#include <gtest/gtest.h>

#include "cli/progress_bar.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/error.hpp"
#include "support/host_clock.hpp"

namespace {

int exit_code_of(const std::function<void()>& thrower) {
  char name[] = "program";
  char* argv[] = {name, nullptr};
  return cli::run_main("program", 1, argv, [&](int, char**) {
    thrower();
    return 0;
  });
}

TEST(RunMain, TurnsEachKindOfErrorIntoItsExitCodeAndOneLine) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(exit_code_of([] {}), cli::kDone);
  EXPECT_EQ(exit_code_of([] { throw mth5::FileError{"a.h5: no space"}; }), cli::kFailure);
  EXPECT_EQ(exit_code_of([] { throw cli::UsageError{"--x: unknown"}; }), cli::kUsage);
  EXPECT_EQ(exit_code_of([] { throw cli::ConfigError{"c.yaml:1:2: a: b\nc.yaml:3:4: d: e"}; }), cli::kConfig);
  EXPECT_EQ(exit_code_of([] { throw mth5::FormatError{"a.h5: not MTH5"}; }), cli::kDamaged);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "program: error: a.h5: no space\n"
            "program: error: --x: unknown\nTry 'program --help'.\n"
            "program: config error: c.yaml:1:2: a: b\nprogram: config error: c.yaml:3:4: d: e\n"
            "program: error: a.h5: not MTH5\n");
}

TEST(Parse, TakesNoAbbreviations) {
  cli::CommandLine line{"program", "program - does", {"[OPTIONS]"}, boost::program_options::options_description{"Own"}};
  line.options.add_options()("once", boost::program_options::bool_switch(), "one look");
  char name[] = "program";
  char abbreviated[] = "--onc";
  char* argv[] = {name, abbreviated, nullptr};
  EXPECT_THROW(cli::parse(line, 2, argv), boost::program_options::error);
}

TEST(Parse, CountsVerbosity) {
  cli::CommandLine line{"program", "program - does", {"[OPTIONS]"}, boost::program_options::options_description{"Own"}};
  char name[] = "program";
  char two[] = "-vv";
  char one[] = "--verbose";
  char* argv[] = {name, two, one, nullptr};
  EXPECT_EQ(cli::parse(line, 3, argv).verbosity, 3);
}

TEST(Nearest, FindsWhatWasMeantAndNothingFarOff) {
  EXPECT_EQ(cli::nearest("sample_rte", {"sample_rate", "station"}), "sample_rate");
  EXPECT_EQ(cli::nearest("zebra", {"sample_rate", "station"}), "");
}

TEST(ProgressBar, SaysOnATerminalHowFarLongWorkHasComeAndLeavesTheLineFree) {
  support::ClockByHand clock;
  const mth5::Descriptor terminal{posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
  ASSERT_TRUE(terminal);
  ASSERT_EQ(grantpt(terminal.get()) + unlockpt(terminal.get()), 0);
  std::array<char, 64> name{};
  ASSERT_EQ(ptsname_r(terminal.get(), name.data(), name.size()), 0);
  const mth5::Descriptor other{open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
  const auto said = [&] {
    std::array<char, 1000> text{};
    const auto n = read(terminal.get(), text.data(), text.size());
    return std::string(text.data(), n < 0 ? 0 : static_cast<std::size_t>(n));
  };
  {
    cli::ProgressBar bar{other.get(), true};
    bar.show(10, 100);
    EXPECT_EQ(said(), "") << "most reports are done by then";
    clock.pass(std::chrono::seconds{2});
    bar.show(25, 100);
    EXPECT_EQ(said(), "\r[##########                              ] 25 % of 100 samples ");
    bar.show(26, 100);
    EXPECT_EQ(said(), "") << "a few times a second";
    clock.pass(std::chrono::seconds{1});
    bar.show(100, 100);
    EXPECT_NE(said().find("########] 100 % of 100"), std::string::npos);
  }
  EXPECT_EQ(said(), "\r" + std::string(80, ' ') + "\r");
  cli::ProgressBar unwanted{other.get(), false}, file{-1, true};
  clock.pass(std::chrono::seconds{5});
  unwanted.show(1, 2);
  file.show(1, 2);
  EXPECT_EQ(said(), "");
}

}  // namespace
