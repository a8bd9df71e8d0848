#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "support/forked.hpp"
#include "support/process.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// Whole files that this HDF5 cannot read all of: of a newer HDF5 (that of h5py, with its newest format; no HDF5 makes a newer
/// superblock yet, so its version is set by hand) or with a filter that is not installed. Everybody says so in one line, nobody
/// says damaged, and the file stays as it is.
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kFilter = "needs the HDF5 filter lzf \\(32000\\), which is not installed: install it";
constexpr const char* kNewer = "needs a newer HDF5 than [0-9]+\\.[0-9]+\\.[0-9]+";

struct Case {
  const char* name;
  const char* python;  ///< f: the file; s: the path of the station; with ex of r0, hx of r0 and whatever it needs of them
  const char* says;
  bool opens = false;   ///< by a Reader: it is one channel that cannot be read
  bool summed = false;  ///< the summary needs nothing of what cannot be read
  bool read = false;    ///< nor does a recovery: the copy does
};

constexpr Case kCases[] = {
    {"AChannelOfLzf", "replace(s + '/r0/ex', np.zeros(300, 'i4'), compression='lzf')", kFilter, true},
    {"AnotherDatasetOfLzf", "f.create_dataset('Experiment/Reports/x', data=np.zeros(300), chunks=(50,), compression='lzf')",
     kFilter, true, true, true},
    {"AChannelOfANewerType", "replace(s + '/r0/ex', np.zeros(300, 'c16'))", kNewer},
    {"AnAttributeOfTheStation", "f[s].attrs['fdsn.new_epoch'] = True", kNewer},
    {"AnAttributeOfARun", "f[s + '/r0'].attrs['fdsn.new_epoch'] = True", kNewer, true, true},
    {"AnAttributeOfAChannel", "f[s + '/r0/ex'].attrs['fdsn.new_epoch'] = True", kNewer, true, true},
    {"AnAttributeOfTheRoot", "f.attrs['made_by'] = np.array([(1, 2)], dtype=[('a', 'i4'), ('b', 'i4')])", kNewer, true, true,
     true},
    {"ManyAttributesOfTheRoot",
     "[f.attrs.__setitem__(f'a{i}', i) for i in range(20)]; f.attrs['z'] = np.array([(1,)], dtype=[('a', 'i4')])", kNewer, true,
     true, true},
    {"ATable", "f.create_dataset('Experiment/Reports/x', data=np.zeros(9, dtype=[('a', 'i4')]))", kNewer, true, true, true},
    {"TheSuperblock", "superblock(4)", kNewer},
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

constexpr const char* kMake = R"(
import h5py, numpy as np, sys
path, s, newest = sys.argv[1], 'Experiment/Surveys/TEST/Stations/S1', 'lzf' not in sys.argv[2]
version = None
def superblock(number):
    global version
    version = number
def replace(name, data, **options):
    attributes = {k: v for k, v in f[name].attrs.items() if not isinstance(v, h5py.Reference)}
    del f[name]
    made = f.create_dataset(name, data=data, chunks=(50,), maxshape=(None,), **options)
    for key, value in attributes.items(): made.attrs[key] = value
with h5py.File(path, 'r+', libver='latest' if newest else ('v110', 'v110')) as f:
    start = f.userblock_size
    exec(sys.argv[2])
def lookup3(data):  # Bob Jenkins; HDF5's checksum
    rot = lambda x, k: (x << k | x >> 32 - k) & 0xffffffff
    a = b = c = 0xdeadbeef + len(data) & 0xffffffff
    data = data.ljust(-len(data) % 12 + len(data), b'\0')
    for at in range(0, len(data), 12):
        x, y, z = (int.from_bytes(data[at + i:at + i + 4], 'little') for i in (0, 4, 8))
        a, b, c = a + x & 0xffffffff, b + y & 0xffffffff, c + z & 0xffffffff
        if at + 12 < len(data):
            for k in (4, 6, 8, 16, 19, 4):
                a = (a - c & 0xffffffff) ^ rot(c, k)
                c = c + b & 0xffffffff
                a, b, c = b, c, a
        else:
            for k in (14, 11, 25, 16, 4, 14, 24):
                c = (c ^ b) - rot(b, k) & 0xffffffff
                a, b, c = b, c, a
    return b
if version is not None:
    with open(path, 'r+b') as raw:
        raw.seek(start)
        head = raw.read(44)
        raw.seek(start)
        head = head[:8] + bytes([version]) + head[9:]
        raw.write(head + lookup3(head).to_bytes(4, 'little'))
)";

std::string python() {
  const char* program = std::getenv("MTH5_TEST_PYTHON");
  if (program == nullptr || !fs::exists(program))
    throw std::runtime_error{"MTH5_TEST_PYTHON names no Python; scripts/setup.sh --test makes one"};
  return program;
}

class Unsupported : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const auto ended = support::forked([&] {
      support::TestWriter writer{path_};
      writer.append(300);
      writer.file().close();
      return 0;
    });
    ASSERT_EQ(ended.code, 0) << ended.err;
    const auto made = support::run({python(), "-c", kMake, path_.string(), GetParam().python}, {}, std::chrono::seconds{100});
    ASSERT_EQ(made.code, 0) << made.err;
    bytes_ = support::read_text(path_);
  }
  void TearDown() override {
    EXPECT_TRUE(support::read_text(path_) == bytes_) << "was changed";
    for (const auto& entry : fs::directory_iterator{dir_.path()}) EXPECT_EQ(entry.path(), path_) << "a leftover";
  }
  [[nodiscard]] support::Finished run(const std::string& program, std::vector<std::string> arguments = {}) const {
    arguments.insert(arguments.begin(), support::program(program));
    arguments.push_back(path_.string());
    return support::run(arguments, {}, std::chrono::seconds{120});
  }
  /// One line names the file and what it needs.
  static void expect_said(const support::Finished& done) {
    EXPECT_EQ(done.code, 1) << done.out << done.err;
    EXPECT_THAT(done.out + done.err,
                AllOf(ContainsRegex(std::string{"file\\.h5: [^\n]*"} + GetParam().says), Not(HasSubstr("damaged"))));
  }

  support::TempDir dir_;
  fs::path path_ = dir_ / "file.h5";
  std::string bytes_;
};

TEST_P(Unsupported, IsNamedByAReader) {
  std::string said;
  bool opened = false;
  try {
    const mth5::Reader reader{path_};
    opened = true;
    for (std::size_t i = 0; i < reader.channels().size(); ++i) {
      (void)reader.channel_metadata(i);
      EXPECT_EQ(reader.read(i, 0, 300).size(), 300u);
    }
    for (std::size_t i = 0; i < reader.runs().size(); ++i) (void)reader.run_metadata(i);
  } catch (const mth5::UnsupportedError& e) {
    said = e.what();
  }
  EXPECT_EQ(opened, GetParam().opens) << said;
  if (GetParam().read)
    EXPECT_EQ(said, "");
  else
    EXPECT_THAT(said, AllOf(HasSubstr("file.h5: "), ContainsRegex(GetParam().says), Not(HasSubstr("\n"))));
}

TEST_P(Unsupported, IsNamedByMth5Summary) {
  const auto done = run("mth5-summary");
  if (!GetParam().summed) return expect_said(done);
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("300"));
}

TEST_P(Unsupported, IsNamedByMth5Recover) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{}, {"--check"}, {"--dry-run"}}) {
    const auto done = run("mth5-recover", arguments);
    if (!GetParam().read) {
      expect_said(done);
      continue;
    }
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_THAT(done.out, HasSubstr("nothing to do"));
  }
}

TEST_P(Unsupported, IsNamedWhereACopyNeedsIt) { expect_said(run("mth5-recover", {"--set-swmr"})); }

/// Python mth5 leaves it so whenever it closes a file that it wrote, in files of ours and its own.
TEST(UnsupportedSummary, CanBeReadAndIsRefusedForWritingBeforeAnythingIsChanged) {
  constexpr const char* kRewrite =
      "import h5py, sys\n"
      "with h5py.File(sys.argv[1], 'r+', libver='latest') as f:\n"
      "    for name in ['Acquisition'] * int(sys.argv[2]): del f[name]\n"
      "    name = 'Experiment/channel_summary'; rows = f[name][...]; del f[name]\n"
      "    f.create_dataset(name, data=rows, chunks=(8,), maxshape=(None,), dtype=rows.dtype)\n";
  for (const char* without_acquisition : {"0", "1"}) {
    const support::TempDir dir;
    const auto path = dir / "file.h5";
    const auto ended = support::forked([&] {
      support::TestWriter writer{path};
      writer.append(300);
      writer.file().close();
      return 0;
    });
    ASSERT_EQ(ended.code, 0) << ended.err;
    const auto made = support::run({python(), "-c", kRewrite, path.string(), without_acquisition}, {}, std::chrono::seconds{100});
    ASSERT_EQ(made.code, 0) << made.err;
    const auto bytes = support::read_text(path);
    {
      const mth5::Reader reader{path};
      EXPECT_EQ(reader.read(2, 0, 999).size(), 300u);
    }
    EXPECT_THAT([&] { (void)mth5::File::open(path); },
                testing::ThrowsMessage<mth5::UnsupportedError>(
                    AllOf(HasSubstr("file.h5: "), ContainsRegex(kNewer), HasSubstr("channel_summary"))));
    EXPECT_TRUE(support::read_text(path) == bytes) << "was changed";
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Unsupported, testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string{one.param.name}; });

}  // namespace
