#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/resource.h>

#include "h5/handle.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "mth5/recover.hpp"
#include "support/forked.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// A file that claims more than it should must not take the memory of whoever reads it, who may have no sandbox.
namespace {

namespace fs = std::filesystem;
namespace h5 = mth5::h5;
using mth5::Reader;
using support::TestWriter;
using testing::HasSubstr;
using testing::ThrowsMessage;

const std::string kStation = "/Experiment/Surveys/TEST/Stations/S1";
constexpr std::size_t kLarge = std::size_t{200} << 20;
constexpr long kAllowedKiB = 100 << 10;
/// HDF5 zeroes a buffer of the length that a text of variable length claims before it reads it (doc/swmr-facts.md, 11); five
/// times as much is taken by one that is read.
constexpr long kAllowedOfVariableLengthKiB = 320 << 10;

class ReaderBounds : public testing::Test {
 protected:
  void SetUp() override {
    TestWriter writer{path_};
    writer.append(100);
    writer.file().close();
  }
  void change(const std::function<void(hid_t)>& by) const {
    const auto ended = support::forked([&] {
      h5::initialise();
      const h5::PropertyList access{H5Pcreate(H5P_FILE_ACCESS), "access"};
      h5::check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110), "versions");
      const h5::File file{H5Fopen(path_.c_str(), H5F_ACC_RDWR, access.get()), "file"};
      by(file.get());
      return 0;
    });
    ASSERT_EQ(ended.code, 0) << ended.err;
  }
  void put_attribute(const std::string& object, const char* name, const h5::Datatype& type, const void* value) const {
    change([&](hid_t file) {
      const h5::Object at{H5Oopen(file, object.c_str(), H5P_DEFAULT), object};
      if (h5::check(H5Aexists(at.get(), name), name) > 0) h5::check(H5Adelete(at.get(), name), name);
      const h5::Space one{H5Screate(H5S_SCALAR), name};
      const h5::Attribute made{H5Acreate2(at.get(), name, type.get(), one.get(), H5P_DEFAULT, H5P_DEFAULT), name};
      h5::check(H5Awrite(made.get(), type.get(), value), name);
    });
  }
  /// What `body` adds to the memory of a process.
  void expect_little_memory(const std::function<void()>& body, long allowed_kib = kAllowedKiB) const {
    const auto ended = support::forked([&] {
      const auto peak = [] {
        rusage used{};
        getrusage(RUSAGE_SELF, &used);
        return used.ru_maxrss;
      };
      h5::initialise();
      const long before = peak();
      body();
      const long taken = peak() - before;
      if (taken > allowed_kib) std::fprintf(stderr, "it took %ld KiB\n", taken);
      return taken > allowed_kib ? 1 : 0;
    });
    EXPECT_EQ(ended.code, 0) << ended.err;
  }
  /// All the readers there are.
  void expect_readable_without(const std::string& object, const char* name, long allowed_kib) const {
    for (const bool walk : {false, true})
      expect_little_memory(
          [&] {
            const Reader reader{path_, {.walk = walk}};
            const auto metadata = object == kStation ? reader.stations()[0].metadata : reader.channel_metadata(0);
            if (metadata.find(name) != nullptr) throw mth5::FileError{"the attribute was read"};
            if (reader.read(0, 0, 100).size() != 100) throw mth5::FileError{"samples are missing"};
          },
          allowed_kib);
    expect_little_memory([&] { mth5::File::open(path_, "r+").close(); }, allowed_kib);
  }

  support::TempDir dir_;
  const fs::path path_ = dir_ / "a.h5";
};

h5::Datatype text_type(std::size_t bytes) {
  h5::Datatype type{H5Tcopy(H5T_C_S1), "text"};
  h5::check(H5Tset_size(type.get(), bytes), "text");
  return type;
}

TEST_F(ReaderBounds, LeavesOutATextOfVariableLengthThatIsTooLarge) {
  for (const std::string& object : {kStation, kStation + "/r0/ex"}) {
    const std::string text(kLarge, 'x');
    const char* pointer = text.c_str();
    put_attribute(object, "comments", text_type(H5T_VARIABLE), &pointer);
    expect_readable_without(object, "comments", kAllowedOfVariableLengthKiB);
  }
}

TEST_F(ReaderBounds, LeavesOutATextOfFixedLengthThatIsTooLarge) {
  const std::string text(kLarge, 'x');
  put_attribute(kStation, "comments", text_type(kLarge), text.data());
  expect_readable_without(kStation, "comments", kAllowedKiB);
}

TEST_F(ReaderBounds, ReadsATextOfAMebibyte) {
  const std::string text(std::size_t{1} << 20, 'x');
  const char* pointer = text.c_str();
  put_attribute(kStation, "comments", text_type(H5T_VARIABLE), &pointer);
  EXPECT_EQ(Reader{path_}.stations()[0].metadata.text("comments"), text);
}

TEST_F(ReaderBounds, DoesNotUnpackAChunkThatIsTooLarge) {
  change([](hid_t file) {
    const std::string object = kStation + "/r0/ex";
    const hsize_t size = 100;
    const hsize_t unlimited = H5S_UNLIMITED;
    const hsize_t chunk = 40'000'000;  // of 4 bytes: under the limit
    const hsize_t too_large = 100'000'000;
    for (const auto& [name, elements] : {std::pair{"ex", too_large}, {"ey", chunk}}) {
      h5::check(H5Ldelete(file, (kStation + "/r0/" + name).c_str(), H5P_DEFAULT), name);
      const h5::Space space{H5Screate_simple(1, &size, &unlimited), name};
      const h5::PropertyList create{H5Pcreate(H5P_DATASET_CREATE), name};
      h5::check(H5Pset_chunk(create.get(), 1, &elements), name);
      h5::check(H5Pset_deflate(create.get(), 1), name);
      const h5::Dataset made{H5Dcreate2(file, (kStation + "/r0/" + name).c_str(), H5T_STD_I32LE, space.get(), H5P_DEFAULT,
                                        create.get(), H5P_DEFAULT),
                             name};
    }
  });
  const Reader reader{path_};
  const auto index = [&](const char* component) { return reader.find("S1", "r0", component).at(0); };
  EXPECT_THAT([&] { (void)reader.read(index("ex"), 0, 10); },
              ThrowsMessage<mth5::FormatError>(HasSubstr("r0/ex: has packed chunks of 381 MiB; at most 256 are unpacked")));
  EXPECT_THAT([&] { reader.check_channel(index("ex")); }, ThrowsMessage<mth5::FormatError>(HasSubstr("packed chunks")));
  EXPECT_EQ(reader.read(index("ey"), 0, 10), std::vector<double>(10)) << "fill values: no chunk was ever written";
  EXPECT_THAT([&] { (void)mth5::copy_for_swmr(path_, dir_ / "b.h5"); },
              ThrowsMessage<mth5::FormatError>(HasSubstr("packed chunks")));
  EXPECT_FALSE(fs::exists(dir_ / "b.h5"));
}

TEST_F(ReaderBounds, DoesNotCopyAnAttributeThatIsTooLarge) {
  const std::string text(kLarge, 'x');
  const char* pointer = text.c_str();
  put_attribute(kStation, "of_someone", text_type(H5T_VARIABLE), &pointer);
  expect_little_memory(
      [&] {
        try {
          (void)mth5::copy_for_swmr(path_, dir_ / "b.h5");
        } catch (const mth5::Error& e) {
          if (std::string{e.what()}.find("of_someone: claims 199 MiB in one piece, of which at most 64 are read") ==
              std::string::npos)
            throw;
          return;
        }
        throw mth5::FileError{"it was copied"};
      },
      2 * kAllowedOfVariableLengthKiB);
}

}  // namespace
