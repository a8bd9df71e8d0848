#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include "h5/handle.hpp"
#include "mth5/reader.hpp"
#include "sandbox/check.hpp"
#include "support/support.hpp"

/// HDF5 1.10.8 loses memory when it gives up on a damaged file; ours is still watched.
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5\n"; }

namespace {

namespace fs = std::filesystem;
namespace h5 = mth5::h5;
using mth5::Reader;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::ThrowsMessage;

/// A file as nobody should make one, by HDF5 itself.
class OddFile : public testing::Test {
 protected:
  void SetUp() override {
    h5::initialise();
    const h5::PropertyList access{H5Pcreate(H5P_FILE_ACCESS), "access"};
    h5::check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110), "version");
    file_ = {H5Fcreate(path_.c_str(), H5F_ACC_EXCL, H5P_DEFAULT, access.get()), "file"};
  }

  void group(const std::string& path) const {
    const h5::PropertyList links{H5Pcreate(H5P_LINK_CREATE), "links"};
    h5::check(H5Pset_create_intermediate_group(links.get(), 1), "links");
    const h5::Group made{H5Gcreate2(file_.get(), path.c_str(), links.get(), H5P_DEFAULT, H5P_DEFAULT), path};
  }
  void dataset(const std::string& path, hid_t type, hsize_t n, hsize_t chunk = 64) const {
    const hsize_t unlimited = H5S_UNLIMITED;
    const h5::Space space{H5Screate_simple(1, &n, &unlimited), path};
    const h5::PropertyList create{H5Pcreate(H5P_DATASET_CREATE), path};
    h5::check(H5Pset_chunk(create.get(), 1, &chunk), path);
    const h5::Dataset made{H5Dcreate2(file_.get(), path.c_str(), type, space.get(), H5P_DEFAULT, create.get(), H5P_DEFAULT),
                           path};
  }
  void number(const std::string& object, const char* name, double value) const {
    const h5::Space space{H5Screate(H5S_SCALAR), name};
    const h5::Object on{H5Oopen(file_.get(), object.c_str(), H5P_DEFAULT), object};
    const h5::Attribute made{H5Acreate2(on.get(), name, H5T_IEEE_F64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT), name};
    h5::check(H5Awrite(made.get(), H5T_NATIVE_DOUBLE, &value), name);
  }
  void hard_link(const std::string& to, const std::string& at) const {
    h5::check(H5Lcreate_hard(file_.get(), to.c_str(), file_.get(), at.c_str(), H5P_DEFAULT, H5P_DEFAULT), at);
  }
  Reader read() {
    file_ = {};
    return Reader{path_};
  }

  static constexpr const char* kRun = "/Experiment/Surveys/S/Stations/A/r";
  support::TempDir dir_;
  const fs::path path_ = dir_ / "odd.h5";
  h5::File file_;
};

TEST_F(OddFile, WithoutSurveysIsNamed) {
  group("/Experiment");
  EXPECT_THAT([&] { (void)read(); },
              ThrowsMessage<mth5::FormatError>(HasSubstr("odd.h5: /Experiment/Surveys is missing or no group")));
}

TEST_F(OddFile, WithADatasetInThePlaceOfAGroupIsNamedOrRead) {
  dataset("/Experiment", H5T_STD_I32LE, 3);
  EXPECT_THAT([&] { (void)read(); }, ThrowsMessage<mth5::FormatError>(HasSubstr("/Experiment is missing or no group")));
}

TEST_F(OddFile, WithThingsOfOtherTypesGivesWhatIsThere) {
  group(kRun);
  group("/Experiment/Surveys/T");  // without stations
  dataset("/Experiment/Surveys/U", H5T_STD_I32LE, 3);
  dataset("/Experiment/Surveys/S/Stations/no_station", H5T_STD_I32LE, 3);
  dataset("/Experiment/Surveys/S/Stations/A/no_run", H5T_STD_I32LE, 3);
  group(std::string{kRun} + "/no_channel");
  const h5::Datatype text{H5Tcopy(H5T_C_S1), "text"};
  dataset(std::string{kRun} + "/texts", text.get(), 3);
  dataset(std::string{kRun} + "/ex", H5T_STD_I32LE, 3);
  group("/Acquisition/gaps");
  dataset("/Acquisition/numbers", H5T_STD_I32LE, 3);
  const auto reader = read();
  ASSERT_EQ(reader.channels().size(), 1U);
  EXPECT_EQ(reader.channels()[0].component, "ex");
  EXPECT_EQ(reader.channels()[0].sample_rate, 0) << "nobody told";
  EXPECT_THAT(reader.read(0, 0, 9), ElementsAre(0, 0, 0));
  EXPECT_EQ(reader.surveys().size(), 2U);
  EXPECT_THAT(reader.tables(), ElementsAre("numbers"));
  EXPECT_THAT([&] { (void)reader.table("numbers"); },
              ThrowsMessage<mth5::FormatError>(HasSubstr("/Acquisition/numbers: not a table")));
  EXPECT_THAT(reader.warnings(), IsEmpty());
}

TEST_F(OddFile, WithLoopsOfLinksIsWalkedOnce) {
  group(kRun);
  dataset(std::string{kRun} + "/ex", H5T_STD_I32LE, 3);
  hard_link("/", "/Experiment/Surveys/root");
  hard_link("/Experiment/Surveys", "/Experiment/Surveys/S/Stations/up");
  hard_link("/Experiment/Surveys/S/Stations", "/Experiment/Surveys/S/Stations/A/up");
  hard_link(std::string{kRun} + "/ex", std::string{kRun} + "/same");
  h5::check(H5Lcreate_soft("/Experiment", file_.get(), "/Experiment/Surveys/soft", H5P_DEFAULT, H5P_DEFAULT), "soft link");
  h5::check(H5Lcreate_soft("self", file_.get(), "/Experiment/Surveys/self", H5P_DEFAULT, H5P_DEFAULT), "soft link");
  h5::check(H5Lcreate_external("/etc/passwd", "/", file_.get(), "/Experiment/Surveys/out", H5P_DEFAULT, H5P_DEFAULT),
            "external link");
  const auto reader = read();
  EXPECT_EQ(reader.surveys().size(), 1U);
  EXPECT_EQ(reader.stations().size(), 1U);
  EXPECT_EQ(reader.runs().size(), 1U);
  EXPECT_EQ(reader.channels().size(), 1U);
  EXPECT_THAT(reader.warnings(), ElementsAre(HasSubstr("odd.h5: 7 links not followed")));
}

TEST_F(OddFile, WhoseSamplesAreInOtherFilesHasNoneOfThem) {
  group(kRun);
  const hsize_t n = 4;
  const h5::Space space{H5Screate_simple(1, &n, nullptr), "space"};
  const h5::PropertyList create{H5Pcreate(H5P_DATASET_CREATE), "create"};
  h5::check(H5Pset_external(create.get(), "/etc/passwd", 0, 16), "external");
  const std::string name = std::string{kRun} + "/ex";
  {
    const h5::Dataset made{
        H5Dcreate2(file_.get(), name.c_str(), H5T_STD_I32LE, space.get(), H5P_DEFAULT, create.get(), H5P_DEFAULT), name};
  }
  const auto reader = read();
  EXPECT_TRUE(reader.channels().empty());
  EXPECT_THAT(reader.warnings(), ElementsAre(HasSubstr("1 links not followed")));
}

TEST_F(OddFile, OfAbsurdSizeIsRefusedAtOnce) {
  group(kRun);
  dataset(std::string{kRun} + "/ex", H5T_STD_I32LE, hsize_t{1} << 61);
  EXPECT_THAT([&] { (void)read(); },
              ThrowsMessage<mth5::FormatError>(
                  AllOf(HasSubstr("r/ex claims 2305843009213693952 samples in a file of"), HasSubstr("damaged"))));
}

TEST_F(OddFile, WithAbsurdRateHasNone) {
  group(kRun);
  dataset(std::string{kRun} + "/ex", H5T_STD_I32LE, 10);
  number(kRun, "sample_rate", 1e300);
  const auto reader = read();
  EXPECT_EQ(reader.runs().at(0).sample_rate, 0);
  EXPECT_EQ(reader.runs().at(0).end(), reader.runs().at(0).start);
}

TEST_F(OddFile, WithMoreLinksThanAnyRecorderMakesIsRefusedQuickly) {
  group(kRun);
  h5::Group stations{H5Gopen2(file_.get(), "/Experiment/Surveys/S/Stations", H5P_DEFAULT), "stations"};
  for (int i = 0; i < 100'001; ++i)
    h5::check(H5Lcreate_hard(file_.get(), kRun, stations.get(), ("s" + std::to_string(i)).c_str(), H5P_DEFAULT, H5P_DEFAULT),
              "link");
  stations.close("stations");
  EXPECT_THAT([&] { (void)read(); },
              ThrowsMessage<mth5::FormatError>(HasSubstr("objects, which a file of its size cannot hold: damaged")));
}

TEST_F(OddFile, WithManyLinksToOneObjectReadsItOnce) {
  group(kRun);
  h5::Group stations{H5Gopen2(file_.get(), "/Experiment/Surveys/S/Stations", H5P_DEFAULT), "stations"};
  for (int i = 0; i < 900; ++i)
    h5::check(H5Lcreate_hard(file_.get(), "/Experiment/Surveys/S/Stations/A", stations.get(), ("s" + std::to_string(i)).c_str(),
                             H5P_DEFAULT, H5P_DEFAULT),
              "link");
  stations.close("stations");
  const auto reader = read();
  EXPECT_EQ(reader.stations().size(), 1U);
  EXPECT_THAT(reader.warnings(), ElementsAre(HasSubstr("900 links not followed")));
}

TEST(Contained, GoodAndBadFilesAreWhatTheReaderSaysOfThem) {
  const support::TempDir dir;
  EXPECT_NO_THROW(sandbox::check(support::data() / "mth5" / "python_v010.h5"));
  EXPECT_NO_THROW(sandbox::check(support::data() / "mth5" / "python_v020.h5"));
  EXPECT_THROW(sandbox::check(dir / "none.h5"), mth5::FileError);
  const std::string content = support::read_text(support::data() / "mth5" / "python_v010.h5");
  support::write_text(dir / "cut.h5", content.substr(0, content.size() / 2));
  EXPECT_THAT([&] { sandbox::check(dir / "cut.h5"); }, ThrowsMessage<mth5::FormatError>(HasSubstr("cut.h5: damaged")));
}

/// HDF5 1.10.8 trusts the sizes in its global heaps, which hold all texts and have no checksum. Page of the format: III.E.
class DamagedHeap : public testing::Test {
 protected:
  /// Puts an index and a size in the place of the first object of every heap.
  fs::path damaged(std::uint16_t index, std::uint64_t size) {
    std::string content = support::read_text(support::data() / "mth5" / "python_v010.h5");
    for (auto heap = content.find("GCOL"); heap != std::string::npos; heap = content.find("GCOL", heap + 4)) {
      std::memcpy(content.data() + heap + 16, &index, sizeof index);
      std::memcpy(content.data() + heap + 24, &size, sizeof size);
    }
    support::write_text(dir_ / "heap.h5", content);
    return dir_ / "heap.h5";
  }

  support::TempDir dir_;
};

TEST_F(DamagedHeap, ThatHdf5NeverLeavesIsOneLine) {
  const auto path = damaged(0, 0);
  EXPECT_THAT(
      [&] { sandbox::check(path, {.cpu_per_object = std::chrono::milliseconds{300}}); },
      ThrowsMessage<mth5::FormatError>(AllOf(HasSubstr("heap.h5: damaged, at /"),
                                             HasSubstr("does not come to an end with it (300 ms)"), Not(HasSubstr("\n")))));
}

TEST_F(DamagedHeap, ThatHdf5ReadsBeyondIsOneLine) {
  const auto path = damaged(1, 256 << 20);
  for (const auto extent : {sandbox::Extent::All, sandbox::Extent::Samples, sandbox::Extent::Shown})
    EXPECT_THAT(
        [&] { sandbox::check(path, {}, {}, extent); },
        ThrowsMessage<mth5::FormatError>(AllOf(HasSubstr("heap.h5: damaged, at /"), HasSubstr("HDF5"), Not(HasSubstr("\n")))));
}

}  // namespace
