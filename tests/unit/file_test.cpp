#include "mth5/file.hpp"
#include "mth5/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "h5/handle.hpp"
#include "h5/lock.hpp"
#include "h5/types.hpp"
#include "support/stages.hpp"
#include "support/support.hpp"

namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

mth5::Metadata survey(const std::string& id = "S1") {
  mth5::Metadata m{mth5::Kind::Survey};
  m.set("id", id);
  return m;
}

mth5::Metadata station(const std::string& id = "MT001") {
  mth5::Metadata m{mth5::Kind::Station};
  m.set("id", id);
  m.set("location.latitude", 40.5);
  m.set("location.longitude", -115.1);
  return m;
}

mth5::Metadata run(const std::string& id, double rate) {
  mth5::Metadata m{mth5::Kind::Run};
  m.set("id", id);
  m.set("sample_rate", rate);
  return m;
}

std::vector<mth5::ChannelSpec> channels(mth5::SampleType type = mth5::SampleType::Int32) {
  std::vector<mth5::ChannelSpec> specs;
  for (const auto& [kind, component] : {std::pair{mth5::Kind::Electric, "ex"}, {mth5::Kind::Magnetic, "hy"}}) {
    mth5::Metadata m{kind};
    m.set("component", std::string{component});
    m.set("units", std::string{"digital counts"});
    specs.push_back({m, type, 100});
  }
  return specs;
}

const mth5::UtcNanos kStart = *mth5::parse_time("2026-05-01T00:00:00");

struct Made {
  mth5::File file;
  mth5::RunId run;
};

Made make(const std::filesystem::path& path, const mth5::CreateOptions& options) {
  auto file = mth5::File::create(path, options);
  mth5::RunId id;
  file.edit([&](mth5::Edit& edit) {
    edit.add_survey(survey());
    edit.add_station("S1", station());
    id = edit.add_run("S1", "MT001", run("sr8_0001", 8), kStart, channels());
  });
  return {std::move(file), id};
}
Made make(const std::filesystem::path& path, const std::string& version = "0.2.0") {
  return make(path, mth5::CreateOptions{version, "test", "1"});
}

std::vector<std::int32_t> ramp(std::size_t channel, std::size_t first, std::size_t n) {
  std::vector<std::int32_t> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(static_cast<std::int32_t>(1000 * (channel + 1) + first + i));
  return values;
}

void append(mth5::File& file, mth5::RunId id, std::size_t first, std::size_t n) {
  std::vector<std::int32_t> both = ramp(0, first, n);
  const auto second = ramp(1, first, n);
  both.insert(both.end(), second.begin(), second.end());
  file.append(id, mth5::Matrix<const std::int32_t>{both.data(), 2, n, n});
}

std::vector<std::int32_t> stored(const std::filesystem::path& path, const std::string& dataset) {
  mth5::h5::initialise();
  const auto access = mth5::h5::writer_access();  // in the writer's process HDF5 shares the file, so the settings must be its own
  const mth5::h5::File file{H5Fopen(path.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access.get()), "open"};
  const mth5::h5::Dataset set{H5Dopen2(file.get(), dataset.c_str(), H5P_DEFAULT), dataset};
  const mth5::h5::Space space{H5Dget_space(set.get()), "space"};
  std::vector<std::int32_t> values(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.get())));
  mth5::h5::check(H5Dread(set.get(), H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "read");
  return values;
}

constexpr const char* kEx = "/Experiment/Surveys/S1/Stations/MT001/sr8_0001/ex";
constexpr const char* kHy = "/Experiment/Surveys/S1/Stations/MT001/sr8_0001/hy";

TEST(File, IsSeenUnderItsNameOnlyWhenReadersMayCome) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  auto [file, id] = make(path);
  EXPECT_FALSE(std::filesystem::exists(path));
  file.start_swmr();
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_TRUE(file.is_swmr_mode());
  EXPECT_TRUE(file.h5_is_write());
  file.close();
  EXPECT_FALSE(file.is_swmr_mode());
  EXPECT_FALSE(file.h5_is_write());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{dir.path()}, {}), 1) << "nothing is left beside the file";
}

TEST(File, ShowsReadersWhatWasFlushed) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  auto [file, id] = make(path);
  file.start_swmr();
  append(file, id, 0, 150);
  file.flush();
  EXPECT_EQ(stored(path, kEx), ramp(0, 0, 150));
  append(file, id, 150, 70);
  file.flush();
  EXPECT_EQ(stored(path, kEx), ramp(0, 0, 220));
  EXPECT_EQ(stored(path, kHy), ramp(1, 0, 220));
  file.close();
  EXPECT_EQ(stored(path, kHy), ramp(1, 0, 220));
}

TEST(File, NeverTouchesAnExistingFile) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  support::write_text(path, "precious");
  EXPECT_THAT([&] { mth5::File::create(path); },
              ThrowsMessage<mth5::FileError>(HasSubstr("a.h5: exists already and is never overwritten")));
  EXPECT_EQ(support::read_text(path), "precious");
  // One that comes into being while the file is made is left alone as well.
  const auto other = dir / "b.h5";
  auto made = make(other);
  support::write_text(other, "precious");
  EXPECT_THAT([&] { made.file.start_swmr(); },
              ThrowsMessage<mth5::FileError>(HasSubstr("b.h5: exists already and is never overwritten")));
  EXPECT_EQ(support::read_text(other), "precious");
}

TEST(File, TakesAnotherNameWhereItsOwnIsTakenMeanwhile) {
  for (const bool live : {true, false}) {
    const support::TempDir dir;
    int asked = 0;
    mth5::CreateOptions options;
    options.other_name = [&] { return dir / ("a_" + std::to_string(++asked + 1) + ".h5"); };
    auto [file, id] = make(dir / "a.h5", options);
    for (const auto* name : {"a.h5", "a_2.h5"}) support::write_text(dir / name, "precious");
    if (live) file.start_swmr();
    append(file, id, 0, 150);
    if (live) {
      EXPECT_EQ(file.path(), dir / "a_3.h5");
      EXPECT_EQ(file.still_there(), mth5::FileName::There);
      file.flush();
      EXPECT_EQ(stored(dir / "a_3.h5", kEx), ramp(0, 0, 150));
    }
    file.close();
    EXPECT_EQ(file.path(), dir / "a_3.h5");
    EXPECT_EQ(stored(dir / "a_3.h5", kEx), ramp(0, 0, 150));
    for (const auto* name : {"a.h5", "a_2.h5"}) EXPECT_EQ(support::read_text(dir / name), "precious");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator{dir.path()}, {}), 3) << "nothing is left beside the files";
  }
  // One that is there before is as one that comes later; and whoever knows no other name is told.
  const support::TempDir dir;
  support::write_text(dir / "a.h5", "precious");
  mth5::CreateOptions options;
  options.other_name = [&] { return dir / "b.h5"; };
  EXPECT_EQ(mth5::File::create(dir / "a.h5", options).path(), dir / "b.h5");
  options.other_name = [&] { return dir / "a.h5"; };
  try {
    mth5::File::create(dir / "a.h5", options);
    FAIL() << "a file was overwritten";
  } catch (const mth5::FileError& e) {
    EXPECT_EQ(e.code(), std::errc::file_exists);
  }
}

/// As a recorder tries it again and again, under the name of its first sample: a folder that is away between the two leaves
/// something behind, and once it is back this stands in nobody's way.
TEST(File, IsCreatedBesideWhatCouldNotBeRemoved) {
  const support::TempDir dir;
  const auto folder = dir / "data", aside = dir / "aside";
  std::filesystem::create_directory(folder);
  const auto left = [&] { return std::distance(std::filesystem::directory_iterator{folder}, {}); };
  mth5::CreateOptions options;
  options.other_name = [&]() -> std::filesystem::path {
    std::filesystem::rename(folder, aside);
    throw mth5::FileError{"the folder is away"};
  };
  {
    auto file = mth5::File::create(folder / "a.h5", options);
    support::write_text(folder / "a.h5", "of somebody else");
    EXPECT_THAT([&] { file.start_swmr(); }, ThrowsMessage<mth5::FileError>(HasSubstr("the folder is away")));
  }
  std::filesystem::rename(aside, folder);
  std::filesystem::remove(folder / "a.h5");
  ASSERT_EQ(left(), 1) << "what this is about";
  auto [file, id] = make(folder / "a.h5");
  EXPECT_EQ(left(), 1) << "its own work file alone";
  file.start_swmr();
  append(file, id, 0, 150);
  file.close();
  EXPECT_EQ(stored(folder / "a.h5", kEx), ramp(0, 0, 150));
  EXPECT_EQ(left(), 1);

  // Of a process that had the same pid, which a container gives again and again.
  const auto old = folder / (".b.h5." + std::to_string(getpid()) + ".part");
  support::write_text(old, "precious");
  mth5::File::create(folder / "b.h5").close();
  EXPECT_TRUE(std::filesystem::exists(folder / "b.h5"));
  EXPECT_EQ(support::read_text(old), "precious");
}

TEST(File, SaysWhyItCannotBeCreated) {
  EXPECT_THAT([] { mth5::File::create("/nonexistent/a.h5"); },
              ThrowsMessage<mth5::FileError>(HasSubstr("/nonexistent/a.h5: cannot be created: No such file or directory")));
  const support::TempDir dir;
  EXPECT_THAT(
      [&] {
        mth5::File::create(dir / "a.h5", {"0.3.0", "test", "1"});
      },
      ThrowsMessage<mth5::StateError>(HasSubstr("file version '0.3.0' is not one of 0.1.0, 0.2.0")));
}

TEST(File, RefusesWhatDoesNotFitAndStaysUsable) {
  const support::TempDir dir;
  auto [file, id] = make(dir / "a.h5");
  file.start_swmr();
  const std::vector<std::int32_t> one(10, 1);
  EXPECT_THAT(([&, run_id = id, &f = file] {
                f.append(run_id, mth5::Matrix<const std::int32_t>{one.data(), 1, 10, 10});
              }),
              ThrowsMessage<mth5::StateError>(HasSubstr("append of 1 channels to a run of 2")));
  const auto refuse = [&f = file](const std::function<void(mth5::Edit&)>& change, const std::string& why) {
    EXPECT_THAT([&] { f.edit(change); }, testing::Throws<mth5::Error>(testing::Property(&mth5::Error::what, HasSubstr(why))));
  };
  refuse([](mth5::Edit& e) { e.add_survey(survey()); }, "survey 'S1' exists already");
  refuse([](mth5::Edit& e) { e.add_station("S2", station()); }, "there is no survey 'S2'; add_survey() first");
  refuse([](mth5::Edit& e) { e.add_station("S1", station()); }, "station 'MT001' exists already");
  refuse([](mth5::Edit& e) { e.add_run("S1", "MT001", run("sr8_0001", 8), kStart, channels()); },
         "run 'sr8_0001' exists already");
  refuse([](mth5::Edit& e) { e.add_run("S1", "MT001", run("sr8_0002", 0), kStart, channels()); },
         "run.sample_rate: must be above 0 Hz");
  refuse([](mth5::Edit& e) { e.add_run("S1", "MT002", run("x", 1), kStart, channels()); }, "there is no station 'MT002'");
  refuse(
      [](mth5::Edit& e) {
        auto twice = channels();
        twice.push_back(twice.front());
        e.add_run("S1", "MT001", run("sr8_0002", 8), kStart, twice);
      },
      "two channels are called 'ex'");
  append(file, id, 0, 10);
  file.close();
  EXPECT_EQ(stored(dir / "a.h5", kEx).size(), 10u);
  EXPECT_THAT(([&f = file] { f.flush(); }), ThrowsMessage<mth5::StateError>(HasSubstr("the file is closed")));
}

TEST(File, GrowsNewRunsWhileAReaderIsAttached) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  // Forked before the file is there: a child must not inherit HDF5's table of open files, or it would share the writer's handle.
  support::Stages reader{[&](support::Stages::Gate& gate) {
    gate.reached();
    mth5::h5::initialise();
    const mth5::h5::File open{H5Fopen(path.c_str(), H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, H5P_DEFAULT), "the reader's"};
    gate.reached();
  }};
  reader.wait();
  auto [file, id] = make(path);
  file.start_swmr();
  append(file, id, 0, 50);
  file.flush();
  reader.step();
  mth5::RunId next;
  file.edit([&](mth5::Edit& edit) {
    edit.finish_run(id);
    next = edit.add_run("S1", "MT001", run("sr8_0002", 8), kStart + std::chrono::hours{1}, channels());
  });
  EXPECT_TRUE(file.is_swmr_mode());
  append(file, next, 0, 30);
  file.flush();
  EXPECT_EQ(stored(path, kEx).size(), 50u);
  EXPECT_EQ(stored(path, "/Experiment/Surveys/S1/Stations/MT001/sr8_0002/hy"), ramp(1, 0, 30));
  EXPECT_THAT(([&, &f = file, old = id] { append(f, old, 0, 1); }),
              ThrowsMessage<mth5::StateError>(HasSubstr("the run is finished")));
  EXPECT_EQ(reader.finish(), 0);
  file.close();
}

TEST(File, AddsAChannelToARunWithoutSamples) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  auto [file, id] = make(path);
  mth5::RunId other;
  file.edit([&](mth5::Edit& edit) { other = edit.add_run("S1", "MT001", run("sr8_0002", 8), kStart, channels()); });
  file.start_swmr();
  mth5::Metadata hz{mth5::Kind::Magnetic};
  hz.set("component", std::string{"hz"});
  file.edit([&, run = id](mth5::Edit& edit) { edit.add_channel(run, {hz, mth5::SampleType::Float32, 2000}); });
  EXPECT_EQ(file.components(id), (std::vector<std::string>{"ex", "hy", "hz"}));
  const std::int32_t six[] = {1, 2, 3, 4, 5, 6};
  file.append(id, mth5::Matrix<const std::int32_t>{six, 3, 2, 2});
  append(file, other, 0, 10);
  file.flush();
  EXPECT_THAT(([&f = file, run = id, hz] { f.edit([&](mth5::Edit& edit) { edit.add_channel(run, {hz}); }); }),
              ThrowsMessage<mth5::StateError>(HasSubstr("has 2 samples in each channel already")));
  file.close();
  const std::string group = "/Experiment/Surveys/S1/Stations/MT001/";
  EXPECT_EQ(stored(path, group + "sr8_0002/hy"), ramp(1, 0, 10));
  EXPECT_EQ(stored(path, kEx).size(), 2u);
  const mth5::Reader reader{path};
  const auto added = reader.find("MT001", "sr8_0001", "hz").at(0);
  EXPECT_EQ(reader.sample_type(added), mth5::SampleType::Float32);
  EXPECT_EQ(reader.channels()[added].n_samples, 2);
  const auto run = reader.run_metadata(0);
  const auto* magnetic = run.find("channels_recorded_magnetic");
  ASSERT_NE(magnetic, nullptr);
  EXPECT_EQ(std::get<std::vector<std::string>>(*magnetic), (std::vector<std::string>{"hy", "hz"}));
}

TEST(File, TakesRowsOfTablesAndFloatsOfEveryWidth) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  auto file = mth5::File::create(path);
  const mth5::TableSpec spec{"state_of_health/lemi",
                             {{"time", mth5::Column::Type::Int64, 0, "ns"},
                              {"battery", mth5::Column::Type::Float64, 0, "V"},
                              {"note", mth5::Column::Type::Text, 8, ""}},
                             "test"};
  mth5::TableId table;
  mth5::RunId id;
  file.edit([&](mth5::Edit& edit) {
    edit.add_survey(survey());
    edit.add_station("S1", station());
    id = edit.add_run("S1", "MT001", run("sr8_0001", 8), kStart, channels(mth5::SampleType::Float64));
    table = edit.add_table(spec);
  });
  file.start_swmr();
  mth5::Rows rows{spec};
  for (std::int64_t i = 0; i < 300; ++i) {
    rows.add(i);
    rows.add(0.5 * static_cast<double>(i));
    rows.add("row too long for it");
  }
  EXPECT_EQ(rows.size(), 300u);
  EXPECT_THROW(rows.add(1.0), mth5::StateError) << "a value of another type than the column's";
  file.append_rows(table, rows);
  const std::vector<float> floats{1.5F, 2.5F, -3.25F, 4.0F};
  file.append(id, mth5::Matrix<const float>{floats.data(), 2, 2, 2});
  const std::vector<double> doubles{0.1, 0.2};
  file.append(id, mth5::Matrix<const double>{doubles.data(), 2, 1, 1});
  file.sync();
  EXPECT_EQ(file.n_rows(table), 300);
  EXPECT_EQ(file.n_samples(id), 3);
  file.close();
}

std::string group_type(const std::filesystem::path& path, const std::string& group) {
  mth5::h5::initialise();
  const mth5::h5::File file{H5Fopen(path.c_str(), H5F_ACC_RDWR, mth5::h5::writer_access().get()), "open"};
  const mth5::h5::Object object{H5Oopen(file.get(), group.c_str(), H5P_DEFAULT), group};
  const mth5::h5::Attribute attribute{H5Aopen(object.get(), "mth5_type", H5P_DEFAULT), group};
  const mth5::h5::Datatype text = mth5::h5::vlen_text();
  char* value = nullptr;
  mth5::h5::check(H5Aread(attribute.get(), text.get(), &value), group);
  const std::string found = value;
  H5free_memory(value);
  return found;
}

TEST(File, GivesEveryStationTheGroupsThatProcessingNeeds) {
  const support::TempDir dir;
  for (const std::string version : {"0.2.0", "0.1.0"}) {
    const auto path = dir / (version + ".h5");
    auto made = make(path, version);
    made.file.close();
    const std::string station = (version == "0.1.0" ? "/Survey" : "/Experiment/Surveys/S1") + std::string{"/Stations/MT001/"};
    EXPECT_EQ(group_type(path, station + "Transfer_Functions"), "TransferFunctions");
    EXPECT_EQ(group_type(path, station + "Fourier_Coefficients"), "MasterFC");
    EXPECT_EQ(group_type(path, station + "Features"), "MasterFeatures");
    {  // as files made by versions before 0.2 lack them
      const mth5::h5::File file{H5Fopen(path.c_str(), H5F_ACC_RDWR, mth5::h5::writer_access().get()), "open"};
      for (const char* name : {"Fourier_Coefficients", "Features"})
        mth5::h5::check(H5Ldelete(file.get(), (station + name).c_str(), H5P_DEFAULT), name);
    }
    mth5::File::open(path).close();
    EXPECT_EQ(group_type(path, station + "Fourier_Coefficients"), "MasterFC");
    EXPECT_EQ(group_type(path, station + "Features"), "MasterFeatures");
  }
}

TEST(File, HoldsTheWritersLockUntilItIsClosed) {
  const support::TempDir dir;
  const auto path = dir / "a.h5";
  auto made = make(path);
  made.file.start_swmr();
  EXPECT_THROW(mth5::h5::WriterLock{path}, mth5::BusyError);
  made.file.close();
  EXPECT_NO_THROW(mth5::h5::WriterLock{path});
}

}  // namespace
