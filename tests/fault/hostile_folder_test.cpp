#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <utility>

#include <spdlog/sinks/ostream_sink.h>

#include "acquisition/config/config.hpp"
#include "acquisition/recorder/resume.hpp"
#include "h5/handle.hpp"
#include "h5/types.hpp"
#include "mth5/error.hpp"
#include "mth5/file.hpp"
#include "mth5/io.hpp"
#include "mth5/reader.hpp"
#include "sandbox/check.hpp"
#include "support/forked.hpp"
#include "support/healthy.hpp"
#include "support/host_clock.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"
#include "support/support.hpp"

/// A recorder that starts, and what may lie in its folder: it always comes to a start, and no file takes it along.
namespace {

namespace fs = std::filesystem;
using daq::recorder::find_resume;
using support::numbered_lines;
using support::Recording;
using support::RecordingOptions;
using support::TcpPeer;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class HostileFolder : public testing::Test {
 protected:
  /// A file of a recorder that was killed, with its configuration.
  void SetUp() override {
    TcpPeer peer;
    Recording recording{
        Recording::tcp(peer.port()),
        {.config = "flush: {samples: 50, interval: 50ms}\nsync: {interval: 100ms}\n", .directory = folder_.path()}};
    ASSERT_TRUE(peer.accept()) << recording.log();
    ASSERT_TRUE(peer.send(numbered_lines(0, 120) + numbered_lines(200, 300)));
    ASSERT_TRUE(recording.wait_until([](const auto& s) { return s.at("sources").at(0).at("samples").at("visible") >= 220; }))
        << recording.log();
    recording.process().signal(SIGKILL);
    (void)recording.process().wait();
    path_ = recording.file();
    dead_ = support::read_text(path_);
    const auto loaded = daq::config::load(recording.config_path(), {}, {support::source() / "config" / "instruments"});
    ASSERT_TRUE(loaded.config);
    config_ = *loaded.config;
  }

  std::optional<daq::recorder::Resume> find(const std::function<bool()>& cancelled = {},
                                            const std::function<void(const std::string&)>& step = {}) {
    log_.str("");
    spdlog::logger log{"test", std::make_shared<spdlog::sinks::ostream_sink_st>(log_)};
    return find_resume(config_, log, cancelled, {}, step);
  }

  /// What the recorder does with the file it was given.
  [[nodiscard]] int resumed_in_earnest() const {
    const auto ended = support::forked([&] {
      try {
        auto file = mth5::File::open(path_, "r+");
        mth5::RunId run;
        file.edit([&](mth5::Edit& edit) {
          mth5::Metadata metadata{mth5::Kind::Run};
          metadata.set("id", std::string{"later"});
          metadata.set("sample_rate", 1.0);
          mth5::Metadata channel{mth5::Kind::Magnetic};
          channel.set("component", std::string{"bx"});
          run = edit.add_run("TEST", "MT001", metadata, mth5::host_now(), std::array{mth5::ChannelSpec{channel}});
        });
        file.start_swmr();
        const std::int32_t sample = 1;
        file.append(run, mth5::Matrix<const std::int32_t>{&sample, 1, 1, 1});
        file.close();
      } catch (const mth5::Error&) {
        return 3;
      }
      return 0;
    });
    return ended.hung ? 999 : ended.code;
  }

  support::TempDir folder_;
  fs::path path_;
  std::string dead_;
  daq::config::Config config_;
  std::ostringstream log_;
};

TEST_F(HostileFolder, TheFileOfACrashedRecorderIsResumed) {
  const auto resume = find();
  ASSERT_TRUE(resume) << log_.str();
  EXPECT_EQ(resume->path, path_);
  ASSERT_THAT(resume->runs, SizeIs(2)) << "all runs of all sessions";
  EXPECT_EQ(resume->runs[0].id, "sr1_0001");
  EXPECT_EQ(resume->runs[1].id, "sr1_0002");
  const auto& last = resume->runs[1];
  ASSERT_EQ(last.tail.size(), last.components.size() * static_cast<std::size_t>(last.n_samples));
  const mth5::Reader reader{path_};
  const auto bx = reader.read(reader.find("MT001", "sr1_0002", last.components[0]).at(0), 0, last.n_samples);
  EXPECT_TRUE(std::equal(bx.begin(), bx.end(), last.tail.begin()));
  EXPECT_EQ(resume->runs[0].tail.size(), last.components.size() * static_cast<std::size_t>(resume->runs[0].n_samples))
      << "the rows before it are of the run before it";
  EXPECT_EQ(mth5::probe(path_).state, mth5::FileState::Closed);
  EXPECT_FALSE(fs::exists(path_.string() + ".before-recovery"));
  EXPECT_EQ(resumed_in_earnest(), 0);
}

/// Of each seed; more with MTH5_FLIPS.
int flips() {
  const char* given = std::getenv("MTH5_FLIPS");
  return given != nullptr ? std::atoi(given) : 16;
}

/// Of a start, whatever lies in the folder: one that recovers and rehearses, one that takes back what that one had begun.
constexpr int kMostChildren = 2;
constexpr int kMostOlder = 2 * 3;  ///< of older files, which are put back where they cannot be recovered
/// Children that this process has started: what a start of the recorder costs is theirs, each with its limits of time.
int children = 0;
[[maybe_unused]] const int counting = pthread_atfork(
    nullptr, [] { ++children; }, nullptr);

class BitFlips : public HostileFolder, public testing::WithParamInterface<int> {
 protected:
  /// One bit of a structure of HDF5 or of the journal, or of anything.
  struct Flip {
    std::string bytes;
    std::size_t at;
    unsigned bit;
  };
  Flip flip(std::string bytes) {
    constexpr std::array kSignatures{"GCOL", "HEAP", "FRHP", "FHDB", "FSHD", "TREE",
                                     "SNOD", "OHDR", "OCHK", "BTHD", "EAHD", "MTH5JREC"};
    const auto found = bytes.find(kSignatures[random_() % kSignatures.size()], random_() % bytes.size());
    const auto at = found == std::string::npos ? random_() % bytes.size() : std::min(found + random_() % 96, bytes.size() - 1);
    const auto bit = static_cast<unsigned>(random_() % 8);
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
    return {std::move(bytes), at, bit};
  }

  [[nodiscard]] static unsigned long long seed() {
    const char* given = std::getenv("MTH5_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : static_cast<unsigned long long>(GetParam());
  }
  std::mt19937_64 random_{seed()};
};

TEST_P(BitFlips, OfAClosedFileNeitherHoldUpAStartNorChangeTheFile) {
  SCOPED_TRACE("MTH5_SEED=" + std::to_string(seed()));
  ASSERT_TRUE(find());  // recovers and closes it
  const auto closed = support::read_text(path_);
  for (int round = 0; round < 4 * flips(); ++round) {
    auto [bytes, at, bit] = flip(closed);
    if (round % 8 == 0) {  // where HDF5 says whether it was closed
      at = random_() % 64;
      bytes = closed;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
    }
    support::write_text(path_, bytes);
    bool looks_closed = false;
    try {
      looks_closed = mth5::probe(path_).state == mth5::FileState::Closed;
    } catch (const mth5::Error&) {  // named in the log, and left
    }
    children = 0;
    (void)find();  // that it returns is the test
    EXPECT_LE(children, kMostChildren) << "bit " << bit << " at " << at;
    const auto log = log_.str();
    const bool untouched =
        looks_closed || log.find("as it was") != std::string::npos || log.find("left as it is") != std::string::npos;
    EXPECT_TRUE(!untouched || support::read_text(path_) == bytes)
        << "bit " << bit << " at " << at << ": changed, and the log says: " << log;
    for (const auto& entry : fs::directory_iterator{folder_.path()})
      if (entry.path().string().find(".before-recovery") != std::string::npos) fs::remove(entry.path());
  }
}

TEST_P(BitFlips, NeverTakeTheRecorderAlong) {
  SCOPED_TRACE("MTH5_SEED=" + std::to_string(seed()));
  int resumed = 0;
  for (int round = 0; round < flips(); ++round) {
    const auto [bytes, at, bit] = flip(dead_);
    support::write_text(path_, bytes);
    children = 0;
    const auto resume = find();  // that it returns is the test
    EXPECT_LE(children, kMostChildren) << "bit " << bit << " at " << at;
    if (resume) {
      ++resumed;
      const auto whole = sandbox::run(
          [&](sandbox::Reports& reports) {
            sandbox::walk(path_, reports);
            return std::string{};
          },
          {});
      EXPECT_EQ(whole.end, sandbox::End::Done)
          << "bit " << bit << " at " << at << ": resumed in a damaged file: " << whole.message;
      EXPECT_LT(resumed_in_earnest(), 128) << "bit " << bit << " at " << at << ": " << log_.str();
    } else if (const auto log = log_.str();
               log.find("as it was") != std::string::npos || log.find("left as it is") != std::string::npos) {
      EXPECT_TRUE(support::read_text(path_) == bytes)
          << "bit " << bit << " at " << at << ": the log does not tell the truth: " << log;
    }
    for (const auto& entry : fs::directory_iterator{folder_.path()})
      if (entry.path().string().find(".before-recovery") != std::string::npos) fs::remove(entry.path());
  }
  EXPECT_GT(resumed, flips() / 5) << "most single bits do no harm";
}

/// Whether h5py gets through it: visititems() asks for all that HDF5 knows of each object.
bool every_object_tells_of_itself(const fs::path& path) {
  namespace h5 = mth5::h5;
  h5::initialise();
  const auto access = h5::writer_access();
  const h5::File file{H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), path.string()};
  const auto go_on = [](hid_t, const char*, const H5O_info_t*, void*) -> herr_t { return 0; };
  const bool all = H5Ovisit2(file.get(), H5_INDEX_NAME, H5_ITER_NATIVE, go_on, nullptr, H5O_INFO_ALL) >= 0;
  if (!all) (void)h5::take_error_stack();
  return all;
}

TEST_F(HostileFolder, NothingGoesOnInAFileOfWhichAnyIndexIsDamaged) {
  int not_resumed = 0;
  for (const std::string signature : {"FRHP", "FHDB", "FSHD", "FSSE", "BTHD", "BTLF"}) {
    std::vector<std::size_t> places;
    for (auto at = dead_.find(signature); at != std::string::npos; at = dead_.find(signature, at + 4)) places.push_back(at);
    // Each costs a start of the recorder: a few from all over the file.
    const std::size_t step = std::max<std::size_t>(1, (places.size() + 2) / 3);
    for (std::size_t i = 0; i < places.size(); i += step) {
      SCOPED_TRACE(signature + " at " + std::to_string(places[i]));
      auto bytes = dead_;
      bytes[places[i] + 10] = static_cast<char>(bytes[places[i] + 10] ^ 1);
      support::write_text(path_, bytes);
      if (find()) {
        EXPECT_TRUE(every_object_tells_of_itself(path_)) << log_.str();
        continue;
      }
      ++not_resumed;
      EXPECT_THAT(log_.str(), HasSubstr(path_.string()));
      for (const auto& entry : fs::directory_iterator{folder_.path()})
        if (entry.path().string().find(".before-recovery") != std::string::npos) fs::remove(entry.path());
    }
  }
  EXPECT_GT(not_resumed, 3) << "of those, one at least that holds no link";
}

INSTANTIATE_TEST_SUITE_P(, BitFlips, testing::Values(1, 2, 3, 4));

TEST_F(HostileFolder, AClosedFileIsReadInAChildAndNeverChanged) {
  ASSERT_TRUE(find());  // recovers and closes it
  const auto closed = support::read_text(path_);
  const auto resume = find();
  ASSERT_TRUE(resume);
  EXPECT_TRUE(resume->closed);
  EXPECT_THAT(resume->runs, SizeIs(2));
  EXPECT_EQ(log_.str(), "");
  EXPECT_EQ(support::read_text(path_), closed);
}

TEST_F(HostileFolder, AClosedFileThatTakesTheChildAlongIsNamedAndNeverChanged) {
  ASSERT_TRUE(find());
  auto bytes = support::read_text(path_);
  for (auto heap = bytes.find("GCOL"); heap != std::string::npos; heap = bytes.find("GCOL", heap + 4))
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(heap) + 16, 16, '\0');  // HDF5 never leaves these
  support::write_text(path_, bytes);
  const auto resume = find();
  ASSERT_TRUE(resume);
  EXPECT_TRUE(resume->closed);
  EXPECT_THAT(resume->runs, IsEmpty());
  EXPECT_THAT(log_.str(), HasSubstr("nothing is known of what the file before holds"));
  EXPECT_EQ(support::read_text(path_), bytes);
}

TEST_F(HostileFolder, NothingElseThatLiesThereMatters) {
  const auto newer = [&](const std::string& second) { return folder_ / ("MT001_20301004T0000" + second + "Z.h5"); };
  ASSERT_EQ(mkfifo(newer("01").c_str(), 0600), 0);
  fs::create_directory(newer("02"));
  fs::create_symlink(path_, newer("03"));
  fs::create_symlink("/dev/zero", newer("04"));
  for (int i = 0; i < 300; ++i) support::write_text(folder_ / ("other" + std::to_string(i) + ".h5"), "x");
  // Of our own names and older: closed, damaged, of other programs.
  for (int i = 10; i < 60; ++i) {
    const auto older = folder_ / ("MT001_20200101T0000" + std::to_string(i) + "Z.h5");
    support::write_text(older, i % 2 == 0 ? dead_.substr(0, 4096) : std::string(i % 3 == 0 ? 0 : 2048, 'x'));
    fs::last_write_time(older, fs::file_time_type::clock::now() - std::chrono::hours{i});
  }
  children = 0;
  const auto resume = find();
  EXPECT_LE(children, kMostChildren + kMostOlder) << "the time of a start grows with the folder";
  ASSERT_TRUE(resume) << log_.str();
  EXPECT_EQ(resume->path, path_);
}

TEST_F(HostileFolder, AFileOfATebibyteThatLooksOursIsLeftAlone) {
  const int fd = open(path_.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(ftruncate(fd, off_t{1} << 40), 0);
  close(fd);
  const auto resume = find();  // the tail is of no commit: cut, or left, but never copied
  EXPECT_TRUE(!resume || fs::file_size(path_) < (std::uintmax_t{1} << 30)) << log_.str();
}

TEST_F(HostileFolder, ANewestFileThatCannotBeJudgedIsNamedAndANewOneBegins) {
  const auto odd = folder_ / "MT001_20301004T000001Z.h5";
  support::write_text(odd, "no HDF5");
  fs::last_write_time(odd, fs::file_time_type::clock::now() + std::chrono::hours{1});
  const auto resume = find();
  EXPECT_TRUE(!resume || resume->closed) << log_.str();
  EXPECT_THAT(log_.str(), HasSubstr(odd.string()));
  EXPECT_EQ(support::read_text(odd), "no HDF5");
  EXPECT_THAT(log_.str(), HasSubstr("recovered file=" + path_.string()));
  EXPECT_EQ(mth5::probe(path_).state, mth5::FileState::Closed);
}

/// For a child of this process the first answers take until look() was called once more; each look that finds one more is a
/// second.
class SlowDisk final : public mth5::Io {
 public:
  SlowDisk() { mth5::use_io(this); }
  ~SlowDisk() override { mth5::use_io(nullptr); }
  SlowDisk(const SlowDisk&) = delete;
  SlowDisk& operator=(const SlowDisk&) = delete;

  void look() {
    if (const int answers = *answers_; std::exchange(seen_, answers) != answers) clock_.pass(std::chrono::seconds{1});
    ++*looks_;
  }
  [[nodiscard]] int seconds() const { return seen_; }

  [[nodiscard]] ssize_t pread(int fd, void* bytes, std::size_t size, off_t at) const override {
    wait();
    return Io::pread(fd, bytes, size, at);
  }

 private:
  void wait() const {
    constexpr int kSlow = 20;
    if (getpid() == tester_ || *answers_ >= kSlow) return;
    const int looks = *looks_;
    ++*answers_;
    while (*looks_ == looks) poll(nullptr, 0, 1);
  }

  pid_t tester_ = getpid();
  support::ClockByHand clock_;
  support::Shared<std::atomic<int>> looks_, answers_;
  int seen_ = 0;
};

TEST_F(HostileFolder, ASlowDiskCostsTimeAndNotTheFile) {
  std::set<std::string> told;
  int seconds = 0;
  const auto resume = [&] {
    SlowDisk disk;
    const auto found = find(
        [&] {
          disk.look();
          return false;
        },
        [&](const std::string& what) { told.insert(what); });
    seconds = disk.seconds();
    return found;
  }();
  ASSERT_TRUE(resume) << log_.str();
  EXPECT_EQ(resume->path, path_);
  EXPECT_GE(seconds, 20);
  EXPECT_THAT(told, testing::ElementsAre("recovering " + path_.filename().string()));
  EXPECT_EQ(mth5::probe(path_).state, mth5::FileState::Closed);
}

TEST_F(HostileFolder, AStopIsHeardWhileAFileIsLookedAt) {
  int asked = 0;
  bool begun = false;
  EXPECT_FALSE(find([&] {
    if (++asked == 1) return false;  // before the child; the second time it is at work, however fast it is
    if (asked == 2) begun = support::eventually([&] { return support::read_text(path_) != dead_; });
    return true;
  }));
  EXPECT_TRUE(begun) << "the child has changed nothing yet";
  EXPECT_EQ(support::read_text(path_), dead_) << "what was begun is taken back";
  EXPECT_THAT(log_.str(), HasSubstr("left for the next start: file=" + path_.string() + " interrupted; put back as it was\n"));
  EXPECT_THAT(log_.str(), testing::Not(HasSubstr("a new file begins")));
}

TEST(SecondRecorder, StaysRefusedWhenTheLockOfTheStationWasDeleted) {
  const support::TempDir folder;
  TcpPeer peer;
  Recording first{Recording::tcp(peer.port()), {.config = "flush: {samples: 5, interval: 50ms}\n", .directory = folder.path()}};
  ASSERT_TRUE(peer.accept()) << first.log();
  ASSERT_TRUE(peer.send(numbered_lines(0, 20)));
  ASSERT_TRUE(first.wait_for_log("file open")) << first.log();
  fs::remove(folder / ".mth5d-TEST-MT001.lock");
  TcpPeer other;
  Recording second{Recording::tcp(other.port()), {.directory = folder.path()}};
  EXPECT_EQ(second.process().wait(), 1) << second.log();
  EXPECT_THAT(second.log(), testing::AnyOf(HasSubstr("is writing this file"), HasSubstr("is recorded here by")));
  EXPECT_TRUE(first.wait_for_log("lock: was deleted")) << first.log();
  support::expect_good_end(first);
}

}  // namespace
