#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <nlohmann/json.hpp>

#include "h5/handle.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/support.hpp"

/// HDF5 1.10.8 loses memory when it gives up on a damaged file; ours is still watched.
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5\n"; }

namespace {

namespace fs = std::filesystem;
using mth5::Reader;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

const mth5::ReaderOptions kQuick{.deadline = std::chrono::milliseconds{50}};

fs::path python_file(const std::string& name) { return support::data() / "mth5" / name; }

/// Formula of tests/data/README.md.
double python_sample(std::size_t channel, std::size_t run, std::int64_t k) {
  return static_cast<double>((k * 7919 + static_cast<std::int64_t>(channel) * 104729 + static_cast<std::int64_t>(run) * 1299709) %
                             20001) -
         10000;
}

std::size_t channel_of(const Reader& reader, const std::string& run, const std::string& component) {
  for (std::size_t i = 0; i < reader.channels().size(); ++i)
    if (reader.channels()[i].run == run && reader.channels()[i].component == component) return i;
  throw std::out_of_range{run + "/" + component};
}

class NoIdStaysOpen : public testing::Environment {
 public:
  void TearDown() override { EXPECT_EQ(H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL), 0); }
};
[[maybe_unused]] const auto* const kNoIdStaysOpen = testing::AddGlobalTestEnvironment(new NoIdStaysOpen);

class PythonFile : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(PythonFile, IsReadWithItsStructureAndMetadata) {
  const Reader reader{python_file(GetParam().first)};
  EXPECT_EQ(reader.file_version(), GetParam().second);
  EXPECT_EQ(reader.state(), mth5::FileState::Closed);
  ASSERT_EQ(reader.surveys().size(), 1U);
  EXPECT_EQ(reader.surveys()[0].id, "REF01");
  EXPECT_EQ(reader.surveys()[0].metadata.text("country"), "DE");
  EXPECT_EQ(reader.surveys()[0].metadata.text("acquired_by.author"), "A. Author");
  ASSERT_EQ(reader.stations().size(), 1U);
  const auto& station = reader.stations()[0];
  EXPECT_EQ(station.id, "MT001");
  EXPECT_EQ(station.survey, "REF01");
  EXPECT_EQ(station.metadata.number("location.latitude"), 52.1234567);
  EXPECT_EQ(station.metadata.number("location.longitude"), 13.7654321);
  EXPECT_EQ(station.metadata.number("location.elevation"), 84.5);
  ASSERT_EQ(reader.runs().size(), 2U);
  const auto& run = reader.runs()[1];
  EXPECT_EQ(run.id, "sr8_0001");
  EXPECT_EQ(run.sample_rate, 8.0);
  EXPECT_EQ(run.n_samples, 4000);
  EXPECT_EQ(mth5::to_iso(run.start), "2024-05-01T12:00:00Z");
  EXPECT_EQ(mth5::to_iso(run.end()), "2024-05-01T12:08:19.875Z");
  EXPECT_EQ(reader.run_metadata(1).text("data_logger.id"), "L1");
  EXPECT_EQ(reader.runs()[0].n_samples, 2000);
  ASSERT_EQ(reader.channels().size(), 12U);
  const auto ex_index = channel_of(reader, "sr8_0001", "ex");
  const auto& ex = reader.channels()[ex_index];
  EXPECT_EQ(reader.sample_type(ex_index), mth5::SampleType::Int32);
  EXPECT_EQ(ex.kind, mth5::Kind::Electric);
  EXPECT_EQ(reader.channel_metadata(ex_index).number("dipole_length"), 101.5);
  EXPECT_EQ(ex.units, "digital counts");
  EXPECT_EQ(ex.station, "MT001");
  const auto hz = channel_of(reader, "sr1_0001", "hz");
  EXPECT_EQ(reader.channels()[hz].kind, mth5::Kind::Magnetic);
  EXPECT_EQ(reader.channel_metadata(hz).number("measurement_tilt"), 90.0);
  EXPECT_EQ(reader.channels()[channel_of(reader, "sr1_0001", "temperature")].kind, mth5::Kind::Auxiliary);
  EXPECT_EQ(reader.channels()[reader.runs()[1].channels[0]].component, "ex");
}

TEST_P(PythonFile, GivesEverySample) {
  const Reader reader{python_file(GetParam().first)};
  const std::vector<std::string> components{"ex", "ey", "hx", "hy", "hz", "temperature"};
  for (std::size_t run = 0; run < reader.runs().size(); ++run) {
    for (std::size_t c = 0; c < components.size(); ++c) {
      const auto index = channel_of(reader, reader.runs()[run].id, components[c]);
      const auto n = reader.channels()[index].n_samples;
      const auto samples = reader.read(index, 0, n);
      ASSERT_EQ(samples.size(), static_cast<std::size_t>(n));
      for (std::int64_t k = 0; k < n; ++k)
        ASSERT_EQ(samples[static_cast<std::size_t>(k)], python_sample(c, run, k)) << components[c] << " " << k;
    }
  }
}

TEST_P(PythonFile, HasNoTablesOfOurs) {
  Reader reader{python_file(GetParam().first)};
  EXPECT_THAT(reader.tables(), ElementsAre());
  EXPECT_FALSE(reader.table("gaps"));
  EXPECT_EQ(reader.table_rows("gaps"), 0);
  EXPECT_FALSE(reader.last_commit());
  EXPECT_FALSE(reader.refresh());
}

INSTANTIATE_TEST_SUITE_P(Versions, PythonFile,
                         testing::Values(std::pair{"python_v020.h5", "0.2.0"}, std::pair{"python_v010.h5", "0.1.0"}));

TEST(Reader, CutsAWindowAtTheEndOfTheChannel) {
  const Reader reader{python_file("python_v020.h5")};
  const auto ex = channel_of(reader, "sr1_0001", "ex");
  EXPECT_THAT(reader.read(ex, 1998, 100), ElementsAre(python_sample(0, 0, 1998), python_sample(0, 0, 1999)));
  EXPECT_THAT(reader.read(ex, 2000, 1), ElementsAre());
  EXPECT_THAT(reader.read(ex, 5'000'000'000, 1), ElementsAre());
  EXPECT_THAT(reader.read(ex, 3, 0), ElementsAre());
  EXPECT_THAT(reader.read(ex, -5, 1), ElementsAre());
  EXPECT_THAT(reader.read(ex, -5, 6), ElementsAre(python_sample(0, 0, 0)));
  EXPECT_THROW((void)reader.read(999, 0, 1), mth5::StateError);
}

TEST(Reader, AgreesWithPythonAboutALemiRecording) {
  const Reader reader{python_file("lemi424_python.h5")};
  const auto truth = nlohmann::json::parse(support::read_text(python_file("lemi424_python.json")));
  std::size_t runs = 0;
  for (const auto& [id, run] : truth.items()) {
    if (id == "station") continue;
    ++runs;
    for (const auto& [component, channel] : run["channels"].items()) {
      const auto index = channel_of(reader, id, component);
      const auto& info = reader.channels()[index];
      EXPECT_EQ(info.n_samples, channel["n_samples"]);
      EXPECT_EQ(mth5::to_string(reader.sample_type(index)), channel["dtype"]);
      EXPECT_EQ(info.units, channel["units"]);
      EXPECT_EQ(mth5::to_mth5_time(info.start), channel["start"]);
      EXPECT_EQ(mth5::to_mth5_time(info.end()), channel["end"]);
      EXPECT_EQ(reader.read(index, 0, 3), channel["first3"].get<std::vector<double>>());
      EXPECT_EQ(reader.read(index, info.n_samples - 3, 3), channel["last3"].get<std::vector<double>>());
      double sum = 0;
      for (const double value : reader.read(index, 0, info.n_samples)) sum += value;
      EXPECT_NEAR(sum, channel["sum"].get<double>(), 1e-6 * std::abs(sum));
    }
  }
  EXPECT_EQ(reader.runs().size(), runs);
  EXPECT_EQ(reader.stations().at(0).metadata.number("location.elevation"), truth["station"]["elevation"].get<double>());
}

class Damaged : public testing::Test {
 protected:
  support::TempDir dir_;
};

TEST_F(Damaged, OtherThingsThanFilesAreNamed) {
  support::write_text(dir_ / "text.h5", "station,ex,ey\n");
  support::write_text(dir_ / "empty.h5", "");
  EXPECT_THAT([&] { Reader reader(dir_ / "text.h5"); }, ThrowsMessage<mth5::FormatError>(HasSubstr("text.h5: not an HDF5 file")));
  EXPECT_THAT([&] { Reader reader(dir_ / "empty.h5"); }, ThrowsMessage<mth5::FormatError>(HasSubstr("not an HDF5 file")));
  EXPECT_THAT([&] { Reader reader(dir_.path()); }, ThrowsMessage<mth5::FileError>(HasSubstr("is a directory")));
  EXPECT_THAT([&] { Reader reader(dir_ / "none.h5"); }, ThrowsMessage<mth5::FileError>(HasSubstr("No such file")));
}

TEST_F(Damaged, AnHdf5FileThatIsNotMth5IsNamed) {
  const auto path = dir_ / "other.h5";
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT);
  ASSERT_GE(H5Fclose(file), 0);
  EXPECT_THAT([&] { Reader reader(path); }, ThrowsMessage<mth5::FormatError>(HasSubstr("not an MTH5 file")));
}

TEST_F(Damaged, ATruncatedFileIsAnErrorAtEveryLength) {
  const std::string content = support::read_text(python_file("python_v010.h5"));
  for (std::size_t length = 0; length < content.size(); length += 1 + content.size() / 61) {
    const auto path = dir_ / "cut.h5";
    support::write_text(path, content.substr(0, length));
    EXPECT_THROW(Reader(path, kQuick), mth5::FormatError) << length;
  }
}

/// HDF5 1.10.8 trusts the object sizes in its global heaps (variable-length texts; they have no checksum) and reads beyond them.
bool in_global_heap(const std::string& content, std::size_t at) {
  for (auto heap = content.find("GCOL"); heap != std::string::npos; heap = content.find("GCOL", heap + 4)) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, content.data() + heap + 8, sizeof bytes);
    if (at + 16 > heap && at < heap + bytes) return true;
  }
  return false;
}

TEST_F(Damaged, OverwrittenBytesAreAnErrorOrReadButNeverACrash) {
  const std::string content = support::read_text(python_file("python_v010.h5"));
  int refused = 0;
  int read = 0;
  for (std::size_t at = 16; at + 16 < content.size(); at += 1 + content.size() / 61) {
    if (in_global_heap(content, at)) continue;
    std::string damaged = content;
    for (std::size_t i = 0; i < 16; ++i) damaged[at + i] = static_cast<char>(damaged[at + i] ^ 0x5a);
    const auto path = dir_ / "bad.h5";
    support::write_text(path, damaged);
    try {
      const Reader reader{path, kQuick};
      for (std::size_t i = 0; i < reader.channels().size(); ++i) (void)reader.read(i, 0, 100'000);
      ++read;
    } catch (const mth5::Error& e) {
      EXPECT_THAT(e.what(), HasSubstr("bad.h5"));
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(read, 0);
}

TEST_F(Damaged, AFileLeftInAnEditOfItsStructureSaysThatItNeedsRecovery) {
  // The superblock with flags 1 as H5Fopen(RDWR) leaves it when its process is killed.
  const auto path = dir_ / "killed.h5";
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  ASSERT_GE(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110), 0);
  const hid_t file = H5Fcreate((dir_ / "open.h5").c_str(), H5F_ACC_EXCL, H5P_DEFAULT, access);
  ASSERT_GE(H5Fflush(file, H5F_SCOPE_GLOBAL), 0);
  fs::copy_file(dir_ / "open.h5", path);
  ASSERT_GE(H5Fclose(file), 0);
  ASSERT_GE(H5Pclose(access), 0);
  ASSERT_EQ(mth5::probe(path).consistency_flags, 1);
  EXPECT_THAT([&] { Reader(path, kQuick); }, ThrowsMessage<mth5::FileError>(testing::AllOf(
                                                 HasSubstr("needs recovery: mth5-recover"), Not(HasSubstr("h5clear")))));
  EXPECT_LT(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT), 0);
  EXPECT_THAT(mth5::h5::take_error_stack(), testing::AllOf(HasSubstr("already open for write"), Not(HasSubstr("h5clear"))));
}

TEST(ChannelOrder, IsThatInWhichTheChannelsWereMade) {
  const support::TempDir dir;
  const std::vector<std::string> order{"hz", "ex", "hx", "ey", "temperature", "hy"};
  {
    auto file = mth5::File::create(dir / "order.h5");
    std::vector<mth5::RunId> runs;
    file.edit([&](mth5::Edit& edit) {
      mth5::Metadata survey{mth5::Kind::Survey};
      survey.set("id", std::string{"TEST"});
      edit.add_survey(survey);
      mth5::Metadata station{mth5::Kind::Station};
      station.set("id", std::string{"S1"});
      edit.add_station("TEST", station);
      for (const char* id : {"b", "a"}) {
        mth5::Metadata run{mth5::Kind::Run};
        run.set("id", std::string{id});
        run.set("sample_rate", 1.0);
        std::vector<mth5::ChannelSpec> channels;
        for (const auto& component : order) {
          mth5::Metadata channel{component == "temperature" ? mth5::Kind::Auxiliary
                                 : component[0] == 'e'      ? mth5::Kind::Electric
                                                            : mth5::Kind::Magnetic};
          channel.set("component", component);
          channels.push_back({channel, mth5::SampleType::Int32, 0});
        }
        runs.push_back(edit.add_run("TEST", "S1", run, mth5::UtcNanos{}, channels));
      }
    });
    const std::vector<std::int32_t> sample(order.size(), 1);  // a run without samples does not outlive its file
    for (const auto run : runs) file.append(run, mth5::Matrix<const std::int32_t>{sample.data(), order.size(), 1, 1});
    file.close();
  }
  const Reader reader{dir / "order.h5"};
  ASSERT_EQ(reader.runs().size(), 2U);
  for (const auto& run : reader.runs()) {
    std::vector<std::string> found;
    for (const auto channel : run.channels) found.push_back(reader.channels()[channel].component);
    EXPECT_EQ(found, order) << run.id;
  }
}

}  // namespace
