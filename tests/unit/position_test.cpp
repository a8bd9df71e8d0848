#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "h5/handle.hpp"
#include "h5/types.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/support.hpp"

/// A position that nobody gave is unknown: no attribute says 0, and no row of channel_summary does. Once it is known, both have
/// it.
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const mth5::UtcNanos kStart = *mth5::parse_time("2026-05-01T00:00:00");

mth5::Metadata with_id(mth5::Kind kind, const std::string& id) {
  mth5::Metadata metadata{kind};
  metadata.set("id", id);
  return metadata;
}

mth5::Metadata known_station(double latitude, double longitude) {
  auto metadata = with_id(mth5::Kind::Station, "MT001");
  metadata.set("location.latitude", latitude);
  metadata.set("location.longitude", longitude);
  return metadata;
}

void add_run(mth5::Edit& edit, const std::string& id, std::chrono::seconds after = {}) {
  auto run = with_id(mth5::Kind::Run, id);
  run.set("sample_rate", 8.0);
  mth5::Metadata channel{mth5::Kind::Electric};
  channel.set("component", std::string{"ex"});
  const std::array samples{1.0, 2.0, 3.0};
  (void)edit.add_finished_run<double>("S", "MT001", run, kStart + after, std::vector{mth5::ChannelSpec{channel}},
                                      {samples.data(), 1, samples.size(), samples.size()});
}

struct Attributes {
  double latitude, longitude, elevation;
};
void PrintTo(const Attributes& a, std::ostream* out) { *out << a.latitude << ' ' << a.longitude << ' ' << a.elevation; }

/// What the file itself says: the Reader computes its table. NaN for an attribute that is not there.
class Stored {
 public:
  Stored(const std::filesystem::path& path, bool version_010) : version_010_{version_010} {
    mth5::h5::initialise();
    const mth5::h5::PropertyList access{H5Pcreate(H5P_FILE_ACCESS), "access"};
    file_ = {H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), path.string()};
  }

  [[nodiscard]] std::vector<Attributes> rows() const {
    const std::string path = version_010_ ? "/Survey/channel_summary" : "/Experiment/channel_summary";
    const mth5::h5::Dataset table{H5Dopen2(file_.get(), path.c_str(), H5P_DEFAULT), path};
    const mth5::h5::Datatype type{H5Tcreate(H5T_COMPOUND, sizeof(Attributes)), "type"};
    std::size_t at = 0;
    for (const char* name : {"latitude", "longitude", "elevation"}) {
      mth5::h5::check(H5Tinsert(type.get(), name, at, H5T_NATIVE_DOUBLE), name);
      at += sizeof(double);
    }
    const mth5::h5::Space space{H5Dget_space(table.get()), path};
    std::vector<Attributes> rows(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.get())));
    mth5::h5::check(H5Dread(table.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data()), path);
    return rows;
  }
  [[nodiscard]] bool has(const std::string& object, const char* name) const {
    return mth5::h5::check(H5Aexists_by_name(file_.get(), object.c_str(), name, H5P_DEFAULT), name) > 0;
  }
  [[nodiscard]] double number(const std::string& object, const char* name) const {
    if (!has(object, name)) return kNaN;
    const mth5::h5::Attribute attribute{H5Aopen_by_name(file_.get(), object.c_str(), name, H5P_DEFAULT, H5P_DEFAULT), name};
    double value = 0;
    mth5::h5::check(H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &value), name);
    return value;
  }
  [[nodiscard]] std::string survey() const { return version_010_ ? "/Survey" : "/Experiment/Surveys/S"; }
  [[nodiscard]] std::string station() const { return survey() + "/Stations/MT001"; }

 private:
  bool version_010_;
  mth5::h5::File file_;
};

MATCHER_P3(IsAt, latitude, longitude, elevation, "") {
  const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  return same(arg.latitude, latitude) && same(arg.longitude, longitude) && same(arg.elevation, elevation);
}

class Position : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] bool version_010() const { return GetParam() == std::string_view{"0.1.0"}; }
  [[nodiscard]] Stored stored() const { return {path_, version_010()}; }
  [[nodiscard]] mth5::File create() const {
    auto file = mth5::File::create(path_, {GetParam(), "test", "1"});
    file.edit([](mth5::Edit& edit) {
      edit.add_survey(with_id(mth5::Kind::Survey, "S"));
      edit.add_station("S", with_id(mth5::Kind::Station, "MT001"));
      add_run(edit, "a");
    });
    return file;
  }
  void expect_unknown(std::size_t rows) const {
    const auto found = stored();
    EXPECT_FALSE(found.has(found.station(), "location.latitude"));
    EXPECT_FALSE(found.has(found.station(), "location.longitude"));
    EXPECT_TRUE(found.has(found.station(), "location.elevation")) << "without one Python drops channels from the summary";
    EXPECT_TRUE(std::isnan(found.number(found.station(), "location.elevation")));
    for (const std::string corner : {"northwest_corner.", "southeast_corner."})
      for (const char* axis : {"latitude", "longitude", "elevation"})
        EXPECT_FALSE(found.has(found.survey(), (corner + axis).c_str())) << corner << axis;
    EXPECT_THAT(found.rows(), testing::AllOf(testing::SizeIs(rows), testing::Each(IsAt(kNaN, kNaN, kNaN))));
    const mth5::Reader reader{path_};
    for (const char* name : {"latitude", "longitude", "elevation"}) {
      EXPECT_TRUE(std::isnan(reader.stations().at(0).metadata.number(std::string{"location."} + name))) << name;
      EXPECT_TRUE(std::isnan(reader.channel_summary().number(0, name))) << name;
    }
    EXPECT_THAT(reader.warnings(), testing::IsEmpty());
  }

  support::TempDir dir_;
  std::filesystem::path path_ = dir_ / "a.h5";
};

TEST_P(Position, ThatNobodyGaveIsNotInTheFile) {
  create().close();
  expect_unknown(1);
}

TEST_P(Position, StaysUnknownInAFileThatIsContinued) {
  create().close();
  auto file = mth5::File::open(path_);
  file.edit([](mth5::Edit& edit) { add_run(edit, "b", std::chrono::seconds{9}); });
  file.close();
  expect_unknown(2);
}

TEST_P(Position, ThatComesLaterReachesAttributesRowsAndSurvey) {
  create().close();
  auto file = mth5::File::open(path_);
  file.edit([](mth5::Edit& edit) {
    edit.update_station("S", known_station(40.5, -115.25));
    add_run(edit, "b", std::chrono::seconds{9});
  });
  file.close();
  const auto found = stored();
  EXPECT_EQ(found.number(found.station(), "location.latitude"), 40.5);
  EXPECT_EQ(found.number(found.station(), "location.longitude"), -115.25);
  EXPECT_EQ(found.number(found.survey(), "northwest_corner.latitude"), 40.5);
  EXPECT_EQ(found.number(found.survey(), "southeast_corner.longitude"), -115.25);
  EXPECT_THAT(found.rows(), testing::ElementsAre(IsAt(40.5, -115.25, kNaN), IsAt(40.5, -115.25, kNaN)));
}

TEST_P(Position, OfAnotherStationLeavesItUnknown) {
  auto file = create();
  file.edit([](mth5::Edit& edit) {
    auto other = known_station(-33.5, 151.0);
    other.set("id", std::string{"MT002"});
    edit.add_station("S", other);
  });
  file.close();
  const auto found = stored();
  EXPECT_FALSE(found.has(found.station(), "location.latitude"));
  EXPECT_EQ(found.number(found.survey(), "northwest_corner.latitude"), -33.5) << "not pulled to 0";
  EXPECT_EQ(found.number(found.survey(), "southeast_corner.longitude"), 151.0);
  EXPECT_THAT(found.rows(), testing::ElementsAre(IsAt(kNaN, kNaN, kNaN)));
}

INSTANTIATE_TEST_SUITE_P(Versions, Position, testing::Values("0.1.0", "0.2.0"), [](const auto& version) {
  return std::string{version.param} == "0.1.0" ? std::string{"Version010"} : std::string{"Version020"};
});

}  // namespace
