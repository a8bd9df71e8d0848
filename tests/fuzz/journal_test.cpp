#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <string>

#include "core/durable.hpp"
#include "mth5/error.hpp"
#include "mth5/reader.hpp"
#include "support/forked.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"
#include "vfd/journaled_file.hpp"

/// Any bytes in the place of the journal: never a crash, never a good file made worse.
namespace {

namespace fs = std::filesystem;
using mth5::vfd::kLeastUserBlock;

constexpr std::uint64_t kSlot = kLeastUserBlock / 4;

std::string contents(const fs::path& path) {
  std::string bytes(fs::file_size(path), '\0');
  std::ifstream{path, std::ios::binary}.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

/// In a process of its own: HDF5 shares what one process has open.
template <class Body>
void elsewhere(Body body) {
  const auto ended = support::forked([&] {
    body();
    return 0;
  });
  ASSERT_EQ(ended.code, 0) << ended.err;
}

/// Flips, zeros, noise, and pieces of other records, anywhere in the user block but mostly where records are.
void spoil(std::string& file, std::mt19937& random) {
  const auto pick = [&](std::uint64_t below) { return std::uniform_int_distribution<std::uint64_t>{0, below - 1}(random); };
  for (auto changes = 1 + pick(6); changes > 0; --changes) {
    const std::uint64_t slot = pick(4) * kSlot;
    const std::uint64_t at = slot + pick(pick(2) == 0 ? 128 : 8192);
    const std::uint64_t n = 1 + pick(pick(2) == 0 ? 8 : 2048);
    switch (pick(4)) {
      case 0:
        file[at] = static_cast<char>(file[at] ^ (1 << pick(8)));
        break;
      case 1:
        file.replace(at, n, n, '\0');
        break;
      case 2:
        for (std::uint64_t i = 0; i < n; ++i) file[at + i] = static_cast<char>(pick(256));
        break;
      default:
        file.replace(at, n, file.substr(pick(4) * kSlot + pick(8192), n));
    }
  }
}

class Journal : public testing::Test {
 protected:
  /// Opens `bytes` as the file of a writer and lets it go again. @returns the HDF5 part behind it
  std::string opened(const std::string& bytes) {
    const fs::path path = dir_ / "spoilt.h5";
    std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
    const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
    try {
      mth5::vfd::Replay done;
      (void)mth5::vfd::JournaledFile::open(fd, path, done);
    } catch (const mth5::FormatError&) {
      ++refused_;
    }
    close(fd);
    return contents(path).substr(kLeastUserBlock);
  }

  support::TempDir dir_;
  int refused_ = 0;
};

TEST_F(Journal, NeverChangesAFileThatWasClosed) {
  const fs::path path = dir_ / "closed.h5";
  elsewhere([&] {
    support::TestWriter writer{path};
    writer.append(500);
    writer.file().sync();
    writer.append(500);
    writer.file().close();
  });
  const std::string good = contents(path);
  const std::string hdf5 = good.substr(kLeastUserBlock);
  std::mt19937 random{1};
  for (int i = 0; i < 250; ++i) {
    std::string spoilt = good;
    spoil(spoilt, random);
    ASSERT_TRUE(opened(spoilt) == hdf5) << "round " << i;
  }
  EXPECT_EQ(refused_, 0);
}

TEST_F(Journal, LeadsToACommitOrLeavesTheFileAsItIs) {
  const fs::path path = dir_ / "live.h5";
  elsewhere([&] {
    support::TestWriter writer{path};
    for (int i = 0; i < 6; ++i) {
      writer.append(100);
      if (i % 3 == 1)
        writer.file().sync();
      else
        writer.file().flush();
    }
    _exit(0);  // as good as dead
  });
  const std::string good = contents(path);
  std::mt19937 random{2};
  int whole = 0;
  for (int i = 0; i < 250; ++i) {
    std::string spoilt = good;
    spoil(spoilt, random);
    const std::string left = opened(spoilt);
    if (left != good.substr(kLeastUserBlock, left.size())) continue;  // an earlier commit; the next test reads those
    ++whole;
  }
  EXPECT_GT(whole, 60);
  for (int i = 0; i < 25; ++i) {
    std::string spoilt = good;
    spoil(spoilt, random);
    const fs::path spoilt_path = dir_ / "spoilt.h5";
    std::ofstream{spoilt_path, std::ios::binary | std::ios::trunc} << spoilt;
    elsewhere([&] {
      try {
        mth5::File::open(spoilt_path, "r+").close();
        const mth5::Reader reader{spoilt_path};
        const auto n = reader.channels().at(0).n_samples;
        if (n % 100 != 0 || n < 500) _exit(2);
        for (std::size_t c = 0; c < reader.channels().size(); ++c) {
          const auto samples = reader.read(c, 0, n);
          for (std::int64_t k = 0; k < n; ++k)
            if (samples[static_cast<std::size_t>(k)] != support::sample_at(c, 0, k)) _exit(3);
        }
      } catch (const mth5::FormatError&) {
        if (contents(spoilt_path) != spoilt) _exit(4);
      }
    });
  }
}

}  // namespace
