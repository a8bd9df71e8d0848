#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reader_check.hpp"
#include "sandbox/check.hpp"
#include "support/forked.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

/// A crash in libhdf5 must look like one: a signal. What the sanitizers find has an exit code of its own.
extern "C" const char* __asan_default_options() {
  return "exitcode=77:handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigfpe=0:allocator_may_return_null=1";
}
extern "C" const char* __ubsan_default_options() { return "exitcode=78:print_stacktrace=1"; }
/// HDF5 1.10.8 loses memory when it gives up on a damaged file.
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5\n"; }

namespace {

namespace fs = std::filesystem;

constexpr rlim_t kCpuSeconds = 4;
constexpr long kMaxResidentKiB = 1 << 20;  ///< sanitizers take some hundred MiB themselves

const sandbox::Limits kLimits{.cpu_per_object = std::chrono::seconds{2}};

enum class End { Read, Refused, Crashed, Broken };

struct Outcome {
  End end;
  std::string why;
};

/// Whose fault a sanitizer's report is: the first frame that is of neither the sanitizer nor the C library tells.
bool in_libhdf5(const std::string& report) {
  const auto theirs = report.find("libhdf5");
  const auto ours = report.find("mth5::");
  return theirs < ours;
}

Outcome read_in_child(const fs::path& path) {
  const auto ended = support::forked(
      [&] {
        const rlimit cpu{kCpuSeconds, kCpuSeconds + 1};
        const rlimit core{0, 0};
        setrlimit(RLIMIT_CPU, &cpu);
        setrlimit(RLIMIT_CORE, &core);
        return fuzz::check_reader(path) ? 10 : 11;
      },
      std::chrono::minutes{5});
  if (ended.most_memory_kib > kMaxResidentKiB)
    return {End::Broken, "took " + std::to_string(ended.most_memory_kib) + " KiB of memory"};
  if (ended.code == 10) return {End::Read, ""};
  if (ended.code == 11) return {End::Refused, ""};
  const std::string& report = ended.err;
  if (report.find("broken promise") != std::string::npos) return {End::Broken, report};
  if (ended.code > 128) return {End::Crashed, strsignal(ended.code - 128)};
  if (ended.code == 77 && in_libhdf5(report)) return {End::Crashed, "sanitizer"};
  return {End::Broken, report};
}

/// Kinds of files: 0.1.0 and 0.2.0, old and new HDF5 formats, SWMR, one whose writer died, and one of many runs, most of which a
/// reader takes from channel_summary.
std::vector<std::string> originals(const support::TempDir& dir) {
  std::vector<std::string> files;
  for (const char* name : {"python_v010.h5", "python_v020.h5"})
    files.push_back(support::read_text(support::data() / "mth5" / name));
  support::TestWriter writer{dir / "ours.h5"};
  writer.append(500);
  writer.append_gap(7, 3, "ring", "r0", "r0", true);
  writer.new_run(std::chrono::hours{1});
  writer.append(100);
  writer.file().sync();
  files.push_back(support::read_text(dir / "ours.h5"));  // as a writer that dies now leaves it
  writer.file().close();
  files.push_back(support::read_text(dir / "ours.h5"));
  support::TestWriter many{dir / "many.h5"};
  for (int run = 1; run < 6; ++run) {
    many.append(20);
    many.new_run(std::chrono::hours{run});
  }
  many.append(20);
  many.file().close();
  files.push_back(support::read_text(dir / "many.h5"));
  return files;
}

class Damage {
 public:
  explicit Damage(std::uint64_t seed) : random_{seed} {}

  std::string operator()(std::string content) {
    const std::size_t times = 1 + below(3);
    for (std::size_t i = 0; i < times; ++i) {
      const std::size_t at = below(2) == 0 ? below(content.size()) : near_signature(content);
      const std::size_t n = std::min<std::size_t>(std::size_t{1} << below(7), content.size() - at);
      switch (below(4)) {
        case 0:
          for (std::size_t k = 0; k < n; ++k) content[at + k] = static_cast<char>(below(256));
          break;
        case 1:
          std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(at), n, below(2) == 0 ? '\0' : '\xff');
          break;
        case 2:
          content[at] = static_cast<char>(content[at] ^ (1 << below(8)));
          break;
        default:
          const std::string part = content.substr(below(content.size()), n);
          content.replace(at, part.size(), part);
      }
    }
    return content;
  }

 private:
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>{0, n - 1}(random_); }

  /// Metadata are a small part of a file; most begin with a signature.
  std::size_t near_signature(const std::string& content) {
    constexpr std::array kSignatures{"TREE", "SNOD", "HEAP", "GCOL", "OHDR", "OCHK",
                                     "BTHD", "FRHP", "FHDB", "FADB", "EAHD", "FSHD"};
    const auto found = content.find(kSignatures[below(kSignatures.size())], below(content.size()));
    return found == std::string::npos ? below(content.size()) : std::min(found + below(256), content.size() - 1);
  }

  std::mt19937_64 random_;
};

class ReaderFuzz : public testing::Test {
 protected:
  /// What crashes libhdf5 must be an error of one line in the tools.
  void expect_good_end(const std::string& content, const std::string& what) {
    const auto path = dir_ / "damaged.h5";
    support::write_text(path, content);
    const auto outcome = read_in_child(path);
    ++ends_[static_cast<std::size_t>(outcome.end)];
    EXPECT_NE(outcome.end, End::Broken) << what << ": " << outcome.why;
    if (outcome.end == End::Broken || (outcome.end == End::Crashed && HasFailure())) keep(content, what);
    if (outcome.end != End::Crashed) return;
    try {
      sandbox::check(path, kLimits);
      ADD_FAILURE() << what << ": " << outcome.why << " in the reader, but the check in a child finds nothing";
      keep(content, what);
    } catch (const mth5::FormatError& e) {
      EXPECT_THAT(e.what(), testing::HasSubstr("damaged"));
      EXPECT_EQ(std::string{e.what()}.find('\n'), std::string::npos);
    }
  }
  /// For whoever looks at the failure.
  static void keep(const std::string& content, const std::string& what) {
    if (const char* folder = std::getenv("MTH5_TEST_KEEP"); folder != nullptr)
      support::write_text(fs::temp_directory_path() / ("reader_fuzz " + what + ".h5"), content);
  }
  [[nodiscard]] int ended(End end) const { return ends_[static_cast<std::size_t>(end)]; }

  support::TempDir dir_;
  std::array<int, 4> ends_{};
};

TEST_F(ReaderFuzz, FilesCutAtAnyLengthAreReadOrRefused) {
  int file = 0;
  for (const auto& content : originals(dir_)) {
    for (std::size_t length = 0; length < content.size(); length += 1 + content.size() / 23)
      expect_good_end(content.substr(0, length), "file " + std::to_string(file) + " cut to " + std::to_string(length));
    ++file;
  }
  EXPECT_GT(ended(End::Refused), 80);
}

TEST_F(ReaderFuzz, DamagedBytesAreReadOrRefusedOrContained) {
  const char* given = std::getenv("MTH5_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 5;
  const char* more = std::getenv("MTH5_FUZZ_ROUNDS");
  const int rounds = more != nullptr ? std::atoi(more) : 20;
  SCOPED_TRACE("MTH5_SEED=" + std::to_string(seed));
  Damage damage{seed};
  const auto files = originals(dir_);
  for (int round = 0; round < rounds; ++round)
    for (std::size_t file = 0; file < files.size(); ++file)
      expect_good_end(damage(files[file]), "file " + std::to_string(file) + " round " + std::to_string(round));
  RecordProperty("crashes_of_libhdf5", ended(End::Crashed));
  std::printf("read %d, refused %d, crashed libhdf5 %d\n", ended(End::Read), ended(End::Refused), ended(End::Crashed));
  EXPECT_GT(ended(End::Read), rounds / 4);
  EXPECT_GT(ended(End::Refused), rounds / 4);
}

}  // namespace
