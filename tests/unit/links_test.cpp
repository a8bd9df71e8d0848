#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "h5/links.hpp"
#include "support/forked.hpp"
#include "support/support.hpp"

namespace {

namespace h5 = mth5::h5;

constexpr std::size_t kMany = 100'000;
constexpr std::size_t kPlenty = 1u << 20;

enum class Kept { Old, Plain, Ordered };  ///< a table of symbols; a header or a heap; the same with their order of creation

/// Names so that neither the order in which they are made nor that of their hashes is their own.
std::string name_of(int i, int n) { return "link_" + std::to_string((i * 7919 + 13) % (10 * n)); }

void make(const std::string& path, Kept kept, int n) {
  const h5::PropertyList access{H5Pcreate(H5P_FILE_ACCESS), "access"};
  if (kept == Kept::Plain) h5::check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110), "versions");
  const h5::File file{H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), "file"};
  const h5::PropertyList create{H5Pcreate(H5P_GROUP_CREATE), "group"};
  if (kept == Kept::Ordered) h5::check(H5Pset_link_creation_order(create.get(), H5P_CRT_ORDER_TRACKED), "order");
  const h5::Group group{H5Gcreate2(file.get(), "g", H5P_DEFAULT, create.get(), H5P_DEFAULT), "group"};
  for (int i = 0; i < n; ++i)
    h5::check(H5Lcreate_soft("/nowhere", group.get(), name_of(i, n).c_str(), H5P_DEFAULT, H5P_DEFAULT), "link");
}

h5::Links links_of(const std::string& path, std::size_t most = kMany, std::size_t most_bytes = kPlenty) {
  const h5::File file{H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), "file"};
  const h5::Group group{H5Gopen2(file.get(), "g", H5P_DEFAULT), "group"};
  return h5::links_of(group.get(), most, most_bytes, path + ": members of /g");
}

H5G_storage_type_t storage_of(const std::string& path) {
  const h5::File file{H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), "file"};
  const h5::Group group{H5Gopen2(file.get(), "g", H5P_DEFAULT), "group"};
  H5G_info_t info{};
  h5::check(H5Gget_info(group.get(), &info), "group");
  return info.storage_type;
}

class Links : public testing::Test {
 protected:
  void SetUp() override { h5::initialise(); }
  /// Changes the byte `before` the name of a link.
  void spoil(const std::string& name, int before, char to) const {
    const auto bytes = support::read_text(path_);
    const auto at = bytes.find(name);
    ASSERT_NE(at, std::string::npos);
    ASSERT_EQ(bytes.find(name, at + 1), std::string::npos) << "once only";
    std::fstream file{path_, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(at) - before);
    file.put(to);
  }
  /// In a process of its own: HDF5 may end it.
  void expect_error() const {
    const auto ended = support::forked([this] {
      try {
        (void)links_of(path_);
      } catch (const mth5::FileError& e) {
        return std::string{e.what()}.find("members of /g: ") == std::string::npos ? 2 : 0;
      }
      return 1;
    });
    EXPECT_EQ(ended.code, 0) << ended.err;
  }

  support::TempDir dir_;
  std::string path_ = dir_ / "links.h5";
};

TEST_F(Links, AreCompleteAndSortedHoweverTheyAreKept) {
  for (const auto kept : {Kept::Old, Kept::Plain, Kept::Ordered})
    for (const int n : {0, 1, 3, 8, 9, 300}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(kept)) + ", " + std::to_string(n) + " links");
      make(path_, kept, n);
      EXPECT_EQ(storage_of(path_), kept == Kept::Old ? H5G_STORAGE_TYPE_SYMBOL_TABLE
                                   : n > 8           ? H5G_STORAGE_TYPE_DENSE
                                                     : H5G_STORAGE_TYPE_COMPACT);
      std::vector<std::string> expected, names;
      for (int i = 0; i < n; ++i) expected.push_back(name_of(i, n));
      std::sort(expected.begin(), expected.end());
      std::size_t bytes = 0;
      for (const auto& name : expected) bytes += name.size();
      const auto links = links_of(path_, expected.size(), bytes);
      for (const auto& link : links.all) {
        names.push_back(link.name);
        EXPECT_EQ(link.type, H5L_TYPE_SOFT);
      }
      EXPECT_EQ(names, expected);
      EXPECT_EQ(links.n_bytes, bytes);
      EXPECT_FALSE(links.cut);
      if (n == 0) continue;
      EXPECT_TRUE(links_of(path_, expected.size() - 1).cut);
      EXPECT_TRUE(links_of(path_, kMany, bytes - 1).cut);
    }
}

TEST_F(Links, ThatCannotBeReadAreAnErrorWhereTheyAreMany) {
  make(path_, Kept::Plain, 40);  // in a heap
  spoil(name_of(20, 40), 0, 'L');
  expect_error();
}

TEST_F(Links, ThatCannotBeReadAreAnErrorWhereTheyAreFew) {
  make(path_, Kept::Ordered, 8);    // in a header of the first version, which has no checksum
  spoil(name_of(4, 8), 1, '\x7f');  // the length of the name
  expect_error();
}

}  // namespace
