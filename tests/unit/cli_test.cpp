#include "cli/cli.hpp"

#include <gtest/gtest.h>

#include "mth5/error.hpp"

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

}  // namespace
