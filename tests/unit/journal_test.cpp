#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "core/durable.hpp"
#include "mth5/error.hpp"
#include "support/support.hpp"
#include "vfd/journaled_file.hpp"

/// The journal by itself, without HDF5: what goes where, and what a recovery makes of it. doc/journal.md
namespace {

using mth5::vfd::DirectRanges;
using mth5::vfd::Journal;
using mth5::vfd::JournaledFile;
using mth5::vfd::kLeastUserBlock;
using mth5::vfd::RangeSet;
using mth5::vfd::RedoRanges;
using mth5::vfd::Replay;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::uint64_t kStart = kLeastUserBlock;  ///< of the HDF5 part

std::string text(const RedoRanges& changes) {
  std::string out;
  for (const auto& [at, contents] : changes.ranges())
    out += std::to_string(at) + ":" + std::string(contents.bytes.begin(), contents.bytes.end()) + " ";
  return out;
}

TEST(RedoRanges, LaterContentsReplaceEarlierOnes) {
  RedoRanges changes;
  changes.put(10, std::string_view{"aaaaaa"});
  changes.put(20, std::string_view{"bb"});
  changes.put(12, std::string_view{"cc"});
  EXPECT_EQ(text(changes), "10:aa 12:cc 14:aa 20:bb ");
  changes.put(10, std::string_view{"dd"});
  changes.put(13, std::string_view{"eeeeeeee"});
  EXPECT_EQ(text(changes), "10:dd 12:c 13:eeeeeeee 21:b ");
  changes.cut(15);
  EXPECT_EQ(text(changes), "10:dd 12:c 13:ee ");
}

TEST(RedoRanges, RememberTheOrderInWhichTheyWereWritten) {
  RedoRanges changes;
  changes.put(10, std::string_view{"aaaa"});
  changes.put(30, std::string_view{"bb"});
  changes.put(20, std::string_view{"cc"});
  changes.put(11, std::string_view{"d"});
  changes.put(30, std::string_view{"e"});
  std::vector<std::uint64_t> order;
  for (const auto* range : changes.as_written()) order.push_back(range->first);
  EXPECT_THAT(order, testing::ElementsAre(10, 12, 20, 11, 30));
}

TEST(RangeSet, JoinsNeighbours) {
  RedoRanges changes;
  changes.put(10, std::string_view{"aaaa"});
  changes.put(14, std::string_view{"bb"});
  changes.put(20, std::string_view{"c"});
  RangeSet covered;
  covered.assign(changes);
  EXPECT_TRUE(covered.contains(11, 16));
  EXPECT_TRUE(covered.contains(20, 21));
  EXPECT_FALSE(covered.contains(9, 11));
  EXPECT_FALSE(covered.contains(15, 17));
  EXPECT_FALSE(covered.contains(30, 31));
}

std::string text(DirectRanges& extents) {
  std::string out;
  extents.each([](std::uint64_t, std::uint64_t) { return std::uint64_t{0}; },
               [&](std::uint64_t at, std::uint64_t size, std::uint64_t hash) {
                 out += std::to_string(at) + "+" + std::to_string(size) + ":" + (hash == 0 ? "read" : std::to_string(hash)) + " ";
               });
  return out;
}

std::string hash(std::string_view bytes) { return std::to_string(mth5::vfd::hash_of(bytes.data(), bytes.size())); }

TEST(DirectRanges, GoOnWhereOneEndedAndForgetWhatIsCutOut) {
  DirectRanges extents;
  extents.add(100, std::string_view{"abc"}, true);
  extents.add(103, std::string_view{"def"}, true);
  extents.add(106, std::string_view{"meta"}, false);
  EXPECT_EQ(text(extents), "100+6:" + hash("abcdef") + " 106+4:" + hash("meta") + " ");
  extents.carve(102, 104);
  EXPECT_EQ(text(extents), "100+2:read 104+2:read 106+4:" + hash("meta") + " ");
  extents.add(100, std::string_view{"xyz"}, false);  // written again: a new hash for it
  EXPECT_EQ(text(extents), "100+3:" + hash("xyz") + " 104+2:read 106+4:" + hash("meta") + " ");
  extents.add(105, std::string_view{"12"}, true);
  EXPECT_EQ(text(extents), "100+3:" + hash("xyz") + " 104+1:read 105+2:" + hash("12") + " 107+3:read ");
}

class StoreTest : public testing::Test {
 protected:
  StoreTest() : fd_{open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644)} {}
  ~StoreTest() override { close(fd_); }

  [[nodiscard]] std::string in_file(std::uint64_t at, std::size_t size) const {
    std::string bytes(size, '?');
    mth5::core::read_all(fd_, bytes.data(), size, at, path_);
    return bytes;
  }
  [[nodiscard]] std::string through(const JournaledFile& store, std::uint64_t at, std::size_t size) const {
    std::string bytes(size, '?');
    store.read(at, bytes.data(), size);
    return bytes;
  }
  void damage(std::uint64_t at, std::string_view bytes) const {
    mth5::core::write_all(fd_, bytes.data(), bytes.size(), at, path_);
  }
  /// 100 bytes 'a', committed.
  [[nodiscard]] JournaledFile started() const {
    JournaledFile store = JournaledFile::create(fd_, path_, kLeastUserBlock);
    store.write(kStart, std::string(100, 'a'), false);
    store.commit(true, 0);
    return store;
  }
  JournaledFile reopened() {
    replay_ = {};
    return JournaledFile::open(fd_, path_, replay_);
  }

  support::TempDir dir_;
  std::filesystem::path path_ = dir_ / "file";
  int fd_;
  Replay replay_;
};

TEST_F(StoreTest, HoldsBackWhatChangesSeenBytes) {
  JournaledFile store = started();
  store.write(kStart + 50, std::string_view{"bb"}, false);
  store.write(kStart + 99, std::string_view{"cd"}, false);  // half of it is new
  EXPECT_EQ(in_file(kStart + 49, 4), "aaaa");
  EXPECT_EQ(in_file(kStart + 99, 2), "ad");
  EXPECT_EQ(through(store, kStart + 49, 4), "abba");
  EXPECT_TRUE(store.commit(true, 7));
  EXPECT_EQ(in_file(kStart + 49, 4), "abba");
  EXPECT_EQ(in_file(kStart + 99, 2), "cd");
}

TEST_F(StoreTest, ComesBackToTheDurableCommitWhenTheNewerOneIsNotWhole) {
  JournaledFile store = started();
  store.write(kStart + 30, std::string_view{"durable"}, false);
  EXPECT_TRUE(store.commit(true, 1));
  store.write(kStart + 30, std::string_view{"visible"}, false);
  store.write(kStart + 100, std::string_view{"samples"}, true);
  EXPECT_FALSE(store.commit(false, 2));
  store.abandon();
  damage(kStart + 103, "XX");  // these never reached the medium
  (void)reopened();
  EXPECT_EQ(in_file(kStart + 30, 7), "durable");
  EXPECT_FALSE(replay_.clean);
  EXPECT_EQ(replay_.samples, 1);
  EXPECT_EQ(replay_.lost_samples, 1);
  EXPECT_EQ(replay_.cut_bytes, 7u);
  EXPECT_EQ(mth5::core::size_of(fd_, path_), kStart + 100);
}

TEST_F(StoreTest, ComesBackToTheVisibleCommitWhenItIsThere) {
  JournaledFile store = started();
  store.write(kStart + 30, std::string_view{"durable"}, false);
  store.commit(true, 1);
  store.write(kStart + 30, std::string_view{"visible"}, false);
  store.write(kStart + 100, std::string_view{"samples"}, true);
  store.commit(false, 2);
  store.write(kStart + 30, std::string_view{"nothing"}, false);  // staged only
  store.abandon();
  damage(kStart + 32, "torn");
  (void)reopened();
  EXPECT_EQ(in_file(kStart + 30, 7), "visible");
  EXPECT_EQ(in_file(kStart + 100, 7), "samples");
  EXPECT_EQ(replay_.samples, 2);
}

TEST_F(StoreTest, SyncsWhatTheBaseCouldNotUndo) {
  JournaledFile store = started();
  store.write(kStart + 30, std::string_view{"one"}, false);
  store.commit(true, 0);
  store.write(kStart + 30, std::string_view{"two"}, false);
  EXPECT_FALSE(store.commit(false, 0));
  store.write(kStart + 32, std::string_view{"two"}, false);  // two bytes more than the base has
  EXPECT_TRUE(store.commit(false, 0));
  store.write(kStart + 31, std::string_view{"4444"}, false);  // and now it has them
  EXPECT_FALSE(store.commit(false, 0));
}

/// Of commits that were only visible each is a frame behind the last durable one: those that reached the medium count.
TEST_F(StoreTest, ComesBackToTheLastVisibleCommitThatIsThere) {
  JournaledFile store = started();
  store.write(kStart + 30, std::string_view{"durable"}, false);
  store.commit(true, 1);
  for (int i = 0; i < 3; ++i) {
    store.write(kStart + 30, "visibl" + std::to_string(i), false);
    store.write(kStart + 100 + 7 * static_cast<std::uint64_t>(i), "sample" + std::to_string(i), true);
    EXPECT_FALSE(store.commit(false, 2 + i));
  }
  store.abandon();
  damage(kStart + 30, "torn...");
  damage(kStart + 116, "XX");  // of the last one
  (void)reopened();
  EXPECT_EQ(in_file(kStart + 30, 7), "visibl1");
  EXPECT_EQ(in_file(kStart + 100, 14), "sample0sample1");
  EXPECT_EQ(replay_.samples, 3);
  EXPECT_EQ(replay_.lost_samples, 1);
  EXPECT_EQ(replay_.cut_bytes, 7u);
}

/// A frame holds what its commit changed, not what others did since the base.
TEST_F(StoreTest, WritesOnlyWhatIsNewIntoTheJournal) {
  JournaledFile store = started();
  for (std::uint64_t i = 0; i < 10; ++i) store.write(kStart + 10 * i, std::string_view{"aaaaaaaaaa"}, false);
  store.commit(true, 1);
  store.write(kStart + 50, std::string_view{"b"}, false);
  store.write(kStart + 100, std::string_view{"cc"}, true);
  store.commit(false, 2);
  store.write(kStart + 51, std::string_view{"d"}, false);
  store.write(kStart + 102, std::string_view{"ee"}, true);
  store.commit(false, 3);
  const auto journal = Journal::find(fd_, path_).value();
  const auto chains = [&] {
    std::vector<std::vector<mth5::vfd::Record>> all;
    for (unsigned slot = 0; slot < mth5::vfd::kSlots; ++slot)
      if (auto chain = journal.read_chain(slot); chain.size() > 1) all.push_back(std::move(chain));
    return all;
  }();
  ASSERT_EQ(chains.size(), 1u);
  const auto& last = chains[0].back();
  EXPECT_EQ(last.head.samples, 3);
  EXPECT_EQ(text(last.changed), std::to_string(kStart + 51) + ":d ");
  ASSERT_EQ(last.direct.size(), 1u) << "the samples that go on from those of the commit before, with a hash of both";
  EXPECT_EQ(last.direct[0].at, kStart + 100);
  EXPECT_EQ(last.direct[0].size, 4u);
  // A sync has covered the durable one: the page that it ends in is not written again.
  for (std::size_t i = 0; i + 1 < chains[0].size(); ++i)
    EXPECT_TRUE(chains[0][i].head.durable == 0 || chains[0][i].next_at % mth5::vfd::kPage == 0) << i;
  store.abandon();
  (void)reopened();
  EXPECT_EQ(in_file(kStart + 49, 4), "abda");
  EXPECT_EQ(in_file(kStart + 100, 4), "ccee");
}

/// When a slot is full another begins with all since the base and what has been changed before: no commit needs a sync for that.
TEST_F(StoreTest, GoesOnInAnotherSlotWithoutASync) {
  JournaledFile store = JournaledFile::create(fd_, path_, kLeastUserBlock);
  const std::size_t size = 20'000;
  store.write(kStart, std::string(size, 'a'), false);
  store.commit(true, 0);
  const std::uint64_t at = kStart + 100;
  store.write(at, std::string(size - 100, 'b'), false);
  store.commit(true, 0);
  for (int i = 0; i < 100; ++i) {
    store.write(at, std::string(size - 100, static_cast<char>('c' + i % 20)), false);
    ASSERT_FALSE(store.commit(false, i)) << i;
  }
  store.commit(true, 100);  // a base in a slot of later
  store.write(at + 5, std::string_view{"end"}, false);
  EXPECT_FALSE(store.commit(false, 101));
  store.abandon();
  damage(at, std::string(size - 100, '?'));
  (void)reopened();
  EXPECT_EQ(in_file(at, 10), "vvvvvendvv");
  EXPECT_EQ(in_file(kStart + size - 1, 1), "v");
  EXPECT_EQ(replay_.samples, 101);
}

/// HDF5 gives space back and uses it for samples: what the journal still has of what was there before is not put over them.
TEST_F(StoreTest, PutsNothingOldOverSamplesInSpaceThatIsUsedAgain) {
  JournaledFile store = started();
  store.write(kStart + 50, std::string_view{"old index"}, false);
  store.write(kStart + 10, std::string_view{"n=0"}, false);
  store.commit(true, 0);
  store.write_new(kStart + 50, std::string_view{"samples"});
  store.write(kStart + 10, std::string_view{"n=7"}, false);
  EXPECT_FALSE(store.commit(false, 7));
  store.abandon();
  (void)reopened();
  EXPECT_EQ(replay_.samples, 7);
  EXPECT_EQ(in_file(kStart + 10, 3), "n=7");
  EXPECT_EQ(in_file(kStart + 50, 7), "samples");
}

/// As may be left of another use of the slot, or of a file that is put together by somebody: whole, and not what follows.
TEST_F(StoreTest, TakesNoFrameThatDoesNotFollow) {
  JournaledFile store = started();
  store.write(kStart + 30, std::string_view{"durable"}, false);
  store.commit(true, 1);
  store.write(kStart + 30, std::string_view{"first.."}, false);
  store.commit(false, 2);
  const auto journal = Journal::find(fd_, path_).value();
  unsigned slot = 0;
  while (journal.read_chain(slot).size() < 2) ASSERT_LT(++slot, mth5::vfd::kSlots);
  const auto chain = journal.read_chain(slot);
  const std::uint64_t last_at = journal.slot_at(slot) + chain[chain.size() - 2].next_at;
  const auto old = in_file(last_at, chain.back().next_at - chain[chain.size() - 2].next_at);
  store.write(kStart + 30, std::string_view{"second."}, false);
  store.commit(false, 3);
  store.abandon();
  damage(journal.slot_at(slot) + chain.back().next_at, old);  // the first again, in the place of the second
  (void)reopened();
  EXPECT_EQ(replay_.samples, 2);
  EXPECT_EQ(in_file(kStart + 30, 7), "first..");
}

TEST_F(StoreTest, FillsAheadOnlyWhereEachCommitIsSynced) {
  JournaledFile store = started();
  store.fill_ahead(kStart + 200, 100);
  EXPECT_EQ(mth5::core::size_of(fd_, path_), kStart + 100);
  for (int i = 0; i < 2; ++i) {
    store.write(kStart + 10, std::to_string(i), false);
    store.commit(true, i);
  }
  store.fill_ahead(kStart + 200, 100);
  EXPECT_EQ(mth5::core::size_of(fd_, path_), kStart + 300);
}

TEST_F(StoreTest, PutsARecordWithoutRoomBehindTheEnd) {
  JournaledFile store = started();
  store.write(kStart, std::string(600'000, 'b'), false);
  store.commit(true, 0);
  const std::string large(500'000, 'c');
  store.write(kStart, large, false);
  EXPECT_TRUE(store.commit(false, 3));
  EXPECT_EQ(in_file(kStart, large.size()), large);
  EXPECT_EQ(mth5::core::size_of(fd_, path_), kStart + 600'000);
  store.write(kStart + 1, std::string_view{"d"}, false);
  store.commit(true, 4);
  store.abandon();
  (void)reopened();
  EXPECT_EQ(in_file(kStart, 3), "cdc");
}

TEST_F(StoreTest, LeavesAClosedFileAlone) {
  JournaledFile store = started();
  store.write(kStart + 10, std::string_view{"mine"}, false);
  store.commit(true, 0);
  store.close();
  damage(kStart + 10, "another program's");
  damage(kStart + 100, "and longer");
  EXPECT_TRUE(Journal::find(fd_, path_)->is_clean());
  JournaledFile again = reopened();
  EXPECT_TRUE(replay_.clean);
  EXPECT_EQ(in_file(kStart + 10, 17), "another program's");
  again.write(kStart, std::string_view{"x"}, false);
  again.commit(true, 0);
  again.abandon();
  EXPECT_FALSE(Journal::find(fd_, path_)->is_clean());
  (void)reopened();
  EXPECT_EQ(in_file(kStart + 10, 17), "another program's");
  EXPECT_EQ(in_file(kStart + 100, 10), "and longer");
}

TEST_F(StoreTest, RefusesWhatAnotherProgramMarkedAsClosed) {
  JournaledFile store = started();
  const auto live = std::string(1, '\5');
  store.write(kStart + 11, live, false);
  store.commit(true, 0);
  store.write(kStart + 50, std::string_view{"x"}, false);
  store.commit(true, 0);
  store.abandon();
  damage(kStart + 11, std::string_view{"\0", 1});
  EXPECT_THAT([&] { (void)reopened(); }, ThrowsMessage<mth5::FormatError>(HasSubstr("marked it as closed before its journal")));
  EXPECT_EQ(in_file(kStart + 11, 1), std::string_view("\0", 1));
}

TEST_F(StoreTest, WritesNothingAfterAFailure) {
  JournaledFile store = started();
  store.write(kStart + 10, std::string_view{"one"}, false);
  store.keep_failure("the disk is gone");
  EXPECT_THAT([&] { store.commit(true, 0); }, ThrowsMessage<mth5::FileError>("the disk is gone"));
  store.write(kStart + 200, std::string_view{"two"}, false);
  EXPECT_EQ(in_file(kStart + 10, 3), "aaa");
  EXPECT_EQ(mth5::core::size_of(fd_, path_), kStart + 100);
}

}  // namespace
