#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <limits>

#include "h5/handle.hpp"
#include "h5/types.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/forked.hpp"
#include "support/support.hpp"

/// Many runs, runs that come whole, runs without samples.
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

constexpr std::size_t kChannels = 9;
const mth5::UtcNanos kStart = *mth5::parse_time("2026-05-01T00:00:00");

std::string name_of(std::size_t number) { return "r" + std::to_string(number); }

mth5::Metadata run_metadata(std::size_t number) {
  mth5::Metadata run{mth5::Kind::Run};
  run.set("id", name_of(number));
  run.set("sample_rate", 1.0);
  return run;
}

/// As many attributes as mth5d writes of a LEMI-424.
std::vector<mth5::ChannelSpec> channels() {
  std::vector<mth5::ChannelSpec> specs;
  for (const char* name : {"bx", "by", "bz", "e1", "e2", "e3", "e4", "temperature_e", "temperature_h"}) {
    const auto kind = name[0] == 'b' ? mth5::Kind::Magnetic : name[0] == 'e' ? mth5::Kind::Electric : mth5::Kind::Auxiliary;
    mth5::Metadata metadata{kind};
    metadata.set("component", std::string{name});
    metadata.set("units", std::string{"nanoTesla"});
    specs.push_back({std::move(metadata), mth5::SampleType::Float64});
  }
  return specs;
}

double value(std::size_t run, std::size_t channel, std::size_t sample) {
  return static_cast<double>(1000 * run + 100 * channel + sample) + 0.5;
}

std::vector<double> block(std::size_t run, std::size_t n) {
  std::vector<double> all;
  for (std::size_t c = 0; c < kChannels; ++c)
    for (std::size_t i = 0; i < n; ++i) all.push_back(value(run, c, i));
  return all;
}

mth5::Matrix<const double> matrix(const std::vector<double>& all) {
  const std::size_t n = all.size() / kChannels;
  return {all.data(), kChannels, n, n};
}

mth5::File make(const fs::path& path) {
  auto file = mth5::File::create(path);
  mth5::Metadata survey{mth5::Kind::Survey};
  survey.set("id", std::string{"S"});
  mth5::Metadata station{mth5::Kind::Station};
  station.set("id", std::string{"MT001"});
  file.edit([&](mth5::Edit& edit) {
    edit.add_survey(survey);
    edit.add_station("S", station);
  });
  file.start_swmr();
  return file;
}

mth5::RunId add(mth5::Edit& edit, std::size_t number) {
  return edit.add_run("S", "MT001", run_metadata(number), kStart + number * 100s, channels());
}

mth5::RunId add_finished(mth5::Edit& edit, std::size_t number, std::size_t n) {
  const auto all = block(number, n);
  return edit.add_finished_run<double>("S", "MT001", run_metadata(number), kStart + number * 100s, channels(), matrix(all));
}

/// All of runs [first, last) is there: `n` samples a channel, times, rows of channel_summary.
void expect_runs(const fs::path& path, std::size_t first, std::size_t last, std::size_t n) {
  const mth5::Reader reader{path};
  for (std::size_t r = first; r < last; ++r) {
    const auto& all = reader.runs();
    const auto info = std::find_if(all.begin(), all.end(), [&](const auto& run) { return run.id == name_of(r); });
    ASSERT_NE(info, all.end()) << name_of(r);
    const auto& found = info->channels;
    ASSERT_EQ(found.size(), kChannels) << name_of(r);
    const auto end = kStart + r * 100s + (n - 1) * 1s;
    for (std::size_t c = 0; c < kChannels; ++c) {
      const auto& channel = reader.channels()[found[c]];
      ASSERT_EQ(channel.n_samples, static_cast<std::int64_t>(n)) << name_of(r);
      EXPECT_EQ(channel.start, kStart + r * 100s);
      EXPECT_EQ(reader.channel_metadata(found[c]).text("time_period.end"), mth5::to_mth5_time(end));
      const auto samples = reader.read(found[c], 0, channel.n_samples);
      for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(samples[i], value(r, c, i)) << name_of(r) << " channel " << c;
    }
    EXPECT_EQ(reader.run_metadata(static_cast<std::size_t>(info - all.begin())).text("time_period.end"), mth5::to_mth5_time(end));
  }
}

/// Rows of channel_summary as they are in the file: run, n_samples, has_data, end.
struct Row {
  char run[20];
  char end[36];
  std::int64_t n_samples;
  std::int8_t has_data;
};
std::vector<Row> rows_in_file(const fs::path& path) {
  mth5::h5::initialise();
  const mth5::h5::File file{H5Fopen(path.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, mth5::h5::writer_access().get()), "file"};
  const mth5::h5::Dataset table{H5Dopen2(file.get(), "/Experiment/channel_summary", H5P_DEFAULT), "table"};
  const mth5::h5::Space space{H5Dget_space(table.get()), "table"};
  std::vector<Row> rows(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.get())));
  const mth5::h5::Datatype type{H5Tcreate(H5T_COMPOUND, sizeof(Row)), "row"};
  H5Tinsert(type.get(), "run", offsetof(Row, run), mth5::h5::fixed_text(20).get());
  H5Tinsert(type.get(), "end", offsetof(Row, end), mth5::h5::fixed_text(36).get());
  H5Tinsert(type.get(), "n_samples", offsetof(Row, n_samples), H5T_NATIVE_INT64);
  H5Tinsert(type.get(), "has_data", offsetof(Row, has_data), mth5::h5::bool_enum().get());
  mth5::h5::check(H5Dread(table.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data()), "table");
  return rows;
}

TEST(Runs, ComeManyAtATimeWithAllTheirSamples) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  auto file = make(path);
  mth5::RunId run;
  file.edit([&](mth5::Edit& edit) { run = add(edit, 0); });
  const auto five = block(0, 5);
  file.append(run, matrix(five));
  mth5::RunId last;
  file.edit([&](mth5::Edit& edit) {
    edit.finish_run(run);
    for (std::size_t r = 1; r < 30; ++r) add_finished(edit, r, 5);
    last = add(edit, 30);
  });
  EXPECT_EQ(file.visible_samples(), 30 * 5);
  EXPECT_EQ(file.durable_samples(), 30 * 5) << "an edit is one durable commit";
  const auto more = block(30, 5);
  file.append(last, matrix(more));
  file.flush();
  EXPECT_EQ(file.run_names("S", "MT001").size(), 31u);
  const auto rows = rows_in_file(path);
  ASSERT_EQ(rows.size(), 31 * kChannels);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_STREQ(rows[i].run, name_of(i / kChannels).c_str());
    EXPECT_EQ(rows[i].n_samples, 5);
    EXPECT_EQ(rows[i].has_data, 1);
    EXPECT_EQ(std::string(rows[i].end), mth5::to_mth5_time(kStart + i / kChannels * 100s + 4s));
  }
  file.close();
  expect_runs(path, 0, 31, 5);
  const mth5::Reader reader{path};
  const auto* list = reader.stations().front().metadata.find("run_list");
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(std::get<std::vector<std::string>>(*list).size(), 31u);
  EXPECT_EQ(reader.stations().front().metadata.text("time_period.end"), mth5::to_mth5_time(kStart + 30 * 100s + 4s));
}

TEST(Runs, CostNoMoreOfTheFileThanTheyMay) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  auto file = make(path);
  const auto bytes_of = [&](std::size_t n, const auto& body) {
    const auto before = file.file_bytes();
    body();
    return (file.file_bytes() - before) / n;
  };
  mth5::RunId run;
  std::size_t number = 0;
  file.edit([&](mth5::Edit& edit) { run = add(edit, number++); });
  const auto alone = [&] {
    for (int i = 0; i < 20; ++i) {
      const auto one = block(number - 1, 1);
      file.append(run, matrix(one));
      file.edit([&](mth5::Edit& edit) {
        edit.finish_run(run);
        run = add(edit, number++);
      });
    }
  };
  const auto together = [&] {
    file.edit([&](mth5::Edit& edit) {
      for (int i = 0; i < 200; ++i) add_finished(edit, number++, 1);
    });
  };
  const auto first = bytes_of(20, alone);
  EXPECT_LE(first, 40960u);
  EXPECT_LE(bytes_of(200, together), 28 * 1024u);
  EXPECT_LE(bytes_of(20, alone), first + 1024) << "runs cost more the more there are";
  file.close();
}

TEST(Runs, AreSmallInTheirHeaders) {
  // Of a header only its first part is written with a flush. Attributes must not be in it.
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  auto file = make(path);
  file.edit([&](mth5::Edit& edit) {
    add_finished(edit, 0, 1);
    const std::vector<mth5::ChannelSpec> only{channels().front()};
    const double one = 1;
    edit.add_finished_run<double>("S", "MT001", run_metadata(1), kStart, only, {&one, 1, 1, 1});
  });
  file.close();
  const mth5::h5::File again{H5Fopen(path.c_str(), H5F_ACC_RDONLY, mth5::h5::writer_access().get()), "file"};
  for (const char* dataset : {"r0/bx", "r0/e4", "r0/temperature_h", "r1/bx"}) {
    const std::string name = std::string{"/Experiment/Surveys/S/Stations/MT001/"} + dataset;
    const mth5::h5::Dataset channel{H5Dopen2(again.get(), name.c_str(), H5P_DEFAULT), name};
    H5O_info_t info{};
    mth5::h5::check(H5Oget_info2(channel.get(), &info, H5O_INFO_ALL), name);
    EXPECT_GE(info.hdr.nchunks, 2u) << name;
    EXPECT_EQ(info.meta_size.attr.heap_size + info.meta_size.attr.index_size, 0u) << name << ": a heap of its own";
  }
}

TEST(Runs, WithoutSamplesDoNotStay) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  auto file = make(path);
  mth5::RunId kept;
  file.edit([&](mth5::Edit& edit) {
    add(edit, 0);
    add_finished(edit, 1, 3);
    kept = add(edit, 2);
    edit.finish_run(add(edit, 3));
    add_finished(edit, 4, 3);
  });
  const auto three = block(2, 3);
  file.append(kept, matrix(three));
  file.flush();
  EXPECT_EQ(rows_in_file(path).size(), 5 * kChannels);
  file.close();
  const auto rows = rows_in_file(path);
  ASSERT_EQ(rows.size(), 3 * kChannels);
  const mth5::Reader reader{path};
  std::vector<std::string> names;
  for (const auto& run : reader.runs()) names.push_back(run.id);
  EXPECT_THAT(names, ElementsAre("r1", "r2", "r4"));
  EXPECT_EQ(reader.stations().front().metadata.text("time_period.start"), mth5::to_mth5_time(kStart + 100s));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_STREQ(rows[i].run, names[i / kChannels].c_str());
    EXPECT_EQ(rows[i].n_samples, 3);
  }
  for (const std::size_t r : {1u, 2u, 4u}) expect_runs(path, r, r + 1, 3);
}

TEST(Runs, WithoutSamplesDoNotSurviveARecovery) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  const auto writer = support::forked([&]() -> int {
    auto file = make(path);
    file.edit([&](mth5::Edit& edit) {
      add_finished(edit, 0, 3);
      add(edit, 1);
    });
    kill(getpid(), SIGKILL);
    return 0;
  });
  ASSERT_EQ(writer.code, 128 + SIGKILL) << writer.err;
  auto file = mth5::File::open(path, "a", {.swmr = true});
  EXPECT_THAT(file.run_names("S", "MT001"), ElementsAre("r0"));
  EXPECT_THAT(file.recovery(), ElementsAre(HasSubstr("its writer died"), HasSubstr("r1: had no samples and was removed")));
  EXPECT_EQ(rows_in_file(path).size(), kChannels);
  file.edit([&](mth5::Edit& edit) { add_finished(edit, 1, 3); });  // the name is free
  file.close();
  expect_runs(path, 0, 2, 3);
}

TEST(Runs, OfAnotherProgramStayEvenIfTheyAreEmpty) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  fs::copy_file(support::data() / "mth5" / "python_v020.h5", path);
  const std::string group = "/Experiment/Surveys/REF01/Stations/MT001/";
  {
    mth5::h5::initialise();
    const mth5::h5::File file{H5Fopen(path.c_str(), H5F_ACC_RDWR, mth5::h5::writer_access().get()), "file"};
    for (const char* name : {"ex", "ey", "hx", "hy", "hz", "temperature"}) {
      const std::string channel = group + "sr1_0001/" + name;
      if (!mth5::h5::has_link(file.get(), channel)) continue;
      const mth5::h5::Dataset dataset{H5Dopen2(file.get(), channel.c_str(), H5P_DEFAULT), channel};
      const hsize_t none = 0;
      mth5::h5::check(H5Dset_extent(dataset.get(), &none), channel);
    }
  }
  auto file = mth5::File::open(path);
  EXPECT_THAT(file.run_names("REF01", "MT001"), testing::Contains("sr1_0001"));
  file.close();
  EXPECT_FALSE(mth5::Reader{path}.find("MT001", "sr1_0001", "ex").empty());
}

TEST(Runs, OfAllSessionsHaveNamesThatAreTaken) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  {
    auto file = make(path);
    file.edit([&](mth5::Edit& edit) {
      for (std::size_t r = 0; r < 5; ++r) add_finished(edit, r, 1);
    });
    file.close();
  }
  auto file = mth5::File::open(path, "a", {.swmr = true});
  EXPECT_THAT(file.run_names("S", "MT001"), ElementsAre("r0", "r1", "r2", "r3", "r4"));
  EXPECT_THAT([&] { file.edit([](mth5::Edit& edit) { add_finished(edit, 3, 1); }); },
              ThrowsMessage<mth5::StateError>(HasSubstr("run 'r3' exists already")));
  file.edit([](mth5::Edit& edit) { add_finished(edit, 5, 1); });
  EXPECT_EQ(file.run_names("S", "MT001").size(), 6u);
  EXPECT_THAT([&] { (void)file.run_names("S", "MT002"); },
              ThrowsMessage<mth5::StateError>(HasSubstr("there is no station 'MT002'")));
  const auto run = file.open_run("S", "MT001", "r2");
  const double nine[kChannels] = {};
  file.append(run, mth5::Matrix<const double>{nine, kChannels, 1, 1}, kStart + 201s);
  file.close();
  EXPECT_EQ(mth5::Reader{path}.channels().at(0).run, "r0");
  expect_runs(path, 0, 2, 1);
  expect_runs(path, 3, 6, 1);
}

struct Stored {
  mth5::SampleType type;
  std::optional<double> fill;
  std::vector<double> expected;
};
class Conversions : public testing::TestWithParam<Stored> {};

TEST_P(Conversions, RoundToTheNearestAndKnowNoNaN) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> given{2.7, -2.7, 2.5, 3.5, nan, 1e12, -inf, 0.4};
  const auto& [type, fill, expected] = GetParam();
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  auto file = make(path);
  mth5::Metadata metadata{mth5::Kind::Auxiliary};
  metadata.set("component", std::string{"aux"});
  const std::vector<mth5::ChannelSpec> one{{metadata, type, 0, fill}};
  std::vector<float> floats;
  for (const double v : given) floats.push_back(static_cast<float>(v));
  mth5::RunId run;
  file.edit([&](mth5::Edit& edit) {
    edit.add_finished_run<double>("S", "MT001", run_metadata(0), kStart, one, {given.data(), 1, given.size(), given.size()});
    edit.add_finished_run<float>("S", "MT001", run_metadata(1), kStart, one, {floats.data(), 1, floats.size(), floats.size()});
    run = edit.add_run("S", "MT001", run_metadata(2), kStart, one);
  });
  file.append(run, mth5::Matrix<const double>{given.data(), 1, given.size(), given.size()});
  file.close();
  {  // another session knows the fill value from the file
    auto again = mth5::File::open(path);
    again.append(again.open_run("S", "MT001", "r2"), mth5::Matrix<const double>{&nan, 1, 1, 1});
    again.close();
  }
  const mth5::Reader reader{path};
  for (std::size_t c = 0; c < 3; ++c) {
    const auto samples = reader.read(c, 0, reader.channels()[c].n_samples);
    ASSERT_EQ(samples.size(), given.size() + (c == 2 ? 1 : 0));
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const double wanted = i < expected.size() ? expected[i] : expected[4];
      if (std::isnan(wanted))
        EXPECT_TRUE(std::isnan(samples[i])) << c << " " << i;
      else
        EXPECT_TRUE(samples[i] == wanted || std::abs(samples[i] - wanted) < 1e-6 * std::abs(wanted))
            << "run " << c << " sample " << i << ": " << samples[i] << ", not " << wanted;
    }
  }
}

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
INSTANTIATE_TEST_SUITE_P(
    , Conversions,
    testing::Values(Stored{mth5::SampleType::Int32, -999, {3, -3, 2, 4, -999, 2147483647.0, -2147483648.0, 0}},
                    Stored{mth5::SampleType::Int32, {}, {3, -3, 2, 4, -2147483648.0, 2147483647.0, -2147483648.0, 0}},
                    Stored{mth5::SampleType::Int16, 32767, {3, -3, 2, 4, 32767, 32767, -32768, 0}},
                    Stored{mth5::SampleType::Float64, -999, {2.7, -2.7, 2.5, 3.5, kNaN, 1e12, -kInf, 0.4}},
                    Stored{mth5::SampleType::Float32, {}, {2.7, -2.7, 2.5, 3.5, kNaN, 1e12, -kInf, 0.4}}),
    [](const auto& param) {
      return std::string{to_string(param.param.type)} + (param.param.fill ? "WithAFillValue" : "WithoutAFillValue");
    });

}  // namespace
