#include <filesystem>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mth5/reader.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

namespace {

using mth5::Reader;
using testing::ElementsAre;

std::vector<std::string> names(const mth5::Table& table) {
  std::vector<std::string> names;
  for (const auto& column : table.columns()) names.push_back(column.name);
  return names;
}

TEST(ChannelSummary, HasPythonsColumnsAndValues) {
  const Reader reader{support::data() / "mth5" / "python_v020.h5"};
  const auto table = reader.channel_summary();
  EXPECT_THAT(names(table),
              ElementsAre("survey", "station", "run", "latitude", "longitude", "elevation", "component", "start", "end",
                          "n_samples", "sample_rate", "measurement_type", "azimuth", "tilt", "units", "has_data"));
  ASSERT_EQ(table.size(), 12U);
  EXPECT_EQ(table.text(6, "survey"), "REF01");
  EXPECT_EQ(table.text(6, "station"), "MT001");
  EXPECT_EQ(table.text(6, "run"), "sr8_0001");
  EXPECT_EQ(table.text(6, "component"), "ex");
  EXPECT_EQ(table.number(6, "latitude"), 52.1234567);
  EXPECT_EQ(table.number(6, "longitude"), 13.7654321);
  EXPECT_EQ(table.number(6, "elevation"), 84.5);
  EXPECT_EQ(table.text(6, "start"), "2024-05-01T12:00:00+00:00");
  EXPECT_EQ(table.text(6, "end"), "2024-05-01T12:08:19.875+00:00");
  EXPECT_EQ(table.integer(6, "n_samples"), 4000);
  EXPECT_EQ(table.number(6, "sample_rate"), 8);
  EXPECT_EQ(table.text(6, "measurement_type"), "electric");
  EXPECT_EQ(table.number(6, "azimuth"), 12.7);
  EXPECT_EQ(table.number(6, "tilt"), 0);
  EXPECT_EQ(table.text(6, "units"), "digital counts");
  EXPECT_EQ(table.integer(6, "has_data"), 1);
}

TEST(RunSummary, HasPythonsColumnsAndValues) {
  const auto path = support::data() / "mth5" / "python_v010.h5";
  const Reader reader{path};
  const auto table = reader.run_summary();
  EXPECT_THAT(names(table), ElementsAre("channel_scale_factors", "duration", "end", "has_data", "input_channels", "mth5_path",
                                        "n_samples", "output_channels", "run", "sample_rate", "start", "station", "survey"));
  ASSERT_EQ(table.size(), 2U);
  EXPECT_EQ(table.text(1, "run"), "sr8_0001");
  EXPECT_EQ(table.text(1, "channel_scale_factors"),
            R"({"ex": 1.0, "ey": 1.0, "hx": 1.0, "hy": 1.0, "hz": 1.0, "temperature": 1.0})");
  EXPECT_EQ(table.number(1, "duration"), 499.875);
  EXPECT_EQ(table.text(1, "start"), "2024-05-01T12:00:00+00:00");
  EXPECT_EQ(table.text(1, "end"), "2024-05-01T12:08:19.875+00:00");
  EXPECT_EQ(table.integer(1, "has_data"), 1);
  EXPECT_EQ(table.text(1, "input_channels"), R"(["hx", "hy"])");
  EXPECT_EQ(table.text(1, "output_channels"), R"(["ex", "ey", "hz"])");
  EXPECT_EQ(table.text(1, "mth5_path"), path.string());
  EXPECT_EQ(table.integer(1, "n_samples"), 4000);
  EXPECT_EQ(table.number(1, "sample_rate"), 8);
  EXPECT_EQ(table.text(1, "station"), "MT001");
  EXPECT_EQ(table.text(1, "survey"), "REF01");
}

TEST(Summaries, OfAFileWithoutSamplesAreEmpty) {
  const support::TempDir dir;
  {
    support::TestWriter writer{dir / "empty.h5"};
    writer.file().close();
  }
  const Reader reader{dir / "empty.h5"};
  EXPECT_EQ(reader.channel_summary().size(), 0U) << "a run without samples does not stay";
  EXPECT_EQ(reader.run_summary().size(), 0U);
}

TEST(Summaries, WriteNothing) {
  const support::TempDir dir;
  std::filesystem::copy_file(support::data() / "mth5" / "python_v020.h5", dir / "copy.h5");
  const std::string before = support::read_text(dir / "copy.h5");
  {
    const Reader reader{dir / "copy.h5"};
    EXPECT_EQ(reader.channel_summary().size(), 12U);
    EXPECT_EQ(reader.run_summary().size(), 2U);
  }
  EXPECT_EQ(support::read_text(dir / "copy.h5"), before);
}

}  // namespace
