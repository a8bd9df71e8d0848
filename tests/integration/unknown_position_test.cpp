#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/process.hpp"
#include "support/support.hpp"

/// A station that has no position, and Python: reading works, as libmth5/doc/mth5-format.md 2.9 says, and so does going on after
/// Python has written.
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::int64_t kSamples = 400;
const std::vector<std::string> kComponents{"ex", "ey", "hx", "hy"};

support::Finished python(std::vector<std::string> arguments) {
  const char* program = std::getenv("MTH5_TEST_PYTHON");
  if (program == nullptr || !fs::exists(program))
    throw std::runtime_error{"MTH5_TEST_PYTHON names no Python; scripts/setup.sh --test makes one"};
  arguments.insert(arguments.begin(), {program, (support::source() / "tests/integration/unknown_position.py").string()});
  return support::run(arguments, {}, std::chrono::seconds{240});
}

/// One run of 8 Hz; sample i of channel c is 1000 * c + i.
void write(const fs::path& path, const std::string& version) {
  auto file = mth5::File::create(path, {version, "test", "1"});
  mth5::RunId id;
  file.edit([&](mth5::Edit& edit) {
    mth5::Metadata survey{mth5::Kind::Survey}, station{mth5::Kind::Station}, run{mth5::Kind::Run};
    survey.set("id", std::string{"S"});
    station.set("id", std::string{"MT001"});
    run.set("id", std::string{"sr8_0001"});
    run.set("sample_rate", 8.0);
    std::vector<mth5::ChannelSpec> channels;
    for (const auto& component : kComponents) {
      mth5::Metadata channel{component[0] == 'e' ? mth5::Kind::Electric : mth5::Kind::Magnetic};
      channel.set("component", component);
      channels.push_back({channel, mth5::SampleType::Float64, 100});
    }
    edit.add_survey(survey);
    edit.add_station("S", station);
    id = edit.add_run("S", "MT001", run, *mth5::parse_time("2026-05-01T00:00:00"), channels);
  });
  std::vector<double> frames;
  for (std::int64_t i = 0; i < kSamples; ++i)
    for (std::size_t c = 0; c < kComponents.size(); ++c) frames.push_back(static_cast<double>(1000 * c) + static_cast<double>(i));
  file.append_interleaved<double>(id, frames);
  file.close();
}

class UnknownPosition : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { write(path_, GetParam()); }
  [[nodiscard]] support::Finished python_reads() const {
    return python({"read", path_.string(), "sr8_0001", std::to_string(kSamples)});
  }
  support::TempDir dir_;
  fs::path path_ = dir_ / "a.h5";
};

TEST_P(UnknownPosition, IsNoHindranceForPython) {
  const auto read = python_reads();
  EXPECT_EQ(read.code, 0) << read.err;
}

TEST_P(UnknownPosition, CostsRowsWherePythonWritesAndOpeningTheFileBringsThemBack) {
  const auto written = python({"rewrite", path_.string(), "v110"});
  ASSERT_EQ(written.code, 0) << written.err;
  EXPECT_EQ(written.out, "0\n") << "Python keeps the rows now: say so in mth5-format.md 2.9";
  mth5::File::open(path_).close();
  const auto read = python_reads();
  EXPECT_EQ(read.code, 0) << read.err;
}

TEST_P(UnknownPosition, CanBeReadAfterPythonsNewestFormatButNotContinued) {
  const auto written = python({"rewrite", path_.string(), "newest"});
  ASSERT_EQ(written.code, 0) << written.err;
  const auto bytes = support::read_text(path_);
  const mth5::Reader reader{path_};
  ASSERT_EQ(reader.channels().size(), kComponents.size());
  EXPECT_EQ(reader.read(3, kSamples - 1, 1), std::vector<double>{3000.0 + kSamples - 1});
  EXPECT_THAT([&] { (void)mth5::File::open(path_); },
              testing::ThrowsMessage<mth5::UnsupportedError>(
                  AllOf(HasSubstr("a.h5: needs a newer HDF5 than "), HasSubstr("channel_summary"))));
  EXPECT_TRUE(support::read_text(path_) == bytes) << "a refused file was changed";
}

TEST_P(UnknownPosition, IsShownAsUnknown) {
  const std::string summary = support::program("mth5-summary");
  const auto report = support::run({summary, "--format", "json", path_.string()});
  const auto station = nlohmann::json::parse(report.out).at("stations").at(0);
  for (const char* name : {"latitude", "longitude", "elevation"}) EXPECT_TRUE(station.at(name).is_null()) << station.dump();
  EXPECT_THAT(support::run({summary, path_.string()}).out, HasSubstr("\n  position unknown\n"));
}

INSTANTIATE_TEST_SUITE_P(Versions, UnknownPosition, testing::Values("0.1.0", "0.2.0"), [](const auto& version) {
  return std::string{version.param} == "0.1.0" ? std::string{"Version010"} : std::string{"Version020"};
});

}  // namespace
