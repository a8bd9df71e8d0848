#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <functional>
#include <string>

#include "core/durable.hpp"
#include "mth5/error.hpp"
#include "support/support.hpp"
#include "vfd/journaled_file.hpp"

/// Records that look right and cannot be ours, and what is kept of a file before it is changed.
namespace {

using mth5::vfd::Head;
using mth5::vfd::Journal;
using mth5::vfd::JournaledFile;
using mth5::vfd::kLeastUserBlock;
using mth5::vfd::put_back;
using mth5::vfd::Recovered;
using mth5::vfd::RedoRanges;
using mth5::vfd::Replay;
using mth5::vfd::UndoFile;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::uint64_t kStart = kLeastUserBlock;  ///< of the HDF5 part
constexpr std::uint64_t kSlot = kLeastUserBlock / 4;

class FileTest : public testing::Test {
 protected:
  FileTest() { fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644); }
  ~FileTest() override { close(fd_); }

  [[nodiscard]] std::string bytes() const { return support::read_text(path_); }
  void write_at(std::uint64_t at, const void* bytes, std::size_t size) const {
    mth5::core::write_all(fd_, bytes, size, at, path_);
  }
  /// A file of 1000 bytes whose writer died: one durable commit over what it had at first, and one visible one, which is a frame.
  /// @param large  a file of 200,000, with so many changes that the visible commit has no room behind the durable one, and is a
  ///               record in another slot
  void leave_dead(bool large = false) {
    size_ = large ? 200'000 : 1000;
    const auto change = [&](JournaledFile& store, std::string_view text) {
      store.write(kStart + 100, text, false);
      if (large) store.write(kStart + 2000, std::string(150'000, text.front()), false);
    };
    JournaledFile store = JournaledFile::create(fd_, path_, kLeastUserBlock);
    store.write(kStart, std::string(size_, 'a'), false);
    store.commit(true, 0);
    change(store, "durable");
    store.commit(true, 1);
    change(store, "visible");
    store.write(kStart + size_, std::string_view{"samples"}, true);
    EXPECT_FALSE(store.commit(false, 2));
    store.abandon();
  }
  Replay recovered(const std::filesystem::path& before = {}) {
    Replay done;
    JournaledFile store = JournaledFile::open(fd_, path_, done, before);
    store.close();
    return done;
  }
  [[nodiscard]] static std::uint64_t hash_of_head(const Head& head) {
    constexpr std::size_t from = offsetof(Head, file_id);
    return mth5::vfd::hash_of(reinterpret_cast<const char*>(&head) + from, sizeof head - from);
  }

  support::TempDir dir_;
  std::filesystem::path path_ = dir_ / "file";
  int fd_ = -1;
  std::size_t size_ = 0;  ///< of the HDF5 part, at the durable commit
};

/// The newest record or frame of a dead file, with one field that no writer of ours writes, and hashes that are right all the
/// same.
struct Lie {
  const char* name;
  std::function<void(Head&)> tell;
};

class HostileRecord : public FileTest, public testing::WithParamInterface<Lie> {
 protected:
  void expect_nothing_changed(bool large) {
    leave_dead(large);
    const auto journal = Journal::find(fd_, path_).value();
    unsigned newest = 0;
    std::size_t length = 0;
    std::uint64_t at = 0;
    for (unsigned slot = 0; slot < mth5::vfd::kSlots; ++slot) {
      const auto chain = journal.read_chain(slot);
      if (chain.empty() || chain.back().head.sequence != journal.newest_sequence()) continue;
      newest = slot;
      length = chain.size();
      at = journal.slot_at(slot) + (length > 1 ? chain[length - 2].next_at : 0);
    }
    ASSERT_EQ(length > 1, !large);
    Head head{};
    mth5::core::read_all(fd_, &head, sizeof head, at, path_);
    GetParam().tell(head);
    head.hash = hash_of_head(head);
    write_at(at, &head, sizeof head);
    EXPECT_EQ(journal.read_chain(newest).size(), length - 1);
    const auto done = recovered();
    EXPECT_EQ(bytes().substr(kStart + 100, 7), "durable") << "the one before it holds";
    EXPECT_EQ(mth5::core::size_of(fd_, path_), kStart + size_);
    EXPECT_EQ(done.samples, 1);
  }
};

TEST_P(HostileRecord, IsNoFrameAndChangesNothing) { expect_nothing_changed(false); }

TEST_P(HostileRecord, IsNoRecordAndChangesNothing) { expect_nothing_changed(true); }

INSTANTIATE_TEST_SUITE_P(, HostileRecord,
                         testing::Values(Lie{"EndInTheUserBlock", [](Head& h) { h.end = 100; }},
                                         Lie{"EndOfZero", [](Head& h) { h.end = 0; }},
                                         Lie{"EndWithoutHdf5", [](Head& h) { h.end = kStart + 10; }},
                                         Lie{"EndFarBehind", [](Head& h) { h.end += std::uint64_t{1} << 40; }},
                                         Lie{"EndNegative", [](Head& h) { h.end = UINT64_MAX; }},
                                         Lie{"BodyBehindTheFile", [](Head& h) { h.body_at = std::uint64_t{1} << 50; }},
                                         Lie{"BodyInAnotherSlot", [](Head& h) { h.body_at ^= kSlot; }},
                                         Lie{"BodyOfEverything", [](Head& h) { h.body_bytes = UINT64_MAX; }},
                                         Lie{"BodyOverItsSlot", [](Head& h) { h.body_bytes = kSlot; }},
                                         Lie{"MorePlacesThanABodyHolds", [](Head& h) { h.n_changed = UINT32_MAX; }},
                                         Lie{"FewerPlacesThanItsBody", [](Head& h) { h.n_changed = 0; }},
                                         Lie{"BaseOfTheFuture", [](Head& h) { h.base = h.sequence + 1; }},
                                         Lie{"SequenceAtItsEnd", [](Head& h) { h.sequence = UINT64_MAX; }},
                                         Lie{"NegativeSamples", [](Head& h) { h.samples = -1; }},
                                         Lie{"NoTruth", [](Head& h) { h.clean = 2; }},
                                         Lie{"LinkOfAnother", [](Head& h) { h.link ^= 6; }}),
                         [](const auto& param) { return std::string{param.param.name}; });

TEST_F(FileTest, ARecordWhosePlacesLieOverEachOtherIsNone) {
  leave_dead();
  auto journal = Journal::find(fd_, path_).value();
  struct {
    std::uint64_t at, size, at_2, size_2;
    char contents[16];
  } const body{kStart + 10, 8, kStart + 14, 8, "0123456789abcde"};
  Head head{};
  head.magic = {'M', 'T', 'H', '5', 'J', 'R', 'E', 'C'};
  head.file_id = journal.file_id();
  head.sequence = journal.newest_sequence() + 1;
  head.end = kStart + 1000;
  head.body_at = journal.slot_at(0) + sizeof head;
  head.body_bytes = sizeof body;
  head.body_hash = mth5::vfd::hash_of(&body, sizeof body);
  head.n_changed = 2;
  head.durable = 1;
  head.hash = hash_of_head(head);
  write_at(journal.slot_at(0), &head, sizeof head);
  write_at(head.body_at, &body, sizeof body);
  EXPECT_FALSE(journal.read(0));
}

class BeforeFile : public FileTest {
 protected:
  void put_it_back(Recovered how = Recovered::Whole) { put_back(fd_, path_, before_, how); }
  std::filesystem::path before_ = dir_ / "before";
};

TEST_F(BeforeFile, TakesARecoveryBackToTheBit) {
  leave_dead();
  const auto dead = bytes();
  recovered(before_);
  EXPECT_NE(bytes(), dead);
  put_it_back();
  EXPECT_EQ(bytes(), dead);
  put_it_back();  // as after one that broke off
  EXPECT_EQ(bytes(), dead);
}

TEST_F(BeforeFile, IsNotTakenForAnotherFile) {
  leave_dead();
  recovered(before_);
  const auto other_path = dir_ / "other";
  const int other = open(other_path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  {
    JournaledFile store = JournaledFile::create(other, other_path, kLeastUserBlock);
    store.write(kStart, std::string(2000, 'o'), false);
    store.commit(true, 0);
    store.close();
  }
  const auto contents = support::read_text(other_path);
  EXPECT_THAT([&] { put_back(other, other_path, before_, Recovered::Whole); },
              ThrowsMessage<mth5::StateError>(HasSubstr("was saved of another file")));
  EXPECT_EQ(support::read_text(other_path), contents);
  close(other);
}

TEST_F(BeforeFile, IsNotTakenOnceTheFileWasWrittenTo) {
  leave_dead();
  recovered(before_);
  {
    Replay done;
    JournaledFile store = JournaledFile::open(fd_, path_, done);
    store.write(kStart + 1007, std::string_view{"recorded since"}, true);
    store.commit(true, 3);
    store.close();
  }
  const auto grown = bytes();
  EXPECT_THAT([&] { put_it_back(); }, ThrowsMessage<mth5::StateError>(HasSubstr("changed")));
  EXPECT_EQ(bytes(), grown);
}

TEST_F(BeforeFile, IsNotTakenOnceAnotherProgramChangedTheFileInPlace) {
  leave_dead();
  recovered(before_);
  write_at(kStart + 500, "x", 1);  // no place of the recovery's, and the size stays
  const timespec long_ago[2]{{1, 0}, {1, 0}};
  futimens(fd_, long_ago);  // whatever the clock's grain
  const auto changed = bytes();
  EXPECT_THAT([&] { put_it_back(); }, ThrowsMessage<mth5::StateError>(HasSubstr("changed")));
  EXPECT_EQ(bytes(), changed);
}

TEST_F(BeforeFile, OfARecoveryThatBrokeOffIsForItsOwnCallerOnly) {
  leave_dead();
  const auto dead = bytes();
  {
    UndoFile before{fd_, before_};
    before.save(0, kStart);
    before.save(kStart, 1007);
    before.sync();
    write_at(kStart + 20, "half", 4);  // and here it broke off
  }
  const auto broken = bytes();
  EXPECT_FALSE(mth5::vfd::is_finished(before_));
  EXPECT_THAT([&] { put_it_back(); }, ThrowsMessage<mth5::StateError>(HasSubstr("broke off")));
  EXPECT_EQ(bytes(), broken);
  put_it_back(Recovered::Broken);
  EXPECT_EQ(bytes(), dead);
}

TEST_F(BeforeFile, GoesWhereNothingHadToBeChanged) {
  leave_dead();
  recovered();
  const auto whole = bytes();
  recovered(before_);
  EXPECT_EQ(bytes(), whole);
  EXPECT_FALSE(std::filesystem::exists(before_));
}

TEST_F(BeforeFile, KeepsATailOfATebibyteOfHoles) {
  leave_dead();
  const std::uint64_t end = kStart + (std::uint64_t{1} << 40);
  ASSERT_EQ(ftruncate(fd_, static_cast<off_t>(end)), 0);
  write_at(kStart + 5000, "here", 4);
  write_at(end - 4, "last", 4);
  const auto done = recovered(before_);
  EXPECT_EQ(done.cut_bytes, end - kStart - 1007);
  EXPECT_EQ(done.not_kept, 0u);
  EXPECT_LT(std::filesystem::file_size(before_), 3u << 20);
  put_it_back();
  EXPECT_EQ(mth5::core::size_of(fd_, path_), end);
  std::string found(4, '?');
  for (const auto& [at, text] : {std::pair{kStart + 5000, "here"}, {end - 4, "last"}, {kStart + 100, "visi"}}) {
    mth5::core::read_all(fd_, found.data(), found.size(), at, path_);
    EXPECT_EQ(found, text);
  }
}

TEST_F(BeforeFile, ThatIsDamagedPutsNothingBack) {
  leave_dead();
  recovered(before_);
  const auto whole = bytes();
  auto saved = support::read_text(before_);
  saved[saved.size() / 2] ^= 1;
  support::write_text(before_, saved);
  EXPECT_ANY_THROW(put_it_back());
  EXPECT_EQ(bytes(), whole);
  support::write_text(before_, "mth5 before 1\n and so on, of which file it does not tell ................");
  EXPECT_THAT([&] { put_it_back(); }, ThrowsMessage<mth5::FormatError>(HasSubstr("older mth5-recover")));
}

TEST_F(FileTest, ARehearsalChangesNothing) {
  leave_dead();
  EXPECT_THROW((void)JournaledFile::rehearse(fd_, path_), mth5::StateError);
  recovered();
  write_at(kStart + 11, "\0", 1);  // HDF5's flags of a file that was closed
  const auto whole = bytes();
  {
    JournaledFile store = JournaledFile::rehearse(fd_, path_);
    store.write(kStart + 100, std::string_view{"rehearsed"}, false);
    store.write(kStart + 1007, std::string_view{"more samples"}, true);
    EXPECT_TRUE(store.commit(true, 9));
    store.write_new(kStart + 1019, std::string_view{"and more"});
    store.fill_ahead(kStart + 1027, 100);
    std::string seen(20, '?');
    store.read(kStart + 1007, seen.data(), seen.size());
    EXPECT_EQ(seen, "more samplesand more");
    store.close();
  }
  EXPECT_EQ(bytes(), whole);
}

}  // namespace
