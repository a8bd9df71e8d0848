#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/hostile_file.hpp"
#include "support/process.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

// The schema of the reports in JSON, by a validator that is not ours.

namespace {

namespace fs = std::filesystem;

TEST(ReportSchema, HoldsForReportsOfFilesOfEveryKind) {
  const support::TempDir dir;
  support::write_hostile_file(dir / "hostile.h5");
  {
    support::TestWriter writer{dir / "counts.h5"};
    writer.append(1000);
    writer.new_run(std::chrono::seconds{60});
    writer.append(10);
    writer.append_gap(1'777'593'610'000'000'000, 5000, "no-data", "r0", "r1", false);
    writer.file().close();
  }
  const auto schema = support::source() / "apps/mth5-summary/mth5-summary.schema.json";
  std::vector<std::string> validate{"/usr/bin/python3", support::source() / "tests/integration/report_schema.py", schema};
  int n = 0;
  for (const auto& path : {support::data() / "mth5" / "lemi424_python.h5", support::data() / "mth5" / "python_v020.h5",
                           dir / "hostile.h5", dir / "counts.h5", dir.path()})
    for (const auto& options : std::vector<std::vector<std::string>>{
             {}, {"--check"}, {"--check", "--since", "1h"}, {"--check", "--since-end", "1h", "--compare", "previous"}}) {
      std::vector<std::string> make{support::program("mth5-summary"), "--format", "json", "--output",
                                    dir / ("report" + std::to_string(n))};
      make.insert(make.end(), options.begin(), options.end());
      make.push_back(path);
      const auto made = support::run(make);
      ASSERT_TRUE(fs::exists(dir / ("report" + std::to_string(n)))) << made.err;
      validate.push_back(dir / ("report" + std::to_string(n++)));
    }
  const auto valid = support::run(validate);
  EXPECT_EQ(valid.code, 0) << valid.err << "\n(scripts/setup.sh --test installs python3-jsonschema)";
  EXPECT_EQ(valid.out, std::to_string(n) + "\n");
}

}  // namespace
