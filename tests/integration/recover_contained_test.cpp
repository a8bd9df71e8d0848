#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "mth5/reader.hpp"
#include "support/forked.hpp"
#include "support/process.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// mth5-recover and files that HDF5 does not survive, that this HDF5 cannot read, or that no program of ours makes.
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

support::Finished recover(const std::vector<std::string>& arguments) {
  std::vector<std::string> command{support::program("mth5-recover")};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return support::run(command, {}, std::chrono::seconds{120});
}

support::Finished python(const std::string& script, const std::vector<std::string>& arguments) {
  const char* program = std::getenv("MTH5_TEST_PYTHON");
  if (program == nullptr || !fs::exists(program))
    throw std::runtime_error{"MTH5_TEST_PYTHON names no Python; scripts/setup.sh --test makes one"};
  std::vector<std::string> command{program, "-c", script};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return support::run(command, {}, std::chrono::seconds{200});
}

std::string with_broken_heaps(std::string bytes) {
  for (auto heap = bytes.find("GCOL"); heap != std::string::npos; heap = bytes.find("GCOL", heap + 4))
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(heap) + 16, 16, '\0');  // HDF5 never comes to the end of these
  return bytes;
}

class RecoverContained : public testing::Test {
 protected:
  void write(bool close) const {
    const auto ended = support::forked([&] {
      support::TestWriter writer{path_};
      writer.append(300);
      writer.file().sync();
      if (close) writer.file().close();
      if (!close) _exit(0);
      return 0;
    });
    ASSERT_EQ(ended.code, 0) << ended.err;
  }
  support::TempDir dir_;
  fs::path path_ = dir_ / "file.h5";
};

TEST_F(RecoverContained, AFileThatHdf5NeverLeavesIsPutBackAsItWas) {
  for (const bool closed : {true, false}) {
    fs::remove(path_);
    write(closed);
    const auto bytes = with_broken_heaps(support::read_text(path_));
    support::write_text(path_, bytes);
    const auto done = recover({path_});
    EXPECT_EQ(done.code, 4) << done.out << done.err;
    EXPECT_THAT(done.err, AllOf(HasSubstr("file.h5: damaged, at "), HasSubstr("does not come to an end")));
    EXPECT_TRUE(support::read_text(path_) == bytes);
    EXPECT_FALSE(fs::exists(path_.string() + ".before-recovery"));
  }
}

TEST_F(RecoverContained, AFileOfADeadWriterThatWasCutIsRecoveredOrPutBackAsItWas) {
  write(false);
  const auto whole = support::read_text(path_);
  const std::size_t user_block = std::size_t{1} << 20;
  ASSERT_GT(whole.size(), user_block);
  int refused = 0;
  for (std::size_t percent = 99; percent >= 50; percent -= 7) {
    const auto bytes = whole.substr(0, user_block + (whole.size() - user_block) * percent / 100);
    support::write_text(path_, bytes);
    const auto done = recover({path_});
    EXPECT_THAT(done.code, testing::AnyOf(0, 4)) << percent << " %: " << done.err;
    const fs::path before = path_.string() + ".before-recovery";
    if (fs::exists(before)) {  // recovered, perhaps to less than was there
      EXPECT_EQ(recover({"--undo", before, path_}).code, 0) << percent << " %";
      fs::remove(before);
    } else {
      EXPECT_EQ(done.code, 4) << percent << " %: " << done.err;
      ++refused;
    }
    EXPECT_TRUE(support::read_text(path_) == bytes) << percent << " %";
  }
  EXPECT_GT(refused, 2);
}

TEST_F(RecoverContained, ADryRunTellsOfACrashedWriterByItsExitCode) {
  write(false);
  EXPECT_EQ(recover({"--dry-run", path_}).code, 5);
  EXPECT_EQ(recover({path_}).code, 0);
  EXPECT_EQ(recover({"--dry-run", path_}).code, 0);
}

TEST_F(RecoverContained, TakesTheBeforeFileOfAnotherFileForNone) {
  write(false);
  fs::copy_file(path_, dir_ / "twin.h5");
  ASSERT_EQ(recover({path_}).code, 0);
  fs::remove(path_);
  write(true);
  const auto bytes = support::read_text(path_);
  const auto undone = recover({"--undo", path_.string() + ".before-recovery", path_});
  EXPECT_EQ(undone.code, 1);
  EXPECT_THAT(undone.err, HasSubstr("was saved of another file"));
  EXPECT_TRUE(support::read_text(path_) == bytes);
}

TEST_F(RecoverContained, CopiesAttributesOfEveryShapeAndType) {
  write(true);
  const auto made = python(
      "import h5py, numpy as np, sys\n"
      "with h5py.File(sys.argv[1], 'r+') as f:\n"
      "    g = f['Experiment/Surveys/TEST/Stations/S1']\n"
      "    a = g.attrs\n"
      "    a.create('none_f8', np.zeros(0)); a.create('none_str', np.zeros(0, dtype=h5py.string_dtype()))\n"
      "    a.create('none_2d', np.zeros((0, 3))); a['null'] = h5py.Empty('f8'); a['null_str'] = h5py.Empty(h5py.string_dtype())\n"
      "    a.create('strings', ['a', '', 'ü'], dtype=h5py.string_dtype()); a.create('bytes', np.array([b'ab', b'c'], "
      "dtype='S4'))\n"
      "    a['matrix'] = np.arange(12).reshape(3, 4); a['bool'] = True; a['complex'] = 1 + 2j; a['opaque'] = np.void(b'xyz')\n"
      "    a.create('enum', 1, dtype=h5py.enum_dtype({'no': 0, 'yes': 1}))\n"
      "    a.create('rows', np.array([(1, 'x')], dtype=[('n', 'i4'), ('t', h5py.string_dtype())]))\n"
      "    a.create('lists', np.array([np.arange(3), np.arange(2)], dtype=object), dtype=h5py.vlen_dtype('i4'))\n"
      "    a['reference'] = g.ref; a.create('region', f['Experiment/channel_summary'].regionref[0:1], "
      "dtype=h5py.regionref_dtype)\n"
      "    d = g.create_dataset('extra', data=np.arange(6).reshape(2, 3)); x = g.create_dataset('x', data=np.arange(2))\n"
      "    x.make_scale('x'); d.dims[0].attach_scale(x)\n"
      "    g.create_dataset('nothing', data=h5py.Empty('i4')); g.create_dataset('no_rows', shape=(0, 2), dtype='f8')\n",
      {path_});
  ASSERT_EQ(made.code, 0) << made.err;
  const auto copied = recover({"--set-swmr", "--output", dir_ / "copy.h5", path_});
  ASSERT_EQ(copied.code, 0) << copied.err;
  const auto same = python(
      "import h5py, numpy as np, sys\n"
      "with h5py.File(sys.argv[1]) as a, h5py.File(sys.argv[2]) as b:\n"
      "    p = 'Experiment/Surveys/TEST/Stations/S1'\n"
      "    x, y = a[p].attrs, b[p].attrs\n"
      "    assert sorted(x) == sorted(y)\n"
      "    for k in x:\n"
      "        u, v = x[k], y[k]\n"
      "        assert x.get_id(k).dtype == y.get_id(k).dtype and x.get_id(k).shape == y.get_id(k).shape, k\n"
      "        if k == 'reference': assert b[v].name == '/' + p\n"
      "        elif k == 'region': assert b[v].name == '/Experiment/channel_summary' and len(b[v][v]) == 1\n"
      "        elif k == 'lists': assert all((i == j).all() for i, j in zip(u, v))\n"
      "        elif not isinstance(u, h5py.Empty): assert np.array_equal(np.asarray(u), np.asarray(v), "
      "equal_nan=np.asarray(u).dtype.kind == 'f'), (k, u, v)\n"
      "    assert (b[p + '/extra'][...] == a[p + '/extra'][...]).all() and b[p + '/extra'].dims[0][0].name == '/' + p + '/x'\n"
      "    assert b[p + '/no_rows'].shape == (0, 2)\n",
      {path_, dir_ / "copy.h5"});
  EXPECT_EQ(same.code, 0) << same.err;
}

TEST_F(RecoverContained, NamesTheFilterThatACopyNeeds) {
  write(true);
  const auto made = python(
      "import h5py, numpy as np, sys\n"
      "with h5py.File(sys.argv[1], 'r+') as f: f.create_dataset('Experiment/Reports/packed', data=np.arange(100.), chunks=(50,), "
      "compression='lzf')\n",
      {path_});
  ASSERT_EQ(made.code, 0) << made.err;
  const auto copied = recover({"--set-swmr", path_});
  EXPECT_EQ(copied.code, 1);
  EXPECT_THAT(copied.err,
              AllOf(HasSubstr("/Experiment/Reports/packed: needs the HDF5 filter lzf (32000)"), Not(HasSubstr("damaged"))));
  for (const auto& entry : fs::directory_iterator{dir_.path()}) EXPECT_EQ(entry.path(), path_) << "a leftover of the copy";
}

}  // namespace
